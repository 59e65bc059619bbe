"""Gathering what a carrier is told of an incident: the database and the evidence are read, nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from netsky.errors import DatabaseError, InputError, MissingDatabaseError, NoDataError
from netsky.evidence import Evidence
from netsky.incident_loss import ProvinceLoss
from netsky.incident_report import IncidentReport
from netsky.jobs.incidents import StoredLine
from netsky.jobs.report_incident_lines import at_moment, other_line, read_usual
from netsky.jobs.report_incident_series import province_losses, read_own_series, span_of
from netsky.judging.grading import Grade, Thresholds, grade
from netsky.judging.incidents import Incident
from netsky.places import Egress
from netsky.store.evidence_files import incident_folder, read_evidence
from netsky.store.incidents import Line, find_incident, incidents
from netsky.store.reports import (
    newest_sweep,
    tainted_sweeps,
    worst_faults,
)


def choose_incident(lines: Sequence[StoredLine], number: int | None) -> tuple[StoredLine, Incident]:
    """That of this number, or the open or else the newest one, of any of these lines.

    Raises NoDataError when there is none, InputError when several lines have that number, and DatabaseError
    when a line that might have it cannot be read.
    """
    found: list[tuple[StoredLine, Incident]] = []
    errors: list[DatabaseError] = []
    for line in lines:
        try:
            incident = _incident_of(line, number)
        except MissingDatabaseError:  # nothing was ever measured there
            continue
        except DatabaseError as error:
            errors.append(error)
            continue
        if incident:
            found.append((line, incident))
    if number is not None and len(found) > 1:
        names = ", ".join(f"--isp {line.isp.slug} --egress {line.egress}" for line, _ in found)
        raise InputError(f"there is more than one incident {number}: choose one of {names}")
    if errors:
        raise errors[0]
    if not found:
        missing = "no incident" if number is None else f"no incident {number}"
        raise NoDataError(
            f"{missing} of {'these lines' if len(lines) > 1 else 'this line'} in the database: list "
            "them with netsky_alert.py --isp all --egress all --incidents"
        )
    return max(found, key=lambda pair: (pair[1].is_open, pair[1].opened_at))


def _incident_of(line: StoredLine, number: int | None) -> Incident | None:
    key = Line(line.isp.slug, line.egress)
    if number is not None:
        return find_incident(line.database.connector, key, number)
    return next(iter(incidents(line.database.connector, key, limit=1)), None)


def gather_incident(
    line: StoredLine,
    incident: Incident,
    egress: Egress,
    others: Sequence[StoredLine],
    *,
    thresholds: Thresholds,
    evidence: Path,
    now: datetime,
) -> IncidentReport:
    """All that is stored of an incident, and of `others`, the lines that it is compared with.

    `egress` is its exit as netsky.toml has it, `evidence` the folder of all evidence. Raises DatabaseError;
    another line that cannot be read is told in the report.
    """
    span = span_of(incident, now)
    end = incident.cleared_at or span.until
    key = Line(line.isp.slug, line.egress)
    with line.database.connector.transaction() as connection:
        usual = read_usual(connection, line, incident, span.until)
        series, step, span = read_own_series(connection, key, incident, span)
        provinces = province_losses(incident, incident.provinces, series, usual, step=step, end=end)
        moment = _moment(provinces, incident, thresholds)
        own = at_moment(connection, line, incident.provinces, usual, moment, tainted=span.tainted)
        names = [each.province for each in provinces]
        faults = worst_faults(connection, key, provinces=names, first=incident.opened_at, until=end)
        tainted = tainted_sweeps(connection, key, first=span.first, until=span.until)
        data_until = newest_sweep(connection, key, until=span.until)
    worst = provinces[0].province
    return IncidentReport(
        isp=line.isp,
        egress=egress,
        incident=incident,
        made_at=now,
        thresholds=thresholds,
        first=span.first,
        until=span.until,
        step=step,
        data_until=data_until,
        provinces=tuple(provinces),
        moment=moment,
        lines=(own, *(other_line(each, incident, moment, span, worst) for each in others)),
        faults=tuple(faults),
        tainted=tainted,
        only_tainted=span.tainted and bool(tainted),
        evidence=_evidence(evidence, line, incident),
    )


def _evidence(root: Path, line: StoredLine, incident: Incident) -> Evidence | None:
    """What is noted in the incident, or lies where it would be before it is noted."""
    folder = incident_folder(line.isp.slug, line.egress, incident.opened_at)
    if incident.evidence is None and not (root / folder).is_dir():
        return None
    return read_evidence(root, incident.evidence or folder)


def _moment(
    provinces: Sequence[ProvinceLoss], incident: Incident, thresholds: Thresholds
) -> datetime | None:
    """What is compared: now, while it still rises, and else the peak of the worst province."""
    worst = provinces[0]
    if incident.is_open and worst.series and worst.newest_ratio is not None:
        rise = worst.newest.increase_ratio
        if rise is not None and grade(rise, thresholds) is not Grade.NONE:
            return worst.series[-1][0]
    return worst.peak_at
