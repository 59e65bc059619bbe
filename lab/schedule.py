"""Changes at times that a file gives: a rehearsed outage, the same each time.

# seconds   what, as after `python -m lab`
0           dead 5%
10          loss --egress b --isp cu --province guangdong 8%
70          loss --egress b --isp cu --province guangdong 0
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from netsky.errors import InputError, NetskyError


@dataclass(frozen=True, slots=True)
class Change:
    """A command of the lab, `words`, `at` so many seconds after the start; `line` is its number."""

    at: float
    words: tuple[str, ...]
    line: int

    def __str__(self) -> str:
        return shlex.join(self.words)


def parse(text: str) -> tuple[Change, ...]:
    """The changes of a schedule in the order of their times; InputError names the bad lines."""
    changes, bad = [], []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            words = shlex.split(line, comments=True)
            if words:
                changes.append(Change(_seconds(words[0]), tuple(words[1:]), number))
        except ValueError as error:
            bad.append(f"line {number}: {line.strip()!r}: {error}")
    if bad:
        raise InputError("\n".join(bad))
    return tuple(sorted(changes, key=lambda change: change.at))


def rehearse(changes: Iterable[Change], make: Callable[[Change], None]) -> None:
    """Try all changes at once; InputError names the lines of those that fail."""
    bad = []
    for change in changes:
        try:
            make(change)
        except NetskyError as error:
            bad.append(f"line {change.line}: {error}")
    if bad:
        raise InputError("\n".join(bad))


def _seconds(word: str) -> float:
    try:
        seconds = float(word)
    except ValueError:
        raise ValueError("a line begins with the seconds after the start") from None
    if not 0 <= seconds < float("inf"):
        raise ValueError("the seconds count from 0")
    return seconds


def follow(
    changes: Iterable[Change],
    make: Callable[[Change], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Make each change when its time has come. None is left out when one takes long."""
    start = clock()
    for change in changes:
        sleep(max(0.0, start + change.at - clock()))
        make(change)
