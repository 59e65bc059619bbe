"""An alert in a line, in Chinese and English, and how its figures are written."""

from __future__ import annotations

from collections.abc import Sequence

from netsky.console import WORST_IN_LINE, percent, points
from netsky.console.controls import chinese_controls, english_controls
from netsky.console.incidents import SEVERITY_NAMES
from netsky.jobs.alert import AlertReport
from netsky.judging.grading import TOLERANCE_RATIO, Judgement, NotJudged, Severity


def chinese(report: AlertReport) -> str:
    """The alert in a line, for people who read Chinese."""
    parts = []
    for severity, judgements in _alerts(report):
        everywhere = _is_everywhere(report, judgements)
        provinces = (
            f"{increase_text(judgements[-1])} 至 {increase_text(judgements[0])}"
            if everywhere
            else "、".join(f"{j.province.name} {increase_text(j)}" for j in judgements)
        )
        steps = " 至 ".join(_steps(report, severity, judgements))
        above = "以上" if severity is Severity.CRITICAL else ""
        by = f" {steps} 个百分点{above}" if steps else ""
        parts.append(
            f"{severity_name(severity)}：{'全部 ' if everywhere else ''}{len(judgements)} 省丢包率"
            f"升高{by}（{provinces}）"
        )
    worst = report.verdict.judged[0]
    parts.append(
        f"升幅最大 {worst.province.name} {increase_text(worst)}（现 {_now(worst)}，{baseline_word(report)} {baseline_text(worst)}）"
    )
    if report.verdict.not_judged:
        parts.append(f"另有 {len(report.verdict.not_judged)} 省未判定")
    parts += chinese_controls(report.comparisons)
    return f"{report.isp.name} ({report.isp.slug}) 出口 {report.egress} " + "；".join(parts)


def english(report: AlertReport) -> str:
    """The alert in a line, in English."""
    parts = []
    for severity, judgements in _alerts(report):
        everywhere = _is_everywhere(report, judgements)
        provinces = (
            f"{increase_text(judgements[-1])} to {increase_text(judgements[0])}"
            if everywhere
            else ", ".join(f"{j.province.slug} {increase_text(j)}" for j in judgements)
        )
        steps = " to ".join(_steps(report, severity, judgements))
        above = " or more" if severity is Severity.CRITICAL else ""
        by = f" by {steps} points{above}" if steps else ""
        many = "province" if len(judgements) == 1 else "provinces"
        parts.append(
            f"{severity}: loss is up{by} in "
            f"{'all ' if everywhere else ''}{len(judgements)} {many} "
            f"({provinces})"
        )
    worst = report.verdict.judged[0]
    parts.append(
        f"worst is {worst.province.slug} {increase_text(worst)} "
        f"({_now(worst)} now, {'usual' if worst.band else 'baseline'} {baseline_text(worst)})"
    )
    if report.verdict.not_judged:
        parts.append(f"{len(report.verdict.not_judged)} not judged")
    parts += english_controls(report.comparisons)
    return f"ISP {report.isp.slug} through egress {report.egress}: " + "; ".join(parts)


def _alerts(report: AlertReport) -> list[tuple[Severity, Sequence[Judgement]]]:
    """What stands, worst severity first."""
    active = report.verdict.active
    return [(severity, active[severity]) for severity in reversed(Severity) if severity in active]


def _is_everywhere(report: AlertReport, judgements: Sequence[Judgement]) -> bool:
    """Whether a list of provinces would name all there are, and hide just that."""
    return len(judgements) == len(report.verdict.judgements) > WORST_IN_LINE


def _steps(report: AlertReport, severity: Severity, judgements: Sequence[Judgement]) -> list[str]:
    """The least and the largest increase that a severity is about, in percentage points.

    None of them where an increase is not between: an alarm that is about to end, a province that swings much.
    """
    elevated, severe = report.thresholds.elevated, report.thresholds.severe
    steps = [severe] if severity is Severity.CRITICAL else [elevated, severe]
    largest = severe if len(steps) > 1 else 1.0
    increases = [each.increase_ratio or 0.0 for each in judgements]
    if min(increases) < steps[0] - TOLERANCE_RATIO or max(increases) > largest:
        return []
    return [f"{100 * step:g}" for step in steps]


def severity_name(severity: Severity) -> str:
    return f"{SEVERITY_NAMES[severity]} {severity}"


def increase_text(judgement: Judgement) -> str:
    """Also what is below zero, which for grading is no increase."""
    loss_ratio, baseline_ratio = judgement.loss_ratio, judgement.baseline_ratio
    if judgement.increase_ratio is None or loss_ratio is None or baseline_ratio is None:
        return "-"
    return points(judgement.increase_ratio or loss_ratio - baseline_ratio)


def _now(judgement: Judgement) -> str:
    return percent(judgement.loss_ratio)


def baseline_text(judgement: Judgement) -> str:
    text = percent(judgement.baseline_ratio)
    return f"({text})" if judgement.not_judged is NotJudged.STALE_BASELINE else text


def baseline_word(report: AlertReport) -> str:
    """What the newest loss is compared with: what is usual, or the mean of some hours."""
    return "平时" if any(each.band for each in report.verdict.judgements) else "均值"
