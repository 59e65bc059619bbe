"""Incidents in netsky_incident, and in netsky_verdict what decides on them: the last verdicts of a line.

A verdict is one transaction: the row of the line in netsky_verdict first, so that whoever records another
verdict on the same line waits, then what is there, then what becomes of it. Killed at any moment, it has
happened or it has not, and a run that comes again finds the sweep recorded.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from netsky.judging.grading import Severity, Verdict
from netsky.judging.incidents import Incident, Seen, Watch, after, given_up
from netsky.places import PROVINCES, Province
from netsky.store.connection import Connector
from netsky.store.replacing import ignore_existing
from netsky.store.rows import aware_time, column_time
from netsky.store.tables import PROVINCES_BY_CHINESE, exact, incident, verdict

log = logging.getLogger(__name__)

_BY_SLUG = {province.slug: province for province in PROVINCES}


@dataclass(frozen=True, slots=True)
class Line:
    """Whose verdicts these are."""

    isp: str
    egress: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An incident that was closed because nobody judges its line any more."""

    line: Line
    incident: Incident


def record_verdict(connector: Connector, line: Line, of: Verdict) -> Watch:
    """Record a verdict, and open, change or clear the incident of its line; what is known then.

    Raises DatabaseError; then nothing has changed.
    """
    return connector.run(lambda connection: _record(connection, line, of), create=True)


def incidents(connector: Connector, line: Line, *, limit: int) -> list[Incident]:
    """Those of a line, open ones first, then the newest first; at most so many."""
    columns = incident.c
    query = _of_line(line).order_by(
        columns.cleared_at.is_not(None), columns.opened_at.desc(), columns.id.desc()
    )
    with connector.transaction() as connection:
        return [_incident(row) for row in connection.execute(query.limit(limit)).mappings()]


def open_provinces(connector: Connector, line: Line) -> set[Province]:
    """The provinces of the open incident of a line."""
    query = sa.select(incident.c.provinces).where(
        incident.c.isp == line.isp,
        incident.c.egress == line.egress,
        incident.c.cleared_at.is_(None),
    )
    with connector.transaction() as connection:
        names = [name for text in connection.scalars(query) for name in text.split(",")]
        return {PROVINCES_BY_CHINESE[name] for name in names}


def incidents_since(connection: sa.Connection, line: Line, begin: datetime) -> list[Incident]:
    """Those of a line that are open, or were at that time or after, the newest first."""
    cleared_at = incident.c.cleared_at
    query = _of_line(line).where(cleared_at.is_(None) | (cleared_at >= column_time(begin)))
    query = query.order_by(incident.c.opened_at.desc(), incident.c.id.desc())
    return [_incident(row) for row in connection.execute(query).mappings()]


def find_incident(connector: Connector, line: Line, number: int) -> Incident | None:
    """That of a line with this number (`id`)."""
    with connector.transaction() as connection:
        row = connection.execute(_of_line(line).where(incident.c.id == number)).mappings().first()
    return _incident(row) if row else None


def give_up(connector: Connector, isp: str, egress: str | None, now: datetime) -> list[GivenUp]:
    """Close the incidents of an ISP whose lines nobody has judged for too long; `egress`: only of this one."""
    query = sa.select(incident.c.egress).where(
        incident.c.isp == isp, incident.c.cleared_at.is_(None)
    )
    if egress is not None:
        query = query.where(incident.c.egress == egress)
    with connector.transaction() as connection:
        names = sorted(set(connection.scalars(query)))
    found = []
    for name in names:
        line = Line(isp, name)
        closed = connector.run(partial(_give_up, line=line, now=now), create=True)
        if closed:
            found.append(GivenUp(line, closed))
    return found


def _give_up(connection: sa.Connection, *, line: Line, now: datetime) -> Incident | None:
    closed = given_up(_known(connection, line), now)
    if closed:
        _remember(connection, line, ())
        _stored(connection, line, closed)
    return closed


def _record(connection: sa.Connection, line: Line, of: Verdict) -> Watch:
    before = _known(connection, line)
    now = after(before, of)
    if now.recent != before.recent:
        _remember(connection, line, now.recent)
    if now.incident is None or now.incident == before.incident:
        return now
    return replace(now, incident=_stored(connection, line, now.incident))


def _known(connection: sa.Connection, line: Line) -> Watch:
    """What is known of a line; whoever else asks waits until this transaction is over."""
    key = {"isp": line.isp, "egress": line.egress}
    ignore_existing(connection, verdict, [{**key, "recent": "[]"}])
    stored = sa.select(verdict.c.recent).filter_by(**key).with_for_update()
    recent = _recent(line, connection.execute(stored).scalar_one())
    is_open = _of_line(line).where(incident.c.cleared_at.is_(None)).order_by(incident.c.id)
    row = connection.execute(is_open.limit(1)).mappings().first()
    return Watch(recent, _incident(row) if row else None)


def _remember(connection: sa.Connection, line: Line, recent: Sequence[Seen]) -> None:
    text = json.dumps([_remembered(seen) for seen in recent])
    of_line = sa.update(verdict).filter_by(isp=line.isp, egress=line.egress)
    connection.execute(of_line.values(recent=text))


def _stored(connection: sa.Connection, line: Line, of: Incident) -> Incident:
    """The incident with its id, when it is in the table as it is now."""
    values = _columns(of)
    if of.id is not None:
        connection.execute(sa.update(incident).where(incident.c.id == of.id).values(values))
        return of
    insert = sa.insert(incident).values(isp=line.isp, egress=line.egress, **values)
    [serial] = connection.execute(insert).inserted_primary_key or [None]
    return replace(of, id=serial)


def _of_line(line: Line) -> sa.Select[Any]:
    columns = [
        exact(column).label(column.name) if column is incident.c.peak_increase else column
        for column in incident.c
    ]
    return sa.select(*columns).where(incident.c.isp == line.isp, incident.c.egress == line.egress)


def _incident(row: sa.RowMapping) -> Incident:
    cleared_at = row["cleared_at"]
    names = row["provinces"].split(",")
    return Incident(
        id=row["id"],
        opened_at=aware_time(row["opened_at"]),
        changed_at=aware_time(row["changed_at"]),
        cleared_at=None if cleared_at is None else aware_time(cleared_at),
        severity=Severity(row["severity"]),
        peak_severity=Severity(row["peak_severity"]),
        peak_increase_ratio=row["peak_increase"] / 100,
        peak_provinces=row["peak_provinces"],
        provinces=tuple(PROVINCES_BY_CHINESE[name] for name in names),
        prefixes=tuple(filter(None, (row["prefixes"] or "").split(","))),
        evidence=row["evidence"],
        given_up=bool(row["given_up"]),
    )


def _columns(of: Incident) -> dict[str, Any]:
    """What this tool writes; evidence is for others, and stays as it is."""
    return {
        "opened_at": column_time(of.opened_at),
        "changed_at": column_time(of.changed_at),
        "cleared_at": None if of.cleared_at is None else column_time(of.cleared_at),
        "severity": of.severity.value,
        "peak_severity": of.peak_severity.value,
        "peak_increase": 100 * of.peak_increase_ratio,
        "peak_provinces": of.peak_provinces,
        "provinces": ",".join(province.name for province in of.provinces),
        "prefixes": ",".join(of.prefixes) or None,
        "given_up": of.given_up,
    }


def _remembered(seen: Seen) -> dict[str, Any]:
    return {
        "sweep_at": seen.sweep_at.isoformat(),
        "severity": seen.severity,
        "increase_ratio": seen.increase_ratio,
        "provinces": [province.slug for province in seen.provinces],
        "prefixes": seen.prefixes,
    }


def _recent(line: Line, text: str) -> tuple[Seen, ...]:
    """What was remembered; nothing where it cannot be understood."""
    try:
        return tuple(_seen(entry) for entry in json.loads(text))
    except (ValueError, KeyError, TypeError):
        log.warning(
            "the last verdicts of ISP %s through egress %s in %s cannot be understood, and are begun anew",
            line.isp,
            line.egress,
            verdict.name,
        )
        return ()


def _seen(entry: Mapping[str, Any]) -> Seen:
    severity = entry["severity"]
    provinces: tuple[Province, ...] = tuple(_BY_SLUG[slug] for slug in entry["provinces"])
    sweep_at = datetime.fromisoformat(entry["sweep_at"])
    if sweep_at.tzinfo is None:
        raise ValueError(sweep_at)
    return Seen(
        sweep_at,
        None if severity is None else Severity(severity),
        float(entry["increase_ratio"]),
        provinces,
        tuple(map(str, entry["prefixes"])),
    )
