"""What of the tests runs, and what beside what: the quick lane, and those that are to be alone."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from testing import ROOT

_STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}

_quick = False


def leave_out_processes() -> None:
    """From now on a test is skipped at the moment it starts a process: it is not for the quick lane."""
    global _quick  # noqa: PLW0603 - a hook of this kind cannot be taken away again
    if not _quick:
        sys.addaudithook(lambda event, _: wants_process() if event in _STARTS else None)
    _quick = True


def wants_process() -> None:
    """Whoever calls this is about to start a program, which may not be installed."""
    if _quick and "PYTEST_CURRENT_TEST" in os.environ:
        pytest.skip("starts a process: not in the quick lane")


def make_scheduler(config: pytest.Config, log: Any) -> Any:
    """How xdist spreads the tests over its workers: in their order, and one by one.

    Those of a file with a fixture for the whole of it stay together, lest each worker make its own.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Spread(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return file if is_one(config.rootpath / file) else nodeid

    config.option.loadscopereorder = False
    return Spread(config, log)


@cache
def is_one(file: Path) -> bool:
    """Whether its tests belong together."""
    return 'scope="module"' in file.read_text(encoding="utf-8")


@contextmanager
def beside_others(folder: Path = ROOT, *, alone: bool) -> Iterator[None]:
    """Wait until the other tests that run in this folder let one start.

    One that is to be alone waits until all others have ended, and the others for it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)
