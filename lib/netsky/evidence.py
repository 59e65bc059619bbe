"""Evidence of one line at one time: the traces of its provinces, and which incident they are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from netsky.places import Province
from netsky.trace import Hop, TraceReport


class Reason(StrEnum):
    """Why evidence was taken."""

    OPENED = "opened"  # an incident stands and nothing was taken yet
    AFTER = "after"  # some minutes later: does it last?
    GROWTH = "growth"  # more provinces, or a heavier severity
    CLEARED = "cleared"  # the same when all is well again, to compare with
    BY_HAND = "by_hand"  # a person has asked for it, whatever was taken before


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
    """One taking of evidence for an incident of a line: an ISP through an exit.

    `taken_at` (aware, UTC, whole seconds) is when it began. `reports` are by province, worst first;
    none while they are being traced. `problems` are sentences on what could not be traced at all.
    `finished` is False until mtr has ended, and stays so of a run that was killed.
    """

    isp: str
    egress: str
    reason: Reason
    taken_at: datetime
    incident: IncidentThen
    reports: tuple[TraceReport, ...]
    problems: tuple[str, ...] = ()
    finished: bool = True

    @property
    def complete(self) -> bool:
        """All that was to be taken was taken."""
        traced = bool(self.reports) and all(report.complete for report in self.reports)
        return traced and self.finished and not self.problems


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is kept of an incident, oldest first.

    `not_read` are sentences on what is missing: a file that is damaged, a folder that is gone.
    """

    takings: tuple[Taking, ...]
    not_read: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuietPaths:
    """What the paths of a line look like when nothing is lost: by province its hops, counted together."""

    isp: str
    egress: str
    taken_at: datetime
    paths: Mapping[Province, tuple[Hop, ...]]
