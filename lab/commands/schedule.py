"""Changes at times that a file gives: a rehearsed outage, the same each time.

# seconds   what, as after `python -m lab`
0           dead 5%
10          loss --egress b --isp cu --province guangdong 8%
70          loss --egress b --isp cu --province guangdong 0
"""

from __future__ import annotations

import logging
import shlex
import time
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from netsky.errors import InputError, NetskyError

log = logging.getLogger(__name__)

A_YEAR = 366 * 86_400


@dataclass(frozen=True, slots=True)
class Change:
    """A command of the lab, `words`, `at` so many seconds after the start; `line` is its number."""

    at: float
    words: tuple[str, ...]
    line: int

    def __str__(self) -> str:
        return shlex.join(self.words)


def parse(text: bytes, check: Callable[[Change], None]) -> tuple[Change, ...]:
    """The changes of a schedule in the order of their times.

    InputError names all bad lines, those that `check` refuses among them.
    """
    changes, bad = [], []
    for number, line in enumerate(text.removeprefix(BOM_UTF8).splitlines(), 1):
        try:
            words = shlex.split(line.decode(), comments=True)
            if words:
                change = Change(_seconds(words[0]), tuple(words[1:]), number)
                check(change)
                changes.append(change)
        except (ValueError, NetskyError) as error:
            shown = line.decode(errors="replace").strip()
            bad.append(f"line {number}: {shown!r}: {error}")
    if bad:
        raise InputError(bad[-1], lines=bad[:-1])
    return tuple(sorted(changes, key=lambda change: change.at))


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        raise ValueError("a line begins with the seconds after the start") from None
    if not 0 <= seconds <= A_YEAR:
        raise ValueError(f"the seconds count from 0 to {A_YEAR}, a year")
    return seconds


def follow(
    changes: Iterable[Change],
    make: Callable[[Change], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Make each change when its time has come; whether all could be made.

    None is left out when one takes long or fails, as it may take back what an earlier one has set.
    """
    start, all_made = clock(), True
    for change in changes:
        sleep(max(0.0, start + change.at - clock()))
        try:
            make(change)
        except NetskyError as error:
            log.error("line %d: %s: %s", change.line, change, error)
            all_made = False
    return all_made
