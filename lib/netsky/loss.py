"""What is known of a province's loss over time: its mean, its baseline, its newest value.

A mean is what arithmetic makes of some sweeps. The baseline is what a rule makes of the past, what is
stored of it, and what the newest value is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from netsky.fault import Fault
from netsky.places import Province

BAD_LOSS_PERCENT = 5
"""A sweep is bad for a province when so many percent of the packets to its usually alive targets were lost;
of few of them only when chance does not explain it.

An availability is the share of sweeps that are not bad. It is no option: sums of years are compared.
"""


@dataclass(frozen=True, slots=True)
class MeanLoss:
    """The mean loss of a province through an egress over some time, as a ratio.

    `samples` sweeps had a value in that time; None without any. `live` is the same of the targets
    that usually answer, in the sweeps for which these were known.
    """

    province: Province
    egress: str
    loss_ratio: float | None
    samples: int
    live_loss_ratio: float | None = None
    live_samples: int = 0


@dataclass(frozen=True, slots=True)
class Band:
    """From which loss to which (ratios) chance and the usual swing explain what is measured; of a latency, seconds.

    So many past `days` know this hour, which tells how sure it is; 0: only what was before on this day.
    """

    low_ratio: float
    high_ratio: float
    days: int


@dataclass(frozen=True, slots=True)
class NewBaseline:
    """The baseline that a rule gives a province through an egress, made of so many `samples`.

    A `loss_ratio` of None means that they are too few: the province keeps the baseline that it has.
    `live_loss_ratio` is that of the targets that usually answer; None: not known. The bands are those of
    each; None: the rule gives none.
    """

    province: Province
    egress: str
    loss_ratio: float | None
    samples: int
    live_loss_ratio: float | None = None
    band: Band | None = None
    live_band: Band | None = None

    def stored(self, computed_at: datetime) -> Baseline:
        """As it is once it is stored. ValueError when there is nothing to store."""
        if self.loss_ratio is None:
            raise ValueError(self)
        return Baseline(
            self.province,
            self.egress,
            self.loss_ratio,
            computed_at,
            self.live_loss_ratio,
            self.band,
            self.live_band,
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline that is stored, and when it was computed (aware, UTC); the others as above."""

    province: Province
    egress: str
    loss_ratio: float
    computed_at: datetime
    live_loss_ratio: float | None = None
    band: Band | None = None
    live_band: Band | None = None


@dataclass(frozen=True, slots=True)
class NewestLoss:
    """The loss of a province in the newest sweep that has it, which started `measured_at`.

    `live_targets` of its targets were known to answer usually, and lost so much; None: not known.
    `fault` is what failed, where it lost far more than usual.
    """

    province: Province
    loss_ratio: float
    measured_at: datetime
    live_loss_ratio: float | None = None
    live_targets: int | None = None
    fault: Fault | None = None
