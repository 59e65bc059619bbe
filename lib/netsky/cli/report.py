"""What the verbs of netsky_report.py share: which lines, which language, where pages go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import click

from netsky.cli.lines import Lines
from netsky.cli.options import FILE, Option, common_option
from netsky.cli.tool import Tools
from netsky.page.words import LANGUAGES
from netsky.places import ALL

VERB_WITHOUT_ANY = "show"


class Report(Tools):
    """The tool; called without a verb it shows the overview."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        of_its_own = {*ctx.help_option_names, "--version"}
        if not args or (args[0].startswith("-") and args[0] not in of_its_own):
            args = [VERB_WITHOUT_ANY, *args]
        return super().parse_args(ctx, args)


@dataclass(frozen=True, slots=True)
class ReportLines(Lines):
    """The lines that a report is about: all, if nothing else is said."""

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        common_option(
            "--isp",
            default=ALL,
            metavar="NAMES",
            help="Work on these ISPs, separated by commas: cu, cm, ct, demo, or what netsky.toml "
            "defines. `all` stands for cu, cm, ct and those of netsky.toml.",
        ),
        common_option(
            "--egress",
            default=ALL,
            metavar="NAMES",
            help="Work on these exit lines of netsky.toml, separated by commas. `all` stands for all "
            "of them.",
        ),
    )


@dataclass(frozen=True, slots=True)
class Page:
    """A folder of pages, and the language of what people read in it."""

    output: Path
    lang: str

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--output",
            type=FILE,
            required=True,
            metavar="DIR",
            help="Write the page into this folder, which a web server may serve.",
        ),
        click.option(
            "--lang",
            type=click.Choice(LANGUAGES),
            default="zh",
            help="Write the page in this language.",
        ),
    )
