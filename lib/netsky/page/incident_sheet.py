"""The figures of an incident for a spreadsheet: a row for each province and step of time."""

from __future__ import annotations

from collections.abc import Iterator

from netsky.incident_loss import ProvinceLoss
from netsky.incident_report import IncidentReport
from netsky.page.sheet import Cell, sheet
from netsky.page.words import beijing, utc

HEADINGS = (
    "time_beijing",
    "time_utc",
    "step_seconds",
    "isp",
    "egress",
    "province",
    "province_name",
    "sweeps",
    "packets_sent",
    "packets_lost",
    "loss_percent",
    "live_packets_sent",
    "live_packets_lost",
    "live_loss_percent",
    "judged_by",
    "usual_percent",
    "in_incident",
)
_SECONDS = "%Y-%m-%d %H:%M:%S"


def incident_sheet(report: IncidentReport) -> str:
    return sheet(HEADINGS, (row for each in report.provinces for row in _rows(report, each)))


def _rows(report: IncidentReport, loss: ProvinceLoss) -> Iterator[list[Cell]]:
    incident = report.incident
    begin = incident.opened_at.replace(second=0, microsecond=0)
    for at, sums in loss.series:
        yield [
            beijing(at, _SECONDS),
            utc(at, _SECONDS),
            int(report.step.length.total_seconds()),
            report.isp.slug,
            report.egress.name,
            loss.province.slug,
            loss.province.name,
            sums.sweeps,
            sums.sent,
            sums.lost,
            _percent(sums.loss_ratio(live=False)),
            sums.live_sent,
            sums.live_lost,
            _percent(sums.loss_ratio(live=True)),
            "live" if loss.live else "all",
            _percent(loss.usual_ratio),
            int(begin <= at and (incident.cleared_at is None or at <= incident.cleared_at)),
        ]


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else round(100 * ratio, 4)
