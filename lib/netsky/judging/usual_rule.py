"""The rule `usual`: what is usual is computed from the past days, and an alarm is told by the sweeps since then.

The columns of its arrays are those of netsky.judging.usual_columns.
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
from netsky.judging.notice import Latency, Notice
from netsky.judging.rule import Computed, Recent
from netsky.judging.usual import (
    A_DAY,
    BUCKET_SECONDS,
    Bools,
    Buckets,
    Floats,
    Ints,
    Tuning,
    Usual,
    buckets_wanted,
)
from netsky.judging.usual_columns import (
    COLUMNS,
    INDEX,
    IS_LOSS,
    Kind,
    column_of,
    nothing_known_of,
    rises_of,
)
from netsky.judging.usual_sweeps import (
    ELEVATED,
    NONE,
    SEVERE,
    Kept,
    Rises,
    Standing,
    Sweep,
    average,
    start_of,
    together,
)
from netsky.loss import Band, Baseline, NewBaseline, NewestLoss
from netsky.places import PROVINCES, Province

GRADES = {NONE: Grade.NONE, ELEVATED: Grade.ELEVATED, SEVERE: Grade.SEVERE}

# So far back goes an averaging that finds nothing kept, and so much of that is gone over at once.
_BACK_SECONDS = 4 * A_DAY * BUCKET_SECONDS
_PART_SECONDS = 6 * 3600
# The alert goes back so far: averagings are missing, and it has to be quick.
_MOST_SECONDS = 3600


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
        return rises_of(self.thresholds, self.tuning)

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
        recent = recent or Recent(nothing_known_of(), ())
        usual, standing = _with_baselines(recent.kept.usual, baselines), recent.kept.standing
        until, rises, latency = _until(now), self._rises, np.full(len(PROVINCES), np.nan)
        for sweep in sorted(_with_newest(newest, recent.sweeps), key=lambda each: each.at):
            if sweep.at <= until:
                standing = rises.after_sweep(standing, usual, sweep)
                of_all, seconds = sweep.loss[: len(PROVINCES)], sweep.loss[~IS_LOSS]
                latency = np.where(np.isnan(of_all), latency, seconds)
        stands = _Stands(
            usual, standing, rises.is_noticed(standing), together(standing.recent), latency
        )
        return judge(newest, baselines, now=now, thresholds=self.thresholds, grade_of=stands.graded)

    def _average(self, history: UsualHistory, now: datetime) -> _Averaged:
        """Go over what has come since the last averaging; in parts, since that may be days."""
        until = _until(now)
        kept = history.kept()
        if kept is None or _is_ahead(kept, now):
            last = history.last_bucket(int(until // BUCKET_SECONDS) - 1)
            known_until = 0 if last is None else (last + 1) * BUCKET_SECONDS
            kept, since = nothing_known_of(), max(until - _BACK_SECONDS, known_until)
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


@dataclass(frozen=True, slots=True, eq=False)
class _Stands:
    """What stands after the newest sweeps, by column; `latency` is that of the newest sweep of each province."""

    usual: Usual
    standing: Standing
    noticed: Bools
    together: Floats
    latency: Floats

    def graded(self, judgement: Judgement) -> Judgement:
        column = column_of(judgement.province, Kind.LIVE if judgement.by_live else Kind.ALL)
        grade = GRADES[int(self.standing.grades[column])]
        return replace(
            judgement,
            increase_ratio=max(0.0, float(self.standing.rise[column])),
            grade=grade,
            notice=self._notice(column) if grade is Grade.NONE else None,
            latency=self._latency(judgement.province),
        )

    def _notice(self, column: int) -> Notice | None:
        """None too right after a gap: of so few sweeps nobody can tell how large the rise is."""
        increase = float(self.together[column])
        if not self.noticed[column] or np.isnan(increase):
            return None
        return Notice(increase, float(self.standing.noticed[column]))

    def _latency(self, province: Province) -> Latency | None:
        """None where the newest sweep had no reply, or it is not known what is usual."""
        column = column_of(province, Kind.LATENCY)
        seconds, usual = float(self.latency[INDEX[province]]), float(self.usual.loss[column])
        if np.isnan(seconds) or np.isnan(usual):
            return None
        is_high = self.standing.grades[column] != NONE
        return Latency(
            seconds,
            usual,
            _band(self.usual, column),
            max(0.0, float(self.standing.rise[column])),
            bool(is_high),
            None if is_high else self._notice(column),
        )


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
    of_all, of_live = column_of(province), column_of(province, Kind.LIVE)
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
        known = ((Kind.ALL, baseline.loss_ratio), (Kind.LIVE, baseline.live_loss_ratio))
        for kind, ratio in known:
            column = column_of(baseline.province, kind)
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
        if at > measured_at[column_of(each.province)]:
            set_losses(missing.setdefault(at, np.full(COLUMNS, np.nan)), each)
    return [*sweeps, *(Sweep(at, loss) for at, loss in missing.items())]


def set_losses(losses: Floats, of: NewestLoss) -> None:
    """Put the losses of a province in their columns."""
    losses[column_of(of.province)] = of.loss_ratio
    if of.live_loss_ratio is not None and (of.live_targets or 0) >= LIVE_TARGETS:
        losses[column_of(of.province, Kind.LIVE)] = of.live_loss_ratio
