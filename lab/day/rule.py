"""What watches lines: a rule, sweep after sweep, with what its tools would have stored by then.

Its columns are the provinces of one line, or of several lines one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from lab.day.types import Bools, Floats, Grades, Ints
from netsky.judging.grading import TOLERANCE_RATIO, Grade, Severity, Thresholds, Verdict
from netsky.judging.rule import MeanRule, Rule
from netsky.loss import Baseline, MeanLoss, NewestLoss
from netsky.places import PROVINCES

SEVERITIES = tuple(Severity)
NOT_JUDGED, NONE, ELEVATED, SEVERE = -1, 0, 1, 2

# As in crontab.example: the baseline at hh:03, the verdict 18 s after the sweep has begun.
AVERAGED_AT_MINUTE = 3
JUDGED_AFTER = timedelta(seconds=18)
EGRESS = "default"
KEPT_SWEEPS = 26 * 360

_CODE = {Grade.NONE: NONE, Grade.ELEVATED: ELEVATED, Grade.SEVERE: SEVERE}
_INDEX = {province.slug: index for index, province in enumerate(PROVINCES)}


@dataclass(frozen=True, slots=True)
class Reading:
    """A sweep that began `at`: by column the loss, NaN where none was measured.

    `packets_sent` and `dead`, the share of targets that never answer, which a memory of the targets
    knows, are by column, or one for all.
    """

    at: datetime
    loss_ratio: Floats
    packets_sent: Ints | int
    dead: Floats | float = 0.0

    @property
    def live_loss_ratio(self) -> Floats:
        """The loss of the targets that usually answer."""
        return 1 - (1 - self.loss_ratio) / (1 - self.dead)


class Watcher(Protocol):
    """What watches lines, with what it remembers of them."""

    def judge(self, reading: Reading) -> Grades:
        """A grade for each column, NOT_JUDGED where there is none; called in the order of time."""


class History:
    """The last sweeps, 26 hours or more of them, and what of them was graded as a rise."""

    def __init__(self, columns: int = len(PROVINCES)) -> None:
        self._seconds = np.full(KEPT_SWEEPS, -np.inf)
        self._loss = np.full((KEPT_SWEEPS, columns), np.nan)
        self._graded = np.zeros((KEPT_SWEEPS, columns), np.bool_)
        self._count = 0

    def add(self, at: datetime, loss_ratio: Floats) -> None:
        place = self._count % KEPT_SWEEPS
        self._seconds[place] = at.timestamp()
        self._loss[place], self._graded[place] = loss_ratio, False
        self._count += 1

    def mark(self, graded: Bools) -> None:
        """Say of the newest sweep in which columns it was graded as a rise."""
        self._graded[(self._count - 1) % KEPT_SWEEPS] = graded

    def loss(self, after: datetime, until: datetime, *, quiet: bool = False) -> Floats:
        """The sweeps of after < time <= until; `quiet`: NaN where they were graded as a rise."""
        chosen = (self._seconds > after.timestamp()) & (self._seconds <= until.timestamp())
        loss = self._loss[chosen]
        return np.where(self._graded[chosen], np.nan, loss) if quiet else loss

    def mean_loss(self, *, after: datetime, until: datetime) -> list[MeanLoss]:
        """The mean loss as netsky.store.database gives it for one exit."""
        means, samples = mean_of(self.loss(after, until))
        return [
            MeanLoss(province, EGRESS, mean if count else None, count)
            for province, mean, count in zip(
                PROVINCES, means.tolist(), samples.tolist(), strict=True
            )
        ]


def mean_of(loss: Floats) -> tuple[Floats, Ints]:
    """Mean and number of the values of each column."""
    samples = np.sum(~np.isnan(loss), axis=0)
    return np.nansum(loss, axis=0) / np.maximum(samples, 1), samples


Compute = Callable[[History, datetime], Floats]
"""The baseline of each column, NaN where it stays as it was."""

Judged = Callable[[Reading, Floats], Floats]
"""What counts as the loss of a sweep, given the baselines."""


def as_measured(reading: Reading, baselines: Floats) -> Floats:  # noqa: ARG001
    return reading.loss_ratio


class BaselineWatcher:
    """Judges the newest loss by baselines that are computed each hour, as `netsky.judging.grading` does."""

    def __init__(self, columns: int, compute: Compute, judged: Judged = as_measured) -> None:
        self._compute, self._judged = compute, judged
        self._thresholds = Thresholds()
        self._history = History(columns)
        self._loss, self._baselines = np.full((2, columns), np.nan)
        self._measured_at, self._computed_at = np.full((2, columns), -np.inf)
        self._averaged = -math.inf

    def judge(self, reading: Reading) -> Grades:
        now = reading.at.timestamp()
        if reading.at.minute == AVERAGED_AT_MINUTE and now - self._averaged >= 60:
            self._averaged = now
            self._renew(reading.at)  # the sweep of this minute is not stored yet
        known = ~np.isnan(reading.loss_ratio)
        if known.any():
            self._history.add(reading.at, reading.loss_ratio)
            self._loss = np.where(known, self._judged(reading, self._baselines), self._loss)
            self._measured_at[known] = now
        grades = self._grades(now + JUDGED_AFTER.total_seconds())
        if known.any():
            self._history.mark(grades > NONE)
        return grades

    def _grades(self, now: float) -> Grades:
        thresholds = self._thresholds
        increase = self._loss - self._baselines + TOLERANCE_RATIO
        risen = np.where(increase >= thresholds.elevated, ELEVATED, NONE)
        grades = np.where(increase >= thresholds.severe, SEVERE, risen)
        judged = (now - self._measured_at <= thresholds.max_age.total_seconds()) & (
            now - self._computed_at <= thresholds.max_baseline_age.total_seconds()
        )
        return np.where(judged, grades, NOT_JUDGED).astype(np.int8)

    def _renew(self, now: datetime) -> None:
        new = self._compute(self._history, now)
        known = ~np.isnan(new)
        self._baselines = np.where(known, new, self._baselines)
        self._computed_at[known] = now.timestamp()


class RuleWatcher:
    """Watches one line with any `netsky.judging.rule.Rule` itself, by way of its values; this takes longer."""

    def __init__(self, rule: Rule[History] | None = None) -> None:
        self._rule: Rule[History] = MeanRule() if rule is None else rule
        self._history = History()
        self._newest: dict[int, NewestLoss] = {}
        self._baselines: dict[int, Baseline] = {}

    def judge(self, reading: Reading) -> Grades:
        if reading.at.minute == AVERAGED_AT_MINUTE:
            self._renew_baselines(reading.at)  # the sweep of this minute is not stored yet
        known = np.flatnonzero(~np.isnan(reading.loss_ratio))
        if len(known):
            self._history.add(reading.at, reading.loss_ratio)
        for index in known.tolist():
            loss = float(reading.loss_ratio[index])
            self._newest[index] = NewestLoss(PROVINCES[index], loss, reading.at)
        verdict = self._rule.judge(
            self._newest.values(), self._baselines.values(), now=reading.at + JUDGED_AFTER
        )
        grades = grades_of(verdict)
        if len(known):
            self._history.mark(grades > NONE)
        return grades

    def _renew_baselines(self, now: datetime) -> None:
        for new in self._rule.baselines(self._history, now=now).baselines:
            if new.loss_ratio is not None:
                baseline = Baseline(new.province, EGRESS, new.loss_ratio, now)
                self._baselines[_INDEX[new.province.slug]] = baseline


def grades_of(verdict: Verdict) -> Grades:
    """The grades of a verdict of the product, by province."""
    grades = np.full(len(PROVINCES), NOT_JUDGED, np.int8)
    for judgement in verdict.judgements:
        if judgement.grade is not None:
            grades[_INDEX[judgement.province.slug]] = _CODE[judgement.grade]
    return grades


class EachLine:
    """Watches several lines with a watcher of its own for each."""

    def __init__(self, columns: int, make: Callable[[], Watcher]) -> None:
        self._watchers = [make() for _ in range(columns // len(PROVINCES))]

    def judge(self, reading: Reading) -> Grades:
        shape, count = reading.loss_ratio.shape, len(self._watchers)
        parts = [
            np.split(np.broadcast_to(of_all, shape), count)
            for of_all in (reading.loss_ratio, reading.packets_sent, reading.dead)
        ]
        grades = [
            watcher.judge(Reading(reading.at, *of_line))
            for watcher, *of_line in zip(self._watchers, *parts, strict=True)
        ]
        return np.concatenate(grades)
