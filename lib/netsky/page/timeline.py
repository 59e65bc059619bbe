"""Loss over time against the usual level and the thresholds above it, as one small chart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup

from netsky.page.environment import element, number
from netsky.page.words import BEIJING, beijing, percent

_WIDTH, _HEIGHT = 440, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 74, 22, 166
_MOST_TICKS = 5
# The ends that an axis may have, and in how many parts it is divided: at round figures.
_PARTS = {0.02: 2, 0.05: 5, 0.1: 5, 0.2: 4, 0.3: 3, 0.4: 4, 0.5: 5, 0.6: 3, 0.8: 4, 1.0: 5}
_PEAK_TEXT = 74  # so wide is the text beside a peak
_STEPS = tuple(
    timedelta(minutes=each) for each in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 10080)
)


@dataclass(frozen=True, slots=True)
class Level:
    """A line across: a ratio, what is said of it, and a class of style.css (`usual`, `e3`, `e4`)."""

    ratio: float
    label: str
    kind: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that is marked, with its name."""

    at: datetime
    label: str


def scale_top(ratios: Sequence[float]) -> float:
    """The end of an axis that all these ratios fit into; one for all charts that stand side by side."""
    most = max([*ratios, 0.0])
    return next((step for step in _PARTS if step >= most), 1.0)


def timeline(
    points: Sequence[tuple[datetime, float | None]],
    *,
    top: float,
    levels: Sequence[Level] = (),
    band: tuple[float, float] | None = None,
    begin: Moment | None = None,
    end: datetime | None = None,
    peak: tuple[datetime, float, str] | None = None,
    label: str,
) -> Markup:
    """`points` in the order of time, None for what was not measured: the line has a gap there.

    `begin` to `end` is shaded, `band` is what is usual, from which ratio to which; `top` is the end of the
    axis, see `scale_top`.
    """
    first, last = points[0][0], points[-1][0]
    seconds = max(1.0, (last - first).total_seconds())

    def x(moment: datetime) -> float:
        part = (moment - first).total_seconds() / seconds
        return _LEFT + min(1.0, max(0.0, part)) * (_WIDTH - _LEFT - _RIGHT)

    def y(ratio: float) -> float:
        return _BOTTOM - min(1.0, ratio / top) * (_BOTTOM - _TOP)

    drawn = [*_grid(top, y), *_hours(first, last, x)]
    if band:
        drawn.append(_band(y(band[0]), y(band[1])))
    if begin:
        drawn += _period(begin.label, x(begin.at), x(end or last))
    drawn += _levels(levels, y)
    drawn.append(element("path", d=_path(points, x, y), class_="loss"))
    if peak:
        at, ratio, text = peak
        drawn += _peak(x(at), y(ratio), text, x(begin.at) if begin else None)
    return element(
        "svg",
        *drawn,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=label,
        class_="timeline",
    )


def _period(label: str, left: float, right: float) -> list[Markup]:
    """From its beginning on it is shaded."""
    shaded = element(
        "rect",
        x=number(left),
        y=_TOP,
        width=number(right - left),
        height=_BOTTOM - _TOP,
        class_="during",
    )
    return [
        shaded,
        element("path", d=f"M{number(left)} {_TOP}V{_BOTTOM}", class_="begin"),
        element("text", label, x=number(left - 4), y=_TOP + 11, class_="mark end"),
    ]


def _band(low: float, high: float) -> Markup:
    """From the lower to the higher of two heights; where both are one it is seen, too."""
    return element(
        "rect",
        x=_LEFT,
        y=number(high),
        width=_WIDTH - _LEFT - _RIGHT,
        height=number(max(1.0, low - high)),
        class_="band",
    )


def _peak(x: float, y: float, text: str, begin: float | None) -> list[Markup]:
    """A dot, and its text above it on the right, or on the left where that has more room.

    The name of the beginning is on the left of it: the text does not reach over that.
    """
    has_room = x + _PEAK_TEXT < _WIDTH - _RIGHT
    goes_left = not has_room and (begin is None or x - _PEAK_TEXT > begin)
    place = (
        {"x": number(x - 6), "class_": "mark end"}
        if goes_left
        else {"x": number(x + 6), "class_": "mark"}
    )
    return [
        element("circle", cx=number(x), cy=number(y), r=3.5, class_="peak"),
        element("text", text, y=number(max(_TOP - 8, y - 7)), **place),
    ]


Scale = Callable[[float], float]


def _path(
    points: Sequence[tuple[datetime, float | None]], x: Callable[[datetime], float], y: Scale
) -> str:
    path, drawing = [], False
    for moment, ratio in points:
        if ratio is None:
            drawing = False
            continue
        path.append(f"{'L' if drawing else 'M'}{number(x(moment))} {number(y(ratio))}")
        if not drawing:
            path.append("h0.1")  # a point that stands alone is drawn, too
        drawing = True
    return "".join(path)


def _grid(top: float, y: Scale) -> list[Markup]:
    drawn = []
    parts = _PARTS[top]
    for part in range(parts + 1):
        ratio = top * part / parts
        height = number(y(ratio))
        drawn.append(element("path", d=f"M{_LEFT} {height}H{_WIDTH - _RIGHT}", class_="grid"))
        text = percent(ratio, 0 if top >= 0.1 else 1)
        drawn.append(element("text", text, x=_LEFT - 6, y=number(y(ratio) + 4), class_="axis end"))
    return drawn


def _hours(first: datetime, last: datetime, x: Callable[[datetime], float]) -> list[Markup]:
    """Round times of Beijing, not more than the axis has room for."""
    step = next((each for each in _STEPS if (last - first) / each <= _MOST_TICKS), _STEPS[-1])
    midnight = first.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    tick = midnight + step * math.ceil((first - midnight) / step)
    drawn = []
    while tick <= last:
        text = beijing(tick, "%H:%M" if step < _STEPS[-1] else "%m-%d")
        drawn.append(element("text", text, x=number(x(tick)), y=_BOTTOM + 17, class_="axis middle"))
        tick += step
    return drawn


def _levels(levels: Sequence[Level], y: Scale) -> list[Markup]:
    """The lines, and their names beside them, moved apart where they would cover each other."""
    drawn, above = [], float(_HEIGHT)
    for level in sorted(levels, key=lambda each: each.ratio):
        height = y(level.ratio)
        path = f"M{_LEFT} {number(height)}H{_WIDTH - _RIGHT}"
        drawn.append(element("path", d=path, class_=f"level {level.kind}"))
        above = min(height + 4, above - 13)
        drawn.append(
            element("text", level.label, x=_WIDTH - _RIGHT + 5, y=number(above), class_="axis")
        )
    return drawn
