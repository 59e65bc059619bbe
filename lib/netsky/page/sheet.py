"""Figures for a spreadsheet: CSV in which no cell is ever run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from netsky.text import one_line

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int | float | None


def sheet(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Lines of cells; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(headings)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return text.getvalue()


def _cell(cell: Cell) -> str | int | float:
    if not isinstance(cell, str):
        return "" if cell is None else cell
    text = one_line(cell)
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text
