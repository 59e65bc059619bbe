"""Judging the rise of loss: newest against baseline, by province, and what it adds up to.

    increase = max(0, newest loss ratio - baseline), of the targets that usually answer where at
               least 400 of them are known and have a baseline, else of all: addresses
               that never answer hide a part of each rise
    province:  elevated from 5, severe from 10 percentage points (both settable)
    severity:  medium    1 to 3 provinces elevated
               heavy     4 or more elevated
               critical  any severe; stands beside medium or heavy

What is missing or old is not judged, and never makes or ends an alert: a severity is active when the
judged provinces prove it, and undetermined when those that were not judged could add it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from netsky.clock import CLOCK_TOLERANCE
from netsky.judging.notice import Latency, Notice
from netsky.loss import Band, Baseline, NewestLoss
from netsky.places import PROVINCES, Province

# How far a rise may be from a threshold and still reach it: columns are FLOAT, and 12.3 - 7.3 is a
# little less than 5 in binary.
TOLERANCE_RATIO = 2e-7

# A province that is in none of the sweeps of so long is no longer in the address library.
GONE_AFTER = timedelta(hours=12)


# From so many targets on that usually answer, chance moves their loss rate by 0.7 points at most.
LIVE_TARGETS = 400


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
    IN_THE_FUTURE = "in_the_future"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From what on a grade or a severity is given, and until which age figures are judged.

    `elevated` and `severe` are increases of a province (ratios); so many elevated provinces as
    `heavy_provinces` says make the severity heavy.
    """

    elevated: float = 0.05
    severe: float = 0.10
    heavy_provinces: int = 4
    max_age: timedelta = timedelta(seconds=180)
    max_baseline_age: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One province: what is known, and either a grade or the reason why there is none.

    `newest` and `baseline` may be too old to judge by. A `notice` is of a rise that has no grade; both this
    and `latency` are there where the rule tells them.
    """

    province: Province
    newest: NewestLoss | None
    baseline: Baseline | None
    increase_ratio: float | None
    grade: Grade | None
    not_judged: NotJudged | None
    notice: Notice | None = None
    latency: Latency | None = None

    @property
    def by_live(self) -> bool:
        """Whether what is compared is of the targets that usually answer, and not of all."""
        newest, baseline = self.newest, self.baseline
        return (
            newest is not None
            and baseline is not None
            and (newest.live_targets or 0) >= LIVE_TARGETS
            and None not in (newest.live_loss_ratio, baseline.live_loss_ratio)
        )

    @property
    def loss_ratio(self) -> float | None:
        """The newest loss that is compared."""
        return _ratio_of(self.newest, live=self.by_live)

    @property
    def baseline_ratio(self) -> float | None:
        """What it is compared with."""
        return _ratio_of(self.baseline, live=self.by_live)

    @property
    def band(self) -> Band | None:
        """The band about that; None: the rule gives none."""
        if self.baseline is None:
            return None
        return self.baseline.live_band if self.by_live else self.baseline.band


def _ratio_of(loss: NewestLoss | Baseline | None, *, live: bool) -> float | None:
    if loss is None:
        return None
    return loss.live_loss_ratio if live else loss.loss_ratio


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

    @property
    def noticed(self) -> list[Judgement]:
        """Where a small rise of loss stands."""
        return [judgement for judgement in self.judgements if judgement.notice]

    @property
    def latency_high(self) -> list[Judgement]:
        return [each for each in self.judgements if each.latency and each.latency.is_high]

    @property
    def latency_noticed(self) -> list[Judgement]:
        """Where a small rise of latency stands."""
        return [each for each in self.judgements if each.latency and each.latency.notice]

    def not_judged_for(self, reason: NotJudged) -> list[Judgement]:
        return [judgement for judgement in self.judgements if judgement.not_judged is reason]


GradeOf = Callable[[Judgement], Judgement]
"""A province with its increase and the grade of it; both ratios are known."""


def judge(
    newest: Iterable[NewestLoss],
    baselines: Iterable[Baseline],
    *,
    now: datetime,
    thresholds: Thresholds,
    grade_of: GradeOf | None = None,
) -> Verdict:
    """Judge the newest loss of each province by its baseline; without `grade_of` by the plain difference."""
    if grade_of is None:
        grade_of = partial(_plain_grade, thresholds=thresholds)
    newest_of = {loss.province: loss for loss in newest}
    baseline_of = {baseline.province: baseline for baseline in baselines}
    # A province that a clock has put into the future does not make the others look gone.
    times = [loss.measured_at for loss in newest_of.values()]
    latest = max((at for at in times if at - now <= CLOCK_TOLERANCE), default=None)
    judgements = [
        _graded(
            _not_graded(
                province, newest_of.get(province), baseline_of.get(province), now, thresholds
            ),
            grade_of,
        )
        for province in PROVINCES
        if _is_in_use(newest_of.get(province), province in baseline_of, latest)
    ]
    judgements.sort(key=_badness, reverse=True)
    active = add_up(judgements, thresholds)
    return Verdict(
        judged_at=now,
        judgements=tuple(judgements),
        active=active,
        undetermined=_undetermined(judgements, active, thresholds),
    )


def _is_in_use(newest: NewestLoss | None, has_baseline: bool, latest: datetime | None) -> bool:  # noqa: FBT001
    if newest is None:
        return latest is None and has_baseline
    return latest is None or newest.measured_at > latest - GONE_AFTER


def _not_graded(
    province: Province,
    newest: NewestLoss | None,
    baseline: Baseline | None,
    now: datetime,
    thresholds: Thresholds,
) -> Judgement:
    reason: NotJudged | None
    if newest is None:
        reason = NotJudged.NO_LOSS_RATE
    elif newest.measured_at - now > CLOCK_TOLERANCE:
        reason = NotJudged.IN_THE_FUTURE
    elif now - newest.measured_at > thresholds.max_age:
        reason = NotJudged.STALE
    elif baseline is None:
        reason = NotJudged.NO_BASELINE
    elif baseline.computed_at - now > CLOCK_TOLERANCE:
        reason = NotJudged.IN_THE_FUTURE
    elif now - baseline.computed_at > thresholds.max_baseline_age:
        reason = NotJudged.STALE_BASELINE
    else:
        reason = None
    return Judgement(province, newest, baseline, None, None, reason)


def _graded(judgement: Judgement, grade_of: GradeOf) -> Judgement:
    if judgement.not_judged or None in (judgement.loss_ratio, judgement.baseline_ratio):
        return judgement
    return grade_of(judgement)


def _plain_grade(judgement: Judgement, thresholds: Thresholds) -> Judgement:
    increase = (judgement.loss_ratio or 0.0) - (judgement.baseline_ratio or 0.0)
    its_grade = grade(increase, thresholds)
    return replace(judgement, increase_ratio=max(0.0, increase), grade=its_grade)


def grade(increase_ratio: float, thresholds: Thresholds) -> Grade:
    """The grade of an increase; exactly a threshold counts as reached."""
    if _reaches(increase_ratio, thresholds.severe):
        return Grade.SEVERE
    return Grade.ELEVATED if _reaches(increase_ratio, thresholds.elevated) else Grade.NONE


def _reaches(increase_ratio: float, threshold: float) -> bool:
    return increase_ratio >= threshold - TOLERANCE_RATIO


def add_up(judgements: Iterable[Judgement], thresholds: Thresholds) -> Active:
    """The severities that the grades of the judged provinces come to."""
    judgements = list(judgements)
    elevated = [judgement for judgement in judgements if judgement.grade is Grade.ELEVATED]
    severe = [judgement for judgement in judgements if judgement.grade is Grade.SEVERE]
    active = {}
    if elevated:
        heavy = len(elevated) >= thresholds.heavy_provinces
        active[Severity.HEAVY if heavy else Severity.MEDIUM] = elevated
    if severe:
        active[Severity.CRITICAL] = severe
    return active


def _undetermined(
    judgements: Sequence[Judgement], active: Active, thresholds: Thresholds
) -> frozenset[Severity]:
    """What is not active, but would be if the provinces that were not judged were bad enough."""
    unknown = sum(judgement.not_judged is not None for judgement in judgements)
    elevated = sum(judgement.grade is Grade.ELEVATED for judgement in judgements)
    possible = set()
    if unknown or not judgements:
        possible.add(Severity.CRITICAL)
        if elevated < thresholds.heavy_provinces:
            possible.add(Severity.MEDIUM)
    if not judgements or elevated + unknown >= thresholds.heavy_provinces:
        possible.add(Severity.HEAVY)
    return frozenset(possible - active.keys())


def _badness(judgement: Judgement) -> tuple[int, float, float]:
    """What is graded first, then what could not be judged or is noticed, then by increase and loss."""
    graded = judgement.grade in (Grade.ELEVATED, Grade.SEVERE)
    loss_ratio = judgement.loss_ratio or 0.0
    rank = 3 if graded else 2 if judgement.not_judged else 1 if judgement.notice else 0
    return rank, judgement.increase_ratio or 0.0, loss_ratio
