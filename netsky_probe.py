"""Sweep address libraries, sum up by province, store, push."""

from __future__ import annotations

import click

from netsky.cli.by_hand import ByHand
from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.engine_options import ChosenEngine, engine_options
from netsky.cli.lines import Lines
from netsky.cli.options import Number, takes
from netsky.cli.probing import LibraryOptions, MemoryOptions, PlanOptions, SpoolOptions
from netsky.cli.running import Running
from netsky.cli.tool import Tool


@click.command("netsky_probe", cls=Tool)
@takes(
    lines=Lines,
    database=DatabaseOptions,
    outlets=OutletOptions,
    running=Running,
    library=LibraryOptions,
    plan=PlanOptions,
    spool=SpoolOptions,
    memory=MemoryOptions,
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
    memory: MemoryOptions,
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
    from netsky.cli.probe_runs import ProbeRuns

    return ProbeRuns(
        lines=lines,
        database=database,
        outlets=outlets,
        running=running,
        library=library,
        plan=plan,
        spool=spool,
        memory=memory,
        by_hand=by_hand,
        engine=engine,
        abnormal_rtt=abnormal_rtt,
        large=large,
        no_store=no_store,
    ).run(flush=flush)


if __name__ == "__main__":
    main()
