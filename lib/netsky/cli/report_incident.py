"""The report on an incident that its carrier is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.destinations import DatabaseOptions
from netsky.cli.judging import MAX_AGE, STEPS, stored_lines
from netsky.cli.options import FILE, Option, takes
from netsky.cli.report import ReportLines
from netsky.cli.report_document import CSV, HTML, TEXT, Document
from netsky.cli.tool import DONE, INCOMPLETE, Tool
from netsky.errors import InputError

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.incident_report import IncidentReport
    from netsky.jobs.incidents import StoredLine
    from netsky.judging.grading import Thresholds
    from netsky.judging.incidents import Incident


@dataclass(frozen=True, slots=True)
class Steps:
    """From which rise on a line is drawn, and from which age on data are old, as the alert has them."""

    elevated: float
    severe: float
    max_age: float

    OPTIONS: ClassVar[tuple[Option, ...]] = (*STEPS, MAX_AGE)

    def thresholds(self) -> Thresholds:
        """InputError when what is severe would not be elevated."""
        from netsky.judging.grading import Thresholds

        if self.elevated >= self.severe:
            raise InputError(
                f"--elevated {self.elevated:g} must be less than --severe {self.severe:g}"
            )
        return Thresholds(
            elevated=self.elevated / 100,
            severe=self.severe / 100,
            max_age=timedelta(seconds=self.max_age),
        )


EVIDENCE: Option = click.option(
    "--evidence",
    type=FILE,
    default="evidence",
    metavar="DIR",
    help="Look in this folder for what netsky_trace.py has kept of incidents.",
)


@dataclass(frozen=True, slots=True)
class Which:
    """Which incident, and where its evidence is."""

    number: int | None
    evidence: Path

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--id",
            "number",
            type=click.IntRange(1),
            is_eager=True,
            metavar="NUMBER",
            help="Write of this incident; without it of the open one or else the newest.",
        ),
        EVIDENCE,
    )


@click.command("incident", cls=Tool)
@takes(
    lines=ReportLines,
    database=DatabaseOptions,
    steps=Steps,
    which=Which,
    document=Document,
)
def incident(
    *,
    lines: ReportLines,
    database: DatabaseOptions,
    steps: Steps,
    which: Which,
    document: Document,
) -> int:
    """Write the report on an incident for its carrier: two sheets of paper, or a text to paste.

    The database and the evidence are read; nothing is sent to anybody.

    \b
    netsky_report.py incident --isp cu --egress unicom-1 --output /var/www/netsky
    netsky_report.py incident --isp cu --egress unicom-1 --format text    to paste
    netsky_report.py incident --isp cu --id 7 --format csv --output figures.csv
    """
    from netsky.page.incident import incident_page
    from netsky.page.incident_sheet import incident_sheet
    from netsky.page.incident_text import incident_text
    from netsky.page.incident_words import incident_words
    from netsky.page.names import incident_page as page_name

    document.check()
    line, found = _choose(lines, database, which.number)
    report = gathering(lines, database, steps.thresholds(), which.evidence)(line, found)
    document.write(
        page_name(report.isp.slug, report.egress.name, report.incident.id),
        {
            HTML: lambda: incident_page(report, document.lang),
            TEXT: lambda: incident_text(report, incident_words(document.lang)),
            CSV: lambda: incident_sheet(report),
        },
    )
    return DONE if report.is_complete else INCOMPLETE


def _choose(
    lines: ReportLines, database: DatabaseOptions, number: int | None
) -> tuple[StoredLine, Incident]:
    from netsky.jobs.report_incident import choose_incident

    return choose_incident(stored_lines(lines.each(), database), number)


def gathering(
    lines: ReportLines, database: DatabaseOptions, thresholds: Thresholds, evidence: Path
) -> Callable[[StoredLine, Incident], IncidentReport]:
    """What reads all that is told of an incident of one of these lines."""
    from netsky.jobs.report_incident import gather_incident

    known = {(isp.slug, egress.name): (isp, egress) for isp, egress in lines.each()}

    def gather(line: StoredLine, found: Incident) -> IncidentReport:
        isp, egress = known[line.isp.slug, line.egress]
        return gather_incident(
            line,
            found,
            egress,
            stored_lines(lines.beside(isp, egress), database),
            thresholds=thresholds,
            evidence=evidence,
            now=datetime.now(UTC),
        )

    return gather
