"""The loss of an incident over time: charts of the worst provinces, and the same as rows."""

from __future__ import annotations

from datetime import datetime

from markupsafe import Markup

from netsky.incident_loss import LineAtMoment, ProvinceLoss
from netsky.incident_report import IncidentReport
from netsky.page import timeline
from netsky.page.names import EXIT_WIDTH, cut
from netsky.page.words import UNKNOWN, Words, beijing, percent

MOST_CHARTS = 3
_MOST_ROWS = 400  # of the table over time; the CSV has all
_MINUTE = "%m-%d %H:%M"


def charts(report: IncidentReport, words: Words) -> list[tuple[str, Markup]]:
    """The worst provinces, and then the worst of all on other lines: all on one scale."""
    own = [each for each in report.provinces[:MOST_CHARTS] if each.series]
    beside = [line for line in report.lines[1:] if line.worst][:MOST_CHARTS] if own else []
    shown = own + [line.worst for line in beside if line.worst]
    ratios = [
        ratio for each in shown for _, s in each.series if (ratio := each.ratio(s)) is not None
    ]
    ratios += [each.risen(report.thresholds.severe) or report.thresholds.severe for each in shown]
    top = timeline.scale_top(ratios)
    return [(_chart_title(each, words), _chart(report, each, top, words)) for each in own] + [
        (_title_beside(line, line.worst, words), _chart(report, line.worst, top, words))
        for line in beside
        if line.worst
    ]


def _title_beside(line: LineAtMoment, loss: ProvinceLoss, words: Words) -> str:
    return f"{_chart_title(loss, words)} · {words.isp_short(line.isp)} · {cut(line.egress, EXIT_WIDTH)}"


def _chart_title(loss: ProvinceLoss, words: Words) -> str:
    name = words.province(loss.province)
    return f"{name} · {words('live')}" if loss.live else name


def _chart(report: IncidentReport, loss: ProvinceLoss, top: float, words: Words) -> Markup:
    incident = report.incident
    peak = None
    if loss.peak_at is not None and loss.peak_ratio is not None:
        mark = words("peak_mark", ratio=percent(loss.peak_ratio))
        peak = (loss.peak_at, loss.peak_ratio, mark)
    return timeline.timeline(
        _points(report, loss),
        top=top,
        levels=_levels(report, loss, words),
        band=(loss.band.low_ratio, loss.band.high_ratio) if loss.band else None,
        # Points are at the beginning of their step: that of its first sweep is part of it.
        begin=timeline.Moment(report.step.begin(incident.opened_at), words("begin")),
        end=incident.cleared_at,
        peak=peak,
        label=words(
            "chart",
            province=words.province(loss.province),
            usual=percent(loss.usual_ratio),
            peak=percent(loss.peak_ratio),
        ),
    )


def _points(report: IncidentReport, loss: ProvinceLoss) -> list[tuple[datetime, float | None]]:
    """From the first to the last of what is shown; None in steps of which nothing is known."""
    known = {at: loss.ratio(sums) for at, sums in loss.series}
    at, end = min([report.first, *known]), max(known)
    found: list[tuple[datetime, float | None]] = []
    while at <= end:
        found.append((at, known.get(at)))
        at += report.step.length
    return found


def _levels(report: IncidentReport, loss: ProvinceLoss, words: Words) -> list[timeline.Level]:
    if loss.usual_ratio is None:
        return []
    steps = (
        ("elevated", report.thresholds.elevated, "e3"),
        ("severe", report.thresholds.severe, "e4"),
    )
    return [
        timeline.Level(
            loss.usual_ratio, words("usual_level", ratio=percent(loss.usual_ratio)), "usual"
        ),
        *(
            timeline.Level(min(1.0, risen), words(name, points=f"{100 * step:g}"), kind)
            for name, step, kind in steps
            if (risen := loss.risen(step)) is not None
        ),
    ]


def charts_note(report: IncidentReport, words: Words) -> str:
    left = report.provinces[MOST_CHARTS:]
    if not any(each.series for each in report.provinces):
        return words("no_series")
    if not left:
        return ""
    shown = words.listed(
        [f"{words.province(each.province)} {percent(each.peak_ratio)}" for each in left]
    )
    return words("more_provinces", count=len(left), provinces=shown)


def minutes(report: IncidentReport) -> list[list[str]]:
    """A row for each step of time, newest first, with each charted province."""
    shown = report.provinces[:MOST_CHARTS]
    by_time: dict[datetime, list[str]] = {}
    for index, loss in enumerate(shown):
        for at, sums in loss.series:
            row = by_time.setdefault(at, [UNKNOWN] * len(shown))
            lost, sent = (sums.live_lost, sums.live_sent) if loss.live else (sums.lost, sums.sent)
            row[index] = f"{percent(loss.ratio(sums))} ({lost:,}/{sent:,})"
    newest = sorted(by_time, reverse=True)[:_MOST_ROWS]
    return [[beijing(at, _MINUTE), *by_time[at]] for at in newest]
