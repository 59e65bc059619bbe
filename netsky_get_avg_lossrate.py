"""Average the loss rates of the past hours by ISP, province and exit, store, push, prune."""

from __future__ import annotations

from functools import partial

import click

from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.lines import StoredLines, several
from netsky.cli.options import Number, takes
from netsky.cli.running import LineRun, Run, Running
from netsky.cli.tool import DONE, INCOMPLETE, Tool
from netsky.places import ALL, ISP


@click.command("netsky_get_avg_lossrate", cls=Tool)
@takes(lines=StoredLines, database=DatabaseOptions, outlets=OutletOptions, running=Running)
@click.option(
    "--hours",
    type=Number(0.01, 8760),
    default=12,
    metavar="HOURS",
    help="Average the sweeps of the past so many hours.",
)
@click.option(
    "--min-samples",
    type=click.IntRange(1),
    default=3,
    metavar="SWEEPS",
    help="Leave the baseline of a province as it is when there are fewer sweeps than this.",
)
@click.option(
    "--keep-days",
    type=click.IntRange(1, 36_500),
    default=30,
    metavar="DAYS",
    help="Delete sweeps that are older than this, of all exit lines in this database.",
)
def main(
    *,
    lines: StoredLines,
    database: DatabaseOptions,
    outlets: OutletOptions,
    running: Running,
    hours: float,
    min_samples: int,
    keep_days: int,
) -> int:
    """Average the loss rates of the past hours by ISP, province and exit, store, push, prune.

    \b
    netsky_get_avg_lossrate.py --isp cu                  as cron would, once an hour
    netsky_get_avg_lossrate.py --isp all                 each ISP, through all exits
    netsky_get_avg_lossrate.py --isp cu --every 3600     again and again
    """
    from datetime import timedelta

    from netsky.console.baseline import BaselineView
    from netsky.errors import InputError
    from netsky.jobs.average import average
    from netsky.judging.rule import MeanRule

    if hours > 24 * keep_days:
        raise InputError(
            f"--hours {hours:g} reaches back further than --keep-days {keep_days}: keep more"
        )
    each = lines.each(by_egress=database.by_egress)
    opened = outlets.open(several=several(each))

    def start(isp: ISP, egress: str | None) -> Run:
        its_database = database.open(isp.slug, egress or ALL)

        def run() -> int:
            report = average(
                its_database,
                isp,
                egress,
                hours=hours,
                rule=MeanRule(hours=hours, min_samples=min_samples),
                keep=timedelta(days=keep_days),
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
