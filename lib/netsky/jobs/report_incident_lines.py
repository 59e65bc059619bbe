"""Lines at one moment: what each loses there, against what it usually loses."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median

import sqlalchemy as sa

from netsky.errors import DatabaseError
from netsky.incident_loss import NOT_KNOWN, Level, LineAtMoment, Series, Step, Sums
from netsky.jobs.incidents import StoredLine
from netsky.jobs.report_incident_series import Span, Usual, province_losses, read_series
from netsky.judging.grading import LIVE_TARGETS
from netsky.judging.incidents import Incident
from netsky.places import PROVINCES, Province
from netsky.store.baselines import stored_baselines
from netsky.store.incidents import Line
from netsky.store.reports import hourly_losses, losses_over_time

log = logging.getLogger(__name__)

USUAL_BEFORE = timedelta(hours=12)
"""What is usual is the median of so long before an incident: a fault before this one does not move it."""

BASELINE_AFTER = timedelta(hours=1)
"""A baseline of the rule `usual` that was computed so long before or after an incident is that of its time: what was
in alarm is not part of it."""

LEARNED_AFTER = timedelta(hours=23)
"""Nor is what the rule has come to take for usual after a day of it."""

MOMENT = timedelta(minutes=5)
_LEAST_FOR_USUAL = 3  # steps of ten minutes


def read_usual(
    connection: sa.Connection, line: StoredLine, incident: Incident, now: datetime
) -> dict[Province, Usual]:
    """What the alert compared with, as far as it is that of the incident's time; else medians of the time before."""
    over = min(incident.cleared_at or now, incident.opened_at + LEARNED_AFTER)
    usual = {
        each.province: Usual(each.loss_ratio, each.live_loss_ratio, each.band, each.live_band)
        for each in stored_baselines(connection, line.isp.slug, line.egress)
        if each.band
        and incident.opened_at - BASELINE_AFTER <= each.computed_at <= over + BASELINE_AFTER
    }
    others = [each for each in PROVINCES if each not in usual]
    if others:
        usual |= _medians(connection, line, incident.opened_at, others)
    return usual


def _medians(
    connection: sa.Connection, line: StoredLine, opened_at: datetime, provinces: Sequence[Province]
) -> dict[Province, Usual]:
    """What each province lost before an incident; of hours where there are no sweeps any more."""
    where = (connection, Line(line.isp.slug, line.egress))
    first = opened_at - USUAL_BEFORE
    before = losses_over_time(
        *where, provinces=provinces, first=first, until=opened_at, step=Step.TEN_MINUTES
    ) or hourly_losses(*where, provinces=provinces, first=first, until=opened_at - Step.HOUR.length)
    return {province: usual_of(series) for province, series in before.items()}


def usual_of(series: Series) -> Usual:
    """The medians of a time without this incident; none of a few steps only."""
    of_live = [
        ratio
        for _, sums in series
        if sums.live_targets >= LIVE_TARGETS and (ratio := sums.loss_ratio(live=True)) is not None
    ]
    of_all = [ratio for _, sums in series if (ratio := sums.loss_ratio(live=False)) is not None]
    return Usual(_median(of_all), _median(of_live))


def _median(ratios: Sequence[float]) -> float | None:
    return median(ratios) if len(ratios) >= _LEAST_FOR_USUAL else None


def other_line(
    line: StoredLine, incident: Incident, moment: datetime | None, span: Span, worst: Province
) -> LineAtMoment:
    """Another line at that moment, and the incident's worst province on it over time."""
    try:
        with line.database.connector.transaction() as connection:
            usual = read_usual(connection, line, incident, span.until)
            found = at_moment(
                connection, line, incident.provinces, usual, moment, tainted=span.tainted
            )
            key = Line(line.isp.slug, line.egress)
            series, step = read_series(connection, key, [worst], span)
            [loss] = province_losses(
                incident, [worst], series, usual, step=step, end=incident.cleared_at or span.until
            )
            return replace(found, worst=loss if series else None)
    except DatabaseError as error:  # an ISP that is not measured has no database, say
        log.info("ISP %s through egress %s is not compared: %s", line.isp.slug, line.egress, error)
        return LineAtMoment(line.isp, line.egress, {}, problem=str(error))


def at_moment(
    connection: sa.Connection,
    line: StoredLine,
    provinces: Sequence[Province],
    usual: Mapping[Province, Usual],
    moment: datetime | None,
    *,
    tainted: bool,
) -> LineAtMoment:
    """A line over some minutes around that moment."""
    if moment is None:
        return LineAtMoment(line.isp, line.egress, {})
    half = (MOMENT - Step.MINUTE.length) / 2
    found = losses_over_time(
        connection,
        Line(line.isp.slug, line.egress),
        provinces=(),
        first=moment - half,
        until=moment + Step.MINUTE.length + half,
        step=Step.HOUR,
        tainted=tainted,
    )
    rest = [each for each in PROVINCES if each in found and each not in provinces]
    return LineAtMoment(
        line.isp,
        line.egress,
        {each: _level(_added(found.get(each, ())), usual.get(each)) for each in provinces},
        _level_of_all([(_added(found[each]), usual.get(each)) for each in rest]),
    )


def _added(series: Series) -> Sums:
    """The sums of all steps."""
    every = [sums for _, sums in series]
    return Sums(
        sum(each.sweeps for each in every),
        sum(each.sent for each in every),
        sum(each.lost for each in every),
        sum(each.live_sent for each in every),
        sum(each.live_lost for each in every),
        max((each.live_targets for each in every), default=0),
    )


def _level(sums: Sums, usual: Usual | None) -> Level:
    live = usual.live if usual else sums.live_targets >= LIVE_TARGETS
    return Level(
        sums.loss_ratio(live=live),
        usual.ratio if usual else None,
        of_replies=bool(usual and usual.band),
    )


def _level_of_all(provinces: Sequence[tuple[Sums, Usual | None]]) -> Level:
    """Provinces together: by the targets that usually answer where these are known of each."""
    if not provinces:
        return NOT_KNOWN
    live = all(usual is not None and usual.live for _, usual in provinces)
    sent = [(each.live_sent if live else each.sent) for each, _ in provinces]
    lost = [(each.live_lost if live else each.lost) for each, _ in provinces]
    usuals = [
        (usual.of_live if live else usual.of_all) if usual else None for _, usual in provinces
    ]
    total = sum(sent)
    if not total:
        return NOT_KNOWN
    known = [
        (usual, weight) for usual, weight in zip(usuals, sent, strict=True) if usual is not None
    ]
    weight = sum(each for _, each in known)
    return Level(
        sum(lost) / total,
        sum(usual * each for usual, each in known) / weight if weight else None,
        of_replies=all(usual is not None and usual.band is not None for _, usual in provinces),
    )
