"""The tools as cron or a person runs them, in a folder of their own: as processes, or within this one."""

from __future__ import annotations

import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner

from testing import ROOT

MOST_SECONDS = 60


def tool_command(tool: str, *arguments: str, isp: str = "cu") -> list[str]:
    return [sys.executable, str(ROOT / f"{tool}.py"), *_arguments(isp, arguments)]


def run_command(
    folder: Path, command: list[str], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run to the end, without settings of the developer's."""
    return subprocess.run(
        command,
        cwd=folder,
        env=tool_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=MOST_SECONDS,
        check=False,
    )


def tool_environment(more: Mapping[str, str] = {}) -> dict[str, str]:
    """This one without settings of the developer's, and with these."""
    return {k: v for k, v in os.environ.items() if not k.startswith("NETSKY_")} | dict(more)


def run_tool(
    folder: Path, tool: str, *arguments: str, isp: str = "cu", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end within this process: a start of Python costs more than most runs.

    What only a process shows (signals, the locale, closed streams) is for `run_command`.
    """
    return run_verb(folder, tool, *_arguments(isp, arguments), **environment)


def run_verb(
    folder: Path, tool: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The same with these arguments only: for a tool whose first one is a verb."""
    command = importlib.import_module(tool).main
    left_out: dict[str, str | None] = {
        name: None for name in os.environ if name.startswith("NETSKY_")
    }
    with chdir(folder), _alone_in_this_process():
        result = CliRunner(catch_exceptions=False).invoke(
            command,
            arguments,
            prog_name=f"{tool}.py",
            env={**left_out, **environment},
        )
    return subprocess.CompletedProcess(
        [tool, *arguments], result.exit_code, result.stdout, result.stderr
    )


def _arguments(isp: str, arguments: tuple[str, ...]) -> list[str]:
    return ["--isp", isp, "--lock-dir", ".", *arguments]


@contextmanager
def _alone_in_this_process() -> Iterator[None]:
    """Let a tool set log and signals as if it were alone, and interrupt it when it never ends.

    Its lock is in its folder, lest it meet the same tool of another test.
    """
    root, handler = logging.getLogger(), signal.getsignal(signal.SIGTERM)
    handlers, level = root.handlers[:], root.level
    watchdog = threading.Timer(MOST_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
    root.handlers.clear()  # of pytest: the tool's own writes to standard error
    watchdog.start()
    try:
        with patch("netsky.cli.lock.default_directory", Path):
            yield
    finally:
        watchdog.cancel()
        root.handlers[:] = handlers
        root.setLevel(level)
        signal.signal(signal.SIGTERM, handler)
