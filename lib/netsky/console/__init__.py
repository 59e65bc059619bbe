"""What a person or a script sees on standard output: table, line or JSON; and the progress bar.

Percent, milliseconds and rounding are for people and happen here only. Text is Chinese, with the
slugs that options take beside it. What each tool shows is in the module of its name.
"""

from __future__ import annotations

import csv
import io
import logging
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from netsky.clock import IgnoredRows
from netsky.errors import InputError, OutputError
from netsky.judging.grading import TOLERANCE_RATIO
from netsky.sweep import Progress
from netsky.text import json_line, one_line, printable

log = logging.getLogger(__name__)

# From these loss ratios on a figure is yellow or red. The alert grades rises in the same steps.
YELLOW_LOSS_RATIO = 0.05
RED_LOSS_RATIO = 0.10
_STEPS = (YELLOW_LOSS_RATIO, RED_LOSS_RATIO)

WORST_IN_LINE = 3
PIPE_WIDTH = 100
_ENDLESS_HEIGHT = 1 << 20


class View(Protocol):
    """What one run of a tool has to show."""

    def document(self) -> Mapping[str, Any]:
        """What scripts read: ratios, seconds, times in UTC, null for what there is not."""

    def line(self) -> tuple[datetime, Mapping[str, object]]:
        """What logs and grep get: a time, and fields for people."""

    def screen(self) -> Sequence[RenderableType]:
        """What a terminal shows: tables and texts."""


def show(view: View, output_format: str, *, everything: bool = False) -> None:
    """Print to standard output as `table`, `line`, `json` or `csv`.

    A table of many provinces is folded to the height of a terminal, unless `everything` is wanted.

    Raises OutputError when that is not taken.
    """
    with standard_output():
        if output_format == "table":
            console = _Screen(
                highlight=False,
                width=None if sys.stdout.isatty() else PIPE_WIDTH,
                height=_ENDLESS_HEIGHT if everything else None,
            )
            for part in view.screen():
                # A text is one line, so that it can be copied; the terminal breaks it where it ends.
                console.print(_Printable(part), soft_wrap=isinstance(part, Text))
        else:
            render = {"json": render_json, "csv": render_csv, "line": render_line}[output_format]
            sys.stdout.write(f"{render(view)}\n")


@contextmanager
def standard_output() -> Iterator[None]:
    """What is written in this block goes out at its end, or OutputError says why not.

    A reader that has seen enough (`head`) and gone is no failure: what there is still to show is dropped.
    """
    try:
        yield
        sys.stdout.flush()  # so that a full disk is found now, and not when Python ends
    except BrokenPipeError:
        log.info("whoever read standard output has gone")
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error


class _Screen(Console):
    """A console that leaves it to us what a reader who has gone comes to."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


@dataclass(frozen=True, slots=True)
class _Printable:
    """What it shows holds no escape sequence but those that rich makes of its styles."""

    part: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self.part, options):
            yield Segment("\n".join(map(printable, text.split("\n"))), style, control)


def render_json(view: View) -> str:
    """One JSON object on one line."""
    return json_line(view.document())


def render_csv(view: View) -> str:
    """The list in the JSON, of targets or provinces, with a line of names in front."""
    document = view.document()
    entries = document.get("targets") or document.get("provinces")
    if not entries:
        raise InputError("this has no table to print as CSV: choose another --format")
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(entries[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(entries)
    return "\n".join(map(printable, text.getvalue().removesuffix("\n").split("\n")))


def render_line(view: View) -> str:
    """One line of `key=value`."""
    moment, fields = view.line()
    line = " ".join([utc_time(moment), *(f"{key}={value}" for key, value in fields.items())])
    return one_line(line)


def ignored_document(ignored: Sequence[IgnoredRows]) -> list[Mapping[str, Any]]:
    """For JSON: what a clock has put where it cannot be heeded, and what removes it."""
    return [
        {
            "egress": rows.egress,
            "rows": rows.rows,
            "at_least": rows.at_least,
            "first_at": rows.first.isoformat(),
            "last_at": rows.last.isoformat(),
            "remove": rows.remove,
        }
        for rows in ignored
    ]


def make_table(title: str, first: str, *headers: str) -> Table:
    """A table that fits into 80 columns; all but the first column are figures."""
    table = Table(
        title=title,
        title_justify="left",
        # With more lines or spaces it would not fit.
        box=box.SIMPLE_HEAD,
        padding=0,
        show_edge=False,
        title_style="bold",
    )
    table.add_column(first, no_wrap=True)
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def percent(ratio: float | None) -> str:
    """Two decimals; never 0.00% or 100.00% for what is not exactly that; `-` for what is not known.

    Nor is a loss rate rounded up to a step of the grading: below 5 it is never 5.00%.
    """
    if ratio is None:
        return "-"
    if 0 < ratio < 0.00005:
        return "<0.01%"
    if 0.99995 <= ratio < 1:
        return ">99.99%"
    rounded = round(100 * ratio, 2)
    if any(ratio + TOLERANCE_RATIO < step <= rounded / 100 for step in _STEPS):
        rounded = math.floor(10_000 * ratio) / 100
    return f"{rounded:.2f}%"


def milliseconds(seconds: float | None) -> str:
    """Two decimals, and three below 1 ms, where networks nearby are."""
    if seconds is None:
        return "-"
    return f"{1000 * seconds:.{2 if seconds >= 0.001 else 3}f}"


def points(ratio: float) -> str:
    """An increase in percentage points, cut to two decimals: 5.00 only from 5 points on.

    What is below zero keeps its sign, however little it is.
    """
    return f"{'-' if ratio < 0 else '+'}{math.floor(10_000 * (abs(ratio) + TOLERANCE_RATIO)) / 100:.2f}"


def loss_text(ratio: float) -> Text:
    """A loss rate, coloured by how bad it is."""
    return Text(percent(ratio), style=_loss_style(ratio))


def _loss_style(ratio: float) -> str:
    if ratio + TOLERANCE_RATIO >= RED_LOSS_RATIO:
        return "bold red"
    return "yellow" if ratio + TOLERANCE_RATIO >= YELLOW_LOSS_RATIO else "green"


def local_time(moment: datetime) -> str:
    """The local time with its offset, as people read it."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def utc_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def listed(parts: Sequence[str]) -> str:
    """The parts with commas between them, `-` for none."""
    return ",".join(parts) or "-"


@contextmanager
def progress_bar(title: str, packets: int) -> Iterator[Progress]:
    """A bar on standard error, if that is a terminal, while a sweep of `packets` packets runs."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    bar = ProgressBar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=packets)
        yield lambda done: bar.update(task, completed=done)
