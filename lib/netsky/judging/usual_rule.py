"""The rule `usual`: what is usual is computed from the past days, and an alarm is told by the sweeps since then.

The columns of its arrays are the provinces twice: by the loss of all targets, and by that of the targets
that usually answer, where enough of these are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import numpy as np

from netsky.clock import CLOCK_TOLERANCE
from netsky.judging.grading import (
    LIVE_TARGETS,
    Grade,
    Judgement,
    Thresholds,
    Verdict,
    judge,
)
from netsky.judging.rule import Computed, Recent
from netsky.judging.usual import (
    A_DAY,
    BUCKET_SECONDS,
    Buckets,
    Floats,
    Ints,
    Tuning,
    Usual,
    buckets_wanted,
)
from netsky.judging.usual_sweeps import (
    ELEVATED,
    NONE,
    SEVERE,
    Kept,
    Rises,
    Sweep,
    average,
    nothing_kept,
    start_of,
)
from netsky.loss import Band, Baseline, NewBaseline, NewestLoss
from netsky.places import PROVINCES, Province

COLUMNS = 2 * len(PROVINCES)
GRADES = {NONE: Grade.NONE, ELEVATED: Grade.ELEVATED, SEVERE: Grade.SEVERE}

_INDEX = {province: index for index, province in enumerate(PROVINCES)}

# So far back goes an averaging that finds nothing kept, and so much of that is gone over at once.
_BACK_SECONDS = 4 * A_DAY * BUCKET_SECONDS
_PART_SECONDS = 6 * 3600
# The alert goes back so far: averagings are missing, and it has to be quick.
_MOST_SECONDS = 3600


def column_of(province: Province, *, live: bool) -> int:
    return _INDEX[province] + live * len(PROVINCES)


class UsualHistory(Protocol):
    """What is stored of one ISP through one exit; times are Unix seconds."""

    @property
    def egress(self) -> str:
        """The name of the exit."""

    def kept(self) -> Kept | None:
        """What the newest averaging has kept; None: nothing."""

    def last_bucket(self, until: int) -> int | None:
        """The last bucket that is stored, up to that number."""

    def buckets(self, numbers: Sequence[range]) -> Buckets:
        """Of these buckets those that are stored."""

    def sweeps(self, *, since: float, until: float) -> Sequence[Sweep]:
        """The sweeps of since <= time <= until, in the order of time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Averaged:
    """What has been computed: what is kept, the buckets that are new in `buckets`, sweeps that are not in any."""

    kept: Kept
    buckets: Buckets
    closed: Sequence[int]
    sweeps: Sequence[Sweep]


@dataclass(frozen=True, slots=True)
class UsualRule:
    """What is usual as in netsky.judging.usual; rises are in points of the replies that usually come."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    tuning: Tuning = field(default_factory=Tuning)

    @property
    def _rises(self) -> Rises:
        return Rises(self.thresholds, self.tuning)

    def baselines(self, history: UsualHistory, *, now: datetime) -> Computed:
        """Where the last averaging ended this one goes on, up to now."""
        done = self._average(history, now)
        usual = done.kept.usual
        since = [~np.isnan(sweep.loss) for sweep in done.sweeps]
        samples = usual.sweeps + np.sum(since, axis=0, dtype=np.int64)
        found = [_new_baseline(history.egress, each, usual, samples) for each in PROVINCES]
        new = {number: done.buckets.values(number) for number in done.closed}
        return Computed([each for each in found if each], done.kept, new)

    def recent(self, history: UsualHistory, *, now: datetime) -> Recent | None:
        """What was kept, and the sweeps since then.

        Of what a clock ahead has kept nothing is taken: in its place comes what an averaging would keep now.
        """
        kept = history.kept()
        if kept is None:
            return None
        if _is_ahead(kept, now):
            done = self._average(history, now)
            return Recent(done.kept, done.sweeps)
        until = _until(now)
        since = max(start_of(kept.usual), until - _MOST_SECONDS)
        return Recent(kept, history.sweeps(since=since, until=until))

    def judge(
        self,
        newest: Iterable[NewestLoss],
        baselines: Iterable[Baseline],
        *,
        now: datetime,
        recent: Recent | None = None,
    ) -> Verdict:
        """By all sweeps since the averaging; without `recent` by the newest and the baselines alone."""
        newest, baselines = list(newest), list(baselines)
        recent = recent or Recent(nothing_kept(COLUMNS), ())
        usual, standing = _with_baselines(recent.kept.usual, baselines), recent.kept.standing
        until = _until(now)
        for sweep in sorted(_with_newest(newest, recent.sweeps), key=lambda each: each.at):
            if sweep.at <= until:
                standing = self._rises.after_sweep(standing, usual, sweep)

        def grade_of(judgement: Judgement) -> tuple[float, Grade]:
            column = column_of(judgement.province, live=judgement.by_live)
            return float(standing.rise[column]), GRADES[int(standing.grades[column])]

        return judge(newest, baselines, now=now, thresholds=self.thresholds, grade_of=grade_of)

    def _average(self, history: UsualHistory, now: datetime) -> _Averaged:
        """Go over what has come since the last averaging; in parts, since that may be days."""
        until = _until(now)
        kept = history.kept()
        if kept is None or _is_ahead(kept, now):
            last = history.last_bucket(int(until // BUCKET_SECONDS) - 1)
            known_until = 0 if last is None else (last + 1) * BUCKET_SECONDS
            kept, since = nothing_kept(COLUMNS), max(until - _BACK_SECONDS, known_until)
        else:
            since = start_of(kept.usual)
        first, now_in = int(since // BUCKET_SECONDS), int(until // BUCKET_SECONDS)
        buckets = history.buckets(buckets_wanted(first, now_in, self.tuning))
        closed: list[int] = []
        sweeps: Sequence[Sweep] = ()
        end = since
        while end < until:
            end = min(end + _PART_SECONDS, until)
            sweeps = history.sweeps(since=since, until=end)
            kept, new = average(self._rises, buckets, kept, sweeps)
            closed += new
            since = max(since, start_of(kept.usual))
        return _Averaged(kept, buckets, closed, [each for each in sweeps if each.at >= since])


def _until(now: datetime) -> float:
    """What is stamped later is of a clock that is ahead."""
    return (now + CLOCK_TOLERANCE).timestamp()


def _is_ahead(kept: Kept, now: datetime) -> bool:
    return start_of(kept.usual) > _until(now)


def _new_baseline(
    egress: str, province: Province, usual: Usual, samples: Ints
) -> NewBaseline | None:
    """What is usual of a province; None when it has had no sweep for long.

    What is known of the usually alive only since today does not count beside what is known for days.
    """
    of_all, of_live = column_of(province, live=False), column_of(province, live=True)
    if not samples[of_all]:
        return None
    trusted = usual.days[of_live] >= min(usual.days[of_all], 1)
    loss, live = _known(usual.loss[of_all]), _known(usual.loss[of_live]) if trusted else None
    return NewBaseline(
        province,
        egress,
        loss,
        int(samples[of_all]),
        live,
        None if loss is None else _band(usual, of_all),
        None if live is None else _band(usual, of_live),
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _band(usual: Usual, column: int) -> Band:
    low, high = usual.band
    return Band(float(low[column]), float(high[column]), int(usual.days[column]))


def _with_baselines(usual: Usual, baselines: Iterable[Baseline]) -> Usual:
    """With the baselines of which nothing was kept: another rule has stored them."""
    loss = usual.loss.copy()
    for baseline in baselines:
        for live, ratio in ((False, baseline.loss_ratio), (True, baseline.live_loss_ratio)):
            column = column_of(baseline.province, live=live)
            if np.isnan(loss[column]) and ratio is not None:
                loss[column] = ratio
    return replace(usual, loss=loss)


def _with_newest(newest: Iterable[NewestLoss], sweeps: Sequence[Sweep]) -> list[Sweep]:
    """The sweeps, and besides the newest of a province that is in none of them."""
    measured_at = np.full(COLUMNS, -np.inf)
    for sweep in sweeps:
        measured_at[~np.isnan(sweep.loss)] = sweep.at
    missing: dict[float, Floats] = {}
    for each in newest:
        at = each.measured_at.timestamp()
        if at > measured_at[column_of(each.province, live=False)]:
            set_losses(missing.setdefault(at, np.full(COLUMNS, np.nan)), each)
    return [*sweeps, *(Sweep(at, loss) for at, loss in missing.items())]


def set_losses(losses: Floats, of: NewestLoss) -> None:
    """Put the losses of a province in their columns."""
    losses[column_of(of.province, live=False)] = of.loss_ratio
    if of.live_loss_ratio is not None and (of.live_targets or 0) >= LIVE_TARGETS:
        losses[column_of(of.province, live=True)] = of.live_loss_ratio
