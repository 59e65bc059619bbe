"""The country as 31 equal tiles on a terminal: each province about where it lies, no map of borders."""

from __future__ import annotations

from collections.abc import Callable

from rich.align import Align
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from netsky.places import PROVINCES, Province
from netsky.tiles import TILE_ROWS

_BY_SLUG = {province.slug: province for province in PROVINCES}
_WIDTH = 9
# In one line: a name, a space, four characters and a mark. The longer names are in the last two columns.
_ROW_WIDTHS = (10, 10, 10, 10, 10, 12, 12)


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


def tile_row_map(tile: Callable[[Province], tuple[str, str]]) -> Table:
    """The same in a line a row, name and text side by side; 80 characters wide."""
    table = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    for width in _ROW_WIDTHS:
        table.add_column(width=width, no_wrap=True)
    for slugs in TILE_ROWS:
        cells = []
        for slug, width in zip(slugs, _ROW_WIDTHS, strict=True):
            if slug is None:
                cells.append(Text(""))
                continue
            province = _BY_SLUG[slug]
            text, style = tile(province)
            gap = " " * (width - cell_len(province.name) - cell_len(text))
            cells.append(Text(f"{province.name}{gap}{text}", style=style))
        table.add_row(*cells)
    return table
