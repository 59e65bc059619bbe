"""What is known of a province's loss over time: its mean, its baseline, its newest value.

A mean is what arithmetic makes of some sweeps. The baseline is what a rule makes of the past, what is
stored of it, and what the newest value is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from netsky.places import Province


@dataclass(frozen=True, slots=True)
class MeanLoss:
    """The mean loss of a province through an egress over some time, as a ratio.

    `samples` sweeps had a value in that time; None without any.
    """

    province: Province
    egress: str
    loss_ratio: float | None
    samples: int


@dataclass(frozen=True, slots=True)
class NewBaseline:
    """The baseline that a rule gives a province through an egress, made of so many `samples`.

    A `loss_ratio` of None means that they are too few: the province keeps the baseline that it has.
    """

    province: Province
    egress: str
    loss_ratio: float | None
    samples: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """The baseline that is stored, and when it was computed (aware, UTC)."""

    province: Province
    egress: str
    loss_ratio: float
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class NewestLoss:
    """The loss of a province in the newest sweep that has it, which started `measured_at`."""

    province: Province
    loss_ratio: float
    measured_at: datetime
