"""Sweep address libraries, sum up by province, store, push."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netsky.cli.by_hand import ByHand
from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.engine_options import ChosenEngine, engine_options
from netsky.cli.lines import Lines, several
from netsky.cli.options import Number, takes
from netsky.cli.probing import LibraryOptions, PlanOptions, SpoolOptions
from netsky.cli.running import LineRun, Run, Running
from netsky.cli.tool import DONE, INCOMPLETE, Tool
from netsky.places import ISP, Egress

if TYPE_CHECKING:  # imported late where they are used, so that `--help` is quick
    from netsky.addresses import AddressLibrary
    from netsky.targets.library import LibraryFiles


@click.command("netsky_probe", cls=Tool)
@takes(
    lines=Lines,
    database=DatabaseOptions,
    outlets=OutletOptions,
    running=Running,
    library=LibraryOptions,
    plan=PlanOptions,
    spool=SpoolOptions,
    by_hand=ByHand,
)
@engine_options
@click.option(
    "--abnormal-rtt",
    type=Number(0),
    default=300,
    metavar="MS",
    help="A target is abnormal when it lost a packet, or when its mean RTT is above this.",
)
@click.option(
    "--large",
    is_flag=True,
    help="Probe a library, too, that at --rate takes more than three times --window.",
)
@click.option("--no-store", is_flag=True, help="Write nothing to the database.")
@click.option(
    "--flush", is_flag=True, help="Make no sweep, and only store what waits in the spool."
)
def main(
    *,
    lines: Lines,
    database: DatabaseOptions,
    outlets: OutletOptions,
    running: Running,
    library: LibraryOptions,
    plan: PlanOptions,
    spool: SpoolOptions,
    by_hand: ByHand,
    engine: ChosenEngine,
    abnormal_rtt: float,
    large: bool,
    no_store: bool,
    flush: bool,
) -> int:
    """Sweep address libraries, sum up by province, store, push.

    \b
    netsky_probe.py --isp demo                    try it on this machine's loopback
    netsky_probe.py --isp cu --egress unicom-1    as cron would
    netsky_probe.py --isp all --egress all        each ISP through each exit, one after the other
    netsky_probe.py --isp cu --province 广东 --no-store --no-push
    netsky_probe.py --isp cu --dry-run            what would be sent
    netsky_probe.py --targets list.txt --count 5  each address of a list, worst first
    """
    from datetime import UTC, datetime

    from netsky import console
    from netsky.console.dry_run import DryRunView
    from netsky.console.probe import FlushView, ProbeView
    from netsky.jobs.dry_run import dry_run
    from netsky.jobs.probe import Storage, probe
    from netsky.targets.sources import check_source

    if by_hand.targets is not None:
        return probe_list(
            by_hand.targets,
            lines=lines,
            library=library,
            plan=plan,
            engine=engine,
            running=running,
            by_hand=by_hand,
        )
    each = lines.each()
    by_hand.check(several(each))
    opened = outlets.open(several=several(each))
    library_of = cache(library.open)

    def storage_of(isp: ISP, egress: Egress) -> Storage:
        waiting = spool.open(isp.slug, egress.name, mode=database.file_mode)
        return Storage(database=database.open(isp.slug, egress.name), spool=waiting)

    def start(isp: ISP, egress: Egress) -> Run:
        check_source(library.library, egress)
        storage, files = None if no_store else storage_of(isp, egress), library_of(isp.slug)
        its_engine = engine.open(egress)

        def run() -> int:
            targets = current_targets(files, plan, large=large)
            packets = targets.targets * plan.count
            with console.progress_bar(f"{isp.name} {egress.name}", packets) as progress:
                report = probe(
                    its_engine,
                    targets,
                    egress,
                    plan.plan(),
                    abnormal_rtt=abnormal_rtt / 1000,
                    storage=storage,
                    outlets=opened,
                    progress=progress,
                )
            running.show(ProbeView(report, isp))
            by_hand.write_dump(report.sweep)
            return DONE if report.complete else INCOMPLETE

        return run

    def start_flush(isp: ISP, egress: Egress) -> Run:
        storage = storage_of(isp, egress)

        def run() -> int:
            not_delivered, state = storage.flush()
            view = FlushView(isp, egress.name, datetime.now(UTC), state, not_delivered)
            running.show(view)
            return INCOMPLETE if not_delivered else DONE

        return run

    def start_dry(isp: ISP, egress: Egress) -> Run:
        check_source(library.library, egress)
        files, its_engine = library_of(isp.slug), engine.open(egress)
        its_database = None if no_store else database.open(isp.slug, egress.name)

        def run() -> int:
            targets = current_targets(files, plan, large=large)
            found = dry_run(
                targets, egress, plan.plan(), engine=its_engine.name, database=its_database
            )
            running.show(DryRunView(found, isp))
            return DONE if found.complete else INCOMPLETE

        return run

    begin = start_dry if by_hand.dry_run else start_flush if flush else start
    leaves_something = not by_hand.dry_run and (flush or not no_store or opened.any)
    return running.run(
        [
            LineRun(isp.slug, egress.name, partial(begin, isp, egress), leaves_something)
            for isp, egress in each
        ]
    )


def current_targets(files: LibraryFiles, plan: PlanOptions, *, large: bool) -> AddressLibrary:
    """The library as it is now; InputError when it is far too large, which `large` allows."""
    library = files.current()
    if not large:
        plan.plan().check_size(library.targets)
    return library


def probe_list(
    file: Path,
    *,
    lines: Lines,
    library: LibraryOptions,
    plan: PlanOptions,
    engine: ChosenEngine,
    running: Running,
    by_hand: ByHand,
) -> int:
    """Probe a list by hand, through each exit that is asked for; nothing is stored or pushed."""
    from netsky import console
    from netsky.console.targets import TargetsView
    from netsky.jobs.targets import probe_targets, read_list
    from netsky.targets.sources import check_source

    egresses = lines.settings.find_egresses(lines.egress)
    by_hand.check(["egress"] if len(egresses) > 1 else [])
    targets = read_list(file, library.library)
    plan.plan().check_size(targets.targets)

    def start(egress: Egress) -> Run:
        check_source(library.library, egress)
        opened = engine.open(egress)

        def run() -> int:
            with console.progress_bar(egress.name, targets.targets * plan.count) as progress:
                report = probe_targets(opened, targets, egress, plan.plan(), progress)
            running.show(TargetsView(report))
            by_hand.write_dump(report.sweep)
            return DONE if report.complete else INCOMPLETE

        return run

    return running.run(
        [LineRun("-", egress.name, partial(start, egress), needs_lock=False) for egress in egresses]
    )


if __name__ == "__main__":
    main()
