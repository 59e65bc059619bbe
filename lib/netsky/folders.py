"""Putting a folder in the place of another, at once: who reads it sees the one or the other."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
# File systems that cannot exchange say so with these, and so do kernels older than 3.15.
_CANNOT = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)

_libc = ctypes.CDLL(None, use_errno=True)


def put_in_place(new: Path, live: Path, former: Path) -> None:
    """Make `new` the folder `live`; what was there becomes `former`, which must not exist.

    All three are in one file system. Where the kernel can exchange the two, `live` is there at every
    moment; else it is away between two renames. OSError: `live` is what it was before.
    """
    if not live.exists():
        new.rename(live)
    elif _exchange(new, live):
        new.rename(former)
    else:
        live.rename(former)
        try:
            new.rename(live)
        except OSError:
            former.rename(live)
            raise
    sync(live.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names; False where that cannot be done here."""
    renamed = _libc.renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE
    )
    number = ctypes.get_errno() if renamed else 0
    if number and number not in _CANNOT:
        raise OSError(number, os.strerror(number), str(other))
    return not number


def sync(folder: Path) -> None:
    """Have what was done in a folder on the disk, and that in it, too."""
    for path in (*sorted(folder.rglob("*")), folder):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
