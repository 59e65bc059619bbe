"""The pages of incidents beside the overview: those of open ones and of what has just ended are written anew.

A page is final once its incident is over and the time after it is on it. One that says that its incident is open
and cannot be written anew, because its database is away, say, is marked as old instead.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from netsky.errors import DatabaseError
from netsky.incident_report import IncidentReport
from netsky.jobs.incidents import StoredLine
from netsky.judging.incidents import Incident
from netsky.overview import Overview
from netsky.page.incident_age import HEAD_BYTES, PageAge, Standing, age_of, marked_old, old_words
from netsky.page.names import incident_page
from netsky.page.words import Words
from netsky.page.writing import write_page
from netsky.store.incidents import Line, find_incident
from netsky.time_limit import time_limit

log = logging.getLogger(__name__)

WRITING_SECONDS = 12.0
"""For all pages together, and half of it for one, so that one that hangs keeps no other from being written."""

_NAME = re.compile(r"incident-([a-z0-9]+)-(.+)-(\d+)\.html")


@dataclass(frozen=True, slots=True)
class IncidentOfLine:
    """An incident, its line, and the name of its page."""

    line: StoredLine
    incident: Incident

    @property
    def name(self) -> str:
        return f"{incident_page(self.line.isp.slug, self.line.egress, self.incident.id)}.html"


@dataclass(frozen=True, slots=True)
class IncidentPages:
    """A folder of pages. `gather` reads what is told of an incident, `render` makes its page of it."""

    folder: Path
    gather: Callable[[StoredLine, Incident], IncidentReport]
    render: Callable[[IncidentReport], str]
    words: Words

    def write(self, lines: Sequence[StoredLine], overview: Overview) -> bool:
        """Write what is due, as far as there is time for it; whether all of it could be read.

        Raises OutputError.
        """
        deadline = time.monotonic() + WRITING_SECONDS
        ages, all_read = self._ages(), True
        for due in self._due(lines, overview, ages):
            left = deadline - time.monotonic()
            if left <= 0:
                log.warning("%s: not all reports on incidents were written in time", self.folder)
                break
            try:
                with time_limit(
                    min(left, WRITING_SECONDS / 2), f"reading of {due.name}", DatabaseError
                ):
                    report = self.gather(due.line, due.incident)
            except DatabaseError as error:
                log.error("%s: %s", due.name, error)
                all_read = False
                continue
            write_page(self.folder / due.name, self.render(report))
        self._mark_old(overview)
        return all_read

    def _ages(self) -> dict[str, PageAge]:
        """Of the pages that tell it."""
        found = {}
        for file in sorted(self.folder.glob("incident-*.html")):
            age = age_of(_read(file, HEAD_BYTES))
            if age:
                found[file.name] = age
        return found

    def _due(
        self, lines: Sequence[StoredLine], overview: Overview, ages: dict[str, PageAge]
    ) -> list[IncidentOfLine]:
        """Those without a page, then the one whose page is the oldest."""
        by_line = {(line.isp.slug, line.egress): line for line in lines}
        readable = {
            key: by_line[key]
            for state in overview.lines
            if not state.trouble and (key := (state.isp.slug, state.egress)) in by_line
        }
        found = [
            IncidentOfLine(readable[key], incident)
            for state in overview.lines
            if (key := (state.isp.slug, state.egress)) in readable
            for incident in state.incidents
        ]
        # What ended more than a day ago, while nothing was written.
        known = {each.name for each in found}
        found += [
            each
            for name, age in ages.items()
            if age.standing is not Standing.FINAL
            and name not in known
            and (each := _of_page(name, readable))
        ]
        due = [
            each
            for each in found
            if (age := ages.get(each.name)) is None
            or age.standing is not Standing.FINAL
            # Numbers begin anew with a new database: that page is of another incident.
            or age.opened_at != each.incident.opened_at.replace(microsecond=0)
        ]
        return sorted(due, key=lambda each: _as_of(ages.get(each.name)))

    def _mark_old(self, overview: Overview) -> None:
        """Whatever still says that its incident is open, and is not of now."""
        for name, age in self._ages().items():
            if age.standing is not Standing.OPEN:
                continue
            if overview.at - age.as_of > overview.thresholds.max_age:
                said = old_words(age.as_of, overview.at, self.words)
                write_page(self.folder / name, marked_old(_read(self.folder / name), said))


def _of_page(name: str, lines: dict[tuple[str, str], StoredLine]) -> IncidentOfLine | None:
    """The incident that a page is named after, if it is of one of these lines and there still."""
    found = _NAME.fullmatch(name)
    line = lines.get((found[1], found[2])) if found else None
    if found is None or line is None:
        return None
    try:
        key = Line(line.isp.slug, line.egress)
        incident = find_incident(line.database.connector, key, int(found[3]))
    except DatabaseError as error:
        log.error("%s: %s", name, error)
        return None
    return IncidentOfLine(line, incident) if incident else None


def _as_of(age: PageAge | None) -> float:
    return age.as_of.timestamp() if age else 0.0


def _read(file: Path, size: int = -1) -> str:
    """All of it, or so many bytes; nothing of what cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(size).decode(errors="replace")
    except OSError as error:  # another has just taken it away
        log.info("%s cannot be read: %s", file, error.strerror)
        return ""
