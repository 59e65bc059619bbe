"""A rule of detection: the baseline of each province, and what counts as a rise above it.

The averaging asks the rule for baselines, from the history that is stored by then, and stores them.
The alert has the rule judge the newest losses by what is stored. Simulated days play both parts with
the same rule, so that what is scored there is what runs here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from netsky.judging.grading import Thresholds, Verdict, judge
from netsky.judging.usual import Floats
from netsky.judging.usual_sweeps import Kept, Sweep
from netsky.loss import Baseline, MeanLoss, NewBaseline, NewestLoss


class LossHistory(Protocol):
    """The sweeps that are stored, of one ISP through one exit."""

    def mean_loss(self, *, after: datetime, until: datetime) -> Sequence[MeanLoss]:
        """The mean loss over after < time <= until, by province."""


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """What an averaging stores: baselines and, where the rule needs it, what it keeps for the next time.

    `buckets` are the new ones, by number: float64[FIELDS, columns]; see netsky.judging.usual.
    """

    baselines: Sequence[NewBaseline]
    kept: Kept | None = None
    buckets: Mapping[int, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Recent:
    """What a rule kept when the line was averaged, and the sweeps since then in the order of time."""

    kept: Kept
    sweeps: Sequence[Sweep]


HistoryT_contra = TypeVar("HistoryT_contra", contravariant=True)


class Rule(Protocol[HistoryT_contra]):
    """What the tools ask a rule; a rule may ask more of its history than all histories have."""

    @property
    def thresholds(self) -> Thresholds:
        """The rises from which on it gives a grade or a severity."""

    def baselines(self, history: HistoryT_contra, *, now: datetime) -> Computed:
        """The baselines as they would be computed now, by province."""

    def recent(self, history: HistoryT_contra, *, now: datetime) -> Recent | None:
        """What it judges by beside the newest losses and the baselines; None: nothing."""

    def judge(
        self,
        newest: Iterable[NewestLoss],
        baselines: Iterable[Baseline],
        *,
        now: datetime,
        recent: Recent | None = None,
    ) -> Verdict:
        """The newest loss of each province against its baseline."""


@dataclass(frozen=True, slots=True)
class MeanRule:
    """The baseline is the mean of the past `hours`, where at least `min_samples` sweeps have a value."""

    hours: float = 12
    min_samples: int = 3
    thresholds: Thresholds = field(default_factory=Thresholds)

    def baselines(self, history: LossHistory, *, now: datetime) -> Computed:
        means = history.mean_loss(after=now - timedelta(hours=self.hours), until=now)
        return Computed(
            [
                NewBaseline(
                    mean.province,
                    mean.egress,
                    mean.loss_ratio if mean.samples >= self.min_samples else None,
                    mean.samples,
                    mean.live_loss_ratio if mean.live_samples >= self.min_samples else None,
                )
                for mean in means
            ]
        )

    def recent(self, history: LossHistory, *, now: datetime) -> None:
        """The newest losses are all it looks at."""

    def judge(
        self,
        newest: Iterable[NewestLoss],
        baselines: Iterable[Baseline],
        *,
        now: datetime,
        recent: Recent | None = None,  # noqa: ARG002 - as above
    ) -> Verdict:
        return judge(newest, baselines, now=now, thresholds=self.thresholds)
