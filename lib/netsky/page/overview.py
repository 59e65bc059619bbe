"""The overview as a page: each part answers one question of whoever looks up from the desk.

Is something wrong, where, since when: the headline. Whose fault is the pattern: the maps. What is being
handled: the incidents. Can the picture be believed: the probes, and the age of all. New, or every
night at this hour: the day. Whom to move where: the best exits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from types import MappingProxyType

from netsky import __version__
from netsky.judging.grading import Judgement
from netsky.overview import CELL, Overview
from netsky.page.environment import inline_script, render
from netsky.page.headline import headline
from netsky.page.overview_day import day_strips
from netsky.page.overview_maps import LineMap, best_maps, line_map
from netsky.page.overview_panels import (
    incident_cards,
    library_sayings,
    over_incidents,
    probe_rows,
    probe_sayings,
)
from netsky.page.overview_words import HEADLINES, PAGE
from netsky.page.tile_map import tile_shapes
from netsky.page.words import Words, beijing, percent, points
from netsky.period_report import Kind
from netsky.places import ISP, PROVINCES

FILE = "index.html"

# Beyond that all lines do not stand side by side: what is fine is folded.
_MOST_EXITS_UNFOLDED = 6
_MOST_COLUMNS = 3
_MOST_LINES_IN_TABLE = 12
_MOST_CARDS = 3
_MOST_NAMES = 12
_MOST_PROBE_ROWS = 12


def overview_page(
    overview: Overview,
    language: str,
    *,
    reports: Collection[str] = (),
    periods: Mapping[Kind, str] = MappingProxyType({}),
) -> str:
    """The page; `reports` are the names of the incident reports beside it, `periods` the newest day and month."""
    words = Words(language, HEADLINES, PAGE)
    cards = incident_cards(overview, words, reports)
    best = best_maps(overview, words)
    rows = probe_rows(overview, words)
    return render(
        "overview.html",
        words=words,
        script=inline_script("overview.js"),
        version=__version__,
        headline=headline(overview, words),
        at=overview.at,
        epoch=int(overview.at.timestamp()),
        max_age=int(overview.thresholds.max_age.total_seconds()),
        date=beijing(overview.at, "%Y-%m-%d"),
        time=beijing(overview.at, "%H:%M:%S"),
        shapes=tile_shapes(words),
        legend=_legend(overview, words),
        groups=_groups(overview, words),
        columns=_columns(overview),
        cards=cards[:_MOST_CARDS],
        more_cards=cards[_MOST_CARDS:],
        is_any_away=any(line.trouble for line in overview.lines),
        over=over_incidents(overview, words, reports),
        sayings=probe_sayings(overview, words),
        probes=rows,
        libraries=library_sayings(overview, words),
        folds_probes=len(rows) > _MOST_PROBE_ROWS,
        strips=day_strips(overview, words),
        cell_minutes=int(CELL / timedelta(minutes=1)),
        best=best,
        tables=_tables(overview, words),
        line_count=len(overview.lines),
        periods=[
            (f"{kind}-{period}.html", words(f"foot_{kind}", period=period))
            for kind, period in periods.items()
        ],
    )


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A class of style.css, and which rises it stands for."""

    shade: str
    text: str


def _legend(overview: Overview, words: Words) -> list[LegendEntry]:
    severe, elevated = 100 * overview.thresholds.severe, 100 * overview.thresholds.elevated
    steps = [step for step in (severe / 10, severe / 4) if step < elevated]
    bounds = [f"{step:g}" for step in (*steps, elevated, severe)]
    texts = [f"<{bounds[0]}", *(f"{a}–{b}" for a, b in pairwise(bounds))]
    shades = ["s0", "s1", "s2"][: len(steps) + 1]
    calm = [LegendEntry(shade, text) for shade, text in zip(shades, texts, strict=False)]
    return [
        *calm,
        LegendEntry("s3", f"{texts[-1]} {words('elevated')}"),
        LegendEntry("s4", f"≥{bounds[-1]} {words('severe')}"),
        LegendEntry("sn", words("not_judged")),
    ]


@dataclass(frozen=True, slots=True)
class MapPlace:
    """A map and where it stands on a wide screen: row and column, from 1."""

    map: LineMap
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class MapGroup:
    """The maps of an ISP; `folded` are those that are fine, of an ISP with many exits, in a row of their own."""

    isp: ISP
    places: Sequence[MapPlace]
    folded: Sequence[LineMap]
    folded_names: str
    folded_row: int


def _columns(overview: Overview) -> int:
    exits, isps = len(overview.egresses), len(overview.isps)
    return max(1, min(_MOST_COLUMNS, isps if exits == 1 else exits))


def _groups(overview: Overview, words: Words) -> list[MapGroup]:
    """A row for each ISP, a column for each exit, in the same place each night."""
    columns, row = _columns(overview), 0
    groups: list[MapGroup] = []
    exits = overview.egresses
    fits = 1 < len(exits) <= columns
    column = 0
    for isp in overview.isps:
        maps = [line_map(line, overview, words) for line in overview.lines if line.isp == isp]
        fine = [each for each in maps if each.tone == "ok"]
        folded = fine if len(maps) > _MOST_EXITS_UNFOLDED and len(fine) > 1 else []
        if len(exits) > 1:  # of one exit, the ISPs stand side by side
            row, column = row + bool(groups), 0
        places = []
        for each in maps:
            if each in folded:
                continue
            if column == columns:
                row, column = row + 1, 0
            at = exits.index(each.line.egress) if fits else column
            places.append(MapPlace(each, row + 1, at + 1))
            column += 1
        row += bool(folded) and bool(places)
        names = words.listed([each.line.egress for each in folded[:_MOST_NAMES]])
        if len(folded) > _MOST_NAMES:
            names = words("and_more", names=names)
        groups.append(MapGroup(isp, places, folded, names, row + 1))
    return groups


@dataclass(frozen=True, slots=True)
class FigureTable:
    """All provinces of an ISP: the exits, and for each province the texts of the cells."""

    title: str
    exits: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


def _tables(overview: Overview, words: Words) -> list[FigureTable]:
    if len(overview.lines) > _MOST_LINES_IN_TABLE:
        return []
    tables = []
    for isp in overview.isps:
        lines = [line for line in overview.lines if line.isp == isp]
        of_line = [
            {each.province: each for each in line.judged + line.not_judged} for line in lines
        ]
        rows = [
            (words.province(province), [_figure(of.get(province)) for of in of_line])
            for province in PROVINCES
        ]
        tables.append(FigureTable(words.isp(isp), [line.egress for line in lines], rows))
    return tables


def _figure(judgement: Judgement | None) -> str:
    if judgement is None or judgement.loss_ratio is None:
        return "–"
    if judgement.increase_ratio is None:
        return f"{percent(judgement.loss_ratio)} (?)"
    return f"{percent(judgement.loss_ratio)} ({points(judgement.increase_ratio)})"
