"""The past 24 hours of each ISP: of each cell the worst, through whichever exit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from markupsafe import Markup

from netsky.judging.incidents import Incident
from netsky.overview import CELL, CELLS, LineState, Overview
from netsky.page.shades import shade
from netsky.page.strip import Frame, Tick, strip
from netsky.page.words import BEIJING, Words, beijing
from netsky.places import ISP, Province

_TICK_HOURS = 4


def day_strips(overview: Overview, words: Words) -> list[tuple[str, Markup]]:
    """Name and picture of each ISP that has a day to show."""
    strips = []
    for isp in overview.isps:
        lines = [line for line in overview.lines if line.isp == isp and line.rises is not None]
        if lines:
            strips.append(
                (words("map_title", isp=words.isp(isp)), _strip(isp, lines, overview, words))
            )
    return strips


def _strip(isp: ISP, lines: Sequence[LineState], overview: Overview, words: Words) -> Markup:
    def cells(province: Province) -> list[str]:
        rises = [line.rises[province] for line in lines if line.rises and province in line.rises]
        worst = [max((r for r in of if r is not None), default=None) for of in zip(*rises)]  # noqa: B905
        return [shade(each, overview.thresholds) for each in worst] or ["sn"] * CELLS

    incidents = [each for line in lines for each in line.incidents]
    return strip(
        cells,
        frames=[_frame(each, overview, words) for each in incidents],
        ticks=_ticks(overview),
        label=words("day_label", isp=words.isp(isp), incidents=len(incidents)),
        words=words,
    )


def _frame(incident: Incident, overview: Overview, words: Words) -> Frame:
    provinces = words.province(incident.provinces[0])
    if len(incident.provinces) > 1:
        provinces = words("etc_provinces", first=provinces, count=len(incident.provinces))
    if incident.cleared_at is None:
        label = words("frame_open", provinces=provinces)
    else:
        label = words(
            "frame_over",
            from_=beijing(incident.opened_at, "%H:%M"),
            until=beijing(incident.cleared_at, "%H:%M"),
            provinces=provinces,
        )
    end = incident.cleared_at or overview.at
    return Frame(
        incident.provinces, _cell(incident.opened_at, overview), _cell(end, overview), label
    )


def _cell(moment: datetime, overview: Overview) -> float:
    return min(float(CELLS), (moment - overview.day_begins) / CELL)


def _ticks(overview: Overview) -> list[Tick]:
    """Every few hours of Beijing."""
    begin = overview.day_begins.astimezone(BEIJING)
    hour = begin.replace(minute=0)
    ticks = []
    for number in range(1, 26):
        at = hour + timedelta(hours=number)
        if at.hour % _TICK_HOURS == 0 and at < begin + CELLS * CELL:
            ticks.append(Tick((at - begin) / CELL, beijing(at, "%H:%M")))
    return ticks
