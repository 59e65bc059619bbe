"""The rule `usual`, minute by minute: the averaging every ten minutes, the alert each minute.

Both are of netsky.judging.usual_sweeps, as in the product; only that the alert goes on from its last sweep
instead of beginning with the newest averaging, which comes to the same.
"""

from __future__ import annotations

import numpy as np

from lab.day.rule import ELEVATED, JUDGED_AFTER, NOT_JUDGED, SEVERE, Opinion, Reading
from lab.day.types import Grades
from netsky.judging.grading import Severity, Thresholds
from netsky.judging.usual import Buckets
from netsky.judging.usual_sweeps import Rises, Sweep, average, nothing_kept, start_of
from netsky.places import PROVINCES

AVERAGED_EVERY_MINUTES, AT_MINUTE = 10, 3
COUNT = len(PROVINCES)


class UsualWatcher:
    """Watches a line; `rises` has the tuning."""

    def __init__(self, rises: Rises | None = None) -> None:
        self._rises = rises or Rises()
        self._buckets = Buckets(COUNT)
        self._kept = nothing_kept(COUNT)
        self._standing = self._kept.standing
        self._sweeps: list[Sweep] = []
        self._measured_at = np.full(COUNT, -np.inf)

    def judge(self, reading: Reading) -> Opinion:
        now = reading.at.timestamp()
        if reading.at.second == 0 and reading.at.minute % AVERAGED_EVERY_MINUTES == AT_MINUTE:
            self._average()  # the sweep of this minute is not stored yet
        known = ~np.isnan(reading.loss_ratio)
        if known.any():
            sweep = Sweep(now, reading.loss_ratio)
            self._sweeps.append(sweep)
            self._standing = self._rises.after_sweep(self._standing, self._kept.usual, sweep)
            self._measured_at[known] = now
        age = now + JUDGED_AFTER.total_seconds() - self._measured_at
        judged = age <= self._rises.thresholds.max_age.total_seconds()
        judged &= ~np.isnan(self._kept.usual.loss)
        grades = np.where(judged, self._standing.grades, NOT_JUDGED).astype(np.int8)
        return add_up(grades, self._rises.thresholds)

    def _average(self) -> None:
        self._kept, _ = average(self._rises, self._buckets, self._kept, self._sweeps)
        start = start_of(self._kept.usual)
        self._sweeps = [sweep for sweep in self._sweeps if sweep.at >= start]
        self._standing = self._kept.standing
        for sweep in self._sweeps:
            self._standing = self._rises.after_sweep(self._standing, self._kept.usual, sweep)


def add_up(grades: Grades, thresholds: Thresholds) -> Opinion:
    """What netsky.judging.grading makes of the grades of all provinces."""
    elevated, severe = int((grades == ELEVATED).sum()), int((grades == SEVERE).sum())
    unknown, heavy = int((grades == NOT_JUDGED).sum()), thresholds.heavy_provinces
    active, possible = set(), set()
    if elevated:
        active.add(Severity.HEAVY if elevated >= heavy else Severity.MEDIUM)
    if severe:
        active.add(Severity.CRITICAL)
    if unknown:
        possible.add(Severity.CRITICAL)
        if elevated < heavy:
            possible.add(Severity.MEDIUM)
        if elevated + unknown >= heavy:
            possible.add(Severity.HEAVY)
    return Opinion(grades, frozenset(active), frozenset(possible - active))
