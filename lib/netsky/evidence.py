"""Evidence of one line at one time: the traces of its provinces, and what incident they are for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netsky.places import Province
from netsky.trace import TraceReport


class Reason(StrEnum):
    """Why evidence was taken."""

    OPENED = "opened"  # an incident stands and nothing was taken yet
    AFTER = "after"  # some minutes later: does it last?
    GROWTH = "growth"  # more provinces, or a heavier severity
    CLEARED = "cleared"  # the same when all is well again, to compare with
    BASELINE = "baseline"  # no incident: what is usual
    BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class IncidentThen:
    """An incident as it was when evidence was taken; `severity` is its heaviest so far.

    `opened_at` and `cleared_at` (None: it was open) are starts of sweeps.
    """

    id: int
    opened_at: datetime
    cleared_at: datetime | None
    severity: str
    provinces: tuple[Province, ...]
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taking:
    """One taking of evidence of a line: an ISP through an exit.

    `taken_at` (aware, UTC, whole seconds) is when it began. `incident` is None for a baseline.
    `reports` are by province, worst first. `problems` are sentences on what could not be traced at
    all. `finished` is False while mtr runs, and stays so when that was killed.
    """

    isp: str
    egress: str
    reason: Reason
    taken_at: datetime
    incident: IncidentThen | None
    reports: tuple[TraceReport, ...]
    problems: tuple[str, ...] = ()
    finished: bool = True

    @property
    def complete(self) -> bool:
        """All that was to be taken was taken."""
        return (
            self.finished and not self.problems and all(report.complete for report in self.reports)
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is kept of an incident, oldest first.

    `not_read` are sentences on what is missing: a file that is damaged, a folder that is gone.
    """

    takings: tuple[Taking, ...]
    not_read: tuple[str, ...] = ()
