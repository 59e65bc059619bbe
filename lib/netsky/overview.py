"""All lines at one moment, as the overview shows them: what is judged, what of the day before, how well it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from netsky.judging.controls import Comparisons
from netsky.judging.grading import Judgement, NotJudged, Thresholds, Verdict
from netsky.judging.incidents import Incident
from netsky.places import ISP, Province

CELL = timedelta(minutes=20)
CELLS = 72


@dataclass(frozen=True, slots=True)
class SweepState:
    """The newest sweep of a line: its start, whether this host dropped packets in it, its latencies (seconds).

    `live_targets` are those of its `targets` that usually answer; None, or 0: not known yet.
    """

    started_at: datetime
    tainted: bool
    targets: int | None
    live_targets: int | None
    latency_seconds: Mapping[Province, float | None]

    @property
    def dead_ratio(self) -> float | None:
        """The share of the targets that do not usually answer."""
        if not self.targets or not self.live_targets:
            return None
        return 1 - self.live_targets / self.targets


@dataclass(frozen=True, slots=True)
class LineState:
    """A line that was measured before, and what the database has of it.

    `trouble`: why it could not be read, then there is no verdict. `rises` are those of each cell of
    the day, oldest first: the largest rise of a sweep above today's baseline, None where no sweep counts.
    `incidents` are open, or were within the day. `spooled` sweeps wait on this host for the database;
    None: not known. `library_at` is when the library was published. `above_since` is the start of the first
    sweep of an alert that is no incident yet, None: not known.
    """

    isp: ISP
    egress: str
    trouble: str | None = None
    verdict: Verdict | None = None
    sweep: SweepState | None = None
    baseline_at: datetime | None = None
    incidents: tuple[Incident, ...] = ()
    rises: Mapping[Province, tuple[float | None, ...]] | None = None
    comparisons: Comparisons | None = None
    spooled: int | None = None
    library_at: datetime | None = None
    above_since: datetime | None = None

    @property
    def open_incident(self) -> Incident | None:
        return next((each for each in self.incidents if each.is_open), None)

    @property
    def judged(self) -> list[Judgement]:
        return self.verdict.judged if self.verdict else []

    @property
    def not_judged(self) -> list[Judgement]:
        return self.verdict.not_judged if self.verdict else []

    @property
    def reason(self) -> NotJudged | None:
        """Why most of those that were not judged were not."""
        reasons = [each.not_judged for each in self.not_judged if each.not_judged]
        return max(NotJudged, key=reasons.count) if reasons else None

    @property
    def is_tainted(self) -> bool:
        return self.sweep is not None and self.sweep.tainted

    @property
    def is_alerting(self) -> bool:
        """Whether an alert stands now."""
        return bool(self.verdict and self.verdict.active)

    @property
    def is_bad(self) -> bool:
        return self.is_alerting or self.open_incident is not None

    @property
    def is_doubtful(self) -> bool:
        """Whether it is not to be trusted: what was not judged, or not all, or by a tainted sweep."""
        return not self.judged or bool(self.not_judged) or self.is_tainted


@dataclass(frozen=True, slots=True)
class Overview:
    """`never_measured` are lines that were asked for and never had a sweep: they are not shown as dead."""

    at: datetime
    thresholds: Thresholds
    lines: tuple[LineState, ...]
    never_measured: tuple[tuple[ISP, str], ...] = ()

    @property
    def day_begins(self) -> datetime:
        """The start of the first cell; the last one is that of now."""
        seconds = CELL.total_seconds()
        last = datetime.fromtimestamp(self.at.timestamp() // seconds * seconds, self.at.tzinfo)
        return last - (CELLS - 1) * CELL

    def is_old(self, line: LineState) -> bool:
        """Whether its newest sweep is too old to be judged, or there is none."""
        return not line.sweep or self.at - line.sweep.started_at > self.thresholds.max_age

    @property
    def isps(self) -> list[ISP]:
        return list(dict.fromkeys(line.isp for line in self.lines))

    @property
    def egresses(self) -> list[str]:
        return list(dict.fromkeys(line.egress for line in self.lines))

    @property
    def bad(self) -> list[LineState]:
        return [line for line in self.lines if line.is_bad]

    @property
    def doubtful(self) -> list[LineState]:
        return [line for line in self.lines if line.is_doubtful]

    @property
    def is_well(self) -> bool:
        """Whether all is known to be well: every province of every line was judged, none tainted."""
        return bool(self.lines) and not self.bad and not self.doubtful

    @property
    def newest_at(self) -> datetime | None:
        """The start of the newest sweep of any line."""
        return max((line.sweep.started_at for line in self.lines if line.sweep), default=None)
