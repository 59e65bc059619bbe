"""Listing the incidents of lines: open ones first, whichever line they are of."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from netsky.errors import DatabaseError
from netsky.judging.incidents import Incident
from netsky.places import ISP
from netsky.store.database import Database
from netsky.store.incidents import Line, incidents

log = logging.getLogger(__name__)

MOST_OF_A_LINE = 100
"""So many of a line are listed; the table has them all."""


@dataclass(frozen=True, slots=True)
class StoredLine:
    """An ISP through an exit, and the database with its incidents."""

    isp: ISP
    egress: str
    database: Database


@dataclass(frozen=True, slots=True)
class ListedIncident:
    """An incident, and whose it is."""

    isp: ISP
    egress: str
    incident: Incident


@dataclass(frozen=True, slots=True)
class IncidentList:
    """Open ones first, then the newest first; `not_read` tells of lines that could not be read."""

    at: datetime
    incidents: tuple[ListedIncident, ...]
    not_read: tuple[str, ...]


def list_incidents(lines: Sequence[StoredLine]) -> IncidentList:
    """Those of all lines. Raises DatabaseError when none of the lines can be read."""
    found, errors = [], []
    for line in lines:
        key = Line(line.isp.slug, line.egress)
        try:
            of_line = incidents(line.database.connector, key, limit=MOST_OF_A_LINE)
        except DatabaseError as error:
            errors.append(error)
        else:
            found += [ListedIncident(line.isp, line.egress, each) for each in of_line]
    if len(errors) == len(lines):
        raise errors[0]
    for failure in errors:
        log.error("not listed: %s", failure)
    found.sort(key=lambda each: (each.incident.is_open, each.incident.opened_at), reverse=True)
    return IncidentList(datetime.now(UTC), tuple(found), tuple(map(str, errors)))
