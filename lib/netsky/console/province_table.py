"""A table of provinces that fits the terminal: the worst stay in sight, and no figure is cut.

Where the columns do not fit, the least important are left out; where the rows do not, the calmest
are folded into one. In a pipe nothing is folded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from netsky.console import make_table

_HEAD_LINES = 2  # headings, rule
_PROMPT_LINES = 1  # the shell's own, below
_FEWEST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """A province: its name, then its figures."""

    cells: Sequence[Text | str]
    style: str | None = None


@dataclass(frozen=True, slots=True)
class ProvinceTable:
    """Rows, worst first, below a title; `below` stands under them on the same screen.

    `dispensable` are the numbers of the columns that may be left out, the least important first.
    """

    title: str
    headings: Sequence[str]
    rows: Sequence[Row]
    dispensable: Sequence[int] = ()
    below: Text | None = None
    unit: str = "省"
    folded: str = "不比以上严重"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = _fitting_columns(self, options.max_width)
        rows = self.rows
        if console.is_terminal:
            texts = [Text(self.title), *([self.below] if self.below else [])]
            used = sum(_lines(text, options.max_width) for text in texts)
            room = console.height - used - _HEAD_LINES - _PROMPT_LINES
            if len(rows) > room:
                rows = rows[: max(_FEWEST_ROWS, room - 1)]
        yield Text(self.title, style="bold")  # a table would break it at its own width
        yield self._table(shown, rows)
        if len(rows) < len(self.rows):
            yield Text(
                f"其余 {len(self.rows) - len(rows)} {self.unit}{self.folded}，加 --all 全部列出"
            )

    def _table(self, shown: Sequence[int], rows: Sequence[Row]) -> Table:
        table = make_table("", *(self.headings[index] for index in shown))
        for row in rows:
            cells: list[RenderableType] = [row.cells[index] for index in shown]
            table.add_row(*cells, style=row.style)
        return table


def _fitting_columns(table: ProvinceTable, width: int) -> list[int]:
    """The numbers of the columns that can stand side by side, in their order."""
    cells = [table.headings, *(row.cells for row in table.rows)]
    widths = [max(_width(row[index]) for row in cells) for index in range(len(table.headings))]
    shown = list(range(len(widths)))
    for index in table.dispensable:
        if sum(widths[i] + 1 for i in shown) - 1 <= width:
            break
        shown.remove(index)
    return shown


def _width(cell: Text | str) -> int:
    return cell_len(cell.plain if isinstance(cell, Text) else cell)


def _lines(text: Text, width: int) -> int:
    """How many lines of the terminal it takes."""
    return sum(max(1, -(-cell_len(line) // max(1, width))) for line in text.plain.split("\n"))
