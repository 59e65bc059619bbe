"""The log on standard error: what a record looks like, whatever its text came from."""

from __future__ import annotations

import copy
import logging
from numbers import Number

from netsky.errors import NetskyError
from netsky.text import one_line

INDENT = "    "


class LineFormatter(logging.Formatter):
    """A record is one line of characters that print.

    It has more only where we wrote them: in the format string, or as the `lines` of an error. Those
    are indented, so that none of them can be taken for a record.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")

    def format(self, record: logging.LogRecord) -> str:
        if isinstance(record.args, tuple):
            record = copy.copy(record)
            record.args = tuple(map(_plain, record.args or ()))
        first, *others = super().format(record).split("\n")
        return "\n".join([one_line(first), *(INDENT + one_line(line) for line in others)])


def _plain(value: object) -> object:
    """An argument of a record; numbers stay such, for `%d`."""
    return value if isinstance(value, Number | NetskyError) else one_line(value)


def set_up() -> None:
    """Let the records of this process go to standard error; once is enough."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(handlers=[handler])
    # A ^C that comes while a connection is closed is told with a stack there, though all is well.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
