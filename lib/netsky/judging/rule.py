"""A rule of detection: the baseline of each province, and what counts as a rise above it.

The averaging asks the rule for baselines, from the history that is stored by then, and stores them.
The alert has the rule judge the newest losses by what is stored. Simulated days play both parts with
the same rule, so that what is scored there is what runs here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from netsky.judging.grading import Thresholds, Verdict, judge
from netsky.loss import Baseline, MeanLoss, NewBaseline, NewestLoss


class LossHistory(Protocol):
    """The sweeps that are stored, of one ISP."""

    def mean_loss(self, *, after: datetime, until: datetime) -> Sequence[MeanLoss]:
        """The mean loss over after < time <= until, by province and exit."""


HistoryT_contra = TypeVar("HistoryT_contra", contravariant=True)


class Rule(Protocol[HistoryT_contra]):
    """What the tools ask a rule; a rule may ask more of its history than all histories have."""

    @property
    def thresholds(self) -> Thresholds:
        """The rises from which on it gives a grade or a severity."""

    def baselines(self, history: HistoryT_contra, *, now: datetime) -> Sequence[NewBaseline]:
        """The baselines as they would be computed now, by province and exit."""

    def judge(
        self, newest: Iterable[NewestLoss], baselines: Iterable[Baseline], *, now: datetime
    ) -> Verdict:
        """The newest loss of each province against its baseline."""


@dataclass(frozen=True, slots=True)
class MeanRule:
    """The baseline is the mean of the past `hours`, where at least `min_samples` sweeps have a value."""

    hours: float = 12
    min_samples: int = 3
    thresholds: Thresholds = field(default_factory=Thresholds)

    def baselines(self, history: LossHistory, *, now: datetime) -> Sequence[NewBaseline]:
        means = history.mean_loss(after=now - timedelta(hours=self.hours), until=now)
        return [
            NewBaseline(
                mean.province,
                mean.egress,
                mean.loss_ratio if mean.samples >= self.min_samples else None,
                mean.samples,
                mean.live_loss_ratio if mean.live_samples >= self.min_samples else None,
            )
            for mean in means
        ]

    def judge(
        self, newest: Iterable[NewestLoss], baselines: Iterable[Baseline], *, now: datetime
    ) -> Verdict:
        return judge(newest, baselines, now=now, thresholds=self.thresholds)


RULES: Mapping[str, Callable[[], Rule[LossHistory]]] = {"mean": MeanRule}
"""The rules that the product has, by name."""
