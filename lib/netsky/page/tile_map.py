"""The country as 31 equal tiles, one map for each line: a diagram, without borders.

The shapes and names of the tiles are in a page once, as `tile_shapes`; a map refers to them, so that it
is small however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from netsky.page.environment import element
from netsky.page.words import Words
from netsky.places import PROVINCES, Province
from netsky.tiles import TILE_ROWS

WIDTH, HEIGHT = 46, 34
PITCH_X, PITCH_Y = 48, 36
COLUMNS, ROWS = 7, 8

_BY_SLUG = {province.slug: province for province in PROVINCES}
PLACES = {
    _BY_SLUG[slug]: (column, row)
    for row, slugs in enumerate(TILE_ROWS)
    for column, slug in enumerate(slugs)
    if slug
}

# Of ISO 3166-2:CN, where a name of letters has no room.
_CODES = (
    "BJ TJ HE SX NM LN JL HL SH JS ZJ AH FJ JX SD HA HB HN GD GX HI CQ SC GZ YN XZ SN GS QH NX XJ"
)
CODES = dict(zip(PROVINCES, _CODES.split(" "), strict=True))


@dataclass(frozen=True, slots=True)
class Tile:
    """What a tile shows: a class of style.css (`s0` to `s4`, `sn`, `go`) and a short text."""

    shade: str
    text: str


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands in the empty north-west: a name, a line below, and a state in a colour (`bad`, `ok`, …)."""

    title: str
    below: str
    state: str
    tone: str


def tile_shapes(words: Words) -> Markup:
    """The tiles with the names of their provinces, and the hatch; once in a page that has maps."""
    hatch = element(
        "pattern",
        element("rect", width=7, height=7, class_="hatch-ground"),
        element("rect", width=2.4, height=7, class_="hatch-line"),
        id="hatch",
        width=7,
        height=7,
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    )
    shapes = [
        element(
            "g",
            element(
                "rect",
                x=_x(province),
                y=_y(province),
                width=WIDTH,
                height=HEIGHT,
                rx=3,
                class_="tr",
            ),
            element(
                "text",
                province.name if words.is_chinese else CODES[province],
                x=_x(province) + WIDTH / 2,
                y=_y(province) + 13.5,
                class_="tn",
            ),
            id=f"t-{province.slug}",
        )
        for province in PROVINCES
    ]
    return element("svg", element("defs", hatch, *shapes), class_="defs", aria_hidden="true")


def tile_map(
    caption: Caption,
    tile: Callable[[Province], Tile],
    *,
    label: str,
    provinces: Sequence[Province] = PROVINCES,
) -> Markup:
    """A map; `label` says the same to whoever hears it. What is worst is drawn last, above its neighbours."""
    by_shade: dict[str, list[Markup]] = {}
    for province in provinces:
        shown = tile(province)
        parts = by_shade.setdefault(shown.shade, [])
        parts.append(element("use", href=f"#t-{province.slug}"))
        parts.append(element("text", shown.text, x=_x(province) + WIDTH / 2, y=_y(province) + 27.5))
    groups = [element("g", *by_shade[shade], class_=f"tile {shade}") for shade in sorted(by_shade)]
    return element(
        "svg",
        element("text", caption.title, x=0, y=16, class_="cap"),
        element("text", caption.below, x=0, y=33, class_="cap2"),
        element("text", caption.state, x=0, y=50, class_=f"cap3 {caption.tone}"),
        *groups,
        viewBox=f"-2 -2 {COLUMNS * PITCH_X + 2} {ROWS * PITCH_Y + 2}",
        role="img",
        aria_label=label,
        class_="map",
    )


def _x(province: Province) -> int:
    return PLACES[province][0] * PITCH_X


def _y(province: Province) -> int:
    return PLACES[province][1] * PITCH_Y
