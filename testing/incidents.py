"""An outage of one line as the product's own writers store it: sweeps, verdicts, the incident, evidence."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from netsky.aggregate import ProvinceQuality
from netsky.evidence import Taking
from netsky.fault import Fault, Part
from netsky.judging.grading import Thresholds, Verdict, judge
from netsky.loss import Baseline, NewestLoss
from netsky.places import PROVINCES, Province
from netsky.store.database import Database
from netsky.store.evidence_files import incident_folder, write_taking
from netsky.store.incidents import Line, record_verdict
from netsky.store.rollups import mark_due
from netsky.store.rows import Row, sweep_rows
from netsky.store.tables import incident, line, sweeps

TARGETS, LIVE = 1000, 800
USUAL = 0.006


def quality(
    province: Province, live_loss: float, *, fault: Fault | None = None, live: int = LIVE
) -> ProvinceQuality:
    """1,000 targets, of which 200 never answer."""
    live_lost = round(live * live_loss)
    received = live - live_lost
    return ProvinceQuality(
        province=province,
        targets=TARGETS,
        packets_sent=TARGETS,
        packets_received=received,
        loss_ratio=1 - received / TARGETS,
        abnormal_ratio=0.02,
        latency_mean_seconds=0.0325,
        latency_p50_seconds=0.031,
        latency_p95_seconds=0.06,
        latency_p99_seconds=0.09,
        live_targets=live,
        live_packets_sent=live,
        live_packets_received=received,
        fault=fault,
    )


def store_line(
    database: Database,
    isp: str,
    egress: str,
    *,
    begin: datetime,
    end: datetime,
    every: timedelta,
    losses: Mapping[Province, float],
    opened_at: datetime,
    cleared_at: datetime | None = None,
    faults: Mapping[Province, Fault] | None = None,
    seed: int = 1,
    provinces: Sequence[Province] = PROVINCES,
) -> None:
    """Sweeps from `begin` to `end`; `losses` rise within ten minutes from `opened_at` on.

    All in one transaction: a sweep after the other takes a hundred times as long.
    """
    chance = random.Random(seed)
    rows: list[Row] = []
    at, number = begin, 0
    while at <= end:
        part = min(1.0, max(0.0, (at - opened_at) / timedelta(minutes=10)))
        if cleared_at is not None and at >= cleared_at:
            part = 0.0
        qualities = []
        for province in provinces:
            loss = max(0.0, chance.gauss(USUAL, 0.002))
            if part and province in losses:
                loss += losses[province] * part
            fault = (faults or {}).get(province) if part >= 1 else None
            qualities.append(quality(province, loss, fault=fault))
        number += 1
        sweep = sweep_rows(isp, egress, at, qualities, narrow=False).numbered(number)
        rows += sweep.rows[sweeps.name]
        at += every
    with database.connector.transaction(create=True) as connection:
        connection.execute(sa.insert(sweeps), rows)
        connection.execute(sa.insert(line).values(isp=isp, egress=egress, serial=number))
        for start in {row["started_at"] for row in rows}:
            mark_due(connection, isp, egress, start)


def open_incident(
    database: Database,
    isp: str,
    egress: str,
    *,
    opened_at: datetime,
    losses: Mapping[Province, float],
    faults: Mapping[Province, Fault] | None = None,
    cleared_at: datetime | None = None,
) -> int:
    """The incident that verdicts on these losses open, and clear; its number."""
    whose, minute = Line(isp, egress), timedelta(minutes=1)
    for number in range(3):
        watch = record_verdict(
            database.connector, whose, verdict(opened_at + number * minute, losses, faults)
        )
    assert watch.incident
    assert watch.incident.id
    number_of = watch.incident.id
    if cleared_at is not None:
        for number in range(3):
            record_verdict(database.connector, whose, verdict(cleared_at + number * minute, {}, {}))
    return number_of


def verdict(
    at: datetime, losses: Mapping[Province, float], faults: Mapping[Province, Fault] | None
) -> Verdict:
    newest = [
        NewestLoss(each, 0.2, at, losses.get(each, USUAL), LIVE, (faults or {}).get(each))
        for each in PROVINCES
    ]
    baselines = [Baseline(each, "b", 0.2, at, USUAL) for each in PROVINCES]
    return judge(newest, baselines, now=at, thresholds=Thresholds())


def prefix_fault(*parts: tuple[str, int, float, float], again: float | None = 0.11) -> Fault:
    """Of prefix, live targets, loss and usual loss of each part."""
    named = tuple(
        Part(prefix, live, live, round(live * loss), usual, again, 0.9 / len(parts))
        for prefix, live, loss, usual in parts
    )
    left = LIVE - sum(each.live_targets for each in named)
    return Fault(named, Part(None, left, left, round(left * USUAL), USUAL, None, 0.1))


def keep_evidence(database: Database, root: Path, taking: Taking) -> None:
    """Write a taking, and note it in its incident, as the tracing tool does."""
    assert taking.incident
    folder = incident_folder(taking.isp, taking.egress, taking.incident.opened_at)
    write_taking(root, folder, taking, mode=0o640)
    with database.connector.transaction() as connection:
        connection.execute(
            sa.update(incident).where(incident.c.id == taking.incident.id).values(evidence=folder)
        )
