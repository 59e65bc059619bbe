"""Average one ISP's loss rates of the past hours by province and egress, store, push, prune."""

from __future__ import annotations

import click

from netsky.cli.options import Common, Number, common_options
from netsky.cli.tool import DONE, INCOMPLETE, Tool, repeat


@click.command("netsky_get_avg_lossrate", cls=Tool)
@common_options(all_egresses=True)
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
    help="Leave the mean of a province as it is when there are fewer sweeps than this.",
)
@click.option(
    "--keep-days",
    type=click.IntRange(1, 36_500),
    default=30,
    metavar="DAYS",
    help="Delete sweeps that are older than this, of all exit lines in this database.",
)
def main(common: Common, *, hours: float, min_samples: int, keep_days: int) -> int:
    """Average one ISP's loss rates of the past hours by province and egress, store, push, prune.

    \b
    netsky_get_avg_lossrate.py --isp cu                  as cron would, once an hour
    netsky_get_avg_lossrate.py --isp cu --every 3600     again and again
    """
    from datetime import timedelta

    from netsky import console
    from netsky.console.baseline import BaselineView
    from netsky.errors import InputError
    from netsky.jobs.average import average

    if hours > 24 * keep_days:
        raise InputError(
            f"--hours {hours:g} reaches back further than --keep-days {keep_days}: keep more"
        )
    isp, egress = common.find_isp(), common.find_egress_name()
    database, outlets = common.open_database(), common.open_outlets()

    def run() -> int:
        report = average(
            database,
            isp,
            egress,
            hours=hours,
            min_samples=min_samples,
            keep=timedelta(days=keep_days),
            outlets=outlets,
        )
        console.show(BaselineView(report), common.output_format())
        return DONE if report.complete else INCOMPLETE

    with common.hold_lock():
        return repeat(run, every=common.every)


if __name__ == "__main__":
    main()
