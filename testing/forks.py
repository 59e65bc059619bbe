"""Tools as processes of their own that need no start of Python: forked from one that has loaded them."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from multiprocessing.connection import wait
from pathlib import Path

from testing.lanes import wants_process

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["netsky_probe", "netsky.cli.probe_runs", "netsky.store.mysql_connection"]
)
# To start one also looks at how others have ended, which only one thread may read.
_one_looks = threading.Lock()


class Forked:
    """A tool under way, as subprocess.Popen would have it; `output` and `log` are files to write to."""

    def __init__(
        self, tool: str, arguments: Sequence[str], folder: Path, *, output: Path, log: Path
    ) -> None:
        wants_process()
        self._process = _context.Process(
            target=_run, args=(tool, list(arguments), folder, output, log)
        )
        with _one_looks:
            self._process.start()
        assert self._process.pid
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with _one_looks:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        if self.poll() is None:
            wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0.0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(tool: str, arguments: list[str], folder: Path, output: Path, log: Path) -> None:
    for file, descriptor in ((output, 1), (log, 2)):
        opened = os.open(file, os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("NETSKY_")]:
        del os.environ[name]
    importlib.import_module(tool).main(arguments, prog_name=f"{tool}.py")
