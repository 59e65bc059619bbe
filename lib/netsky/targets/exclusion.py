"""exclude.txt: addresses never to probe, for any ISP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.errors import LibraryError
from netsky.targets.address_text import BadLines, Intervals, read_intervals

EXCLUDE_FILE = "exclude.txt"


def read_exclude(file: Path, bad: BadLines, *, must_exist: bool) -> Intervals | None:
    """What is never to be probed; None when there is no such file (not: when it cannot be read)."""
    try:
        file.lstat()
    except FileNotFoundError:
        if must_exist:
            raise LibraryError(
                f"{file} is gone, whose addresses must not be probed: put it back (without a line "
                "in it, if nothing is to be excluded any more)"
            ) from None
        return None
    except OSError as error:
        raise LibraryError(f"cannot read {file}: {error.strerror}") from error
    return read_intervals(file, bad, targets=False)


def within(addresses: Addresses, intervals: Intervals) -> npt.NDArray[np.bool_]:
    """True where an address lies in any of the intervals, which may overlap."""
    # Inside an interval more intervals have begun at or before the address than ended before it.
    begun = np.searchsorted(np.sort(intervals.first), addresses, side="right")
    ended = np.searchsorted(np.sort(intervals.last), addresses, side="left")
    return np.asarray(begun > ended)


def marks_of(file: Path) -> tuple[int, ...]:
    """What tells a file from another one of its name, and from itself before it was changed.

    Size and time of writing alone do not: `mv` and `cp -p` keep both.
    """
    marks: tuple[int, ...] = ()
    for look in (file.lstat, file.stat):  # a link can change, and so can the file that it leads to
        try:
            status = look()
        except OSError as error:  # whoever reads it says what cannot be read
            marks += (error.errno or 0,)
        else:
            marks += (status.st_dev, status.st_ino, status.st_mode, status.st_size)
            marks += (status.st_mtime_ns, status.st_ctime_ns)
    return marks


class ExcludeFile:
    """The exclude.txt of a folder as it is now, for a tool that runs long: read when it changes."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / EXCLUDE_FILE
        self._marks: tuple[int, ...] | None = None
        self._intervals: Intervals | None = None

    def excludes(self, addresses: Addresses) -> npt.NDArray[np.bool_]:
        """Which of them must not be probed. Raises LibraryError when that cannot be told any more."""
        marks = marks_of(self._file)
        if marks != self._marks:
            bad = BadLines()
            known = self._intervals is not None
            self._intervals = read_exclude(self._file, bad, must_exist=known)
            if bad.count:
                raise LibraryError(
                    f"{bad.count:,} bad line(s) in {self._file}: mend or delete them",
                    lines=bad.lines(),
                )
            self._marks = marks
        if self._intervals is None:
            return np.zeros(len(addresses), np.bool_)
        return within(addresses, self._intervals)
