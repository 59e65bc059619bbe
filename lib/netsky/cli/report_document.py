"""In which form a report is made, in which language, and where it goes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import click
from click.core import ParameterSource

from netsky.cli.options import FILE, Option
from netsky.errors import InputError
from netsky.page.words import LANGUAGES

HTML, TEXT, CSV = "html", "text", "csv"
_SUFFIXES = {HTML: ".html", TEXT: ".txt", CSV: ".csv"}
_BOM = "\ufeff"  # without it a spreadsheet program takes Chinese for something else
STANDARD_OUTPUT = Path("-")


@dataclass(frozen=True, slots=True)
class Document:
    """A page, a text to paste, or figures for a spreadsheet."""

    report_format: str
    output: Path | None
    lang: str

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        # Eager, so that it cannot stand in netsky.toml, where `format` is that of terminals.
        click.option(
            "--format",
            "report_format",
            type=click.Choice([HTML, TEXT, CSV]),
            default=HTML,
            is_eager=True,
            help="Write the report in this form: a page, a text to paste, or figures for a spreadsheet.",
        ),
        click.option(
            "--output",
            type=FILE,
            metavar="FILE|DIR",
            help="Write the report into this file, or under a name of its own into this folder; - is "
            "standard output, where a text and CSV go if nothing else is said.",
        ),
        click.option(
            "--lang",
            type=click.Choice(LANGUAGES),
            default="zh",
            help="Write the report in this language.",
        ),
    )

    def check(self) -> None:
        """InputError when a page has nowhere to go, before anything is read for it."""
        if self.report_format == HTML and self.output is None:
            raise InputError(
                "a page needs a place: give --output FILE or DIR, or choose --format text"
            )

    def write(self, name: str, make: Mapping[str, Callable[[], str]]) -> None:
        """Make the report in the form that is wanted, and write it; `name` is without a suffix.

        The path of what was written is printed.
        """
        from netsky.console import standard_output
        from netsky.page.writing import write_page

        text = make[self.report_format]()
        file = self._file()
        if file is None:
            with standard_output():
                sys.stdout.write(text)
            return
        if file.is_dir() or not file.suffix:
            file /= f"{name}{_SUFFIXES[self.report_format]}"
        write_page(file, _BOM + text if self.report_format == CSV else text)
        with standard_output():
            sys.stdout.write(f"{file}\n")

    def _file(self) -> Path | None:
        """The file or folder; None is standard output.

        netsky.toml has the folder of pages: who wants a text to paste has to say it to have a file of it.
        """
        source = click.get_current_context().get_parameter_source("output")
        is_meant = self.report_format == HTML or source is not ParameterSource.DEFAULT_MAP
        return self.output if is_meant and self.output != STANDARD_OUTPUT else None
