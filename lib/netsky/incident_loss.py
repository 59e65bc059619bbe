"""What was lost on the lines of an incident: over time, at one moment, and which part of a province."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from netsky.fault import Fault
from netsky.loss import Band
from netsky.places import ISP, Province


@dataclass(frozen=True, slots=True)
class Sums:
    """Packets of some sweeps: to all targets, and to those that usually answer."""

    sweeps: int
    sent: int
    lost: int
    live_sent: int = 0
    live_lost: int = 0
    live_targets: int = 0

    def loss_ratio(self, *, live: bool) -> float | None:
        sent, lost = (self.live_sent, self.live_lost) if live else (self.sent, self.lost)
        return lost / sent if sent else None


class Step(Enum):
    """How much time a figure of a series is of; `digits` of a time as the database writes it tell which."""

    MINUTE = (16, timedelta(minutes=1))
    TEN_MINUTES = (15, timedelta(minutes=10))
    HOUR = (13, timedelta(hours=1))

    @property
    def digits(self) -> int:
        return self.value[0]

    @property
    def length(self) -> timedelta:
        return self.value[1]

    def begin(self, at: datetime) -> datetime:
        """The start of the step that a time is in."""
        return at - (at - datetime.min.replace(tzinfo=UTC)) % self.length


Series = Sequence[tuple[datetime, Sums]]
"""The sums of each step that has any, by its start (aware, UTC), oldest first."""


@dataclass(frozen=True, slots=True)
class Level:
    """The loss of a place at the moment that is compared, and what it usually is; None: not known.

    `of_replies`: the alert tells its rises in points of the replies that usually come.
    """

    loss_ratio: float | None
    usual_ratio: float | None
    of_replies: bool = False

    @property
    def increase_ratio(self) -> float | None:
        if self.loss_ratio is None or self.usual_ratio is None:
            return None
        rise = max(0.0, self.loss_ratio - self.usual_ratio)
        return rise / (1 - self.usual_ratio) if self.of_replies and self.usual_ratio < 1 else rise


NOT_KNOWN = Level(None, None)


@dataclass(frozen=True, slots=True)
class ProvinceLoss:
    """A province of the incident over time.

    `band` is that in which its loss usually is, where the alert knows it; None: `usual_ratio` is a median. `live`: figures are of the targets that usually answer, because the alert judges by these. `peak_at` and
    `peak_ratio` are of the worst step of the incident; None where nothing is stored of it any more.
    """

    province: Province
    live: bool
    usual_ratio: float | None
    series: Series
    peak_at: datetime | None
    peak_ratio: float | None
    newest_ratio: float | None
    band: Band | None = None

    @property
    def increase_ratio(self) -> float:
        """By how much it rose at its peak."""
        return max(0.0, (self.peak_ratio or 0.0) - (self.usual_ratio or 0.0))

    @property
    def newest(self) -> Level:
        return Level(self.newest_ratio, self.usual_ratio or 0.0, self.band is not None)

    def risen(self, increase: float) -> float | None:
        """The loss at which the alert sees such a rise."""
        if self.usual_ratio is None:
            return None
        return self.usual_ratio + increase * (1 - self.usual_ratio if self.band else 1)

    def ratio(self, sums: Sums) -> float | None:
        return sums.loss_ratio(live=self.live)


@dataclass(frozen=True, slots=True)
class LineAtMoment:
    """A line at the moment that is compared: the incident's provinces, and its other provinces together.

    `worst` is the incident's worst province over time on this line. `problem` says why nothing is known of it.
    """

    isp: ISP
    egress: str
    provinces: Mapping[Province, Level]
    others: Level = NOT_KNOWN
    worst: ProvinceLoss | None = None
    problem: str | None = None

    @property
    def is_known(self) -> bool:
        return any(level.loss_ratio is not None for level in self.provinces.values())


@dataclass(frozen=True, slots=True)
class ProvinceFault:
    """Which part of a province failed, in its sweep that lost most."""

    province: Province
    at: datetime
    fault: Fault
