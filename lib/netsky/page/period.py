"""A day or a month of all lines as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from netsky.loss import BAD_LOSS_PERCENT
from netsky.page import timeline
from netsky.page.environment import render
from netsky.page.period_figures import (
    Figure,
    availability,
    figures,
    gap,
    line_name,
    not_counted,
    worst_provinces,
)
from netsky.page.period_words import period_words
from netsky.page.words import Words, beijing, count, percent, points, utc
from netsky.period_report import Kind, LinePeriod, Period, PeriodReport, Totals

MOST_DETAILED = 20
"""Of so many lines all that is known is on the page; of more only the table, or it would be too large."""

_MINUTE = "%Y-%m-%d %H:%M"
_SHORT = "%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line of the table; `problem` is empty when its figures are known."""

    name: str
    figures: Sequence[Figure]
    incidents: str
    incident_time: str
    worst: str
    problem: str = ""
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """What else is told of a line: by province, side by side with other periods, its incidents."""

    name: str
    chart: Markup
    has_live: bool
    not_counted: str
    provinces: Sequence[tuple[str, Sequence[Figure], str, str]]
    trend: Sequence[tuple[str, Sequence[Figure], str, str]]
    incidents: Sequence[tuple[str, str, str, str]]


def period_page(report: PeriodReport, language: str) -> str:
    """The whole page."""
    words = period_words(language)
    period, known = report.period, report.known
    shown = known if len(known) <= MOST_DETAILED else []
    top = timeline.scale_top([ratio for line in shown for _, ratio in _points(line)])
    return render(
        "period.html",
        words=words,
        title=words(f"title_{period.kind}", period=period.name),
        before=period.before.name,
        span=_span(period, words),
        made=beijing(report.made_at),
        not_over=""
        if report.is_over or report.data_until is None
        else beijing(report.data_until, _SHORT),
        lead=lead(report, words),
        rows=[*(_row(report, line, words) for line in known), *_unknown(report, words)],
        details=[_details(report, line, top, words) for line in shown],
        chart_note=words("chart_note", what=words(f"over_time_{period.kind}")),
        most=MOST_DETAILED,
        bad_loss=BAD_LOSS_PERCENT,
        is_short=len(known) > MOST_DETAILED,
        script=None,
    )


def lead(report: PeriodReport, words: Words) -> str:
    """All lines in one sentence."""
    known, period = report.known, report.period
    worst = known[0]
    time = sum((line.incident_time(period, report.made_at) for line in known), timedelta(0))
    incidents = sum(len(line.incidents_in(period)) for line in known)
    if worst.total.availability is None:
        first = words("lead_not_judged", lines=len(known))
    else:
        first = words(
            "lead",
            lines=len(known),
            worst=line_name(worst, words),
            availability=availability(worst.total),
        )
    if not incidents:
        return first + words("lead_calm")
    return first + words("lead_incidents", incidents=incidents, time=words.duration(time))


def _span(period: Period, words: Words) -> str:
    return words(
        "span",
        first=beijing(period.begin, _MINUTE),
        last=beijing(period.end, _MINUTE),
        utc_first=utc(period.begin),
        utc_last=utc(period.end),
        before=period.before.name,
    )


def _row(report: PeriodReport, line: LinePeriod, words: Words) -> LineRow:
    time = line.incident_time(report.period, report.made_at)
    return LineRow(
        line_name(line, words),
        figures(line.total, line.total_before),
        str(len(line.incidents_in(report.period))),
        words.duration(time) if time else words("none"),
        worst_provinces(line, words),
        gap=gap(report, line, words),
    )


def _unknown(report: PeriodReport, words: Words) -> list[LineRow]:
    return [
        LineRow(line_name(line, words), (), "", "", "", line.problem or words("never"))
        for line in report.unknown
    ]


def _details(report: PeriodReport, line: LinePeriod, top: float, words: Words) -> Details:
    return Details(
        line_name(line, words),
        _chart(report, line, top, words),
        _has_live(line),
        not_counted(line.total, len(line.provinces), words),
        [
            (
                words.province(province),
                figures(totals, line.before.get(province, Totals())),
                f"{count(totals.bad_sweeps)} / {count(totals.judged_sweeps)}",
                count(totals.alarm_minutes),
            )
            for province, totals in line.worst()
        ],
        [_trend(report, line, index, words) for index in reversed(range(len(line.trend)))],
        [
            (
                f"#{each.id}",
                beijing(each.opened_at, _SHORT),
                words.duration(each.lasted(report.made_at))
                if each.cleared_at
                else words("incident_open", time=words.duration(each.lasted(report.made_at))),
                words("peak_points", rise=points(each.peak_increase_ratio)),
            )
            for each in line.incidents_in(report.period)
        ],
    )


def _trend(
    report: PeriodReport, line: LinePeriod, index: int, words: Words
) -> tuple[str, Sequence[Figure], str, str]:
    """A period beside the others, with how it has changed against the one before it."""
    period, totals = line.trend[index]
    before = line.trend[index - 1][1] if index else Totals()
    time = line.incident_time(period, report.made_at)
    return (
        period.name,
        figures(totals, before),
        str(len(line.incidents_in(period))),
        words.duration(time) if time else words("none"),
    )


def _has_live(line: LinePeriod) -> bool:
    return line.total.live_sent > 0


def _points(line: LinePeriod) -> list[tuple[datetime, float]]:
    """The loss of each hour or day, of the usually alive where these are known."""
    live = _has_live(line)
    ratios = [
        (at, totals.live_loss_ratio if live else totals.loss_ratio) for at, totals in line.steps
    ]
    return [(at, ratio) for at, ratio in ratios if ratio is not None]


def _chart(report: PeriodReport, line: LinePeriod, top: float, words: Words) -> Markup:
    """Where an hour or day is missing the line has a gap, at its ends, too."""
    known = dict(_points(line))
    period = report.period
    step = timedelta(hours=1) if period.kind is Kind.DAY else timedelta(days=1)
    at = period.begin
    last = period.end - step if report.is_over else line.steps[-1][0]
    found: list[tuple[datetime, float | None]] = []
    while at <= last:
        found.append((at, known.get(at)))
        at += step
    most = percent(max(known.values(), default=None), 2)
    label = words("chart", line=line_name(line, words), most=most)
    before = line.total_before
    level = before.live_loss_ratio if _has_live(line) else before.loss_ratio
    levels = []
    if level is not None:
        levels = [timeline.Level(level, words("before_level", ratio=percent(level)), "usual")]
    return timeline.timeline(found, top=top, levels=levels, label=label)
