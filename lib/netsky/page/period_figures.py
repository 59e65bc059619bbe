"""The figures of a line in a period, as people read them, beside those of the period before."""

from __future__ import annotations

import math
from dataclasses import dataclass

from netsky.page.words import MINUS, UNKNOWN, Words, count, milliseconds, percent, points
from netsky.period_report import LinePeriod, PeriodReport, Totals

MOST_WORST = 3
_LEAST_POINTS, _LEAST_MS = 0.001, 0.05  # less than that is no change


@dataclass(frozen=True, slots=True)
class Figure:
    """What it is, how it has changed (empty: not, or not known), and whether that is for the worse."""

    value: str
    change: str = ""
    is_worse: bool = False


def figures(now: Totals, before: Totals) -> list[Figure]:
    """Availability, loss, loss of the usually alive, mean latency, highest p95."""
    return [
        Figure(availability(now), *_change(now.availability, before.availability, better=1)),
        Figure(percent(now.loss_ratio, 2), *_change(now.loss_ratio, before.loss_ratio)),
        Figure(
            percent(now.live_loss_ratio, 2), *_change(now.live_loss_ratio, before.live_loss_ratio)
        ),
        Figure(
            milliseconds(now.latency_seconds),
            *_change_of_time(now.latency_seconds, before.latency_seconds),
        ),
        Figure(milliseconds(now.p95_seconds)),
    ]


def availability(totals: Totals) -> str:
    """Two decimals, cut: 100% is said only when no sweep was bad, and never of what was not judged."""
    ratio = totals.availability
    if ratio is None:
        return UNKNOWN
    return "100%" if not totals.bad_sweeps else f"{math.floor(10_000 * ratio) / 100:.2f}%"


def _change(now: float | None, before: float | None, *, better: int = -1) -> tuple[str, bool]:
    """In percentage points; `better` 1: more is better."""
    if now is None or before is None or abs(now - before) < _LEAST_POINTS:
        return "", False
    return points(now - before), (now - before) * better < 0


def _change_of_time(now: float | None, before: float | None) -> tuple[str, bool]:
    """In milliseconds."""
    if now is None or before is None or abs(now - before) * 1000 < _LEAST_MS:
        return "", False
    difference = 1000 * (now - before)
    return f"{MINUS if difference < 0 else '+'}{abs(difference):.1f} ms", difference > 0


def worst_provinces(line: LinePeriod, words: Words) -> str:
    """Those that are least available, with their availability."""
    named = [
        words("worst_one", province=words.province(province), availability=availability(totals))
        for province, totals in line.worst()[:MOST_WORST]
        if totals.bad_sweeps
    ]
    return words.listed(named) or (words("none") if line.total.judged_sweeps else UNKNOWN)


def not_counted(totals: Totals, provinces: int, words: Words) -> str:
    """What is in none of the figures, or not in the availability; empty: nothing."""
    parts = [
        words(name, count=count(math.ceil(sweeps / max(1, provinces))))
        for name, sweeps in (
            ("tainted", totals.tainted_sweeps),
            ("not_judged", totals.sweeps - totals.tainted_sweeps - totals.judged_sweeps),
        )
        if sweeps
    ]
    return words.listed_parts(parts)


def gap(report: PeriodReport, line: LinePeriod, words: Words) -> str:
    """That a part of the period was not measured, or is not summed up; empty: all of it is known."""
    found = report.gap(line)
    return words(f"gap_{report.period.kind}", known=found[0], count=found[1]) if found else ""


def line_name(line: LinePeriod, words: Words) -> str:
    return words("line_name", isp=words.isp_short(line.isp), egress=line.egress)
