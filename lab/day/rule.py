"""A rule of the product, minute by minute: what the tools would have stored and judged by it.

A watcher sees each minute what the alert could see then, and says which severities stand and which
provinces they are about. `RuleWatcher` does it with a `netsky.judging.rule.Rule`, any one: it asks for
baselines each hour, as crontab.example has it, and for a verdict each minute.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from lab.day.types import Bools, Floats, Grades, Ints
from netsky.judging.grading import Grade, Severity, Verdict
from netsky.judging.rule import MeanRule, Rule
from netsky.loss import Baseline, MeanLoss, NewBaseline, NewestLoss
from netsky.places import PROVINCES

SEVERITIES = tuple(Severity)
NOT_JUDGED, NONE, ELEVATED, SEVERE = -1, 0, 1, 2

# As in crontab.example: the baseline at hh:03, the verdict 18 s after the sweep has begun.
AVERAGED_AT_MINUTE = 3
JUDGED_AFTER = timedelta(seconds=18)
EGRESS = "default"
KEPT_MINUTES = 26 * 60

_CODE = {Grade.NONE: NONE, Grade.ELEVATED: ELEVATED, Grade.SEVERE: SEVERE}
_INDEX = {province.slug: index for index, province in enumerate(PROVINCES)}


@dataclass(frozen=True, slots=True)
class Reading:
    """The minute of a sweep that began `at`: by province the loss, NaN where none was measured.

    `dead` is the share of targets that never answer, by province, or one for all: what a memory of
    the targets knows.
    """

    at: datetime
    loss_ratio: Floats
    packets_sent: int
    dead: Floats | float = 0.0


@dataclass(frozen=True, slots=True)
class Opinion:
    """A grade for each province, NOT_JUDGED where there is none; the severities that stand.

    What is not judged or undetermined neither makes nor ends an alert.
    """

    grades: Grades
    active: frozenset[Severity]
    undetermined: frozenset[Severity] = frozenset()


ALL_QUIET = Opinion(np.full(len(PROVINCES), NONE, np.int8), frozenset())
MARGIN = 0.001


class Watcher(Protocol):
    """What watches one line, with what it remembers of it."""

    def judge(self, reading: Reading) -> Opinion:
        """Called once a minute, in the order of time."""


class History:
    """The loss of the past 26 hours, and which of it was graded as a rise."""

    def __init__(self) -> None:
        self._seconds = np.full(KEPT_MINUTES, -np.inf)
        self._loss = np.full((KEPT_MINUTES, len(PROVINCES)), np.nan)
        self._graded = np.zeros((KEPT_MINUTES, len(PROVINCES)), np.bool_)
        self._count = 0

    def add(self, at: datetime, loss_ratio: Floats) -> None:
        place = self._count % KEPT_MINUTES
        self._seconds[place] = at.timestamp()
        self._loss[place], self._graded[place] = loss_ratio, False
        self._count += 1

    def mark(self, graded: Bools) -> None:
        """Say of the newest sweep in which provinces it was graded as a rise."""
        self._graded[(self._count - 1) % KEPT_MINUTES] = graded

    def loss(self, after: datetime, until: datetime, *, quiet: bool = False) -> Floats:
        """The sweeps of after < time <= until; `quiet`: NaN where they were graded as a rise."""
        chosen = (self._seconds > after.timestamp()) & (self._seconds <= until.timestamp())
        loss = self._loss[chosen]
        return np.where(self._graded[chosen], np.nan, loss) if quiet else loss

    def mean_loss(self, *, after: datetime, until: datetime) -> list[MeanLoss]:
        """The mean loss as netsky.store.database gives it for one exit."""
        return [
            MeanLoss(new.province, new.egress, new.loss_ratio, new.samples)
            for new in baselines_of(*mean_of(self.loss(after, until)))
        ]


def mean_of(loss: Floats) -> tuple[Floats, Ints]:
    """Mean and number of the values of each province."""
    samples = np.sum(~np.isnan(loss), axis=0)
    return np.nansum(loss, axis=0) / np.maximum(samples, 1), samples


def baselines_of(loss_ratio: Floats, samples: Ints) -> list[NewBaseline]:
    """The baselines as values of the product; NaN, or no sample, is none."""
    return [
        NewBaseline(province, EGRESS, None if math.isnan(loss) or not n else loss, n)
        for province, loss, n in zip(PROVINCES, loss_ratio.tolist(), samples.tolist(), strict=True)
    ]


Judged = Callable[[Reading, Floats], Floats]
"""What counts as the loss of a sweep, given the baselines."""


def as_measured(reading: Reading, baselines: Floats) -> Floats:  # noqa: ARG001
    return reading.loss_ratio


class RuleWatcher:
    """Watches with a rule; with the defaults it does what the product does."""

    def __init__(self, rule: Rule[History] | None = None, judged: Judged = as_measured) -> None:
        self._rule: Rule[History] = MeanRule() if rule is None else rule
        self._judged = judged
        self._history = History()
        self._loss = np.full(len(PROVINCES), np.nan)
        self._measured_at: list[datetime | None] = [None] * len(PROVINCES)
        self._baselines = np.full(len(PROVINCES), np.nan)
        self._computed_at: list[datetime | None] = [None] * len(PROVINCES)

    def judge(self, reading: Reading) -> Opinion:
        if reading.at.minute == AVERAGED_AT_MINUTE:
            self._renew_baselines(reading.at)  # the sweep of this minute is not stored yet
        known = ~np.isnan(reading.loss_ratio)
        if known.any():
            self._history.add(reading.at, reading.loss_ratio)
            loss = self._judged(reading, self._baselines)
            self._loss = np.where(known, loss, self._loss)
            _stamp(self._measured_at, known, reading.at)
        if self._is_plainly_quiet(known, reading.at):
            return ALL_QUIET
        opinion = opinion_of(self._verdict(reading.at + JUDGED_AFTER))
        if known.any():
            self._history.mark(opinion.grades > NONE)
        return opinion

    def _is_plainly_quiet(self, known: Bools, at: datetime) -> bool:
        """All is new and far from any grade: most minutes, and the verdict takes a while."""
        if not known.all() or None in self._computed_at:
            return False
        thresholds = self._rule.thresholds
        far = bool((self._loss - self._baselines < thresholds.elevated - MARGIN).all())
        return far and at - min(filter(None, self._computed_at)) < thresholds.max_baseline_age / 2

    def _verdict(self, now: datetime) -> Verdict:
        newest = [
            NewestLoss(province, float(loss), at)
            for province, loss, at in zip(PROVINCES, self._loss, self._measured_at, strict=True)
            if at is not None
        ]
        baselines = [
            Baseline(province, EGRESS, float(baseline), at)
            for province, baseline, at in zip(
                PROVINCES, self._baselines, self._computed_at, strict=True
            )
            if at is not None
        ]
        return self._rule.judge(newest, baselines, now=now)

    def _renew_baselines(self, now: datetime) -> None:
        for new in self._rule.baselines(self._history, now=now).baselines:
            if new.loss_ratio is not None:
                index = _INDEX[new.province.slug]
                self._baselines[index], self._computed_at[index] = new.loss_ratio, now


def _stamp(times: list[datetime | None], which: Bools, at: datetime) -> None:
    for index in np.flatnonzero(which):
        times[index] = at


def opinion_of(verdict: Verdict) -> Opinion:
    """A verdict of the product in our form."""
    grades = np.full(len(PROVINCES), NOT_JUDGED, np.int8)
    for judgement in verdict.judgements:
        if judgement.grade is not None:
            grades[_INDEX[judgement.province.slug]] = _CODE[judgement.grade]
    return Opinion(grades, frozenset(verdict.active), verdict.undetermined)
