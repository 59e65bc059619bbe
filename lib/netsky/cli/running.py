"""How a tool runs: once or again and again, under its locks, one line after the other."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli import lock
from netsky.cli.options import FILE, Number, Option, common_option
from netsky.cli.tool import DONE, INCOMPLETE, report
from netsky.places import ALL

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.console import View

log = logging.getLogger(__name__)

Run = Callable[[], int]
"""Does the tool's job once; returns the exit code."""


@dataclass(frozen=True, slots=True)
class LineRun:
    """The job of one line. `start` opens what it needs and returns what is then run again and again.

    A job that leaves nothing behind needs no lock: it disturbs none that does, nor does another.
    """

    isp: str
    egress: str
    start: Callable[[], Run]
    needs_lock: bool = True


_FORMAT = common_option(
    "--format",
    type=click.Choice(["auto", "table", "line", "json", "csv"]),
    default="auto",
    help="Print the result in this form; auto is a table on a terminal, else a line.",
)
_ALL_PROVINCES = common_option(
    "--all",
    "show_all",
    is_flag=True,
    help="Show all rows of a table, also when they are more than the terminal has lines.",
)
_LOCK_DIR = common_option(
    "--lock-dir",
    type=FILE,
    help="Keep the lock files in this folder.  [default: /run/lock or the temporary folder]",
)


@dataclass(frozen=True, slots=True)
class Output:
    """How the tool shows what it did."""

    format: str
    show_all: bool

    OPTIONS: ClassVar[tuple[Option, ...]] = (_FORMAT, _ALL_PROVINCES)

    def show(self, view: View) -> None:
        """Print what a run has to show; OutputError when standard output does not take it."""
        from netsky import console

        console.show(view, self.output_format(), everything=self.show_all)

    def output_format(self) -> str:
        """`table`, `line`, `json` or `csv`."""
        if self.format != "auto":
            return self.format
        return "table" if sys.stdout.isatty() else "line"


@dataclass(frozen=True, slots=True)
class Alone(Output):
    """How a tool keeps other runs of the same tool away, and how it shows what it did."""

    lock_dir: Path | None

    OPTIONS: ClassVar[tuple[Option, ...]] = (_FORMAT, _ALL_PROVINCES, _LOCK_DIR)

    def hold(self, isp: str = ALL) -> AbstractContextManager[None]:
        """The lock of this tool for an ISP, or for all of them."""
        tool = str(click.get_current_context().find_root().command.name)
        directory = self.lock_dir or lock.default_directory()
        return lock.hold(directory, tool, egress=ALL, isp=isp)


@dataclass(frozen=True, slots=True)
class Running(Output):
    """How often the tool runs, how it shows what it did, where its locks are."""

    every: float | None
    lock_dir: Path | None

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        common_option(
            "--every",
            # `update_time` has whole seconds, so two sweeps in one would be one.
            type=Number(2, 604_800),
            metavar="SECONDS",
            help="Start a run every so many seconds until SIGTERM or ^C.",
        ),
        _FORMAT,
        _ALL_PROVINCES,
        _LOCK_DIR,
    )

    def run(self, lines: Sequence[LineRun]) -> int:
        """Run the lines one after the other, once or every so many seconds; the exit code.

        A line that fails does not keep the others from running. With one line, or when all fail
        before the first run, the error is raised.
        """
        tool = str(click.get_current_context().command.name)
        with ExitStack() as held:
            rounds = _Rounds(tool, self.lock_dir or lock.default_directory(), lines, held)
            rounds.start()
            return repeat(rounds.run, every=self.every)


@dataclass(slots=True)
class _Rounds:
    tool: str
    lock_directory: Path
    lines: Sequence[LineRun]
    held: ExitStack
    started: dict[int, Run] = field(default_factory=dict)

    def start(self) -> None:
        """Start all lines; raise the first error when none can be started."""
        errors = []
        for index in range(len(self.lines)):
            try:
                self._start(index)
            except Exception as error:  # noqa: BLE001 - raised below, or told by `run`
                errors.append(error)
        if errors and not self.started:
            raise errors[0]

    def run(self) -> int:
        return run_each(
            [
                (f"ISP {line.isp}, egress {line.egress}", partial(self._start_and_run, index))
                for index, line in enumerate(self.lines)
            ]
        )

    def _start_and_run(self, index: int) -> int:
        return self._start(index)()

    def _start(self, index: int) -> Run:
        """The line's run; its lock is held from the first time on."""
        if index not in self.started:
            line = self.lines[index]
            with ExitStack() as own:
                if line.needs_lock:
                    own.enter_context(
                        lock.hold(self.lock_directory, self.tool, egress=line.egress, isp=line.isp)
                    )
                self.started[index] = line.start()
                self.held.push(own.pop_all())
        return self.started[index]


def run_each(runs: Sequence[tuple[str, Run]]) -> int:
    """Run each of them, by its name for people, one after the other; the exit code of all.

    The trouble of one does not keep the others from running. The error of a single one is raised.
    """
    codes = set()
    for name, run in runs:
        try:
            codes.add(run())
        except Exception as error:
            if len(runs) == 1:
                raise
            codes.add(report(error, name))
    return codes.pop() if len(codes) == 1 else INCOMPLETE


def repeat(run: Run, *, every: float | None) -> int:
    """Run once and return its exit code, or every so many seconds until SIGTERM or ^C: then DONE.

    Starts are `every` seconds apart; those that a long run misses are left out. In repetition an
    error ends its own run only.
    """
    if every is None:
        return run()
    start = time.monotonic()
    try:
        while True:
            try:
                run()
            except Exception as error:  # noqa: BLE001 - memory may have run out for a moment, say
                report(error)
            missed = (time.monotonic() - start) // every
            if missed:
                log.warning("this took longer than --every %g s: the next start is left out", every)
            start += every * (missed + 1)
            time.sleep(max(0.0, start - time.monotonic()))
    except KeyboardInterrupt:
        return DONE
