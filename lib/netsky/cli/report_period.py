"""A day or a month of all lines, from what is summed up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.destinations import DatabaseOptions
from netsky.cli.judging import stored_lines
from netsky.cli.options import Option, takes
from netsky.cli.report import ReportLines
from netsky.cli.report_document import CSV, HTML, TEXT, Document
from netsky.cli.tool import DONE, INCOMPLETE, Tool
from netsky.errors import InputError

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.period_report import Kind, Period


@dataclass(frozen=True, slots=True)
class WhichDay:
    """Which day or month; eager, so that it cannot stand in netsky.toml."""

    date: str | None

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--date",
            is_eager=True,
            metavar="YYYY-MM-DD",
            help="Write of this day of Beijing; without it of yesterday.",
        ),
    )


@dataclass(frozen=True, slots=True)
class WhichMonth(WhichDay):
    """The same of a month."""

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--date",
            is_eager=True,
            metavar="YYYY-MM",
            help="Write of this month of Beijing; without it of the last one that is over.",
        ),
    )


def _period(kind: Kind, text: str | None, now: datetime) -> Period:
    """InputError when it is no day or month, or one that has not begun."""
    from netsky.period_report import BEIJING, Kind, last_over, period_of

    if text is None:
        return last_over(kind, now)
    form, wanted = ("%Y-%m-%d", "YYYY-MM-DD") if kind is Kind.DAY else ("%Y-%m", "YYYY-MM")
    try:
        day = datetime.strptime(text, form).replace(tzinfo=BEIJING)
        period = period_of(kind, day.date())
    except (ValueError, OverflowError):
        raise InputError(f"--date {text!r} is not a {kind.value} of the form {wanted}") from None
    if period.begin > now:
        raise InputError(f"--date {text}: that {kind.value} has not begun in Beijing")
    return period


def _write(
    kind: Kind, lines: ReportLines, database: DatabaseOptions, date: str | None, document: Document
) -> int:
    from netsky.jobs.report_period import gather_period
    from netsky.page.period import period_page
    from netsky.page.period_sheet import period_sheet
    from netsky.page.period_text import period_text
    from netsky.page.period_words import period_words

    document.check()
    now = datetime.now(UTC)
    period = _period(kind, date, now)
    report = gather_period(stored_lines(lines.each(), database), period, now=now)
    document.write(
        f"{kind.value}-{period.name}",
        {
            HTML: lambda: period_page(report, document.lang),
            TEXT: lambda: period_text(report, period_words(document.lang)),
            CSV: lambda: period_sheet(report),
        },
    )
    return DONE if report.is_complete else INCOMPLETE


@click.command("day", cls=Tool)
@takes(lines=ReportLines, database=DatabaseOptions, which=WhichDay, document=Document)
def day(
    *, lines: ReportLines, database: DatabaseOptions, which: WhichDay, document: Document
) -> int:
    """Write a day of all lines, by province, against the day before, with the 30 days up to it.

    \b
    netsky_report.py day --output /var/www/netsky       yesterday, as cron would
    netsky_report.py day --date 2026-11-27 --format text
    """
    from netsky.period_report import Kind

    return _write(Kind.DAY, lines, database, which.date, document)


@click.command("month", cls=Tool)
@takes(lines=ReportLines, database=DatabaseOptions, which=WhichMonth, document=Document)
def month(
    *, lines: ReportLines, database: DatabaseOptions, which: WhichMonth, document: Document
) -> int:
    """Write a month of all lines, by province, against the month before, with the 12 months up to it.

    \b
    netsky_report.py month --output /var/www/netsky     the last month that is over
    netsky_report.py month --date 2026-11 --format csv --output november.csv
    """
    from netsky.period_report import Kind

    return _write(Kind.MONTH, lines, database, which.date, document)
