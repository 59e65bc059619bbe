"""Show people what the database holds: the overview of all lines, as a page and on a terminal."""

from __future__ import annotations

import click

from netsky.cli.report import Report
from netsky.cli.report_incident import incident
from netsky.cli.report_overview import overview, show
from netsky.cli.report_period import day, month


@click.group("netsky_report", cls=Report)
def main() -> None:
    """Show people what the database holds; nothing is measured, judged anew or sent.

    Without a verb it shows the overview on the terminal.

    \b
    netsky_report.py                                the country on the terminal, as tiles
    netsky_report.py --format json                  the same for scripts, with the best exits
    netsky_report.py overview --output /var/www/netsky    as cron would, once a minute
    """


main.add_command(show)
main.add_command(overview)
main.add_command(incident)
main.add_command(day)
main.add_command(month)


if __name__ == "__main__":
    main()
