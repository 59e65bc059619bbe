"""Passwords, addresses and figures are seen by those only who may see them."""

import ast
import base64
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from testing import ROOT
from testing.commands import run_command
from testing.faults.three_tools import (
    ALERT,
    AVERAGE,
    PROBE,
    TOOLS,
    command_of,
    error_of,
    fill_database,
    keep_a_sweep,
    make_site,
    run,
)
from testing.http import http_recorder
from testing.samples import write_library
from testing.servers import free_port, tcp_server

DATABASE_PASSWORD = "Geheim@4711/x"
IN_URL = "Geheim%404711%2Fx"
PUSH_PASSWORD = "Losung:0815"
# However it may be written: as it is, in a URL, in the header of basic authentication.
SECRETS = [
    DATABASE_PASSWORD,
    IN_URL,
    "Geheim",
    PUSH_PASSWORD,
    "Losung",
    base64.b64encode(f"netsky:{PUSH_PASSWORD}".encode()).decode(),
]


@pytest.fixture
def site(tmp_path):
    """With a password for the Pushgateway in a file of its own, beside the folder of the runs."""
    (tmp_path / "push-password").write_text(f"{PUSH_PASSWORD}\n")
    (tmp_path / "work").mkdir()
    return make_site(tmp_path / "work")


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def files_with_secrets(folder: Path) -> list[Path]:
    return [
        file
        for file in folder.rglob("*")
        if file.is_file() and secrets_in(file.read_bytes().decode("latin-1"))
    ]


# Databases, good and bad: what they are is the port to connect to, the rest is the same.


@contextmanager
def good(request):
    mariadb = request.getfixturevalue("mariadb_with_schema")
    mariadb.execute(
        f"CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY '{DATABASE_PASSWORD}';"
        "GRANT ALL ON netsky_cu.* TO netsky@'127.0.0.1'"
    )
    fill_database(mariadb.url("netsky_cu"))
    yield mariadb.port


@contextmanager
def wrong_password(request):
    mariadb = request.getfixturevalue("mariadb")
    mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'another'")
    yield mariadb.port


@contextmanager
def refused(_request):
    yield free_port()


def answering(greeting):
    """A server that says that to whoever connects, and hangs up."""

    def converse(connection, _ended):
        connection.sendall(greeting)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    return tcp_server(converse)


def reset(_request):
    return answering(b"")


def nonsense(_request):
    return answering(b"SSH-2.0-OpenSSH_9.2\r\n" * 20)


# Where the password stands: in netsky.toml, in the environment, in an option file.


def in_settings(site, port):
    url = f"mysql://netsky:{IN_URL}@127.0.0.1:{port}/netsky_{{isp}}"
    (site.parent / "netsky.toml").write_text(f'database = "{url}"\n')
    return {"NETSKY_CONFIG": "../netsky.toml"}


def in_environment(_site, port):
    return {"NETSKY_DATABASE": f"mysql://netsky:{IN_URL}@127.0.0.1:{port}/netsky_{{isp}}"}


def in_option_file(site, port):
    file = site.parent / "my.cnf"
    file.write_text(f"[client]\nuser = netsky\npassword = {DATABASE_PASSWORD}\n")
    return {"NETSKY_DATABASE": f"mysql://127.0.0.1:{port}/netsky_cu?read_default_file={file}"}


PLACES = (in_settings, in_environment, in_option_file)
SERVERS = (good, wrong_password, refused, reset, nonsense)


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.__name__)
@pytest.mark.parametrize("tool", TOOLS)
def test_no_password_in_any_output(site, request, server, tool):
    # Each tool with each server; over them all each place comes up with each server, too.
    place = PLACES[(SERVERS.index(server) + TOOLS.index(tool)) % len(PLACES)]
    pushed_well = server is good
    with (
        server(request) as port,
        http_recorder(202 if pushed_well else 401) as (url, requests),
    ):
        push = ("--push-user=netsky", "--push-password-file=../push-password")
        options = (f"--pushgateway={url}", "--textfile=netsky.prom", "--database-timeout=2")
        done = run(site, tool, *push, *options, "-vv", **place(site, port))
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if server is good else 3 if tool == PROBE else 1), done.stderr
    recorded = "".join(f"{request.path}\n{request.body}" for request in requests)
    assert secrets_in(done.stdout + done.stderr + recorded) == []
    assert files_with_secrets(site) == []
    if server is good or tool == PROBE:
        [sent] = [request.headers["Authorization"] for request in requests]
        assert sent == f"Basic {SECRETS[-1]}", "the password was sent, so it was there to leak"
        assert len(recorded) > 1000
    if server is not good:
        assert "netsky_cu: " in done.stderr, "the database is named"


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://netsky:{IN_URL}@127.0.0.1:port/netsky_cu",
        f"mysql://netsky:{IN_URL}@[::1/netsky_cu",
        f"mysql://netsky@127.0.0.1/netsky_cu?password={IN_URL}",
    ],
)
def test_no_password_of_a_url_that_is_refused(site, url):
    done = run(site, ALERT, "-vv", NETSKY_DATABASE=url)
    assert done.returncode == 2
    assert secrets_in(done.stdout + done.stderr) == []


@pytest.mark.parametrize(
    ("tool", "place"), [(PROBE, "settings"), (AVERAGE, "environment"), (ALERT, "token")]
)
def test_no_password_for_metrics_in_any_output(site, tool, place):
    fill_database(f"sqlite:///{site}/netsky_cu.db")
    with http_recorder(401) as (server, requests):
        url = server.replace("//", f"//netsky:{IN_URL}@")
        settings = f'metrics_url = "{url if place == "settings" else server}"\n'
        if place == "token":
            settings += 'metrics_token_file = "../push-password"\n'
        (site.parent / "netsky.toml").write_text(settings)
        given = {"NETSKY_METRICS_URL": url} if place == "environment" else {}
        done = run(site, tool, "-vv", NETSKY_CONFIG="../netsky.toml", **given)
    assert done.returncode == 3, done.stderr
    assert f"metrics_url {server}/api/v1/import/prometheus: answers 401" in done.stderr
    assert secrets_in(done.stdout + done.stderr) == []
    assert files_with_secrets(site) == []
    [sent] = [request.headers["Authorization"] for request in requests]
    written = base64.b64encode(f"netsky:{DATABASE_PASSWORD}".encode()).decode()
    assert sent == (f"Bearer {PUSH_PASSWORD}" if place == "token" else f"Basic {written}")


def test_a_password_for_metrics_is_refused_on_the_command_line(site):
    done = run(site, PROBE, f"--metrics-url=http://netsky:{IN_URL}@127.0.0.1:{free_port()}")
    assert done.returncode == 2
    assert "no password on the command line" in done.stderr
    assert secrets_in(done.stdout + done.stderr) == []


def test_no_password_of_an_option_file_that_makes_no_sense(site):
    file = site.parent / "my.cnf"
    file.write_text(f"password = {DATABASE_PASSWORD}\n")
    url = f"mysql://127.0.0.1:{free_port()}/netsky_cu?read_default_file={file}"
    done = run(site, ALERT, "-vv", NETSKY_DATABASE=url)
    assert "it needs a line [client]" in error_of_verbose(done, 1)
    assert secrets_in(done.stdout + done.stderr) == []


def error_of_verbose(done, code):
    assert done.returncode == code
    [error] = [line for line in done.stderr.splitlines() if " ERROR " in line]
    return error


# The process list


def processes_of(parent):
    """Command line and environment of the process and of its children, now."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            its_parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent in (int(folder.name), its_parent):
                read = [(folder / name).read_bytes().decode() for name in ("cmdline", "environ")]
                found.append([text.split("\0")[:-1] for text in read])
    return found


def test_neither_passwords_nor_addresses_are_in_the_process_list(tmp_path):
    write_library(tmp_path / "library", isp="cu", targets=40)
    url = f"mysql://netsky:{IN_URL}@127.0.0.1:{free_port()}/netsky_cu"
    environment = {**os.environ, "NETSKY_DATABASE": url, "OTHER_TOKEN": DATABASE_PASSWORD}
    command = command_of(PROBE, "--engine=fping", "--window=1.5")
    seen = []
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while process.poll() is None:
            seen += processes_of(process.pid)
            time.sleep(0.05)
        assert process.returncode == 3, process.stderr.read()
        assert b"received=1240" in process.stdout.read()
    arguments = {" ".join(arguments) for arguments, _ in seen}
    assert not any(map(secrets_in, arguments))
    fping = [(arguments, names) for arguments, names in seen if Path(arguments[0]).name == "fping"]
    assert len(fping) >= 31
    for arguments, variables in fping:
        # 127.0.0.1 is what the engine pings to see whether fping works; it is no target.
        assert not any(a.startswith("127.") and a != "127.0.0.1" for a in arguments)
        assert {variable.partition("=")[0] for variable in variables} <= {"PATH"}


# The modes of files


@pytest.mark.parametrize(("options", "mode"), [((), 0o600), (("--group-readable",), 0o640)])
def test_files_of_the_probe_are_private_whatever_the_umask(site, options, mode):
    file = keep_a_sweep(site)
    file.write_bytes(b"damaged")
    file.chmod(mode)
    command = ["sh", "-c", 'umask 000; exec "$@"', "sh", *command_of(PROBE, *options)]
    assert run_command(site, command).returncode == 0
    made = [site / "netsky_cu.db", *(site / "spool").iterdir()]
    assert len(made) == 3  # the database, the spool, and the one set aside
    assert {oct(file.stat().st_mode & 0o777) for file in made} == {oct(mode)}
    assert (site / "netsky_probe.default.cu.lock").stat().st_mode & 0o777 == 0o600


IN_TRANSACTION = """
import os, sys
from pathlib import Path
from netsky.store.connection import fill_url
from netsky.store.database import Database
os.umask(0)
database = Database(fill_url("sqlite:///x.db", "cu", "default"), timeout=5, mode=int(sys.argv[1]))
with database.connector.transaction(create=True):
    print(sorted((file.name, file.stat().st_mode & 0o777) for file in Path().glob("x.db*")))
"""


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_the_files_beside_a_file_of_sqlite_are_as_private(tmp_path, mode):
    done = run_command(tmp_path, [sys.executable, "-c", IN_TRANSACTION, str(mode)])
    names = ["x.db", "x.db-shm", "x.db-wal"]
    assert done.stdout == f"{[(name, mode) for name in names]}\n", done.stderr


@pytest.mark.parametrize("tool", [AVERAGE, ALERT])
def test_the_other_tools_make_no_database(site, tool):
    assert "no such file" in error_of(run(site, tool), 1)
    assert not list(site.glob("*.db*"))


# No shell

NAMES = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}
SHELLS = {f"{module}.{name}" for module in ("os", "subprocess", "asyncio") for name in NAMES}
SOURCES = [*(ROOT / "lib").rglob("*.py"), *ROOT.glob("netsky_*.py")]


def test_no_program_is_run_through_a_shell():
    assert len(SOURCES) > 30
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            where = f"{file}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                called = f"{node.value.id}.{node.attr}"
                assert not called.startswith(("os.spawn", "os.posix_spawn", "os.exec")), where
                assert called not in SHELLS, where
            if isinstance(node, ast.alias):
                assert node.name not in NAMES | {"pty"}, where
            if isinstance(node, ast.keyword):
                assert node.arg != "shell", where
