"""Learn what is usual for the loss of ISPs, by province and exit, store, push, prune."""

from __future__ import annotations

from functools import partial

import click

from netsky.cli.averaging import AveragingOptions
from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.lines import StoredLines, several
from netsky.cli.options import takes
from netsky.cli.running import LineRun, Run, Running
from netsky.cli.tool import DONE, INCOMPLETE, Tool
from netsky.places import ALL, ISP


@click.command("netsky_get_avg_lossrate", cls=Tool)
@takes(
    lines=StoredLines,
    database=DatabaseOptions,
    outlets=OutletOptions,
    running=Running,
    averaged=AveragingOptions,
)
def main(
    *,
    lines: StoredLines,
    database: DatabaseOptions,
    outlets: OutletOptions,
    running: Running,
    averaged: AveragingOptions,
) -> int:
    """Learn what is usual for the loss of ISPs, by province and exit, store, push, prune.

    \b
    netsky_get_avg_lossrate.py --isp cu                  as cron would, each 10 minutes
    netsky_get_avg_lossrate.py --isp all                 each ISP, through all exits
    netsky_get_avg_lossrate.py --isp cu --every 600      again and again
    """
    from netsky.console.baseline import BaselineView
    from netsky.jobs.average import average

    rule = averaged.rule()
    each = lines.each(by_egress=database.by_egress)
    opened = outlets.open(several=several(each))

    def start(isp: ISP, egress: str | None) -> Run:
        its_database = database.open(isp.slug, egress or ALL)

        def run() -> int:
            report = average(
                its_database,
                isp,
                egress,
                hours=averaged.hours,
                rule=rule,
                keep=averaged.keep,
                outlets=opened,
            )
            running.show(BaselineView(report))
            return DONE if report.complete else INCOMPLETE

        return run

    return running.run(
        [LineRun(isp.slug, egress or ALL, partial(start, isp, egress)) for isp, egress in each]
    )


if __name__ == "__main__":
    main()
