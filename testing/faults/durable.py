"""A MariaDB that keeps what it has acknowledged, to be killed and started again on its port."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from testing.servers import MariaDB, accepts_connections, free_port, program, wait_until

_SECONDS_TO_START = 60


@dataclass(frozen=True)
class DurableMariaDB(MariaDB):
    command: list[str]
    log: Path
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Returns when it answers; crash recovery is done by then."""
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self._processes.append(process)
        wait_until(
            lambda: process.poll() is not None or accepts_connections(self.port),
            what="MariaDB ready",
            seconds=_SECONDS_TO_START,
        )
        assert process.poll() is None, f"MariaDB ended: {self.log.read_text()}"

    def kill(self) -> None:
        """With SIGKILL."""
        for process in self._processes:
            process.kill()
            process.wait()
        self._processes.clear()


@contextmanager
def run_durable_mariadb() -> Iterator[DurableMariaDB]:
    # Not below pytest's folder: the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="netsky-durable-") as name:
        folder, port = Path(name), free_port()
        common = ["--no-defaults", f"--datadir={folder}/data"]
        if os.geteuid() == 0:
            common.append("--user=root")
        install = [program("mariadb-install-db"), *common, "--skip-test-db", "--skip-name-resolve"]
        install += ["--auth-root-authentication-method=normal", "--innodb-log-file-size=4M"]
        done = subprocess.run(install, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        # Should the tests themselves be killed, the server goes with them.
        command = [program("setpriv"), "--pdeathsig=KILL", program("mariadbd"), *common]
        command += [f"--socket={folder}/socket", f"--port={port}", f"--pid-file={folder}/pid"]
        command += ["--bind-address=127.0.0.1", "--skip-name-resolve", "--performance-schema=OFF"]
        command += ["--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M"]
        # What a COMMIT has acknowledged is on the disk.
        command += ["--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=fsync"]
        server = DurableMariaDB(port, folder / "socket", command=command, log=folder / "log")
        try:
            server.start()
            yield server
        finally:
            server.kill()
