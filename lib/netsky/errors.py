"""Everything that netsky raises on purpose, and the exit code that each becomes.

    NetskyError              1  failed
    ├── InputError           2  a setting or a file of the user's is wrong
    │   ├── LibraryError     2  an address library cannot be used as it is
    │   └── SourceError      2  a source of geo data cannot be used as it is
    ├── EngineError          1  nothing could be measured
    │   └── EngineUnavailableError  1  that engine is not for this process
    ├── StoppedError         1  sending was stopped, because it does harm or tells nothing
    ├── DatabaseError        1  the database cannot be read or written (after a sweep: 3)
    │   ├── MissingDatabaseError  1  there is none: nothing was ever stored in it
    │   ├── RefusedError     1  it refuses what it was to store, and would again
    │   └── SpoolError       1  the spool's own file cannot be read or written
    ├── ClockError           1  this host's clock cannot be right
    ├── NoDataError          1  the database holds nothing to average or to judge
    ├── DeliveryError        3  measured, but not delivered: Pushgateway, metrics_url, textfile
    │   └── OutputError      3  standard output did not take the figures
    └── LockedError         75  another run of the same tool holds the lock

Every message is for a person at 3 a.m.: what is wrong, where, and what to do next.
"""

from __future__ import annotations

from collections.abc import Sequence

from netsky.text import one_line


class NetskyError(Exception):
    """The root: one clear line for the user, never a traceback.

    Whatever the message repeats from outside, it stays one line that prints. `lines` go above it,
    where each of many things is to be told.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, lines: Sequence[str] = ()) -> None:
        super().__init__("\n".join(map(one_line, [*lines, message])))


class InputError(NetskyError):
    """A setting, a name or a file that the user gave is wrong."""

    exit_code = 2


class LibraryError(InputError):
    """An address library is missing, empty, or has bad lines (all of them are in the message)."""


class SourceError(InputError):
    """A source of geo data is of no known form, cut off, or says two things of one address."""


class EngineError(NetskyError):
    """The engine could measure nothing at all."""


class EngineUnavailableError(EngineError):
    """The engine may not be used by this process, or its program is missing; another may work."""


class StoppedError(NetskyError):
    """Sending was stopped: answers stay away, or this host drops packets itself."""


class DatabaseError(NetskyError):
    """The database cannot be read or written."""


class MissingDatabaseError(DatabaseError):
    """There is no such database or file: nothing was ever stored in it."""


class RefusedError(DatabaseError):
    """The database does not take a row, and never will."""


class SpoolError(DatabaseError):
    """The spool cannot be read or written."""


class ClockError(NetskyError):
    """The clock of this host says what cannot be, and what is to be done depends on it."""


class NoDataError(NetskyError):
    """The database answers, but holds nothing to average or to judge."""


class DeliveryError(NetskyError):
    """Figures did not reach one of the places they were meant for."""

    exit_code = 3


class OutputError(DeliveryError):
    """Standard output did not take the figures: its disk is full, say."""


class LockedError(NetskyError):
    """Another run of the same tool, for the same egress and ISP, holds the lock."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h
