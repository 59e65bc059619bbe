"""What is usual for the loss and for the latency of a line, by what is stored of the past days.

    P       for each of the past days the mean of the quiet sweeps within half an hour of this time of day; of
            these the lower median, but no less than a week ago, as far as that is not much more
    level   how far the quiet sweeps of the past hour were from their P
    usual   P + the level, which goes up by a little only, unless it has stood for half a day, and down by no
            more than a little below both P and the past hour

While a small rise stands the level does not go up at all, unless it has stood for half a day: what is
usual does not follow what is noticed.

The past is known by buckets, each of ten minutes. A sweep is quiet when it is far from an alarm. So an
outage is not learned, nor is one that comes slowly: what is usual does not follow it. A rise that has
lasted for a day is the new usual: only what was measured since it began counts from then on.

Arrays are over columns: the provinces of a line, once for each of what is measured. `loss` stands for the
value of a column: a loss as a ratio, or a latency in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BUCKET_SECONDS = 600
Each = Floats | float
"""One number for all columns, or one for each."""

AN_HOUR, A_DAY = 3600 // BUCKET_SECONDS, 86_400 // BUCKET_SECONDS
HALF_A_DAY, A_WEEK = A_DAY // 2, 7 * A_DAY
NEVER = 2**40
"""A bucket after all."""

_HALF_AN_HOUR = AN_HOUR // 2
_DEVIATION_OF_MEDIAN = 1.4826  # of the median deviation to the standard deviation

SWEEPS, QUIET, LOSS, QUIET_LOSS, VARIANCE, SEASONAL, USUAL = range(7)
FIELDS = 7
"""Of a bucket: sweeps and quiet ones, the mean loss of all and of the quiet, and the variance of these; P
and usual as they were then."""


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """By which the rule is tuned; ratios are of the replies that usually come, times in hours or days.

    Of a column with latencies, what is added to values is in seconds.

    How far the level may go up: `up`, and `share` of how far P is above the quiet hours of a day, or `wide`
    times the usual scatter; `first` as long as no other day is known; and as far as it has stood for
    `stood` hours. A week ago lifts P by no more than `week_most`. A rise that has lasted for `accept` hours is usual from then on if of the replies it
    takes no more than `accept_most`. No value is above `most`.

    A sweep is quiet below `learn_below` of the threshold. An alarm ends below `leave` of the threshold,
    a severe one is elevated below `leave_severe`. A rise must be `sigmas` times the usual scatter, and as
    many sweeps are taken together as put chance `smooth` deviations below the threshold. One that is noticed
    must be `smooth` deviations of a median of sweeps, and stand for `notice_seconds`.
    """

    days: int = 3
    up: Each = 0.005
    share: float = 0.5
    wide: float = 1.0
    first: Each = 0.03
    stood: float = 12.0
    week_most: Each = 0.025
    accept: float = 24.0
    accept_most: Each = 0.5
    most: Each = 1.0
    learn_below: float = 0.7
    leave: float = 0.7
    leave_severe: float = 0.8
    sigmas: float = 5.0
    smooth: float = 4.0
    min_sweeps: int = 3
    notice_seconds: float = 600.0


@dataclass(frozen=True, slots=True, eq=False)
class Usual:
    """What is usual in the bucket `number`, and what has led to it; NaN where it is not known.

    `loss` is a ratio; `scatter` and `noise` are those of buckets and of sweeps, in points of the replies
    that usually come. `days` that know this hour, and `sweeps` of the past 12 hours, have made it. `level`
    and `seasonal` (P) are as above. `begins`: buckets before are forgotten; before `accepted`, all sweeps
    count as quiet. `risen_since` is the bucket in which a rise began, `calm` so many were without since.
    `is_loss`: the others are latencies, of which rises count as they are.
    """

    number: int
    loss: Floats
    scatter: Floats
    noise: Floats
    level: Floats
    seasonal: Floats
    days: Ints
    sweeps: Ints
    begins: Ints
    accepted: Ints
    risen_since: Ints
    calm: Ints
    is_loss: Bools

    @property
    def answered(self) -> Floats:
        """The share of replies that usually come; never so little that any loss would be a rise."""
        return self.answered_of(self.loss)

    def answered_of(self, loss: Floats) -> Floats:
        """The same if that were usual."""
        return np.where(self.is_loss, np.maximum(1 - loss, 0.01), 1)

    @property
    def band(self) -> tuple[Floats, Floats]:
        """From which loss to which chance and the usual swing explain it."""
        half = self.answered * np.hypot(5 * self.scatter, 3 * self.noise)
        high = self.loss + half
        return np.maximum(self.loss - half, 0), np.where(self.is_loss, np.minimum(high, 1), high)


def nothing_known(columns: int, *, is_loss: Bools | None = None) -> Usual:
    """What is usual before the first sweep; without `is_loss` all columns are losses."""
    unknown, nothing = np.full(columns, np.nan), np.zeros(columns)
    none, never = np.zeros(columns, np.int64), np.full(columns, NEVER)
    if is_loss is None:
        is_loss = np.ones(columns, np.bool_)
    return Usual(
        0, unknown, nothing, nothing, nothing, unknown, none, none, none, none, never, none, is_loss
    )


class Buckets:
    """The buckets of a line that are known, the last ones of a week and a day; the older are forgotten."""

    def __init__(self, columns: int) -> None:
        self._kept = A_WEEK + A_DAY
        self._numbers = np.full(self._kept, -1, np.int64)
        self._values = np.full((FIELDS, self._kept, columns), np.nan)

    def put(self, number: int, values: Floats) -> None:
        """The bucket of that number: float64[FIELDS, columns]."""
        row = number % self._kept
        self._numbers[row], self._values[:, row] = number, values

    def values(self, number: int) -> Floats:
        return self._values[:, number % self._kept]

    def get(self, field: int, numbers: Ints) -> Floats:
        """A field of these buckets, [numbers, columns]; NaN of those that are not known."""
        rows = numbers % self._kept
        found: Floats = self._values[field, rows]
        found[self._numbers[rows] != numbers] = np.nan
        return found


def buckets_wanted(first: int, last: int, tuning: Tuning) -> list[range]:
    """Which buckets tell what is usual in the buckets from `first` to `last`."""
    days = [day * A_DAY for day in range(2, tuning.days + 1)]
    wanted = [
        range(first - A_DAY - AN_HOUR, last),
        *(range(first - day - AN_HOUR, last - day + AN_HOUR + 1) for day in days),
        range(first - A_WEEK - _HALF_AN_HOUR, last - A_WEEK + _HALF_AN_HOUR + 1),
    ]
    return wanted if last - first < A_DAY // 2 else [range(first - A_WEEK - _HALF_AN_HOUR, last)]


def _around(number: int) -> range:
    return range(number - _HALF_AN_HOUR, number + _HALF_AN_HOUR + 1)


def find_usual(
    buckets: Buckets, before: Usual, number: int, tuning: Tuning, *, held: Bools | None = None
) -> Usual:
    """What is usual in the bucket of that number, by the buckets before it.

    `held` are the columns in which a small rise stands: their level does not follow it.
    """
    past = _Past(buckets, before)
    seasonal, days = _seasonal(past, number, tuning)
    recent = number - 1 - np.arange(HALF_A_DAY)
    is_new = np.isnan(seasonal)
    seasonal = np.where(is_new, _mean(past.loss(recent)), seasonal)
    level, stands = _level(past, recent, seasonal, is_new, tuning)
    elapsed = max(1, min(number - before.number, HALF_A_DAY))
    level = np.where(np.isnan(level), 0.93**elapsed * before.level, level)
    if held is not None:
        level = np.where(held, np.fmax(np.fmin(level, before.level), stands), level)
    day = number - 1 - np.arange(A_DAY)
    swing = np.maximum(seasonal - low_quantile(past.loss(day), 0.1), 0)
    room = tuning.up + np.maximum(tuning.share * swing, tuning.wide * before.scatter) + stands
    room = np.where(is_new, tuning.first, room)
    # Where P falls at once, as after a day that was wrong, the level of the past hour says too little.
    least = np.fmin(seasonal, _mean(past.loss(recent[:AN_HOUR]))) - tuning.up
    loss = np.clip(np.maximum(seasonal + np.minimum(level, room), least), 0, tuning.most)
    loss = np.where(np.isnan(loss), before.loss, loss)
    now = replace(
        before,
        number=number,
        loss=loss,
        level=level,
        seasonal=seasonal,
        days=days,
        sweeps=np.nansum(buckets.get(SWEEPS, recent), axis=0).astype(np.int64),
    )
    noise = np.sqrt(_mean(past.variance(np.concatenate([recent[:AN_HOUR], _day_ago(number)]))))
    noise = np.where(np.isnan(noise), before.noise, noise / now.answered)
    scatter = _scatter(past, number, tuning) / np.where(np.isnan(loss), 1, now.answered)
    return replace(now, noise=noise, scatter=scatter)


def _day_ago(number: int) -> Ints:
    return np.array(_around(number - A_DAY))


@dataclass(frozen=True, slots=True)
class _Past:
    """What counts of the buckets: not what is forgotten, nor what was in a rise."""

    buckets: Buckets
    known: Usual

    def loss(self, numbers: Ints) -> Floats:
        """The loss that was usual then, [numbers, columns]."""
        quiet = np.where(self._is_quiet(numbers), self.buckets.get(QUIET_LOSS, numbers), np.nan)
        if not self.known.accepted.any():
            return quiet
        accepted = self._is_accepted(numbers)
        loss = np.where(accepted, self.buckets.get(LOSS, numbers), quiet)
        return np.where(numbers[:, None] >= self.known.begins, loss, np.nan)

    def variance(self, numbers: Ints) -> Floats:
        return np.where(self._is_quiet(numbers), self.buckets.get(VARIANCE, numbers), np.nan)

    def seasonal(self, numbers: Ints) -> Floats:
        """P as it was; NaN where it was that of another time."""
        found = self.buckets.get(SEASONAL, numbers)
        return np.where(self._is_accepted(numbers), np.nan, found)

    def residual(self, numbers: Ints) -> Floats:
        """How far the loss was from what was usual."""
        found = self.loss(numbers) - self.buckets.get(USUAL, numbers)
        return np.where(self._is_accepted(numbers), np.nan, found)

    def _is_quiet(self, numbers: Ints) -> Bools:
        """Most of its sweeps were, else the bucket is of a rise."""
        sweeps, quiet = self.buckets.get(SWEEPS, numbers), self.buckets.get(QUIET, numbers)
        return np.asarray(quiet > 0.5 * sweeps)

    def _is_accepted(self, numbers: Ints) -> Bools:
        return np.asarray(numbers[:, None] < self.known.accepted)


def _seasonal(past: _Past, number: int, tuning: Tuning) -> tuple[Floats, Ints]:
    """P, NaN where no other day is known, and how many days know this hour."""
    per_day = [
        _mean(past.loss(np.array(_around(number - day * A_DAY))), least=2)
        for day in range(1, tuning.days + 1)
    ]
    days = np.sum(~np.isnan(per_day), axis=0)
    week_ago = _mean(past.loss(np.array(_around(number - A_WEEK))), least=2)
    lately = low_quantile(np.array(per_day), 0.5)
    most = lately + tuning.week_most
    return np.fmax(lately, np.where(week_ago > most, most, week_ago)), days


def _level(
    past: _Past, recent: Ints, seasonal: Floats, is_new: Bools, tuning: Tuning
) -> tuple[Floats, Floats]:
    """How far the past hour was from P, NaN where it is not known; and as far up as it has stood for long."""
    count = round(tuning.stood * AN_HOUR)
    numbers = recent[: max(count, AN_HOUR)]
    then = past.seasonal(numbers)
    then = np.where(np.isnan(then) | is_new, seasonal, then)
    above = past.loss(numbers) - then
    stood = above[:count]
    enough = np.sum(~np.isnan(stood), axis=0) > 0.5 * len(stood)
    stands = np.where(enough, low_quantile(stood, 0.1), 0)
    return _mean(above[:AN_HOUR]), np.fmax(stands, 0)


def _scatter(past: _Past, number: int, tuning: Tuning) -> Floats:
    """How far buckets of this hour usually are from what is usual; 0 where that is not known."""
    spans = [np.arange(number - 2 * AN_HOUR, number)]
    for day in range(1, tuning.days + 1):
        then = number - day * A_DAY
        spans.append(np.arange(then - AN_HOUR, then + AN_HOUR + 1))
    off = np.abs(past.residual(np.concatenate(spans)))
    enough = np.sum(~np.isnan(off), axis=0) >= AN_HOUR
    return np.where(enough, _DEVIATION_OF_MEDIAN * low_quantile(off, 0.5), 0)


def _mean(values: Floats, *, least: int = 1) -> Floats:
    """Of each column; NaN where fewer than `least` are known."""
    known = np.sum(~np.isnan(values), axis=0)
    mean = np.nansum(values, axis=0) / np.maximum(known, 1)
    return np.where(known >= least, mean, np.nan)


def low_quantile(values: Floats | Sequence[Floats], q: float) -> Floats:
    """Of each column the known value at that place, or below it; NaN where none is known."""
    ordered = np.sort(values, axis=0)  # NaN last
    known = np.sum(~np.isnan(ordered), axis=0)
    place = (q * np.maximum(known - 1, 0)).astype(np.int64)
    return np.asarray(ordered[place, np.arange(ordered.shape[1])])
