"""The country as 31 equal tiles on a terminal: each province about where it lies, no map of borders."""

from __future__ import annotations

from collections.abc import Callable

from rich.align import Align
from rich.table import Table
from rich.text import Text

from netsky.places import PROVINCES, Province
from netsky.tiles import TILE_ROWS

_BY_SLUG = {province.slug: province for province in PROVINCES}
_WIDTH = 9


def tile_map(tile: Callable[[Province], tuple[str, str]]) -> Table:
    """All provinces with the text and the style that `tile` gives each; 70 characters wide."""
    table = Table.grid(padding=(0, 1, 0, 0))
    for _ in TILE_ROWS[0]:
        table.add_column(width=_WIDTH)
    for slugs in TILE_ROWS:
        cells = []
        for slug in slugs:
            if slug is None:
                cells.append(Text(""))
                continue
            province = _BY_SLUG[slug]
            text, style = tile(province)
            cells.append(Text(f"{province.name}\n{text}", style=style, justify="center"))
        table.add_row(*map(Align.center, cells))
    return table
