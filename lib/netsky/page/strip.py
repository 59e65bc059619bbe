"""The provinces over time: a row for each, a cell for each piece of time, incidents framed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from netsky.page.environment import element, number
from netsky.page.names import text_width
from netsky.page.words import Words
from netsky.places import PROVINCES, Province

_REGIONS = (5, 3, 7, 6, 5, 5)  # north, north-east, east, centre and south, south-west, north-west
_LEFT, _TOP, _CELL, _ROW, _GAP = 62, 22, 5.5, 13, 5
_CHARACTER = 6.4  # a Latin one of a label, bold


@dataclass(frozen=True, slots=True)
class Frame:
    """An incident: its provinces, from and to in cells (parts of one, too), and what is said of it."""

    provinces: Sequence[Province]
    first: float
    last: float
    label: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A time on the axis, in cells."""

    at: float
    label: str


def strip(
    cells: Callable[[Province], Sequence[str]],
    *,
    frames: Sequence[Frame],
    ticks: Sequence[Tick],
    label: str,
    words: Words,
) -> Markup:
    """`cells` are the shades of a province, oldest first; all have as many. `s0` is not drawn."""
    rows = {province: list(cells(province)) for province in PROVINCES}
    columns = len(rows[PROVINCES[0]])
    bottom = _top(PROVINCES[-1]) + _ROW
    return element(
        "svg",
        *_ground(columns),
        *_ticks(ticks, bottom),
        *_marks(rows),
        *[_name(province, words) for province in PROVINCES],
        *_frames(frames, columns),
        viewBox=f"0 0 {number(_LEFT + columns * _CELL + 6)} {bottom + 20}",
        role="img",
        aria_label=label,
        class_="strip",
    )


def _top(province: Province) -> int:
    index = PROVINCES.index(province)
    before, gaps = 0, 0
    for size in _REGIONS:
        before += size
        if index < before:
            break
        gaps += 1
    return _TOP + index * _ROW + gaps * _GAP


def _ground(columns: int) -> list[Markup]:
    """Calm, which is most, as one rectangle for each region."""
    grounds, index = [], 0
    for size in _REGIONS:
        top = _top(PROVINCES[index])
        grounds.append(
            element(
                "rect",
                x=_LEFT,
                y=top,
                width=number(columns * _CELL),
                height=size * _ROW - 1,
                class_="calm",
            )
        )
        index += size
    return grounds


def _name(province: Province, words: Words) -> Markup:
    return element(
        "text",
        words.province(province),
        x=_LEFT - 5,
        y=_top(province) + _ROW - 3,
        class_="row",
        textLength=_LEFT - 8 if len(words.province(province)) > 11 else None,
        lengthAdjust="spacingAndGlyphs" if len(words.province(province)) > 11 else None,
    )


def _ticks(ticks: Sequence[Tick], bottom: int) -> list[Markup]:
    drawn = []
    for tick in ticks:
        x = number(_LEFT + tick.at * _CELL)
        drawn.append(element("path", d=f"M{x} {_TOP}V{bottom}", class_="tick"))
        drawn.append(element("text", tick.label, x=x, y=bottom + 15, class_="axis"))
    return drawn


def _marks(rows: dict[Province, list[str]]) -> list[Markup]:
    """One path for each shade; neighbours of a row with the same shade are one piece of it."""
    pieces: dict[str, list[str]] = {}
    for province, shades in rows.items():
        top, column = _top(province), 0
        for name, run in groupby(shades):
            length = len(list(run))
            if name != "s0":
                x, width = number(_LEFT + column * _CELL), number(length * _CELL)
                pieces.setdefault(name, []).append(f"M{x} {top}h{width}v{_ROW - 1}h-{width}z")
            column += length
    return [
        element("path", d="".join(pieces[name]), class_=f"cell {name}") for name in sorted(pieces)
    ]


def _frames(frames: Sequence[Frame], columns: int) -> list[Markup]:
    """A frame around the provinces that are beside each other, and one name above, where there is room.

    The newest has the first choice: it may still be open.
    """
    drawn: list[Markup] = []
    labels: list[tuple[float, float]] = []
    for frame in sorted(frames, key=lambda each: (each.last, each.first), reverse=True):
        left = _LEFT + max(0.0, frame.first) * _CELL
        width = max(_CELL, (min(frame.last, columns) - max(0.0, frame.first)) * _CELL)
        for top, height in _runs(frame.provinces):
            drawn.append(
                element(
                    "rect",
                    x=number(left - 1),
                    y=top - 1,
                    width=number(width + 2),
                    height=height + 1,
                    class_="frame",
                )
            )
        at_end = left > _LEFT + 0.66 * columns * _CELL
        room = _CHARACTER * text_width(frame.label)
        begin = left + width - room if at_end else left
        if any(
            begin < end + _CHARACTER and begin + room > first - _CHARACTER for first, end in labels
        ):
            continue
        labels.append((begin, begin + room))
        highest = min(top for top, _ in _runs(frame.provinces))
        x = number(left + width / 2)
        drawn.append(element("path", d=f"M{x} {_TOP - 4}V{highest}", class_="lead"))
        drawn.append(
            element(
                "text",
                frame.label,
                x=number(left + width) if at_end else number(left),
                y=_TOP - 8,
                class_="mark end" if at_end else "mark",
            )
        )
    return drawn


def _runs(provinces: Sequence[Province]) -> list[tuple[int, int]]:
    """Top and height of each run of neighbours."""
    runs: list[tuple[int, int]] = []
    for top in sorted(map(_top, provinces)):
        if runs and top <= runs[-1][0] + runs[-1][1] + _GAP:
            runs[-1] = (runs[-1][0], top + _ROW - runs[-1][0])
        else:
            runs.append((top, _ROW))
    return runs
