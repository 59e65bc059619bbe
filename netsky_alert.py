"""Judge the newest loss rates of ISPs through exit lines by their means, and push."""

from __future__ import annotations

from functools import partial

import click

from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.lines import Lines, several
from netsky.cli.options import Number, takes
from netsky.cli.running import LineRun, Run, Running
from netsky.cli.tool import DONE, INCOMPLETE, Tool
from netsky.places import ISP, Egress


@click.command("netsky_alert", cls=Tool)
@takes(lines=Lines, database=DatabaseOptions, outlets=OutletOptions, running=Running)
@click.option(
    "--elevated",
    type=Number(0.01, 100),
    default=5,
    metavar="POINTS",
    help="A province is elevated when its loss rate is at least so much above its mean.",
)
@click.option(
    "--severe",
    type=Number(0.01, 100),
    default=10,
    metavar="POINTS",
    help="A province is severe when its loss rate is at least so much above its mean.",
)
@click.option(
    "--max-age",
    type=Number(1, 86_400),
    default=180,
    metavar="SECONDS",
    help="A loss rate older than this is not judged.",
)
@click.option(
    "--max-baseline-age",
    type=Number(0.01, 8760),
    default=24,
    metavar="HOURS",
    help="A province is not judged when its mean was computed longer ago than this.",
)
def main(
    *,
    lines: Lines,
    database: DatabaseOptions,
    outlets: OutletOptions,
    running: Running,
    elevated: float,
    severe: float,
    max_age: float,
    max_baseline_age: float,
) -> int:
    """Judge the newest loss rates of ISPs through exit lines by their means, and push.

    \b
    medium     1 to 3 provinces are elevated
    heavy      4 or more provinces are elevated
    critical   any province is severe; it stands beside medium or heavy

    \b
    netsky_alert.py --isp cu                      as cron would, once a minute
    netsky_alert.py --isp all --egress all        each ISP through each exit
    netsky_alert.py --isp cu --every 10           again and again
    """
    from datetime import timedelta

    from netsky.console.alert import AlertView
    from netsky.errors import InputError
    from netsky.jobs.alert import alert
    from netsky.judging.grading import Thresholds
    from netsky.judging.rule import MeanRule

    if elevated >= severe:
        raise InputError(f"--elevated {elevated:g} must be less than --severe {severe:g}")
    thresholds = Thresholds(
        elevated=elevated / 100,
        severe=severe / 100,
        max_age=timedelta(seconds=max_age),
        max_baseline_age=timedelta(hours=max_baseline_age),
    )
    each = lines.each()
    rule = MeanRule(thresholds=thresholds)
    opened = outlets.open(several=several(each))

    def start(isp: ISP, egress: Egress) -> Run:
        its_database = database.open(isp.slug, egress.name)

        def run() -> int:
            report = alert(its_database, isp, egress.name, rule=rule, outlets=opened)
            running.show(AlertView(report))
            return DONE if report.complete else INCOMPLETE

        return run

    return running.run(
        [LineRun(isp.slug, egress.name, partial(start, isp, egress)) for isp, egress in each]
    )


if __name__ == "__main__":
    main()
