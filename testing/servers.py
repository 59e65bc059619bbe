"""Real servers of our own: on loopback and a free port, in a temporary folder, gone afterwards."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest
from pymysql.constants import CLIENT

from testing import ROOT
from testing.lanes import wants_process

SCHEMA = ROOT / "schema.sql"

PUSH_USER, PUSH_PASSWORD = "netsky", "correct horse"
_PUSH_PASSWORD_BCRYPT = "$2b$04$netskynetskynetskynetuFEPjJ8ebkGSavc.owZBWgsXtgUKwM2m"

_SECONDS_TO_START = 60
_SECONDS_TO_STOP = 20


def program(name: str) -> str:
    """Where a program is. A missing one fails the test: nothing is skipped for want of a server."""
    wants_process()
    path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    assert path, f"no {name} here: `make test` installs it"
    return path


@contextmanager
def tcp_server(converse: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A server that does `converse` with each connection, until the event; yields its port."""
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    converse(connection, ended)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            ended.set()
            thread.join()


def free_port() -> int:
    [port] = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """As many different ones."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(count)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [int(listener.getsockname()[1]) for listener in listeners]


def wait_until(ready: Callable[[], object], *, what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def start_server(
    command: list[str], *, ready: Callable[[], bool], log: Path
) -> subprocess.Popen[bytes]:
    """Start a server; returns when it is ready."""
    # Should the tests themselves be killed, their servers go with them.
    wrapped = [program("setpriv"), "--pdeathsig=KILL", *command]
    with log.open("ab") as output:
        process = subprocess.Popen(
            wrapped, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        wait_until(
            lambda: process.poll() is not None or ready(),
            what=f"{command[0]} ready",
            seconds=_SECONDS_TO_START,
        )
        assert process.poll() is None, f"{command[0]} ended: {log.read_text()}"
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process


def stop_server(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def running(command: list[str], *, ready: Callable[[], bool], log: Path) -> Iterator[None]:
    """Run a server while the block runs, from the moment it is ready."""
    process = start_server(command, ready=ready, log=log)
    try:
        yield
    finally:
        stop_server(process)


def accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


_COMMON = ("--bind-address=127.0.0.1", "--skip-name-resolve")
_SMALL = ("--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M", "--performance-schema=OFF")
AS_IT_COMES = (*_COMMON, "--innodb-buffer-pool-load-at-startup=OFF")
# What a COMMIT has acknowledged is on the disk.
DURABLE = (
    *_COMMON,
    *_SMALL,
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-flush-method=fsync",
)
QUICK = (
    *_COMMON,
    *_SMALL,
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--skip-sync-frm",
)


MEMORY = Path("/dev/shm")
_ROOM = 1 << 30  # for the servers of all workers; a container may have 64 MB


def has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= _ROOM


@dataclass
class MariaDB:
    """A server, which can be stopped or killed and started again on its port; root has no password."""

    port: int
    folder: Path
    options: tuple[str, ...]
    _process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    @property
    def files(self) -> list[str]:
        """Options that say where its files are: another server would delete those in /tmp."""
        files = ["--no-defaults", f"--datadir={self.folder}/data", f"--tmpdir={self.folder}"]
        return [*files, "--user=root"] if os.geteuid() == 0 else files

    def install(self) -> None:
        command = [program("mariadb-install-db"), *self.files, "--skip-test-db"]
        command += ["--skip-name-resolve", "--auth-root-authentication-method=normal"]
        command += [option for option in self.options if "log-file-size" in option]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def command(self) -> list[str]:
        command = [program("mariadbd"), *self.files, *self.options, f"--port={self.port}"]
        return [*command, f"--socket={self.socket}", f"--pid-file={self.folder}/pid"]

    def start(self, *more: str) -> None:
        """Returns when it answers; the recovery from a crash is done by then."""
        self._process = start_server(
            [*self.command, *more],
            ready=lambda: accepts_connections(self.port) and self._has_socket(),
            log=self.folder / "log",
        )

    def _has_socket(self) -> bool:
        """It listens there a moment after its port."""
        with socket.socket(socket.AF_UNIX) as asking:
            return asking.connect_ex(str(self.socket)) == 0

    def stop(self) -> None:
        if self._process:
            stop_server(self._process)

    def kill(self) -> None:
        """With SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def url(self, database: str, *, user: str = "root", password: str | None = None) -> str:
        secret = "" if password is None else f":{password}"
        return f"mysql+pymysql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def execute(self, sql: str) -> list[tuple[object, ...]]:
        """Run one or more statements, over the socket; the rows of the last one."""
        # Over a socket; to read the host's certificates for TLS takes longer than most statements.
        connection = pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            client_flag=CLIENT.MULTI_STATEMENTS,
            ssl_disabled=True,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
            while cursor.nextset():
                pass
            connection.commit()
            return list(cursor.fetchall())


@contextmanager
def run_mariadb(options: tuple[str, ...] = QUICK) -> Iterator[MariaDB]:
    """A server with new data: those of a quick one are in memory where there is room."""
    in_memory = options == QUICK and has_room(MEMORY)
    # Not below pytest's folder: the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(
        prefix="netsky-mariadb-", dir=MEMORY if in_memory else None
    ) as folder:
        server = MariaDB(free_port(), Path(folder), options)
        server.install()
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def run_pushgateway(folder: Path, *, with_password: bool = False) -> Iterator[str]:
    """A Pushgateway that keeps nothing on disk; its URL. `with_password`: for PUSH_USER only."""
    port = free_port()
    command = [program("prometheus-pushgateway"), f"--web.listen-address=127.0.0.1:{port}"]
    command += ["--persistence.file="]
    if with_password:
        users = folder / "web.yml"
        users.write_text(f"basic_auth_users:\n  {PUSH_USER}: {_PUSH_PASSWORD_BCRYPT}\n")
        command += [f"--web.config.file={users}"]
    with running(command, ready=lambda: accepts_connections(port), log=folder / "log"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    with run_mariadb() as server:
        yield server


@pytest.fixture
def mariadb_with_schema(mariadb: MariaDB) -> Iterator[MariaDB]:
    mariadb.execute(SCHEMA.read_text(encoding="utf-8"))
    yield mariadb
    for isp in ("cu", "cm", "ct"):
        mariadb.execute(f"DROP DATABASE netsky_{isp}")


@pytest.fixture(scope="session")
def pushgateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running Pushgateway; each test uses its own egress name as a group."""
    with run_pushgateway(tmp_path_factory.mktemp("pushgateway")) as url:
        yield url


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where connections are taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Who would wait for ever is cut off, so that the test fails instead of hanging.
        end = threading.Timer(20, listener.close)
        end.start()
        yield int(listener.getsockname()[1])
        end.cancel()
