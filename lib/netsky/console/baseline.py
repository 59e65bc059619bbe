"""What netsky_get_avg_lossrate.py shows of an averaging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from rich.text import Text

from netsky.console import (
    WORST_IN_LINE,
    ignored_document,
    listed,
    local_time,
    loss_text,
    percent,
)
from netsky.console.bands import band_document, band_text, days_text
from netsky.console.province_table import ProvinceTable, Row
from netsky.jobs.average import Averaged, BaselineReport


@dataclass(frozen=True, slots=True)
class BaselineView:
    """The stored baselines: as JSON, as a line, and as a table for each egress, worst first."""

    report: BaselineReport

    def document(self) -> Mapping[str, Any]:
        report = self.report
        return {
            "baseline": {
                "isp": report.isp.slug,
                "rule": "usual" if _is_usual(report.averaged) else "mean",
                "hours": report.hours,
                "computed_at": report.computed_at.isoformat(),
            },
            "provinces": [
                {
                    "province": entry.province.slug,
                    "province_name": entry.province.name,
                    "egress": entry.egress,
                    "baseline_ratio": entry.baseline.loss_ratio if entry.baseline else None,
                    **band_document(entry.baseline.band if entry.baseline else None),
                    "baseline_at": _iso(entry.baseline.computed_at if entry.baseline else None),
                    "samples": entry.samples,
                    "renewed": entry.renewed,
                }
                for entry in report.averaged
            ],
            "pruned": report.pruned,
            "not_delivered": list(report.not_delivered),
            "ignored": ignored_document(report.ignored),
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        report = self.report
        lossy = [
            f"{entry.egress}/{entry.province.slug}:{percent(entry.baseline.loss_ratio)}"
            for entry in sorted(report.averaged, key=_loss, reverse=True)
            if entry.baseline and entry.baseline.loss_ratio > 0
        ]
        return report.computed_at, {
            "isp": report.isp.slug,
            "hours": f"{report.hours:g}",
            "egresses": listed(sorted({entry.egress for entry in report.averaged})),
            "renewed": len(report.averaged) - len(report.left_alone),
            "left_alone": len(report.left_alone),
            "worst": listed(lossy[:WORST_IN_LINE]),
            "pruned": sum(report.pruned.values()),
        }

    def screen(self) -> Sequence[ProvinceTable | Text]:
        by_egress = groupby(self.report.averaged, key=lambda entry: entry.egress)
        tables = [self._table(egress, list(entries)) for egress, entries in by_egress]
        return [*tables, self._summary()]

    def _table(self, egress: str, entries: Sequence[Averaged]) -> ProvinceTable:
        report, usual = self.report, _is_usual(entries)
        what = "平时丢包率" if usual else f"过去 {report.hours:g} 小时平均丢包率"
        band = ("平时", "正常范围", "依据") if usual else ("均值",)
        return ProvinceTable(
            title=f"{report.isp.name} ({report.isp.slug})  出口 {egress}  {what}",
            headings=("省份", *band, "样本数", "计算于"),
            rows=[_row(entry, usual=usual) for entry in worst_first(entries)],
            dispensable=(5, 4, 3) if usual else (3, 2),
            below=self._summary(),
        )

    def _summary(self) -> Text:
        report = self.report
        renewed = len(report.averaged) - len(report.left_alone)
        text = Text(
            f"更新 {renewed} 项，未更新 {len(report.left_alone)} 项；"
            f"清理过期数据 {sum(report.pruned.values()):,} 行"
        )
        if report.left_alone:
            text.append("\n样本不足的省沿用原均值（红色）", style="bold red")
        return text


def _is_usual(entries: Sequence[Averaged]) -> bool:
    """Whether the rule gives a band, and not a mean alone."""
    return any(entry.baseline and entry.baseline.band for entry in entries)


def _row(entry: Averaged, *, usual: bool) -> Row:
    baseline = entry.baseline
    band = baseline.band if baseline else None
    return Row(
        [
            f"{entry.province.name} {entry.province.slug}",
            loss_text(baseline.loss_ratio) if baseline else "无",
            *([band_text(band), days_text(band)] if usual else []),
            f"{entry.samples}",
            f"  {local_time(baseline.computed_at)}" if baseline else "",
        ],
        style=None if entry.renewed else "bold red",
    )


def worst_first(entries: Sequence[Averaged]) -> list[Averaged]:
    """Those left alone first, then by baseline, descending."""
    return sorted(
        entries,
        key=lambda entry: (not entry.renewed, _loss(entry)),
        reverse=True,
    )


def _loss(entry: Averaged) -> float:
    return entry.baseline.loss_ratio if entry.baseline else 0.0


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
