"""The product's rule `usual` on the columns of several lines, as its tools use it."""

from __future__ import annotations

import numpy as np

from lab.day.rule import JUDGED_AFTER, NOT_JUDGED, Reading
from lab.day.types import Bools, Grades
from netsky.judging.grading import Thresholds
from netsky.judging.usual import BUCKET_SECONDS, Buckets
from netsky.judging.usual_sweeps import Rises, Sweep, average, nothing_kept, start_of

# As in crontab.example: each ten minutes, three minutes after a bucket is over.
AVERAGED_AFTER = 180
MAX_AGE = Thresholds().max_age


class UsualWatcher:
    """Averages each ten minutes, and goes over the sweeps since the start of the bucket after each sweep."""

    def __init__(self, columns: int, rises: Rises | None = None) -> None:
        self._rises = Rises() if rises is None else rises
        self._buckets, self._kept = Buckets(columns), nothing_kept(columns)
        self._standing = self._kept.standing
        self._sweeps: list[Sweep] = []
        self._measured_at = np.full(columns, -np.inf)
        self._averaged = 0

    def judge(self, reading: Reading) -> Grades:
        now = reading.at.timestamp()
        averaging = int((now - AVERAGED_AFTER) // BUCKET_SECONDS)
        if averaging != self._averaged:
            self._averaged = averaging
            self._average()
        known = ~np.isnan(reading.loss_ratio)
        if known.any():
            sent = np.asarray(reading.packets_sent, np.float64)
            sweep = Sweep(now, reading.loss_ratio, sent)
            self._sweeps.append(sweep)
            self._standing = self._rises.after_sweep(self._standing, self._kept.usual, sweep)
            self._measured_at[known] = now
        oldest = now + (JUDGED_AFTER - MAX_AGE).total_seconds()
        judged = (self._measured_at >= oldest) & ~np.isnan(self._kept.usual.loss)
        return np.where(judged, self._standing.grades, NOT_JUDGED).astype(np.int8)

    @property
    def noticed(self) -> Bools:
        """Where a small rise stands, or a larger one has."""
        return self._rises.is_noticed(self._standing)

    def _average(self) -> None:
        self._kept, _ = average(self._rises, self._buckets, self._kept, self._sweeps)
        since = start_of(self._kept.usual)
        self._sweeps = [sweep for sweep in self._sweeps if sweep.at >= since]
        self._standing = self._kept.standing
        for sweep in self._sweeps:
            self._standing = self._rises.after_sweep(self._standing, self._kept.usual, sweep)
