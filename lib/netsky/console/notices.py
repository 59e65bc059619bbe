"""Small rises of loss, and the latency, as people and scripts are shown them: none of it is an alert on loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netsky.console import WORST_IN_LINE, milliseconds, points
from netsky.judging.grading import Judgement, Verdict
from netsky.judging.notice import Latency, Notice


def notice_document(judgement: Judgement) -> dict[str, Any] | None:
    """For JSON; null where none stands."""
    notice = judgement.notice
    return {"increase_ratio": notice.increase, "seconds": round(notice.seconds)} if notice else None


def latency_document(latency: Latency | None) -> dict[str, Any] | None:
    """For JSON; null where there was no reply, or what is usual is not known."""
    if latency is None:
        return None
    notice = latency.notice
    return {
        "seconds": latency.seconds,
        "usual_seconds": latency.usual_seconds,
        "usual_low_seconds": latency.band.low_ratio,
        "usual_high_seconds": latency.band.high_ratio,
        "usual_days": latency.band.days,
        "increase_seconds": latency.increase_seconds,
        "high": latency.is_high,
        "notice": {"increase_seconds": notice.increase, "seconds": round(notice.seconds)}
        if notice
        else None,
    }


def noticed_fields(verdict: Verdict) -> dict[str, list[str]]:
    """For a line: the provinces with the largest rises that are noticed, and those whose latency is high."""
    return {
        "noticed": [
            f"{each.province.slug}:{points(notice.increase)}"
            for each, notice in _notices(verdict)[:WORST_IN_LINE]
        ],
        "latency_high": [
            f"{each.province.slug}:{_more(latency.increase_seconds)}ms"
            for each, latency in _high(verdict)[:WORST_IN_LINE]
        ],
    }


def latency_text(latency: Latency | None) -> str:
    """In ms, and by how much it is up."""
    if latency is None:
        return "-"
    more = latency.notice.increase if latency.notice else latency.increase_seconds
    is_up = latency.is_high or latency.notice
    return f"{milliseconds(latency.seconds)}{f' {_more(more)}' if is_up else ''}"


def noticed_lines(verdict: Verdict) -> list[str]:
    """What is told below a table, each in a line; the worst first."""
    lines = []
    if found := _notices(verdict):
        shown = [
            f"{each.province.name} {points(notice.increase)}（{_minutes(notice)}）"
            for each, notice in found
        ]
        lines.append(f"留意，不告警：{len(found)} 省丢包率小幅升高：{_some(shown)}")
    if high := _high(verdict):
        shown = [
            f"{each.province.name} {_more(latency.increase_seconds)}（现 {milliseconds(latency.seconds)}，"
            f"平时 {milliseconds(latency.usual_seconds)}）"
            for each, latency in high
        ]
        lines.append(f"时延偏高：{len(high)} 省，毫秒：{_some(shown)}")
    if found := _latency_notices(verdict):
        shown = [
            f"{each.province.name} {_more(notice.increase)}（{_minutes(notice)}）"
            for each, notice in found
        ]
        lines.append(f"留意，不告警：{len(found)} 省时延小幅升高，毫秒：{_some(shown)}")
    return lines


def _notices(verdict: Verdict) -> list[tuple[Judgement, Notice]]:
    found = [(each, each.notice) for each in verdict.noticed if each.notice]
    return sorted(found, key=lambda each: each[1].increase, reverse=True)


def _latency_notices(verdict: Verdict) -> list[tuple[Judgement, Notice]]:
    found = [
        (each, each.latency.notice)
        for each in verdict.latency_noticed
        if each.latency and each.latency.notice
    ]
    return sorted(found, key=lambda each: each[1].increase, reverse=True)


def _high(verdict: Verdict) -> list[tuple[Judgement, Latency]]:
    found = [(each, each.latency) for each in verdict.latency_high if each.latency]
    return sorted(found, key=lambda each: each[1].increase_seconds, reverse=True)


def _some(shown: Sequence[str]) -> str:
    more = len(shown) - WORST_IN_LINE
    return "、".join(shown[:WORST_IN_LINE]) + (f" 等，另 {more} 省" if more > 0 else "")


def _minutes(notice: Notice) -> str:
    return f"{int(notice.seconds // 60)} 分钟"


def _more(seconds: float) -> str:
    return f"+{1000 * seconds:.1f}"
