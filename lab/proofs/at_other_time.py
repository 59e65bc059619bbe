"""Run a tool as if it were another time: python at_other_time.py SECONDS TOOL.py ARGUMENTS.

Hours pass so within a rehearsal. Only the time of day that the tool is told is another: how long
something takes is measured by clocks that are left alone.
"""

from __future__ import annotations

import datetime as dt
import runpy
import sys

_Real = dt.datetime


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Real)


def main() -> None:
    seconds, tool, *arguments = sys.argv[1:]
    ahead = dt.timedelta(seconds=float(seconds))

    class Other(_Real, metaclass=_AnyDatetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return _Real.now(tz) + ahead

    dt.datetime = Other  # type: ignore[misc]
    sys.argv = [tool, *arguments]
    runpy.run_path(tool, run_name="__main__")


if __name__ == "__main__":
    main()
