"""Notices against the truth: what is shown of small rises, and what is shown though there is none.

seen     a rise that stands for an hour is noticed in it, or even alerted; `delay` in minutes from its start
time     the part of these hours in which it is shown
gone     notices that end, though the rise goes on
false    a notice in all of whose time, and in the quarter of an hour before, there was next to no rise
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.day.report import quantile, share
from lab.day.rule import ELEVATED, Reading
from lab.day.score import runs
from lab.day.swing import DAY
from lab.day.types import Bools
from lab.day.usual import UsualWatcher
from lab.day.world import WARM_UP, Line
from netsky.judging.usual_sweeps import Rises
from netsky.places import PROVINCES

BEFORE = 15


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a line after each sweep: [sweeps, provinces]."""

    noticed: Bools
    alerted: Bools


@dataclass(frozen=True, slots=True)
class Notices:
    """Of all lines together; minutes, ratios, and what is false a day and line."""

    rises: int
    seen: float | None
    alerted: float | None
    delay_median: float | None
    delay_p90: float | None
    time: float | None
    gone: int
    false_per_day: float
    false_minutes_per_day: float


def watch(lines: Sequence[Line], rises: Rises) -> list[Shown]:
    """Lines that are swept at the same times, side by side."""
    values = np.concatenate([line.loss_ratio for line in lines], axis=1)
    alive = [np.rint(line.targets * (1 - line.dead)) for line in lines]
    sent = np.concatenate(alive).astype(np.int64)
    watcher = UsualWatcher(values.shape[1], rises)
    noticed, alerted = (np.zeros(values.shape, np.bool_) for _ in range(2))
    for sweep, value in enumerate(values):
        grades = watcher.judge(Reading(lines[0].at(sweep), value, sent))
        alerted[sweep] = grades >= ELEVATED
        noticed[sweep] = watcher.noticed
    parts = (np.split(each, len(lines), axis=1) for each in (noticed, alerted))
    return [Shown(*each) for each in zip(*parts, strict=True)]


def score_notices(lines: Sequence[Line], shown: Sequence[Shown], *, slight: float) -> Notices:
    """Rises below `slight` are next to none; lines have a sweep a minute."""
    delays: list[int | None] = []
    alerted = minutes = in_time = gone = 0
    false: list[int] = []
    for line, seen in zip(lines, shown, strict=True):
        for province in range(len(PROVINCES)):
            risen = line.risen[:, province]
            of_alert = seen.alerted[:, province]
            stands = seen.noticed[:, province] | of_alert
            for start, end in runs(risen >= slight):
                if start >= WARM_UP and end < len(risen):
                    its = runs(stands[start:end])
                    delays.append(its[0][0] if its else None)
                    alerted += bool(of_alert[start:end].any())
                    minutes, in_time = minutes + end - start, in_time + int(stands[start:end].sum())
                    gone += max(len(its) - 1, 0) + bool(its and its[-1][1] < end - start)
            for start, end in runs(stands & ~of_alert):
                if start >= WARM_UP and not (risen[start - BEFORE : end] >= slight).any():
                    false.append(end - start)
    known = [each for each in delays if each is not None]
    days = sum((len(line.risen) - WARM_UP) / DAY for line in lines)
    return Notices(
        rises=len(delays),
        seen=share(len(known), len(delays)),
        alerted=share(alerted, len(delays)),
        delay_median=quantile(known, 0.5),
        delay_p90=quantile(known, 0.9),
        time=share(in_time, minutes),
        gone=gone,
        false_per_day=len(false) / days,
        false_minutes_per_day=sum(false) / days,
    )
