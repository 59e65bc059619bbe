"""Reading what the overview shows of all lines. Whatever cannot be read is told, and the rest is shown."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from netsky.errors import DatabaseError, MissingDatabaseError
from netsky.jobs.history import StoredHistory
from netsky.jobs.incidents import StoredLine
from netsky.judging.controls import compare
from netsky.judging.grading import Judgement, Verdict
from netsky.judging.rule import Recent, Rule
from netsky.overview import CELLS, LineState, Overview
from netsky.period_report import Kind
from netsky.places import ISP, Province
from netsky.store.overview import CellLoss, StoredState, above_since, read_state
from netsky.time_limit import time_limit

log = logging.getLogger(__name__)

READING_SECONDS = 45.0
"""For all lines together: cron comes again each minute."""

_SPOOL_BUSY_SECONDS = 1.0
_PERIODS = {
    Kind.DAY: re.compile(r"day-(\d{4}-\d{2}-\d{2})\.html"),
    Kind.MONTH: re.compile(r"month-(\d{4}-\d{2})\.html"),
}
_ABOVE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Folders:
    """Where this host keeps its address libraries and what waits for the database."""

    library: Path
    spool: Path


def read_overview(lines: Sequence[StoredLine], rule: Rule[Any], folders: Folders) -> Overview:
    """All lines as they are now. A line that cannot be read has its trouble in its place."""
    now = datetime.now(UTC)
    empty = Overview(now, rule.thresholds, ())
    reader = _Reader(rule, folders, now, empty.day_begins, time.monotonic() + READING_SECONDS, {})
    states = [(line, reader.read(line)) for line in lines]
    found = [state for _, state in states if state]
    return replace(
        empty,
        lines=tuple(_compared(found, rule.thresholds.elevated)),
        never_measured=tuple((line.isp, line.egress) for line, state in states if not state),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    rule: Rule[Any]
    folders: Folders
    now: datetime
    day_begins: datetime
    deadline: float
    away: dict[str, str]  # what a database said that could not be read: it is asked once

    def read(self, line: StoredLine) -> LineState | None:
        """None: it never had a sweep."""
        state = LineState(
            line.isp,
            line.egress,
            spooled=spooled_sweeps(self.folders.spool, line.isp.slug, line.egress),
            library_at=library_time(self.folders.library, line.isp),
        )
        database = str(line.database)
        try:
            found = self._stored(line, database)
        except MissingDatabaseError as error:
            log.info("not measured: %s", error)
            return None
        except DatabaseError as error:
            self.away[database] = str(error)
            log.error("ISP %s through egress %s: %s", line.isp.slug, line.egress, error)
            return replace(state, trouble=str(error))
        if not found:
            return None
        judged = self._judged(state, *found)
        if judged.is_alerting and not judged.open_incident:
            return replace(judged, above_since=self._above_since(line, judged))
        return judged

    def _above_since(self, line: StoredLine, state: LineState) -> datetime | None:
        """Since when its worst province is above the threshold."""
        worst = max(state.judged, key=lambda each: each.increase_ratio or 0.0)
        try:
            with time_limit(_ABOVE_SECONDS, f"reading {line.database}", DatabaseError):
                return above_since(
                    line.database.connector,
                    line.isp.slug,
                    line.egress,
                    worst,
                    limit=self.rule.thresholds.elevated,
                    since=self.day_begins,
                )
        except DatabaseError as error:
            log.warning("ISP %s through egress %s: %s", line.isp.slug, line.egress, error)
            return None

    def _stored(self, line: StoredLine, database: str) -> tuple[StoredState, Recent | None] | None:
        if database in self.away:
            raise DatabaseError(self.away[database])
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise DatabaseError(
                f"not read: the lines before took all of {READING_SECONDS:g} s together"
            )
        with time_limit(left, f"reading {database}", DatabaseError):
            stored = read_state(
                line.database.connector,
                line.isp.slug,
                line.egress,
                now=self.now,
                day_begins=self.day_begins,
            )
            history = StoredHistory(line.database, line.isp.slug, line.egress)
            return (stored, self.rule.recent(history, now=self.now)) if stored else None

    def _judged(self, state: LineState, stored: StoredState, recent: Recent | None) -> LineState:
        verdict = self.rule.judge(stored.newest, stored.baselines, now=self.now, recent=recent)
        times = [baseline.computed_at for baseline in stored.baselines]
        return replace(
            state,
            verdict=verdict,
            sweep=stored.sweep,
            baseline_at=max(times, default=None),
            incidents=tuple(stored.incidents),
            rises={
                judgement.province: _rises(judgement, stored.cells)
                for judgement in verdict.judgements
            },
        )


def _rises(
    judgement: Judgement, cells: Mapping[tuple[Province, int], CellLoss]
) -> tuple[float | None, ...]:
    """Above the baseline of now, of the same targets that are judged now."""
    rises: list[float | None] = []
    for number in range(CELLS):
        cell = cells.get((judgement.province, number))
        loss = cell and (cell.live_loss_ratio if judgement.by_live else cell.loss_ratio)
        known = loss is not None and judgement.baseline_ratio is not None
        rises.append(max(0.0, loss - judgement.baseline_ratio) if known else None)  # type: ignore[operator]
    return tuple(rises)


def _compared(lines: Sequence[LineState], elevated: float) -> list[LineState]:
    """With what the other lines see of the provinces that rise, each where an alert stands."""
    # A tainted sweep proves nothing of another line.
    judged: list[tuple[str, str, Verdict]] = [
        (line.isp.slug, line.egress, line.verdict)
        for line in lines
        if line.verdict and not line.is_tainted
    ]
    compared = []
    for line in lines:
        if not line.verdict or not line.verdict.active:
            compared.append(line)
            continue
        own = (line.isp.slug, line.egress)
        others = [each for each in judged if each[:2] != own]
        comparisons = compare(*own, line.verdict, others, elevated=elevated)
        compared.append(replace(line, comparisons=comparisons))
    return compared


def spooled_sweeps(folder: Path, isp: str, egress: str) -> int | None:
    """How many sweeps wait on this host; None where that cannot be known. Nothing there is changed."""
    file = folder / f"netsky_{isp}.{egress}.spool"
    if not file.exists():
        return 0 if folder.is_dir() else None
    uri = f"file:{quote(str(file))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_SPOOL_BUSY_SECONDS)) as connection:
            query = "SELECT COUNT(DISTINCT started_at) FROM netsky_sweep"
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.Error as error:
        log.info("%s cannot be read: %s", file, error)
        return None


def library_time(folder: Path, isp: ISP) -> datetime | None:
    """When the address library of an ISP was published here; None where there is none."""
    try:
        times = [file.stat().st_mtime for file in (folder / isp.slug).glob("*.txt")]
    except OSError:
        return None
    return datetime.fromtimestamp(max(times), UTC) if times else None


def incident_reports(folder: Path) -> frozenset[str]:
    """The names of the reports of incidents that lie in a folder of pages."""
    return frozenset(file.name for file in folder.glob("incident-*.html"))


def period_reports(folder: Path) -> dict[Kind, str]:
    """The newest day and the newest month whose reports lie in a folder of pages: `2026-11-27`, `2026-11`."""
    names = [file.name for file in folder.glob("*.html")]
    found = {
        kind: [each[1] for name in names if (each := form.fullmatch(name))]
        for kind, form in _PERIODS.items()
    }
    return {kind: max(periods) for kind, periods in found.items() if periods}
