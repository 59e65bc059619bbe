"""A day or month of all lines for a spreadsheet: a row for each line, and one for each of its provinces."""

from __future__ import annotations

from collections.abc import Iterator

from netsky.page.sheet import Cell, sheet
from netsky.period_report import LinePeriod, PeriodReport, Totals

_FIGURES = (
    "sweeps",
    "tainted_sweeps",
    "judged_sweeps",
    "bad_sweeps",
    "packets_sent",
    "packets_lost",
    "loss_percent",
    "live_packets_sent",
    "live_packets_lost",
    "live_loss_percent",
    "latency_mean_ms",
    "latency_p95_highest_ms",
    "alarm_minutes",
    "availability_percent",
)
HEADINGS = (
    "period",
    "isp",
    "egress",
    "province",
    "province_name",
    *_FIGURES,
    "incidents",
    "incident_minutes",
    "before",
    *(f"before_{name}" for name in _FIGURES),
)


def period_sheet(report: PeriodReport) -> str:
    return sheet(HEADINGS, (row for line in report.lines for row in _rows(report, line)))


def _rows(report: PeriodReport, line: LinePeriod) -> Iterator[list[Cell]]:
    period = report.period
    time = line.incident_time(period, report.made_at)
    incidents: list[Cell] = [
        len(line.incidents_in(period)),
        round(time.total_seconds() / 60, 1),
    ]
    whose: list[Cell] = [period.name, line.isp.slug, line.egress]
    before: list[Cell] = [period.before.name]
    yield [
        *whose, "all", "", *_figures(line.total), *incidents, *before, *_figures(line.total_before),
    ]  # fmt: skip
    for province, totals in line.worst():
        of_before = _figures(line.before.get(province, Totals()))
        named: list[Cell] = [province.slug, province.name]
        yield [*whose, *named, *_figures(totals), None, None, *before, *of_before]


def _figures(totals: Totals) -> list[Cell]:
    return [
        totals.sweeps,
        totals.tainted_sweeps,
        totals.judged_sweeps,
        totals.bad_sweeps,
        totals.sent,
        totals.lost,
        _rounded(totals.loss_ratio, 100),
        totals.live_sent,
        totals.live_lost,
        _rounded(totals.live_loss_ratio, 100),
        _rounded(totals.latency_seconds, 1000),
        _rounded(totals.p95_seconds, 1000),
        totals.alarm_minutes,
        _rounded(totals.availability, 100),
    ]


def _rounded(value: float | None, times: int) -> float | None:
    return None if value is None else round(times * value, 4)
