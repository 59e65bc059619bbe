"""Options of a tool that judges: from what on a rise of loss is told, and a list of what was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.options import Number, Option
from netsky.cli.rule import BASELINE_OPTION, USUAL, make_rule
from netsky.cli.running import LineRun, Run, Running
from netsky.cli.settings import Settings
from netsky.cli.tool import DONE, INCOMPLETE
from netsky.errors import InputError
from netsky.places import ALL, ISP, Egress

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.cli.destinations import DatabaseOptions
    from netsky.jobs.incidents import StoredLine
    from netsky.judging.grading import Thresholds
    from netsky.judging.rule import MeanRule
    from netsky.judging.usual_rule import UsualRule

_LEAST, _MOST = 0.01, 100  # points

STEPS: tuple[Option, ...] = (
    click.option(
        "--elevated",
        type=Number(_LEAST, _MOST),
        default=5,
        metavar="POINTS",
        help="A province is elevated when its loss rate is at least so much above its baseline; set it in netsky.toml.",
    ),
    click.option(
        "--severe",
        type=Number(_LEAST, _MOST),
        default=10,
        metavar="POINTS",
        help="A province is severe when its loss rate is at least so much above its baseline; set it in netsky.toml.",
    ),
)
"""From which rise on a province counts as elevated, and as severe."""

MAX_AGE: Option = click.option(
    "--max-age",
    type=Number(1, 86_400),
    default=180,
    metavar="SECONDS",
    help="A loss rate older than this is not judged.",
)


@dataclass(frozen=True, slots=True)
class ThresholdOptions:
    """In percentage points, seconds and hours; `baseline` is what the loss is compared with.

    The averaging learns by the thresholds in `settings`.
    """

    baseline: str
    elevated: float
    severe: float
    max_age: float
    max_baseline_age: float
    settings: Settings

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        BASELINE_OPTION,
        *STEPS,
        MAX_AGE,
        click.option(
            "--max-baseline-age",
            type=Number(0.01, 8760),
            default=24,
            metavar="HOURS",
            help="A province is not judged when its baseline was computed longer ago than this.",
        ),
    )

    def rule(self) -> UsualRule | MeanRule:
        """InputError when what is severe would not be elevated."""
        thresholds = replace(
            _thresholds(self.elevated, self.severe),
            max_age=timedelta(seconds=self.max_age),
            max_baseline_age=timedelta(hours=self.max_baseline_age),
        )
        return make_rule(self.baseline, thresholds)

    def learned_rule(self) -> UsualRule | MeanRule:
        """The same; InputError when what is usual is learned by other thresholds than it would judge by."""
        rule, learned = self.rule(), alert_thresholds(self.settings)
        ours = rule.thresholds
        if self.baseline == USUAL and (ours.elevated, ours.severe) != (
            learned.elevated,
            learned.severe,
        ):
            raise InputError(
                f"--elevated {self.elevated:g} --severe {self.severe:g}: what is usual is learned by elevated = "
                f"{100 * learned.elevated:g} and severe = {100 * learned.severe:g}: set both below [alert] in "
                "netsky.toml, where netsky_get_avg_lossrate.py reads them, too"
            )
        return rule


def alert_thresholds(settings: Settings) -> Thresholds:
    """Those of the alert, as far as netsky.toml has them below [alert]; InputError when they cannot be."""
    rises = {"elevated": 5.0, "severe": 10.0}
    for name, value in settings.tool_options.get("alert", {}).items():
        if name in rises:
            if type(value) not in (int, float) or not _LEAST <= value <= _MOST:
                raise InputError(
                    f"{settings.file}: alert.{name} = {value!r} must be a number from {_LEAST:g} to {_MOST:g}"
                )
            rises[name] = value
    return _thresholds(**rises)


def _thresholds(elevated: float, severe: float) -> Thresholds:
    from netsky.judging.grading import Thresholds

    if elevated >= severe:
        raise InputError(f"--elevated {elevated:g} must be less than --severe {severe:g}")
    return Thresholds(elevated=elevated / 100, severe=severe / 100)


def stored_lines(
    lines: Sequence[tuple[ISP, Egress]], database: DatabaseOptions
) -> list[StoredLine]:
    """Each line with its database."""
    from netsky.jobs.incidents import StoredLine

    return [
        StoredLine(isp, egress.name, database.open(isp.slug, egress.name)) for isp, egress in lines
    ]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """A list instead of a verdict. Eager, so that it cannot stand in netsky.toml and end all judging."""

    incidents: bool

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--incidents",
            is_flag=True,
            is_eager=True,
            help="Judge nothing, and list the incidents that are stored, open ones first.",
        ),
    )

    def run(
        self, lines: Sequence[tuple[ISP, Egress]], database: DatabaseOptions, running: Running
    ) -> LineRun:
        """One run for all lines, whose incidents are one list."""

        def start() -> Run:
            from netsky.console.incidents import IncidentsView
            from netsky.jobs.incidents import list_incidents

            stored = stored_lines(lines, database)

            def run() -> int:
                listing = list_incidents(stored)
                running.show(IncidentsView(listing))
                return INCOMPLETE if listing.not_read else DONE

            return run

        return LineRun(ALL, ALL, start, needs_lock=False)
