"""Judge the newest loss rates of ISPs through exit lines by their baselines, and push."""

from __future__ import annotations

from functools import partial

import click

from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.judging import ListOptions, ThresholdOptions, stored_lines
from netsky.cli.lines import Lines, several
from netsky.cli.options import takes
from netsky.cli.running import LineRun, Run, Running
from netsky.cli.tool import DONE, INCOMPLETE, Tool
from netsky.places import ISP, Egress


@click.command("netsky_alert", cls=Tool)
@takes(
    lines=Lines,
    database=DatabaseOptions,
    outlets=OutletOptions,
    running=Running,
    judged=ThresholdOptions,
    listing=ListOptions,
)
def main(
    *,
    lines: Lines,
    database: DatabaseOptions,
    outlets: OutletOptions,
    running: Running,
    judged: ThresholdOptions,
    listing: ListOptions,
) -> int:
    """Judge the newest loss rates of ISPs through exit lines by their baselines, and push.

    \b
    medium     1 to 3 provinces are elevated
    heavy      4 or more provinces are elevated
    critical   any province is severe; it stands beside medium or heavy

    \b
    netsky_alert.py --isp cu                      as cron would, once a minute
    netsky_alert.py --isp all --egress all        each ISP through each exit
    netsky_alert.py --isp cu --every 10           again and again
    netsky_alert.py --isp all --egress all --incidents
    """
    from netsky.console.alert import AlertView
    from netsky.jobs.alert import alert
    from netsky.jobs.controls import OtherLines

    each = lines.each()
    if listing.incidents:
        return running.run([listing.run(each, database, running)])
    rule = judged.learned_rule()
    opened = outlets.open(several=several(each))
    other_lines = OtherLines(rule)

    def start(isp: ISP, egress: Egress) -> Run:
        its_database = database.open(isp.slug, egress.name)
        others = stored_lines(lines.beside(isp, egress), database)
        compare = partial(other_lines.compare, isp.slug, egress.name, others)

        def run() -> int:
            report = alert(
                its_database, isp, egress.name, rule=rule, outlets=opened, compare=compare
            )
            running.show(AlertView(report))
            return DONE if report.complete else INCOMPLETE

        return run

    return running.run(
        [LineRun(isp.slug, egress.name, partial(start, isp, egress)) for isp, egress in each]
    )


if __name__ == "__main__":
    main()
