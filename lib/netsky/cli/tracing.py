"""How traces are made by hand: the options of netsky_trace.py, and its runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.lines import Lines
from netsky.cli.options import FILE, Option
from netsky.cli.probing import LibraryOptions
from netsky.cli.running import Alone
from netsky.cli.tool import DONE, INCOMPLETE, report
from netsky.errors import InputError
from netsky.places import ISP, Egress

if TYPE_CHECKING:  # imported late where they are used, so that `--help` is quick
    from netsky.addresses import AddressLibrary
    from netsky.jobs.trace import QuietTimes
    from netsky.trace import TracePlan, TraceReport

MOST_PROVINCES = 6


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """Which targets are traced, and how."""

    targets: Path | None
    number: int
    rounds: int
    flows: int
    max_hops: int
    rate: int
    mtr: int

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--targets",
            type=FILE,
            is_eager=True,
            metavar="FILE",
            help="Trace the addresses of this file (- is standard input) instead of a province's.",
        ),
        click.option(
            "--number",
            type=click.IntRange(1, 1000),
            default=20,
            metavar="TARGETS",
            help="Trace so many targets, half of them such as lose packets, if there are.",
        ),
        click.option(
            "--rounds",
            type=click.IntRange(1, 2000),
            default=10,
            metavar="ROUNDS",
            help="Ask each hop of a path so many times, once a second; 50 for a loss of 1 or 2 %.",
        ),
        click.option(
            "--flows",
            type=click.IntRange(1, 16),
            default=6,
            metavar="FLOWS",
            help="Let the targets take turns in so many flows, which may take different ways.",
        ),
        click.option(
            "--max-hops",
            type=click.IntRange(1, 31),
            default=30,
            metavar="HOPS",
            help="Look for routers up to this far.",
        ),
        click.option(
            "--rate",
            type=click.IntRange(1, 10_000),
            default=200,
            metavar="PACKETS",
            help="Send at most so many packets a second through the exit, and through all others together.",
        ),
        click.option(
            "--mtr",
            type=click.IntRange(0, 10),
            default=3,
            metavar="TARGETS",
            help="Run mtr for so many targets after that, 20 seconds each; 0 is for none.",
        ),
    )

    def plan(self) -> TracePlan:
        from netsky.trace import TracePlan

        return TracePlan(
            rounds=self.rounds, flows=self.flows, max_hops=self.max_hops, rate=self.rate
        )


@dataclass(frozen=True, slots=True)
class TraceRuns:
    """What was asked for; the folder `evidence` has the paths of quiet times, `memory` what probes remember."""

    lines: Lines
    library: LibraryOptions
    options: TraceOptions
    output: Alone
    evidence: Path
    memory: Path

    def run(self) -> int:
        """Trace each place through each exit, one after the other; the exit code.

        What fails does not keep the rest from being traced, unless it is all.
        """
        runs = [
            partial(self._trace, isp, egress, place)
            for egress in self.lines.settings.find_egresses(self.lines.egress)
            for isp, place in self._places(egress)
        ]
        with self.output.hold():
            if len(runs) == 1:
                return runs[0]()
            codes = set()
            for each in runs:
                try:
                    codes.add(each())
                except Exception as error:  # noqa: BLE001 - told, and the others go on
                    codes.add(report(error))
        return codes.pop() if len(codes) == 1 else INCOMPLETE

    def _places(self, egress: Egress) -> Sequence[tuple[ISP | None, AddressLibrary]]:
        from netsky.jobs.targets import read_list
        from netsky.targets.sources import check_source

        check_source(self.library.library, egress)
        if self.options.targets is not None:
            return [(None, read_list(self.options.targets, self.library.library))]
        provinces = self.library.provinces() if self.library.province else ()
        if not 1 <= len(provinces) <= MOST_PROVINCES:
            raise InputError(
                f"say which provinces to trace, 1 to {MOST_PROVINCES}, with --province, or which "
                "addresses with --targets"
            )
        return [
            (isp, LibraryOptions(self.library.library, (province.slug,)).open(isp.slug).current())
            for isp in self.lines.settings.find_isps(self.lines.isp)
            for province in provinces
        ]

    def _trace(self, isp: ISP | None, egress: Egress, place: AddressLibrary) -> int:
        from netsky.console.trace import MtrView, TraceView
        from netsky.jobs.trace import take_mtr_of, trace_place

        others = other_exits(self.lines, self.library, self.memory, isp, egress)
        found = trace_place(
            place,
            egress,
            others,
            self.options.plan(),
            number=self.options.number,
            quiet=self._quiet(isp, egress, others),
        )
        at_once = self.output.output_format() == "table"  # mtr takes a minute
        if at_once:
            self.output.show(TraceView(found, isp))
        found = take_mtr_of(found, egress, self.options.mtr)
        self.output.show(MtrView(found, isp) if at_once else TraceView(found, isp))
        return self._code(found)

    @staticmethod
    def _code(found: TraceReport) -> int:
        return DONE if found.complete else INCOMPLETE

    def _quiet(self, isp: ISP | None, egress: Egress, others: Sequence[Egress]) -> QuietTimes:
        """What the paths look like in quiet times; it is not known of a list."""
        from netsky.jobs.quiet import quiet_times

        return quiet_times(self.evidence, isp.slug, (egress, *others)) if isp else {}


def other_exits(
    lines: Lines, library: LibraryOptions, memory: Path, isp: ISP | None, egress: Egress
) -> list[Egress]:
    """The other exits to compare with, which may probe these libraries; two names of one exit are the same.

    Of more than MOST_OTHERS those through which the ISP is probed, by the folder of memories, from all over
    netsky.toml.
    """
    from netsky.jobs.trace import MOST_OTHERS
    from netsky.targets.memory_file import file_name
    from netsky.targets.sources import check_source

    others: dict[tuple[object, ...], Egress] = {}
    for each in lines.settings.egresses.values():
        if not each.in_all:
            continue
        try:
            check_source(library.library, each)
        except InputError:
            continue
        others.setdefault(way_of(each), each)
    others.pop(way_of(egress), None)
    found = list(others.values())
    if len(found) <= MOST_OTHERS:
        return found
    probed = [each for each in found if isp and (memory / file_name(isp.slug, each.name)).exists()]
    found = probed or found
    most = min(MOST_OTHERS, len(found))
    return [found[number * len(found) // most] for number in range(most)]


def way_of(egress: Egress) -> tuple[object, ...]:
    """What two names of one exit have in common."""
    return egress.source, egress.interface, egress.fwmark
