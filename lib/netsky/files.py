"""Reading a file that anybody may have put there, bounded in bytes and in time; replacing one.

A FIFO that nobody writes to, a device without an end and a file of many gigabytes become an OSError
whose `strerror` says what is wrong, as for a file that is not there.
"""

from __future__ import annotations

import codecs
import errno
import os
import select
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STREAM_SECONDS = 30.0  # a person may have to type a pass phrase for what writes into the pipe
MIB = 1 << 20

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class FileContent:
    """What was in a file, and whose it was, of the same opened file."""

    data: bytes
    status: os.stat_result

    def text(self) -> str:
        """As UTF-8, without the mark in front that editors of Windows write.

        Raises ValueError, which repeats nothing of it: it may be a password.
        """
        if self.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ValueError("it is UTF-16: save it as UTF-8")
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            raise ValueError(f"line {line} is not UTF-8: save it as UTF-8") from None


def read_file(file: Path, *, limit: int = MIB, streams: bool = False) -> FileContent:
    """Read a regular file of at most `limit` bytes.

    `streams`: a pipe of the shell (`<(…)`, /dev/stdin), a FIFO or a device will do, too, when it
    comes to its end within STREAM_SECONDS. Raises OSError.
    """
    # O_NONBLOCK: to open a FIFO would wait for whoever writes to it.
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        status = os.fstat(descriptor)
        kind = _kind(status.st_mode)
        if kind == "a folder" or (kind and not streams):
            raise OSError(errno.EINVAL, f"it is {kind} and not a file", str(file))
        if status.st_size > limit:
            raise _too_large(file, limit)
        data = (
            _read_stream(descriptor, file, limit)
            if kind
            else _read(descriptor, status.st_size, limit)
        )
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise _too_large(file, limit)
    return FileContent(data, status)


def _kind(mode: int) -> str | None:
    """What it is, None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISLNK(mode):
        return "a link"
    return "a pipe (FIFO)" if stat.S_ISFIFO(mode) else "a device"


def _too_large(file: Path, limit: int) -> OSError:
    size = f"{limit >> 20} MiB" if limit >= MIB else f"{limit >> 10} KiB"
    return OSError(errno.EFBIG, f"it has more than {size}", str(file))


def _read(descriptor: int, size: int, limit: int) -> bytes:
    """Up to one byte more than `limit`; at once what has that size, so that it is in memory once."""
    parts: list[bytes] = []
    got = 0
    while got <= limit and (
        part := os.read(descriptor, min(max(size - got, _CHUNK), limit + 1 - got))
    ):
        parts.append(part)
        got += len(part)
    return b"".join(parts)


def _read_stream(descriptor: int, file: Path, limit: int) -> bytes:
    """The same of what may be slow, or never end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + STREAM_SECONDS
    data = bytearray()
    # Until somebody opens it to write, a FIFO reads as if it had come to its end.
    unopened = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    while len(data) <= limit:
        chunk = _read_what_is_there(descriptor, min(_CHUNK, limit + 1 - len(data)))
        if chunk:
            data += chunk
            unopened = False
        elif chunk is not None and not unopened:
            break
        left = deadline - time.monotonic()
        events = poll.poll(1000 * left) if left > 0 else []
        if not events:
            raise OSError(errno.ETIMEDOUT, f"no end of it within {STREAM_SECONDS:g} s", str(file))
        unopened = unopened and not any(event & select.POLLHUP for _, event in events)
    return bytes(data)


def _read_what_is_there(descriptor: int, most: int) -> bytes | None:
    """None while there is nothing yet, no bytes at the end."""
    try:
        return os.read(descriptor, most)
    except BlockingIOError:
        return None


def replace_file(file: Path, data: bytes | Iterable[bytes | memoryview], *, mode: int) -> None:
    """Put a new file with that content and mode in the place of `file`, at once. Raises OSError.

    What is no file stays: root, who names /dev/null or /dev/stdout, would take it from all programs.

    `data` may be in parts, which are written one after the other.

    All goes by the descriptors of the file and its folder: by path, the folder's owner could have
    another file changed by who runs this.
    """
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    temporary = f".{file.name}.{os.urandom(8).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        _check_replaceable(file, folder)
        with os.fdopen(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as opened:
            opened.writelines([data] if isinstance(data, bytes) else data)
            opened.flush()
            os.fchmod(opened.fileno(), mode)
            os.fsync(opened.fileno())
        os.rename(temporary, file.name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise
    finally:
        os.close(folder)


def _check_replaceable(file: Path, folder: int) -> None:
    with suppress(FileNotFoundError):
        there = os.stat(file.name, dir_fd=folder, follow_symlinks=False)
        if kind := _kind(there.st_mode):
            raise OSError(errno.EINVAL, f"it is {kind} and not a file", str(file))
