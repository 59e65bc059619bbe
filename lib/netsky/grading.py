"""Judging the rise of loss: newest against mean, by province, and what it adds up to.

    increase = max(0, newest loss ratio - mean)
    province:  elevated from 5, severe from 10 percentage points (both settable)
    severity:  medium    1 to 3 provinces elevated
               heavy     4 or more elevated
               critical  any severe; stands beside medium or heavy

What is missing or old is not judged, and never makes or ends an alert: a severity on which the
provinces that were not judged could make a difference is undetermined.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from netsky.database import Baseline, NewestLoss
from netsky.places import PROVINCES, Province

HEAVY_PROVINCES = 4

# A province that is in none of the sweeps of so long is no longer in the address library.
GONE_AFTER = timedelta(hours=12)


class Grade(StrEnum):
    """What the increase of one province amounts to."""

    NONE = "none"
    ELEVATED = "elevated"
    SEVERE = "severe"


class Severity(StrEnum):
    """What the grades of all provinces add up to."""

    MEDIUM = "medium"
    HEAVY = "heavy"
    CRITICAL = "critical"


class NotJudged(StrEnum):
    """Why a province could not be judged."""

    NO_LOSS_RATE = "no_loss_rate"
    STALE = "stale"
    NO_BASELINE = "no_baseline"
    STALE_BASELINE = "stale_baseline"


@dataclass(frozen=True, slots=True)
class Rules:
    """From which increase (ratio) a province is graded, and until which age figures are judged."""

    elevated: float = 0.05
    severe: float = 0.10
    max_age: timedelta = timedelta(seconds=180)
    max_baseline_age: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One province: what is known, and either a grade or the reason why there is none.

    `newest` and `baseline` may be too old to judge by; `last_grade` is what they come to all the
    same, None when one of them is missing.
    """

    province: Province
    newest: NewestLoss | None
    baseline: Baseline | None
    last_grade: Grade | None
    not_judged: NotJudged | None

    @property
    def grade(self) -> Grade | None:
        return None if self.not_judged else self.last_grade

    @property
    def increase_ratio(self) -> float | None:
        return None if self.not_judged else _increase(self.newest, self.baseline)


Active = Mapping[Severity, Sequence[Judgement]]
"""The alerts that stand, and the provinces that each is about."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All provinces of one ISP through one egress, worst first, and what they add up to.

    `active` has only the severities that stand; `undetermined` those that cannot be told.
    """

    judged_at: datetime
    judgements: tuple[Judgement, ...]
    active: Active
    undetermined: frozenset[Severity]

    @property
    def judged(self) -> list[Judgement]:
        return [judgement for judgement in self.judgements if not judgement.not_judged]

    @property
    def not_judged(self) -> list[Judgement]:
        return [judgement for judgement in self.judgements if judgement.not_judged]


def judge(
    newest: Iterable[NewestLoss],
    baselines: Iterable[Baseline],
    *,
    now: datetime,
    rules: Rules,
) -> Verdict:
    """Judge the newest loss of each province by its mean."""
    newest_of = {loss.province: loss for loss in newest}
    baseline_of = {baseline.province: baseline for baseline in baselines}
    latest = max((loss.measured_at for loss in newest_of.values()), default=None)
    judgements = [
        _judge_province(province, newest_of.get(province), baseline_of.get(province), now, rules)
        for province in PROVINCES
        if _is_in_use(newest_of.get(province), province in baseline_of, latest)
    ]
    active = add_up(judgements, by_last_grade=False)
    return Verdict(
        judged_at=now,
        judgements=tuple(sorted(judgements, key=_badness, reverse=True)),
        active=active,
        undetermined=_undetermined(judgements, active),
    )


def _is_in_use(newest: NewestLoss | None, has_baseline: bool, latest: datetime | None) -> bool:  # noqa: FBT001
    if latest is None:
        return has_baseline
    return newest is not None and newest.measured_at > latest - GONE_AFTER


def _judge_province(
    province: Province,
    newest: NewestLoss | None,
    baseline: Baseline | None,
    now: datetime,
    rules: Rules,
) -> Judgement:
    increase, reason = _increase(newest, baseline), None
    if newest is None:
        reason = NotJudged.NO_LOSS_RATE
    elif now - newest.measured_at > rules.max_age:
        reason = NotJudged.STALE
    elif baseline is None:
        reason = NotJudged.NO_BASELINE
    elif now - baseline.computed_at > rules.max_baseline_age:
        reason = NotJudged.STALE_BASELINE
    last_grade = None if increase is None else grade(increase, rules)
    return Judgement(province, newest, baseline, last_grade, reason)


def _increase(newest: NewestLoss | None, baseline: Baseline | None) -> float | None:
    if newest is None or baseline is None:
        return None
    return max(0.0, newest.loss_ratio - baseline.loss_ratio)


def grade(increase_ratio: float, rules: Rules) -> Grade:
    """The grade of an increase; exactly a threshold counts as reached."""
    if _reaches(increase_ratio, rules.severe):
        return Grade.SEVERE
    return Grade.ELEVATED if _reaches(increase_ratio, rules.elevated) else Grade.NONE


def _reaches(increase_ratio: float, threshold: float) -> bool:
    # 12.3 % - 7.3 % comes to 0.04999999999999999 in binary: that is 5 points all the same.
    return increase_ratio > threshold or math.isclose(increase_ratio, threshold, abs_tol=1e-9)


def add_up(judgements: Iterable[Judgement], *, by_last_grade: bool) -> Active:
    """The severities that the grades come to; `by_last_grade`: those of old figures, too."""
    graded = [
        (judgement.last_grade if by_last_grade else judgement.grade, judgement)
        for judgement in judgements
    ]
    elevated = [judgement for its_grade, judgement in graded if its_grade is Grade.ELEVATED]
    severe = [judgement for its_grade, judgement in graded if its_grade is Grade.SEVERE]
    active = {}
    if elevated:
        heavy = len(elevated) >= HEAVY_PROVINCES
        active[Severity.HEAVY if heavy else Severity.MEDIUM] = elevated
    if severe:
        active[Severity.CRITICAL] = severe
    return active


def _undetermined(judgements: Sequence[Judgement], active: Active) -> frozenset[Severity]:
    """Without any province judged, all; else those that old figures would add or take away."""
    if all(judgement.not_judged for judgement in judgements):
        return frozenset(Severity)
    return frozenset(active.keys() ^ add_up(judgements, by_last_grade=True).keys())


def _badness(judgement: Judgement) -> tuple[int, float, float]:
    """What is graded first, then what could not be judged, then by increase and loss."""
    graded = judgement.grade in (Grade.ELEVATED, Grade.SEVERE)
    loss_ratio = judgement.newest.loss_ratio if judgement.newest else 0.0
    rank = 2 if graded else 1 if judgement.not_judged else 0
    return rank, judgement.increase_ratio or 0.0, loss_ratio
