"""A day or month of all lines as a short text to paste, the worst lines first."""

from __future__ import annotations

from netsky.page.incident_text import fits
from netsky.page.period import lead
from netsky.page.period_figures import Figure, figures, gap, line_name, worst_provinces
from netsky.page.words import Words
from netsky.period_report import LinePeriod, PeriodReport
from netsky.text import one_line


def period_text(report: PeriodReport, words: Words) -> str:
    """As many lines as fit; the others are counted."""
    head, known = _head(report, words), [_line(report, line, words) for line in report.known]
    unknown = len(report.unknown)
    for shown in range(len(known), -1, -1):
        lines = [*head, *known[:shown]]
        if shown < len(known):
            lines.append(words("t_more", count=len(known) - shown))
        if unknown:
            lines.append(words("t_unknown", count=unknown))
        text = "".join(f"{one_line(line)}\n" for line in lines)
        if fits(text):
            break
    return text


def _head(report: PeriodReport, words: Words) -> list[str]:
    period = report.period
    return [words(f"title_{period.kind}", period=period.name), lead(report, words)]


def _line(report: PeriodReport, line: LinePeriod, words: Words) -> str:
    availability, loss_of_all, live, latency, _ = figures(line.total, line.total_before)
    name, loss = ("t_live_loss", live) if line.total.live_sent else ("t_loss", loss_of_all)
    text = words(
        "t_line",
        line=line_name(line, words),
        availability=_changed(availability, words),
        loss=words(name, loss=_changed(loss, words)),
        latency=_changed(latency, words),
        incidents=_incidents(report, line, words),
    )
    if missing := gap(report, line, words):
        text += words("t_gap", gap=missing)
    worst = worst_provinces(line, words)
    return text if worst == words("none") else text + words("t_worst", worst=worst)


def _changed(figure: Figure, words: Words) -> str:
    if not figure.change:
        return figure.value
    return words("t_changed", value=figure.value, change=figure.change)


def _incidents(report: PeriodReport, line: LinePeriod, words: Words) -> str:
    count = len(line.incidents_in(report.period))
    if not count:
        return words("t_calm")
    time = words.duration(line.incident_time(report.period, report.made_at))
    return words("t_incidents", count=count, time=time)
