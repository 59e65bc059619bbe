"""One run at a time: a lock file a tool, egress and ISP, which dies with its process."""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from netsky.errors import InputError, LockedError


def default_directory() -> Path:
    """`/run/lock`, where Linux keeps such files, or else the folder for temporary files."""
    run_lock = Path("/run/lock")
    return run_lock if os.access(run_lock, os.W_OK) else Path(tempfile.gettempdir())


@contextmanager
def hold(directory: Path, tool: str, egress: str, isp: str) -> Iterator[None]:
    """Hold the lock while the block runs; LockedError at once when another process has it."""
    file = directory / f"{tool}.{egress}.{isp}.lock"
    try:
        # O_NOFOLLOW: in a folder that all may write to, a link may lead anywhere.
        # 0600: nobody else may hold the lock and so keep us from running.
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise InputError(
            f"cannot open the lock file {file}: {error.strerror}: give a folder that this user "
            "may write to with --lock-dir"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"{tool} is already running for ISP {isp} through egress {egress}"
                f" (pid {_holder(descriptor)}, {file})"
            ) from None
        with suppress(OSError):  # the pid is a service to the reader only; a disk may be full
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # The file stays: removing it would let two processes lock two files of the same name.
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    """The pid of the process that holds the lock; it may need a moment to write it down."""
    for _ in range(20):
        pid = os.pread(descriptor, 20, 0).decode("ascii", errors="replace").strip()
        if pid.isdecimal() and Path("/proc", pid).exists():  # or else it is an earlier holder's
            return pid
        time.sleep(0.01)
    return "unknown"
