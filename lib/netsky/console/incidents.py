"""What netsky_alert.py shows of incidents: beside a verdict, and as a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.text import Text

from netsky.console import WORST_IN_LINE, listed, local_time, points
from netsky.console.province_table import ProvinceTable, Row
from netsky.jobs.incidents import IncidentList, ListedIncident
from netsky.judging.grading import Severity
from netsky.judging.incidents import Incident

SEVERITY_NAMES = {Severity.MEDIUM: "中度", Severity.HEAVY: "重度", Severity.CRITICAL: "危急"}


@dataclass(frozen=True, slots=True)
class IncidentsView:
    """The incidents of lines, open ones first: as JSON, as a line, and as a table."""

    listing: IncidentList

    def document(self) -> Mapping[str, Any]:
        listing = self.listing
        return {
            "listed_at": listing.at.isoformat(),
            "incidents": [
                {
                    "isp": entry.isp.slug,
                    "isp_name": entry.isp.name,
                    "egress": entry.egress,
                    **(incident_document(entry.incident, now=listing.at) or {}),
                }
                for entry in listing.incidents
            ],
            "not_read": list(listing.not_read),
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        listing = self.listing
        is_open = [entry for entry in listing.incidents if entry.incident.is_open]
        given_up = [entry for entry in listing.incidents if entry.incident.given_up]
        return listing.at, {
            "open": listed([self._field(entry) for entry in is_open]),
            "cleared": len(listing.incidents) - len(is_open) - len(given_up),
            **({"given_up": len(given_up)} if given_up else {}),
        }

    def _field(self, entry: ListedIncident) -> str:
        incident = entry.incident
        seconds = int(incident.lasted(self.listing.at).total_seconds())
        return (
            f"{entry.isp.slug}/{entry.egress}#{incident.id}:{incident.peak_severity}:"
            f"{points(incident.peak_increase_ratio)}:{seconds}s"
        )

    def screen(self) -> Sequence[ProvinceTable | Text]:
        listing = self.listing
        if not listing.incidents:
            return [Text("没有事件记录", style="green")]
        is_open = sum(entry.incident.is_open for entry in listing.incidents)
        given_up = sum(entry.incident.given_up for entry in listing.incidents)
        summary = Text(
            f"未恢复 {is_open} 起，已恢复 {len(listing.incidents) - is_open - given_up} 起"
            + (f"，已放弃 {given_up} 起（12 小时无人判定）" if given_up else ""),
            style="bold red" if is_open else "green",
        )
        # Not a column: there may be many, and each has to be there whole.
        for entry in listing.incidents:
            if entry.incident.prefixes:
                summary.append(f"\n#{entry.incident.id}{_prefixes(entry.incident)}", "default")
        table = ProvinceTable(
            title=f"事件  {local_time(listing.at)}",
            headings=("编号", "运营商", "出口", "状态", "开始", "历时", "峰值", "省份"),
            rows=[self._row(entry) for entry in listing.incidents],
            dispensable=(4,),
            below=summary,
            unit="起",
            folded="更早",
        )
        return [table, summary]

    def _row(self, entry: ListedIncident) -> Row:
        incident = entry.incident
        return Row(
            [
                f"{incident.id}",
                f" {entry.isp.slug}",
                f" {entry.egress}",
                _state(incident),
                f" {local_time(incident.opened_at)[:16]}",
                f" {duration(incident.lasted(self.listing.at))}",
                f" {_peak(incident)}",
                f" {_provinces(incident)}",
            ]
        )


def incident_document(incident: Incident | None, *, now: datetime) -> Mapping[str, Any] | None:
    """For JSON; null where there is none."""
    if incident is None:
        return None
    return {
        "id": incident.id,
        "open": incident.is_open,
        "opened_at": _iso(incident.opened_at),
        "changed_at": _iso(incident.changed_at),
        "cleared_at": None if incident.cleared_at is None else _iso(incident.cleared_at),
        "given_up": incident.given_up,
        "duration_seconds": incident.lasted(now).total_seconds(),
        "severity": incident.severity,
        "peak_severity": incident.peak_severity,
        "peak_increase_ratio": incident.peak_increase_ratio,
        "peak_provinces": incident.peak_provinces,
        "provinces": [
            {"province": province.slug, "province_name": province.name}
            for province in incident.provinces
        ],
        "prefixes": list(incident.prefixes),
        "evidence": incident.evidence,
    }


def _state(incident: Incident) -> Text:
    if incident.given_up:
        return Text("已放弃", "yellow")
    return Text("未恢复", style="bold red") if incident.is_open else Text("已恢复", "green")


def incident_field(incident: Incident | None) -> str:
    """For a line: its state and number, `-` for none."""
    if incident is None:
        return "-"
    return f"{'open' if incident.is_open else 'cleared'}:{incident.id}"


def incident_text(incident: Incident, *, now: datetime) -> str:
    """For people, in a line: since when, or how long it was; its peak; which provinces."""
    lasted = duration(incident.lasted(now))
    began = local_time(incident.opened_at)
    state = f"始于 {began}，已持续 {lasted}" if incident.is_open else f"已恢复，历时 {lasted}"
    return (
        f"事件 #{incident.id} {state}，峰值 {_peak(incident)}，涉及 {_provinces(incident)}"
        f"{_prefixes(incident)}"
    )


def duration(time: timedelta) -> str:
    """As people say it, in its two largest units."""
    minutes, seconds = divmod(int(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} 天 {hours} 小时"
    if hours:
        return f"{hours} 小时 {minutes} 分"
    return f"{minutes} 分 {seconds} 秒"


def _peak(incident: Incident) -> str:
    name = SEVERITY_NAMES[incident.peak_severity]
    return f"{name} {points(incident.peak_increase_ratio)}"


def _provinces(incident: Incident) -> str:
    names = [province.name for province in incident.provinces]
    shown = "、".join(names[:WORST_IN_LINE])
    return f"{shown} 等 {len(names)} 省" if len(names) > WORST_IN_LINE else shown


def _prefixes(incident: Incident) -> str:
    """All that are kept: whoever asks a carrier needs each."""
    return f"，网段 {'、'.join(incident.prefixes)}" if incident.prefixes else ""


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
