"""From sweep to sweep: how far each is above what is usual, what grade that is, and what it teaches.

The averaging keeps what was known at the start of the bucket that is not over, and the alert goes over the
sweeps since then. Both do it with `after_sweep`, so that they agree, and a run that was missed changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from netsky.clock import MOST_BETWEEN_SWEEPS
from netsky.judging.grading import TOLERANCE_RATIO
from netsky.judging.usual import (
    A_DAY,
    AN_HOUR,
    BUCKET_SECONDS,
    NEVER,
    Bools,
    Buckets,
    Each,
    Floats,
    Ints,
    Tuning,
    Usual,
    find_usual,
    low_quantile,
    nothing_known,
)

Grades = npt.NDArray[np.int8]

NONE, ELEVATED, SEVERE = 0, 1, 2
MOST_SWEEPS = 5
"""So many sweeps are taken together at most."""

_PAUSE_SECONDS = MOST_BETWEEN_SWEEPS.total_seconds()
_VARIANCE_OF_MEDIAN = 1.57  # of n values, in that of one value / n
# Of the time between two sweeps so much counts for a rise that stands: sweeps that are lost tell nothing of it.
_MOST_STOOD = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """The loss of a sweep, a ratio for each column, NaN: none was measured; `at` in Unix seconds.

    `sent` are the packets of each column, NaN where that is not known, or no matter.
    """

    at: float
    loss: Floats
    sent: Each = np.nan


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What stands after a sweep: grades, and the rise that has led to each, NaN where none is known.

    `recent` are the rises of the last sweeps, the newest last: float64[MOST_SWEEPS, columns]. `noticed` is for
    how many seconds a rise has stood that chance and the usual swing do not explain, however small.
    `measured_at` is when a sweep has last measured each column, in Unix seconds; -inf: none has.
    """

    at: float
    measured_at: Floats
    grades: Grades
    rise: Floats
    recent: Floats
    noticed: Floats


def nothing_stands(columns: int) -> Standing:
    """What stands before the first sweep."""
    unknown = np.full(columns, np.nan)
    recent = np.full((MOST_SWEEPS, columns), np.nan)
    none = np.full(columns, NONE, np.int8)
    never = np.full(columns, -np.inf)
    return Standing(-np.inf, never, none, unknown, recent, np.zeros(columns))


def _without(standing: Standing, away: Bools) -> Standing:
    """The same, but of these columns nothing stands: they were not measured for too long."""
    return replace(
        standing,
        grades=np.where(away, NONE, standing.grades).astype(np.int8),
        rise=np.where(away, np.nan, standing.rise),
        recent=np.where(away, np.nan, standing.recent),
        noticed=np.where(away, 0, standing.noticed),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """From which rises on a column is noticed, elevated, severe.

    `notice_part` and `elevated_part`: and so large a part of what is usual, for latencies.
    """

    notice: Each = 0.01
    elevated: Each = 0.05
    severe: Each = 0.10
    notice_part: Each = 0.0
    elevated_part: Each = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Rises:
    """From which rises on there is which grade, and how a rise is told from chance."""

    steps: Steps = field(default_factory=Steps)
    tuning: Tuning = field(default_factory=Tuning)

    def needed(self, usual: Usual) -> Floats:
        """From which rise on a column is elevated."""
        steps = self.steps
        needed = np.fmax(steps.elevated, steps.elevated_part * usual.loss)
        return np.asarray(np.fmax(needed, self.tuning.sigmas * usual.scatter))

    def noticeable(self, usual: Usual, sweep: Sweep) -> Floats:
        """From which median of the last sweeps on a rise is none of chance, nor of the usual swing.

        Chance is what has been measured of it; before that, what it is for so many packets.
        """
        ratio = np.clip(usual.loss, 0, 1)
        binomial = np.sqrt(ratio * (1 - ratio) / sweep.sent) / usual.answered
        noise = np.where(usual.noise > 0, usual.noise, np.where(usual.is_loss, binomial, 0))
        chance = self.tuning.smooth * np.sqrt(_VARIANCE_OF_MEDIAN / MOST_SWEEPS) * noise
        steps = self.steps
        least = np.fmax(steps.notice, steps.notice_part * usual.loss)
        return np.asarray(np.fmax(np.fmax(least, self.tuning.sigmas * usual.scatter), chance))

    def is_noticed(self, standing: Standing) -> Bools:
        """Where a rise has stood for long enough to be shown."""
        return np.asarray(standing.noticed >= self.tuning.notice_seconds)

    def after_sweep(self, standing: Standing, usual: Usual, sweep: Sweep) -> Standing:
        """What stands after one more sweep."""
        standing = _without(standing, sweep.at - standing.measured_at > _PAUSE_SECONDS)
        newest = (sweep.loss - usual.loss) / usual.answered
        recent = np.concatenate([standing.recent[1:], newest[None]])
        needed = self.needed(usual)
        rise = self._beyond_chance(recent, usual.noise, needed)
        tuning, steps = self.tuning, self.steps
        severe = needed + (steps.severe - steps.elevated)
        low = np.where(standing.grades >= ELEVATED, tuning.leave * needed, needed)
        high = np.where(standing.grades >= SEVERE, tuning.leave_severe * severe, severe)
        reached = rise + TOLERANCE_RATIO
        grades = np.where(reached >= high, SEVERE, np.where(reached >= low, ELEVATED, NONE))
        known = ~np.isnan(rise)
        return Standing(
            sweep.at,
            np.where(np.isnan(sweep.loss), standing.measured_at, sweep.at),
            np.where(known, grades, standing.grades).astype(np.int8),
            np.where(known, rise, standing.rise),
            recent,
            self._noticed(standing, usual, sweep, recent),
        )

    def _noticed(self, standing: Standing, usual: Usual, sweep: Sweep, recent: Floats) -> Floats:
        """For how long a rise stands then: it begins at what is noticeable, and ends below `leave` of that."""
        rise = np.where(np.isnan(recent[-1]), np.nan, together(recent))
        least = self.noticeable(usual, sweep)
        more = standing.noticed + min(sweep.at - standing.at, _MOST_STOOD)
        noticed = np.where(rise >= least - TOLERANCE_RATIO, more, standing.noticed)
        return np.where(rise < self.tuning.leave * least, 0, noticed)

    def _beyond_chance(self, recent: Floats, noise: Floats, needed: Floats) -> Floats:
        """The newest rise; where chance alone could reach the threshold, that of some sweeps together.

        These are the median of three or five, or the newest less what chance may add, if that is more.
        """
        newest, smooth = recent[-1], self.tuning.smooth
        sweeps = _VARIANCE_OF_MEDIAN * (smooth * noise / needed) ** 2
        if not (sweeps > 1).any():
            return np.asarray(newest)
        three, five = together(recent[-3:]), together(recent)
        rise: Floats = np.where(sweeps <= 3, three, five)
        rise = np.where(np.isnan(newest), np.nan, np.fmax(rise, newest - smooth * noise))
        return np.where(sweeps > 1, rise, newest)

    def is_quiet(self, standing: Standing, usual: Usual, sweep: Sweep) -> Bools:
        """Whether a sweep may be learned, by what stands after it."""
        near = standing.rise >= self.tuning.learn_below * self.needed(usual)
        quiet: Bools = ~np.isnan(sweep.loss) & (standing.grades == NONE) & ~near
        return quiet


def together(recent: Floats) -> Floats:
    """The rise of some sweeps: their lower median; NaN with fewer than three values."""
    known = np.sum(~np.isnan(recent), axis=0)
    return np.where(known >= 3, low_quantile(recent, 0.5), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The sweeps of a bucket so far, by column: how many, their loss and its squares, all and quiet."""

    sweeps: Ints
    loss: Floats
    quiet: Ints
    quiet_loss: Floats
    quiet_squares: Floats

    def plus(self, sweep: Sweep, quiet: Bools) -> Tally:
        measured = ~np.isnan(sweep.loss)
        learned = np.where(quiet, sweep.loss, 0)
        return Tally(
            self.sweeps + measured,
            self.loss + np.where(measured, sweep.loss, 0),
            self.quiet + quiet,
            self.quiet_loss + learned,
            self.quiet_squares + learned**2,
        )

    @property
    def mean(self) -> Floats:
        return _ratio(self.loss, self.sweeps)

    @property
    def quiet_mean(self) -> Floats:
        return _ratio(self.quiet_loss, self.quiet)

    @property
    def variance(self) -> Floats:
        """Of the quiet ones; NaN when they are too few to tell."""
        squares = self.quiet_squares - self.quiet * self.quiet_mean**2
        return np.where(
            self.quiet > 3, np.maximum(squares, 0) / np.maximum(self.quiet - 1, 1), np.nan
        )


def _ratio(total: Floats, count: Ints) -> Floats:
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _empty(columns: int) -> Tally:
    none, nothing = np.zeros(columns, np.int64), np.zeros(columns)
    return Tally(none, nothing, none, nothing, nothing)


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What is known of a line at the start of a bucket: what is usual in it, and what stands."""

    usual: Usual
    standing: Standing


def nothing_kept(columns: int, *, is_loss: Bools | None = None) -> Kept:
    return Kept(nothing_known(columns, is_loss=is_loss), nothing_stands(columns))


def start_of(usual: Usual) -> int:
    """When its bucket begins, in Unix seconds: sweeps from then on are not in it yet."""
    return usual.number * BUCKET_SECONDS


def average(
    rises: Rises, buckets: Buckets, kept: Kept, sweeps: Iterable[Sweep]
) -> tuple[Kept, list[int]]:
    """Go over the sweeps since `kept`, in the order of time; what is kept then, and which buckets are new.

    These are in `buckets`. The bucket of the newest sweep is not over; columns of which nothing was known
    begin with what it has so far.
    """
    usual, standing, closed = kept.usual, kept.standing, []
    tally = _empty(len(usual.loss))
    for sweep in sweeps:
        number = int(sweep.at // BUCKET_SECONDS)
        if number > usual.number:
            if tally.sweeps.any():
                usual = _close(buckets, usual, tally, rises.tuning)
                closed.append(usual.number)
            held = standing.noticed > 0
            usual = find_usual(buckets, usual, number, rises.tuning, held=held)
            kept = Kept(usual, standing)
            tally = _empty(len(usual.loss))
        standing = rises.after_sweep(standing, usual, sweep)
        tally = tally.plus(sweep, rises.is_quiet(standing, usual, sweep))
    return replace(kept, usual=_begun(kept.usual, tally, rises.tuning)), closed


def _close(buckets: Buckets, usual: Usual, tally: Tally, tuning: Tuning) -> Usual:
    """Put the bucket that is over in its place; what is known then of rises that last."""
    values = [
        tally.sweeps,
        tally.quiet,
        tally.mean,
        tally.quiet_mean,
        tally.variance,
        usual.seasonal,
        usual.loss,
    ]
    buckets.put(usual.number, np.array(values, np.float64))
    measured = tally.sweeps > 0
    risen = measured & ~(tally.quiet > 0.5 * tally.sweeps)
    calm = np.where(risen, 0, usual.calm + measured)
    since = np.where(risen, np.minimum(usual.risen_since, usual.number), usual.risen_since)
    since = np.where(calm >= AN_HOUR, NEVER, since)
    end = usual.number + 1
    lasted = end - since >= tuning.accept * A_DAY / 24
    accepted = lasted & (tally.mean - usual.loss <= tuning.accept_most * usual.answered)
    return replace(
        usual,
        begins=np.where(accepted, since, usual.begins),
        accepted=np.where(accepted, end, usual.accepted),
        level=np.where(accepted, 0, usual.level),
        risen_since=np.where(accepted, NEVER, since),
        calm=calm,
    )


def _begun(usual: Usual, tally: Tally, tuning: Tuning) -> Usual:
    """With the first sweeps of a column of which nothing was known."""
    new = np.isnan(usual.loss) & (tally.sweeps >= tuning.min_sweeps)
    if not new.any():
        return usual
    loss = np.where(new, tally.mean, usual.loss)
    noise = np.nan_to_num(np.sqrt(tally.variance)) / usual.answered_of(loss)
    return replace(usual, loss=loss, noise=np.where(new, noise, usual.noise))
