"""What netsky_trace.py shows of evidence: what was just taken, what is kept of an incident, a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from netsky.console import listed, local_time, make_table
from netsky.console.trace import TraceView, verdict_field
from netsky.evidence import Evidence, Reason, Taking
from netsky.evidence_document import taking_document
from netsky.places import ISP
from netsky.store.evidence_files import KeptIncident

REASONS = {
    Reason.OPENED: "事件开始",
    Reason.AFTER: "五分钟后",
    Reason.GROWTH: "事件扩大",
    Reason.CLEARED: "恢复之后",
    Reason.BY_HAND: "人工",
}


@dataclass(frozen=True, slots=True)
class TakingView:
    """One taking; `folder` is where it is kept."""

    taking: Taking
    isp: ISP
    folder: str

    def document(self) -> Mapping[str, Any]:
        return {"folder": self.folder, "taking": taking_document(self.taking)}

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        taking = self.taking
        mtr = [each for report in taking.reports for each in report.mtr]
        return taking.taken_at, {
            "isp": taking.isp,
            "egress": taking.egress,
            "incident": taking.incident.id,
            "reason": taking.reason.value,
            "verdicts": listed(
                [
                    f"{report.province.slug}:{verdict_field(report.located)}"
                    for report in taking.reports
                ]
            ),
            "path_changes": sum(bool(report.changes) for report in taking.reports),
            "mtr": f"{sum(each.text is not None for each in mtr)}/{len(mtr)}",
            "evidence": self.folder,
        }

    def screen(self) -> Sequence[Table | Text]:
        taking = self.taking
        title = Text(
            f"证据  事件 #{taking.incident.id}  {REASONS[taking.reason]}  "
            f"{local_time(taking.taken_at)}",
            style="bold",
        )
        parts: list[Table | Text] = [title]
        for report in taking.reports:
            parts += TraceView(report, self.isp).screen()
        if not taking.reports:
            parts.append(Text("没有取得：运行中途被终止", style="bold red"))
        elif not taking.finished:
            parts.append(Text("mtr 没有取得：运行中途被终止", style="bold red"))
        parts += [Text(problem, style="bold red") for problem in taking.problems]
        parts.append(Text(f"保存在 {self.folder}"))
        return parts


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """All that is kept of an incident, oldest first."""

    evidence: Evidence
    isp: ISP
    folder: str

    def document(self) -> Mapping[str, Any]:
        return {
            "folder": self.folder,
            "takings": [taking_document(taking) for taking in self.evidence.takings],
            "not_read": list(self.evidence.not_read),
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        takings = self.evidence.takings
        return takings[-1].taken_at if takings else datetime.now(UTC), {
            "evidence": self.folder,
            "takings": listed([taking.reason.value for taking in takings]),
            "not_read": len(self.evidence.not_read),
        }

    def screen(self) -> Sequence[Table | Text]:
        parts: list[Table | Text] = []
        for taking in self.evidence.takings:
            parts += [*TakingView(taking, self.isp, self.folder).screen()[:-1], Text("")]
        parts += [Text(told, style="bold red") for told in self.evidence.not_read]
        return [*parts, Text(f"保存在 {self.folder}")]


@dataclass(frozen=True, slots=True)
class EvidenceList:
    """The incidents of which evidence is kept, newest first."""

    at: datetime
    kept: Sequence[KeptIncident]

    def document(self) -> Mapping[str, Any]:
        return {
            "listed_at": self.at.isoformat(),
            "evidence": [
                {
                    "isp": each.isp,
                    "egress": each.egress,
                    "folder": each.folder,
                    "opened_at": each.opened_at.isoformat(),
                    "takings": [
                        {"taken_at": noted.taken_at.isoformat(), "reason": noted.reason.value}
                        for noted in each.takings
                    ],
                    "bytes": each.size,
                }
                for each in self.kept
            ],
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        return self.at, {
            "incidents": len(self.kept),
            "takings": sum(len(each.takings) for each in self.kept),
            "bytes": sum(each.size for each in self.kept),
            "newest": self.kept[0].folder if self.kept else "-",
        }

    def screen(self) -> Sequence[Table | Text]:
        if not self.kept:
            return [Text("没有保存的证据", style="green")]
        table = make_table("", "目录", "开始", "KB", "取证")
        for each in self.kept:
            reasons = "、".join(REASONS[noted.reason] for noted in each.takings)
            opened = local_time(each.opened_at)[:16]
            table.add_row(each.folder, f" {opened}", f" {each.size / 1024:.0f}", f" {reasons}")
        return [table]
