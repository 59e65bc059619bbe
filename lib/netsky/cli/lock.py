"""One run at a time: a lock file a tool, egress and ISP, which dies with its process."""

from __future__ import annotations

import fcntl
import os
import stat
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
    descriptor = _open(file)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(
                f"{tool} is already running for ISP {isp} through egress {egress}"
                f" (pid {_holder(descriptor)}, {file})"
            ) from None
        except OSError as error:  # ENOLCK of a network file system without locks, say
            raise _unusable(file, error.strerror) from error
        with suppress(OSError):  # the disk may be full, and the lock works without the pid
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # The file stays: removing it would let two processes lock two files of the same name.
        os.close(descriptor)


def _open(file: Path) -> int:
    """The lock file, which is a plain file of this user's; InputError says what else there is."""
    # O_NOFOLLOW: in a folder that all may write to, a link may lead anywhere. O_NONBLOCK: a FIFO
    # would keep us waiting. 0600: nobody else may hold the lock and so keep us from running.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(file, flags, 0o600)
    except OSError as error:
        raise _unusable(file, error.strerror) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        reason = "it is no plain file, so remove it"
    elif status.st_nlink != 1:  # the pid would be written into whatever it is a name of
        reason = "it is another name of a file (a hard link), so remove it"
    elif status.st_uid not in (0, os.geteuid()):
        # The owner could hold the lock for good. Root may do that anyway.
        reason = f"it belongs to another user (uid {status.st_uid}), who could keep it locked, so remove it"
    else:
        return descriptor
    os.close(descriptor)
    raise _unusable(file, reason)


def _unusable(file: Path, reason: str | None) -> InputError:
    return InputError(
        f"cannot use the lock file {file}: {reason}: give a folder that only this user may write to "
        "with --lock-dir"
    )


def _holder(descriptor: int) -> str:
    """The pid of the process that holds the lock; it may need a moment to write it down."""
    for _ in range(20):
        pid = os.pread(descriptor, 20, 0).decode("ascii", errors="replace").strip()
        # A pid that does not run is that of an earlier holder.
        if pid.isdecimal() and Path("/proc", pid).exists():
            return pid
        time.sleep(0.01)
    return "unknown"
