"""Evidence in the database: a row a province of each taking, and in netsky_incident where it is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from netsky.evidence import Taking
from netsky.store.connection import Connector
from netsky.store.evidence_files import file_name
from netsky.store.replacing import replace_rows
from netsky.store.rows import aware_time, column_time
from netsky.store.tables import incident, trace
from netsky.trace import TraceReport

MOST_ADDRESSES = 5  # of a hop; the file has all of them


def record_takings(
    connector: Connector, incident_id: int, takings: Sequence[Taking], *, folder: str
) -> None:
    """Record what was taken for an incident, and its folder; what is there already is renewed.

    Raises DatabaseError; then nothing has changed.
    """
    rows = [
        {**_row(taking, report), "incident_id": incident_id, "file": _file(folder, taking)}
        for taking in takings
        for report in taking.reports
    ]
    with connector.transaction(create=True) as connection:
        replace_rows(connection, trace, rows)
        noted = sa.update(incident).where(incident.c.id == incident_id)
        connection.execute(noted.values(evidence=folder))


def recorded_takings(connector: Connector, incident_id: int) -> set[datetime]:
    """When evidence was taken for an incident, as far as it is recorded."""
    times = sa.select(trace.c.taken_at).where(trace.c.incident_id == incident_id).distinct()
    with connector.transaction(create=True) as connection:
        return set(map(aware_time, connection.scalars(times)))


def _file(folder: str, taking: Taking) -> str:
    return f"{folder}/{file_name(taking)}"


def _row(taking: Taking, report: TraceReport) -> dict[str, Any]:
    verdict, end = report.located.verdict, report.located.end
    return {
        "isp": taking.isp,
        "egress": taking.egress,
        "taken_at": column_time(taking.taken_at),
        "province": report.province.name,
        "reason": taking.reason.value,
        "targets": len(report.targets),
        "sent": end.sent,
        "lost": end.lost,
        "finding": verdict.finding.value,
        "after_hop": verdict.after,
        "at_latest_hop": verdict.at_latest,
        "hops": json.dumps(_hops(report)),
        "path_changes": json.dumps(
            [
                {"hop": change.hop, "before": change.before, "now": change.now}
                for change in report.changes
            ]
        ),
    }


def _hops(report: TraceReport) -> list[Mapping[str, Any]]:
    """The hops of those that lose, counted together, latencies in ms as in all columns; last the target."""
    verdict = report.located.verdict
    return [
        {
            "hop": hop.ttl,
            "addresses": hop.addresses[:MOST_ADDRESSES],
            "sent": hop.sent,
            "received": hop.answered,
            "mean": None if hop.rtt_mean_seconds is None else 1000 * hop.rtt_mean_seconds,
            "limited": hop.ttl in verdict.limited,
        }
        for hop in (*report.located.hops, report.located.end)
    ]
