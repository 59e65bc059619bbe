"""An incident for its carrier: what was lost where and when, and what else was seen at that moment.

Plain values, and what follows from them alone; `jobs.report_incident` gathers them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from netsky.cleared import CLEARED_WITHIN
from netsky.evidence import Evidence, Reason, Taking
from netsky.fault import ALL_LOST, Fault, Part
from netsky.incident_loss import NOT_KNOWN, LineAtMoment, ProvinceFault, ProvinceLoss, Step
from netsky.judging.controls import Comparison, Control
from netsky.judging.grading import Thresholds, grade
from netsky.judging.incidents import Incident
from netsky.places import ISP, Egress, Province
from netsky.trace import Finding

# Lost by chance, the share that is lost again is about the loss rate; of dead addresses it is near 1.
_DEAD_AGAIN = 0.85
_BY_CHANCE = 0.25
DURING = (Reason.OPENED, Reason.AFTER, Reason.GROWTH, Reason.BY_HAND)


class Nature(Enum):
    """Whether packets are lost by chance, or always to the same addresses."""

    ALL = "all"  # nothing gets through
    FIXED = "fixed"
    RANDOM = "random"
    BOTH = "both"
    UNKNOWN = "unknown"


class State(Enum):
    """How an incident stood when it was reported."""

    OPEN = "open"
    OLD = "old"  # open, and nothing newer was measured: what became of it is not known
    CLEARED = "cleared"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class IncidentReport:
    """All that is told of an incident. `lines` begin with its own; `provinces` are the worst first.

    Series are from `first` to `until`, in steps of `step`; `data_until` is the newest that is stored of them.
    `tainted` sweeps, in which this host itself dropped packets, are left out; `only_tainted`: there are no others.
    `evidence` is None when none was taken.
    """

    isp: ISP
    egress: Egress
    incident: Incident
    made_at: datetime
    thresholds: Thresholds
    first: datetime
    until: datetime
    step: Step
    data_until: datetime | None
    provinces: tuple[ProvinceLoss, ...]
    moment: datetime | None
    lines: tuple[LineAtMoment, ...]
    faults: tuple[ProvinceFault, ...]
    tainted: int
    only_tainted: bool
    evidence: Evidence | None

    @property
    def number(self) -> str:
        """By which both sides call this report."""
        opened_at = self.incident.opened_at.astimezone(UTC)
        return f"{self.isp.slug}-{self.egress.name}-{opened_at:%Y%m%dT%H%MZ}-{self.incident.id}"

    @property
    def is_complete(self) -> bool:
        """Figures are there, and what evidence is noted could be read and was taken whole."""
        evidence, taking = self.evidence, self.failing
        is_whole = evidence is None or (not evidence.not_read and bool(taking and taking.complete))
        return is_whole and all(each.series for each in self.provinces)

    @property
    def state(self) -> State:
        if not self.incident.is_open:
            return State.GIVEN_UP if self.incident.given_up else State.CLEARED
        newest = self.data_until
        is_old = newest is None or self.made_at - newest > self.thresholds.max_age
        return State.OLD if is_old else State.OPEN

    @property
    def is_final(self) -> bool:
        """Whether a later report would tell the same: it is over, and so is the time shown after it.

        Its evidence, too: what is taken when all is well again may have to wait for an hour that has room for it.
        """
        cleared_at = self.incident.cleared_at
        if cleared_at is None or self.until >= self.made_at:
            return False
        waits = self.failing is not None and self.healthy is None
        return not waits or self.made_at - cleared_at > CLEARED_WITHIN

    @property
    def is_rising(self) -> bool:
        """Whether the newest figures of the worst province are still those of an alert."""
        series = self.provinces[0].series
        return self.incident.is_open and bool(series) and series[-1][0] == self.moment

    @property
    def source(self) -> str | None:
        """Our address, as netsky.toml or the traces tell it."""
        taking = self.failing
        commands = [mtr.command for each in taking.reports for mtr in each.mtr] if taking else []
        used = [command[command.index("-a") + 1] for command in commands if "-a" in command[:-1]]
        return self.egress.source or next(iter(used), None)

    @property
    def failing(self) -> Taking | None:
        """The evidence to show: the newest taken during the fault that tells where loss begins."""
        during = self._taken(DURING)
        return next(filter(_tells, during), None) or next(iter(during), None)

    @property
    def healthy(self) -> Taking | None:
        """The evidence to hold it against: what was taken when all was well."""
        return next(iter(self._taken((Reason.CLEARED,))), None)

    def _taken(self, reasons: Collection[Reason]) -> list[Taking]:
        takings = self.evidence.takings if self.evidence else ()
        return [each for each in reversed(takings) if each.reason in reasons and each.reports]

    @property
    def own(self) -> LineAtMoment:
        return self.lines[0]

    @property
    def duration(self) -> timedelta:
        """How long it lasted, as far as is known: until now, or where data are old until the newest."""
        known_until = self.made_at
        if self.state is State.OLD:
            known_until = self.data_until or self.incident.opened_at
        return self.incident.lasted(known_until)

    @property
    def other_exits(self) -> list[LineAtMoment]:
        """The same ISP through other exits."""
        return [line for line in self.lines[1:] if line.isp.slug == self.isp.slug]

    @property
    def other_isps(self) -> list[LineAtMoment]:
        """Other ISPs through the same exit."""
        return [line for line in self.lines[1:] if line.isp.slug != self.isp.slug]

    @property
    def parts(self) -> list[tuple[ProvinceFault, Part]]:
        """The prefixes that failed, those that lost most first."""
        parts = [(each, part) for each in self.faults for part in each.fault.prefixes]
        return sorted(parts, key=lambda pair: pair[1].packets_lost, reverse=True)

    @property
    def nature(self) -> Nature:
        return nature([part for each in self.faults for part in _failing(each.fault)])

    @property
    def lost_again_ratio(self) -> float | None:
        return lost_again([part for each in self.faults for part in _failing(each.fault)])

    @property
    def samples(self) -> list[str]:
        """Targets that lost packets when they were traced, those that lost most first."""
        reports = self.failing.reports if self.failing else ()
        lossy = [trace for each in reports for trace in each.located.affected if trace.end.lost]
        lossy.sort(key=lambda trace: trace.end.loss_ratio or 0.0, reverse=True)
        return list(dict.fromkeys(trace.target for trace in lossy))

    def comparison(self) -> Comparison:
        """Whether the worst province rises on other lines, too."""
        worst = self.provinces[0].province
        return Comparison(
            tuple(self._controls(self.other_exits, worst)),
            tuple(self._controls(self.other_isps, worst)),
            self.thresholds.elevated,
        )

    def _controls(self, lines: Sequence[LineAtMoment], province: Province) -> list[Control]:
        return [
            Control(line.isp.slug, line.egress, increase, grade(increase, self.thresholds))
            for line in lines
            if (increase := line.provinces.get(province, NOT_KNOWN).increase_ratio) is not None
        ]


def _tells(taking: Taking) -> bool:
    return any(each.located.verdict.finding is Finding.BEGINS for each in taking.reports)


def _failing(fault: Fault) -> tuple[Part, ...]:
    """Those that lose: the prefixes, or the whole of it."""
    return fault.prefixes or (fault.rest,)


def lost_again(parts: Sequence[Part]) -> float | None:
    """Of those lost in the sweep before, the share that was lost again; None when these were too few."""
    known = [(part.lost_again_ratio, part.packets_lost) for part in parts]
    total = sum(lost for again, lost in known if again is not None)
    return (
        sum(again * lost for again, lost in known if again is not None) / total if total else None
    )


def nature(parts: Sequence[Part]) -> Nature:
    """What parts that fail tell of how they do."""
    sent, lost = sum(part.packets_sent for part in parts), sum(part.packets_lost for part in parts)
    if not sent:
        return Nature.UNKNOWN
    if lost >= ALL_LOST * sent:
        return Nature.ALL
    again = lost_again(parts)
    if again is None:
        return Nature.UNKNOWN
    if again <= lost / sent + _BY_CHANCE:
        return Nature.RANDOM
    return Nature.FIXED if again >= _DEAD_AGAIN else Nature.BOTH
