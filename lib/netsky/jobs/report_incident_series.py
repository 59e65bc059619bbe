"""The loss of an incident's provinces over time, on whichever line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from netsky.incident_loss import ProvinceLoss, Series, Step
from netsky.judging.grading import LIVE_TARGETS
from netsky.judging.incidents import Incident
from netsky.loss import Band
from netsky.places import Province
from netsky.store.incidents import Line
from netsky.store.reports import hourly_losses, losses_over_time

_SHORTEST_BEFORE, _LONGEST_BEFORE = timedelta(minutes=20), timedelta(hours=3)
_SHORTEST_AFTER = timedelta(minutes=10)
_MOST_MINUTES, _MOST_TENS = timedelta(hours=6), timedelta(hours=60)


@dataclass(frozen=True, slots=True)
class Usual:
    """Of a province: the usual loss of all targets, and of those that usually answer.

    The bands are those of the rule `usual`; None: the losses are medians.
    """

    of_all: float | None
    of_live: float | None
    band_of_all: Band | None = None
    band_of_live: Band | None = None

    @property
    def live(self) -> bool:
        """Whether the alert judges by the latter, where as many are known."""
        return self.of_live is not None

    @property
    def ratio(self) -> float | None:
        return self.of_all if self.of_live is None else self.of_live

    @property
    def band(self) -> Band | None:
        return self.band_of_all if self.of_live is None else self.band_of_live


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when an incident is shown, in which steps, and whether with what this host has spoilt."""

    first: datetime
    until: datetime
    step: Step
    tainted: bool = False


def span_of(incident: Incident, now: datetime) -> Span:
    """The incident, as long before it so that one sees it rise, and a little after it."""
    before = min(max(incident.lasted(now), _SHORTEST_BEFORE), _LONGEST_BEFORE)
    first = incident.opened_at - before
    until = min(now, (incident.cleared_at or now) + max(before / 3, _SHORTEST_AFTER))
    length = until - first
    step = Step.MINUTE
    if length > _MOST_MINUTES:
        step = Step.TEN_MINUTES if length <= _MOST_TENS else Step.HOUR
    return Span(step.begin(first), until, step)


def read_series(
    connection: sa.Connection, line: Line, provinces: Sequence[Province], span: Span
) -> tuple[Mapping[Province, Series], Step]:
    """The sums of sweeps, or of hours where there are no sweeps any more, and their step."""
    first, until = span.first, span.until
    found = losses_over_time(
        connection,
        line,
        provinces=provinces,
        first=first,
        until=until,
        step=span.step,
        tainted=span.tainted,
    )
    if found:
        return found, span.step
    hours = hourly_losses(connection, line, provinces=provinces, first=first, until=until)
    return hours, Step.HOUR if hours else span.step


def read_own_series(
    connection: sa.Connection, line: Line, incident: Incident, span: Span
) -> tuple[Mapping[Province, Series], Step, Span]:
    """Those of an incident on its own line; with what this host has spoilt, when there is nothing else."""
    series, step = read_series(connection, line, incident.provinces, span)
    after = incident.opened_at - step.length
    if any(at > after for each in series.values() for at, _ in each):
        return series, step, span
    span = replace(span, tainted=True)
    return *read_series(connection, line, incident.provinces, span), span


def province_losses(
    incident: Incident,
    provinces: Sequence[Province],
    series: Mapping[Province, Series],
    usual: Mapping[Province, Usual],
    *,
    step: Step,
    end: datetime,
) -> list[ProvinceLoss]:
    """Those of an incident in these provinces, the worst first; `end` is that of the incident, or now."""
    losses = [
        _province_loss(
            province,
            series.get(province, ()),
            usual.get(province, Usual(None, None)),
            after=incident.opened_at - step.length,
            end=end,
        )
        for province in provinces
    ]
    return sorted(
        losses, key=lambda each: (each.increase_ratio, each.peak_ratio or 0.0), reverse=True
    )


def _province_loss(
    province: Province, series: Series, usual: Usual, *, after: datetime, end: datetime
) -> ProvinceLoss:
    """The peak is that of the steps that begin after < time <= end."""
    live = usual.live if usual.ratio is not None else _is_live(series)
    known = [
        (at, ratio) for at, sums in series if (ratio := sums.loss_ratio(live=live)) is not None
    ]
    during = [(ratio, at) for at, ratio in known if after < at <= end]
    peak_ratio, peak_at = max(during, default=(None, None))
    newest = known[-1][1] if known and known[-1][0] == series[-1][0] else None
    return ProvinceLoss(
        province, live, usual.ratio, series, peak_at, peak_ratio, newest, usual.band
    )


def _is_live(series: Series) -> bool:
    return bool(series) and series[-1][1].live_targets >= LIVE_TARGETS
