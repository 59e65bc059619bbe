"""A day or a month of each line, against the one before: plain values, and what follows from them alone.

Days and months are those of Beijing. The sums that they are made of are of whole hours of UTC, and Beijing is
eight whole hours ahead, so that nothing is divided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

from netsky.judging.incidents import Incident
from netsky.places import ISP, Province

BEIJING = timezone(timedelta(hours=8))
HOUR = timedelta(hours=1)


class Kind(StrEnum):
    """How long a period is."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """A day or month of Beijing: `begin` <= time < `end` (aware)."""

    kind: Kind
    first: date

    @property
    def begin(self) -> datetime:
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=BEIJING)

    @property
    def end(self) -> datetime:
        return self.after.begin

    @property
    def after(self) -> Period:
        if self.kind is Kind.DAY:
            return Period(self.kind, self.first + timedelta(days=1))
        return period_of(self.kind, self.first + timedelta(days=31))

    @property
    def before(self) -> Period:
        return period_of(self.kind, self.first - timedelta(days=1))

    @property
    def name(self) -> str:
        """`2026-11-27` or `2026-11`."""
        return self.first.isoformat()[: 10 if self.kind is Kind.DAY else 7]

    def back(self, count: int) -> list[Period]:
        """So many of its kind that end with this one, oldest first."""
        periods = [self]
        while len(periods) < count:
            periods.append(periods[-1].before)
        return periods[::-1]


def period_of(kind: Kind, day: date) -> Period:
    """The period that a day is in."""
    return Period(kind, day if kind is Kind.DAY else day.replace(day=1))


def last_over(kind: Kind, now: datetime) -> Period:
    """The newest that is over."""
    return period_of(kind, now.astimezone(BEIJING).date()).before


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of one or several provinces; None where no sweep of them had the figure.

    A sweep counts for each of its provinces. `rtt_sum` is in milliseconds, over `replies`; `p95` the highest
    of a sweep, in milliseconds; `alarm_minutes` are those in which the alert graded it. Tainted sweeps are in
    no sum but their own; of the others those are judged of which the usually alive are known.
    """

    sweeps: int = 0
    sent: int = 0
    lost: int = 0
    live_sent: int = 0
    live_lost: int = 0
    rtt_sum: float = 0.0
    replies: int = 0
    p95: float | None = None
    alarm_minutes: int = 0
    tainted_sweeps: int = 0
    judged_sweeps: int = 0
    bad_sweeps: int = 0

    def __add__(self, other: Totals) -> Totals:
        highest = [each for each in (self.p95, other.p95) if each is not None]
        return Totals(
            self.sweeps + other.sweeps,
            self.sent + other.sent,
            self.lost + other.lost,
            self.live_sent + other.live_sent,
            self.live_lost + other.live_lost,
            self.rtt_sum + other.rtt_sum,
            self.replies + other.replies,
            max(highest, default=None),
            self.alarm_minutes + other.alarm_minutes,
            self.tainted_sweeps + other.tainted_sweeps,
            self.judged_sweeps + other.judged_sweeps,
            self.bad_sweeps + other.bad_sweeps,
        )

    @property
    def loss_ratio(self) -> float | None:
        return self.lost / self.sent if self.sent else None

    @property
    def live_loss_ratio(self) -> float | None:
        return self.live_lost / self.live_sent if self.live_sent else None

    @property
    def latency_seconds(self) -> float | None:
        return self.rtt_sum / self.replies / 1000 if self.replies else None

    @property
    def p95_seconds(self) -> float | None:
        return None if self.p95 is None else self.p95 / 1000

    @property
    def availability(self) -> float | None:
        """The share of the judged sweeps that were not bad; None: none was judged."""
        return 1 - self.bad_sweeps / self.judged_sweeps if self.judged_sweeps else None


def _from_the_worst(totals: Totals) -> tuple[bool, float, float]:
    """The order of what is least available, then loses most; what is not judged is last."""
    availability = totals.availability
    loss = totals.loss_ratio if totals.live_loss_ratio is None else totals.live_loss_ratio
    return (
        availability is None,
        1.0 if availability is None else availability,
        0.0 if loss is None else -loss,
    )


def added(totals: Iterable[Totals]) -> Totals:
    return sum(totals, Totals())


@dataclass(frozen=True, slots=True)
class LinePeriod:
    """A line in a period and in the one `before`, by province.

    `steps` are the packets of its hours or days, all provinces together, by their beginning; `trend` has the
    sums of the periods up to this one. `incidents` are those of the trend that were open in it, oldest first. `problem`
    says why nothing could be read.
    """

    isp: ISP
    egress: str
    provinces: Mapping[Province, Totals]
    before: Mapping[Province, Totals]
    steps: Sequence[tuple[datetime, Totals]] = ()
    trend: Sequence[tuple[Period, Totals]] = ()
    incidents: Sequence[Incident] = ()
    problem: str | None = None

    @property
    def total(self) -> Totals:
        return added(self.provinces.values())

    @property
    def total_before(self) -> Totals:
        return added(self.before.values())

    def incidents_in(self, period: Period) -> list[Incident]:
        """Those that were open at any time of it."""
        return [
            each
            for each in self.incidents
            if each.opened_at < period.end
            and (each.cleared_at is None or each.cleared_at > period.begin)
        ]

    def incident_time(self, period: Period, now: datetime) -> timedelta:
        """How long one was open in it; a line has one at a time."""
        times = [
            min(each.cleared_at or now, period.end) - max(each.opened_at, period.begin)
            for each in self.incidents_in(period)
        ]
        return sum((max(time, timedelta(0)) for time in times), timedelta(0))

    def worst(self) -> list[tuple[Province, Totals]]:
        """All provinces, the least available first, then those that lost most."""
        return sorted(self.provinces.items(), key=lambda pair: _from_the_worst(pair[1]))


@dataclass(frozen=True, slots=True)
class PeriodReport:
    """All lines in a period; `data_until` is the end of the newest hour that is summed up."""

    period: Period
    made_at: datetime
    data_until: datetime | None
    lines: tuple[LinePeriod, ...]

    @property
    def is_over(self) -> bool:
        return self.made_at >= self.period.end

    @property
    def known(self) -> list[LinePeriod]:
        """Those with any figures, the least available first."""
        found = [line for line in self.lines if line.total.sweeps]
        return sorted(found, key=lambda line: _from_the_worst(line.total))

    def gap(self, line: LinePeriod) -> tuple[int, int] | None:
        """Of a period that is over: how many of its hours, or of the days of a month, have data; None: all."""
        length = HOUR if self.period.kind is Kind.DAY else timedelta(days=1)
        steps = (self.period.end - self.period.begin) // length
        return (len(line.steps), steps) if self.is_over and len(line.steps) < steps else None

    @property
    def unknown(self) -> list[LinePeriod]:
        return [line for line in self.lines if not line.total.sweeps]

    @property
    def is_complete(self) -> bool:
        return not any(line.problem for line in self.lines)
