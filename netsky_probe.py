"""Sweep address libraries, sum up by province, store, push."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path

import click

from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.engine_options import ChosenEngine, engine_options
from netsky.cli.lines import Lines, several
from netsky.cli.options import FILE, Number, takes
from netsky.cli.running import LineRun, Run, Running
from netsky.cli.tool import DONE, INCOMPLETE, Tool
from netsky.places import ISP, Egress


@click.command("netsky_probe", cls=Tool)
@takes(lines=Lines, database=DatabaseOptions, outlets=OutletOptions, running=Running)
@click.option(
    "--library",
    type=FILE,
    default="ipdata",
    help="Read the addresses from this folder, which has a folder for each ISP.",
)
@click.option(
    "--province",
    multiple=True,
    help="Probe this province only, by slug or Chinese name; several may be given.",
)
@engine_options
@click.option(
    "--window",
    type=Number(0, 86400),
    default=10,
    metavar="SECONDS",
    help="Spread the sweep evenly over this time; 0 is as fast as --rate allows.",
)
@click.option(
    "--rate",
    type=click.IntRange(1),
    default=100_000,
    metavar="PACKETS",
    help="Send at most so many packets a second.",
)
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=1,
    metavar="PACKETS",
    help="Send so many packets to each target.",
)
@click.option(
    "--timeout",
    type=Number(1, 60_000),
    default=500,
    metavar="MS",
    help="A reply that comes later than this counts as lost.",
)
@click.option(
    "--size",
    type=click.IntRange(16, 1472),
    default=56,
    metavar="BYTES",
    help="Send so many bytes of ICMP payload in each packet.",
)
@click.option(
    "--abnormal-rtt",
    type=Number(0),
    default=300,
    metavar="MS",
    help="A target is abnormal when it lost a packet, or when its mean RTT is above this.",
)
@click.option("--no-store", is_flag=True, help="Write nothing to the database.")
@click.option(
    "--spool",
    type=FILE,
    default="spool",
    metavar="DIR",
    help="Keep sweeps in this folder until the database has taken them.",
)
@click.option(
    "--spool-size",
    type=click.IntRange(1, 100_000),
    default=256,
    metavar="MB",
    help="Drop the oldest sweeps when the spool is larger than this.",
)
@click.option(
    "--spool-days",
    type=Number(0.01, 3650),
    default=7,
    metavar="DAYS",
    help="Drop sweeps that have been in the spool for longer than this.",
)
@click.option(
    "--flush", is_flag=True, help="Make no sweep, and only store what waits in the spool."
)
def main(
    lines: Lines,
    database: DatabaseOptions,
    outlets: OutletOptions,
    running: Running,
    *,
    library: Path,
    province: tuple[str, ...],
    engine: ChosenEngine,
    window: float,
    rate: int,
    count: int,
    timeout: float,
    size: int,
    abnormal_rtt: float,
    no_store: bool,
    spool: Path,
    spool_size: int,
    spool_days: float,
    flush: bool,
) -> int:
    """Sweep address libraries, sum up by province, store, push.

    \b
    netsky_probe.py --isp demo                    try it on this machine's loopback
    netsky_probe.py --isp cu --egress unicom-1    as cron would
    netsky_probe.py --isp all --egress all        each ISP through each exit, one after the other
    netsky_probe.py --isp cu --province 广东 --no-store --no-push
    """
    from datetime import UTC, datetime, timedelta

    from netsky import console
    from netsky.console.probe import FlushView, ProbeView
    from netsky.jobs.probe import Storage, probe
    from netsky.places import PROVINCES, find_province
    from netsky.store.spool import Spool
    from netsky.sweep import ProbePlan
    from netsky.targets.library import LibraryFiles
    from netsky.targets.sources import check_source

    provinces = [find_province(name) for name in province] or PROVINCES
    each = lines.each()
    opened = outlets.open(several=several(each))
    library_of = cache(lambda slug: LibraryFiles(library, slug, provinces))
    plan = ProbePlan(window, rate, count, timeout / 1000, size)

    def storage_of(isp: ISP, egress: Egress) -> Storage:
        waiting = Spool(
            spool,
            isp.slug,
            egress.name,
            max_bytes=spool_size << 20,
            max_age=timedelta(days=spool_days),
            mode=database.file_mode,
        )
        return Storage(database=database.open(isp.slug, egress.name), spool=waiting)

    def start(isp: ISP, egress: Egress) -> Run:
        storage = storage_of(isp, egress)
        check_source(library, egress)
        files = library_of(isp.slug)
        its_engine = engine.open(egress)

        def run() -> int:
            targets = files.current()
            packets = targets.targets * count
            with console.progress_bar(f"{isp.name} {egress.name}", packets) as progress:
                report = probe(
                    its_engine,
                    targets,
                    egress,
                    plan,
                    abnormal_rtt=abnormal_rtt / 1000,
                    storage=None if no_store else storage,
                    outlets=opened,
                    progress=progress,
                )
            console.show(ProbeView(report, isp), running.output_format())
            return DONE if report.complete else INCOMPLETE

        return run

    def start_flush(isp: ISP, egress: Egress) -> Run:
        storage = storage_of(isp, egress)

        def run() -> int:
            not_delivered, state = storage.flush()
            view = FlushView(isp, egress.name, datetime.now(UTC), state, not_delivered)
            console.show(view, running.output_format())
            return INCOMPLETE if not_delivered else DONE

        return run

    begin = start_flush if flush else start
    return running.run(
        [LineRun(isp.slug, egress.name, partial(begin, isp, egress)) for isp, egress in each]
    )


if __name__ == "__main__":
    main()
