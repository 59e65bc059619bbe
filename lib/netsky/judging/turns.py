"""Whose turn it is to have its quiet paths looked at: each line once an hour, a few of them each minute."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from datetime import datetime, timedelta

EVERY = timedelta(hours=1)
LINES_A_MINUTE = 48
"""For so many lines one a minute is enough: in some minutes evidence of an incident is taken instead."""


def whose_turn(
    looks: Sequence[tuple[datetime | None, Hashable]], *, now: datetime
) -> Sequence[int]:
    """The numbers of the lines whose turn it is, those that were looked at longest ago first.

    A line is when it was looked at last (None: never) and its exit. Of an exit there is one line at a time, so
    that no more packets leave through it.
    """
    waiting = sorted(
        (last is not None, last or now, number)
        for number, (last, _) in enumerate(looks)
        if last is None or now - last >= EVERY
    )
    of_exit: dict[Hashable, int] = {}
    for _, _, number in waiting:
        of_exit.setdefault(looks[number][1], number)
    return list(of_exit.values())[: -(-len(looks) // LINES_A_MINUTE)]
