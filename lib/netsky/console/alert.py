"""What netsky_alert.py shows of a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.text import Text

from netsky.console import (
    WORST_IN_LINE,
    ignored_document,
    listed,
    local_time,
    loss_text,
)
from netsky.console.alert_text import (
    baseline_text,
    baseline_word,
    chinese,
    english,
    increase_text,
    severity_name,
)
from netsky.console.bands import band_document
from netsky.console.controls import (
    comparison_document,
)
from netsky.console.faults import fault_document, fault_lines, fault_names
from netsky.console.incidents import (
    incident_document,
    incident_field,
    incident_text,
)
from netsky.console.notices import (
    latency_document,
    latency_text,
    notice_document,
    noticed_fields,
    noticed_lines,
)
from netsky.console.province_table import ProvinceTable, Row
from netsky.fault import Fault
from netsky.jobs.alert import AlertReport, averaging_command
from netsky.judging.grading import Grade, Judgement, NotJudged, Severity, Verdict
from netsky.places import Province

_GRADE_TEXTS = {
    Grade.NONE: Text("正常", style="green"),
    Grade.ELEVATED: Text("升高", style="yellow"),
    Grade.SEVERE: Text("剧升", style="bold red"),
}
REASONS = {
    NotJudged.NO_LOSS_RATE: "没有数据",
    NotJudged.STALE: "数据过期",
    NotJudged.NO_BASELINE: "尚无均值",
    NotJudged.STALE_BASELINE: "均值过期",
    NotJudged.IN_THE_FUTURE: "时钟超前",
}


@dataclass(frozen=True, slots=True)
class AlertView:
    """A verdict: as JSON, as a line, and as a table, worst province first, with the text below."""

    report: AlertReport

    def document(self) -> Mapping[str, Any]:
        report, verdict = self.report, self.report.verdict
        return {
            "alert": {
                "isp": report.isp.slug,
                "egress": report.egress,
                "judged_at": verdict.judged_at.isoformat(),
                "active": [severity for severity in Severity if severity in verdict.active],
                "undetermined": [s for s in Severity if s in verdict.undetermined],
                "text": {"zh": chinese(report), "en": english(report)} if verdict.active else None,
            },
            "incident": incident_document(report.incident, now=verdict.judged_at),
            "provinces": [
                {
                    **_province_document(judgement),
                    "compared": comparison_document(report.comparisons.get(judgement.province)),
                }
                for judgement in verdict.judgements
            ],
            "not_delivered": list(report.not_delivered),
            "ignored": ignored_document(report.ignored),
        }

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        verdict = self.report.verdict
        worst = [
            f"{judgement.province.slug}:{increase_text(judgement)}"
            for judgement in verdict.judged
            if judgement.increase_ratio
        ]
        return verdict.judged_at, {
            "isp": self.report.isp.slug,
            "egress": self.report.egress,
            "active": listed([s for s in reversed(Severity) if s in verdict.active]),
            "undetermined": listed([s for s in reversed(Severity) if s in verdict.undetermined]),
            "judged": len(verdict.judged),
            **{
                grade: sum(judgement.grade is grade for judgement in verdict.judged)
                for grade in (Grade.ELEVATED, Grade.SEVERE)
            },
            "worst": listed(worst[:WORST_IN_LINE]),
            "prefixes": listed(fault_names(_faults(verdict))),
            "not_judged": listed(_not_judged(verdict.not_judged)),
            "incident": incident_field(self.report.incident),
            **{name: listed(found) for name, found in noticed_fields(verdict).items()},
        }

    def screen(self) -> Sequence[ProvinceTable | Text]:
        summary = self._summary()
        return [self._table(summary), summary]

    def _table(self, below: Text) -> ProvinceTable:
        report = self.report
        headings = ["省份", "丢包率", baseline_word(report), "升幅", "判定", "数据"]
        if self._has_latency:
            headings.append("时延 ms")
        return ProvinceTable(
            title=f"{report.isp.name} ({report.isp.slug})  出口 {report.egress}  "
            f"{local_time(report.verdict.judged_at)}",
            headings=headings,
            rows=[self._row(judgement) for judgement in report.verdict.judgements],
            dispensable=(2, 5, *([6] if self._has_latency else []), 1),
            below=below,
        )

    @property
    def _has_latency(self) -> bool:
        return any(each.latency for each in self.report.verdict.judgements)

    def _row(self, judgement: Judgement) -> Row:
        newest = judgement.newest
        return Row(
            [
                f"{judgement.province.name} {judgement.province.slug}",
                _loss_text(judgement),
                baseline_text(judgement),
                increase_text(judgement),
                _verdict_text(judgement),
                _age(self.report.verdict.judged_at, newest.measured_at) if newest else "-",
                *([_latency_cell(judgement)] if self._has_latency else []),
            ]
        )

    def _summary(self) -> Text:
        report, verdict = self.report, self.report.verdict
        text = Text(
            f"{len(verdict.judgements)} 省：已判定 {len(verdict.judged)}，"
            f"未判定 {len(verdict.not_judged)}"
        )
        by_live = sum(judgement.by_live for judgement in verdict.judged)
        if by_live:
            text.append(f"；其中 {by_live} 省按常在线目标的丢包率判定")
        without_baseline = len(verdict.not_judged_for(NotJudged.NO_BASELINE))
        if without_baseline:
            text.append(
                f"\n{without_baseline} 省尚无均值：积累几轮探测后执行 {averaging_command(report.isp)}"
            )
        if verdict.undetermined:
            names = "、".join(severity_name(s) for s in Severity if s in verdict.undetermined)
            text.append(f"\n因有省份未判定，无法断定：{names}", style="bold red")
        if verdict.active:
            style = "bold red" if Severity.CRITICAL in verdict.active else "bold yellow"
            text.append(f"\n{chinese(report)}\n{english(report)}", style=style)
        elif not verdict.undetermined:
            text.append("，无告警", style="green")
        elif verdict.judged:
            text.append("\n已判定的省无告警")
        return text.append_text(self._details())

    def _details(self) -> Text:
        """What is told besides, each in a line."""
        report, verdict = self.report, self.report.verdict
        text = Text()
        for line in fault_lines(_faults(verdict)):
            text.append(f"\n{line}", style="yellow")
        if not verdict.active and verdict.judged and verdict.judged[0].increase_ratio:
            worst = verdict.judged[0]
            text.append(f"\n升幅最大 {worst.province.name} {increase_text(worst)}")
        for line in noticed_lines(verdict):
            text.append(f"\n{line}", style="cyan")
        if report.incident:
            text.append(f"\n{incident_text(report.incident, now=verdict.judged_at)}", style="bold")
        return text


def _faults(verdict: Verdict) -> list[tuple[Province, Fault | None]]:
    """What fails in the provinces that are up."""
    return [
        (judgement.province, judgement.newest.fault)
        for judgement in verdict.judged
        if judgement.grade is not Grade.NONE and judgement.newest
    ]


def _not_judged(judgements: Sequence[Judgement]) -> list[str]:
    """The field of a line with the provinces of each reason, or their number when they are many."""
    slugs: dict[NotJudged, list[str]] = {}
    for judgement in judgements:
        if judgement.not_judged is not None:
            slugs.setdefault(judgement.not_judged, []).append(judgement.province.slug)
    return [
        f"{reason}:{'+'.join(names) if len(names) <= WORST_IN_LINE else len(names)}"
        for reason, names in slugs.items()
    ]


def _verdict_text(judgement: Judgement) -> Text:
    if judgement.not_judged is not None:
        return Text(f"未判定：{REASONS[judgement.not_judged]}", style="bold red")
    if judgement.notice:
        return Text("留意", style="cyan")
    return _GRADE_TEXTS[judgement.grade or Grade.NONE]


def _latency_cell(judgement: Judgement) -> Text:
    latency = judgement.latency
    is_high = latency is not None and latency.is_high
    is_noticed = latency is not None and latency.notice is not None
    return Text(latency_text(latency), style="yellow" if is_high else "cyan" if is_noticed else "")


def _age(now: datetime, measured_at: datetime) -> str:
    seconds = int((now - measured_at).total_seconds())
    if seconds < -1:
        return f"{-seconds} 秒后"
    if seconds < 120:
        return f"{max(0, seconds)} 秒前"
    return f"{seconds // 60} 分前" if seconds < 7200 else f"{seconds // 3600} 小时前"


def _loss_text(judgement: Judgement) -> Text:
    """The newest loss rate, in brackets when it is too old to judge by."""
    if judgement.loss_ratio is None:
        return Text("-")
    text = loss_text(judgement.loss_ratio)
    unfit = judgement.not_judged in (NotJudged.STALE, NotJudged.IN_THE_FUTURE)
    return Text(f"({text.plain})") if unfit else text


def _province_document(judgement: Judgement) -> dict[str, Any]:
    """Loss and baseline stand there only while they are young enough to judge by."""
    newest, baseline, reason = judgement.newest, judgement.baseline, judgement.not_judged
    fresh_loss = reason not in (NotJudged.STALE, NotJudged.IN_THE_FUTURE)
    fresh_baseline = reason not in (NotJudged.STALE_BASELINE, NotJudged.IN_THE_FUTURE)
    return {
        "province": judgement.province.slug,
        "province_name": judgement.province.name,
        "loss_ratio": newest.loss_ratio if newest and fresh_loss else None,
        "baseline_ratio": baseline.loss_ratio if baseline and fresh_baseline else None,
        "live_loss_ratio": newest.live_loss_ratio if newest and fresh_loss else None,
        "live_baseline_ratio": baseline.live_loss_ratio if baseline and fresh_baseline else None,
        "live_targets": newest.live_targets if newest and fresh_loss else None,
        "by_live": judgement.by_live,
        **band_document(judgement.band if fresh_baseline else None),
        **fault_document(newest.fault if newest and fresh_loss else None),
        "increase_ratio": judgement.increase_ratio,
        "grade": judgement.grade,
        "notice": notice_document(judgement),
        "latency": latency_document(judgement.latency),
        "not_judged": reason,
        "measured_at": newest.measured_at.isoformat() if newest else None,
        "baseline_at": baseline.computed_at.isoformat() if baseline else None,
    }
