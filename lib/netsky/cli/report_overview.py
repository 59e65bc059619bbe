"""The overview of all lines: on the terminal, and as a page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.destinations import DatabaseOptions
from netsky.cli.judging import ThresholdOptions, stored_lines
from netsky.cli.options import FILE, Option, takes
from netsky.cli.probing import spool_of_the_probe
from netsky.cli.report import Page, ReportLines
from netsky.cli.report_incident import EVIDENCE, gathering
from netsky.cli.running import Alone, Output
from netsky.cli.tool import DONE, INCOMPLETE, Tool

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.overview import Overview


@dataclass(frozen=True, slots=True)
class Beside:
    """What this host knows beside the database, where the probe runs here."""

    library: Path
    spool: Path

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--library",
            type=FILE,
            default="ipdata",
            metavar="DIR",
            help="Look in this folder for how old the address libraries are.",
        ),
        click.option(
            "--spool",
            type=FILE,
            default=spool_of_the_probe,
            show_default=False,
            metavar="DIR",
            help="Look in this folder for sweeps that still wait for the database.  [default: where "
            "netsky_probe.py has it by netsky.toml]",
        ),
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the evidence of incidents is, for their pages beside the overview."""

    evidence: Path

    OPTIONS: ClassVar[tuple[Option, ...]] = (EVIDENCE,)


def _read(
    lines: ReportLines, database: DatabaseOptions, judged: ThresholdOptions, beside: Beside
) -> Overview:
    from netsky.jobs.report_overview import Folders, read_overview

    folders = Folders(beside.library, beside.spool)
    return read_overview(stored_lines(lines.each(), database), judged.rule(), folders)


def _exit_code(read: Overview) -> int:
    return INCOMPLETE if any(line.trouble for line in read.lines) else DONE


@click.command("show", cls=Tool)
@takes(
    lines=ReportLines,
    database=DatabaseOptions,
    judged=ThresholdOptions,
    beside=Beside,
    output=Output,
)
def show(
    *,
    lines: ReportLines,
    database: DatabaseOptions,
    judged: ThresholdOptions,
    beside: Beside,
    output: Output,
) -> int:
    """Show all lines on the terminal: the country as tiles, what is wrong, since when.

    \b
    netsky_report.py                   all lines; the tiles show the worst of them
    netsky_report.py --isp cu --egress unicom-1    one line
    netsky_report.py --format json     for scripts; best_exit tells where to send whom
    """
    from netsky.console.report_overview import OverviewView

    read = _read(lines, database, judged, beside)
    output.show(OverviewView(read))
    return _exit_code(read)


@click.command("overview", cls=Tool)
@takes(
    lines=ReportLines,
    database=DatabaseOptions,
    judged=ThresholdOptions,
    beside=Beside,
    kept=Kept,
    page=Page,
    alone=Alone,
)
def overview(
    *,
    lines: ReportLines,
    database: DatabaseOptions,
    judged: ThresholdOptions,
    beside: Beside,
    kept: Kept,
    page: Page,
    alone: Alone,
) -> int:
    """Write the overview of all lines as a page, index.html, that stands alone, and reports on incidents beside it.

    Also when the database cannot be read: then the page says so, and the one before is never left
    to look fresh. The reports are those that `incident` writes: of open incidents each time, of one that is
    over until what followed it is in it.

    \b
    netsky_report.py overview --output /var/www/netsky    as cron would, once a minute
    netsky_report.py overview --output . --lang en        in English
    """
    from netsky.console.report_overview import WrittenView
    from netsky.jobs.report_incident_pages import IncidentPages
    from netsky.jobs.report_overview import incident_reports, period_reports
    from netsky.page.incident import incident_page
    from netsky.page.incident_words import incident_words
    from netsky.page.overview import FILE, overview_page
    from netsky.page.writing import write_page

    with alone.hold():
        read = _read(lines, database, judged, beside)
        file = page.output / FILE
        linked, periods = incident_reports(page.output), period_reports(page.output)
        write_page(file, overview_page(read, page.lang, reports=linked, periods=periods))
        pages = IncidentPages(
            page.output,
            gathering(lines, database, read.thresholds, kept.evidence),
            lambda report: incident_page(report, page.lang),
            incident_words(page.lang),
        )
        all_read = pages.write(stored_lines(lines.each(), database), read)
        reports = incident_reports(page.output)
        if reports != linked:
            write_page(file, overview_page(read, page.lang, reports=reports, periods=periods))
    alone.show(WrittenView(read, file))
    return _exit_code(read) if all_read else INCOMPLETE
