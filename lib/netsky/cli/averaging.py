"""Over which time losses are averaged, and how long sweeps are kept: options of the averaging tool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.judging import alert_thresholds
from netsky.cli.options import Number, Option
from netsky.cli.rule import BASELINE_OPTION, make_rule
from netsky.cli.settings import Settings
from netsky.errors import InputError

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.jobs.housekeeping import Keep
    from netsky.judging.rule import MeanRule
    from netsky.judging.usual_rule import UsualRule


@dataclass(frozen=True, slots=True)
class AveragingOptions:
    """In hours, sweeps and days; the thresholds of the alert are in `settings`."""

    baseline: str
    hours: float
    min_samples: int
    keep_days: int
    keep_rollups: int
    settings: Settings

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        BASELINE_OPTION,
        click.option(
            "--hours",
            type=Number(0.01, 8760),
            default=12,
            metavar="HOURS",
            help="Average the sweeps of the past so many hours (with --baseline mean).",
        ),
        click.option(
            "--min-samples",
            type=click.IntRange(1),
            default=3,
            metavar="SWEEPS",
            help="Leave the baseline of a province as it is when there are fewer sweeps than this.",
        ),
        click.option(
            "--keep-days",
            type=click.IntRange(1, 36_500),
            default=30,
            metavar="DAYS",
            help="Delete sweeps that are older than this, of all exit lines in this database.",
        ),
        click.option(
            "--keep-rollups",
            type=click.IntRange(1, 36_500),
            default=3650,
            metavar="DAYS",
            help="Delete the sums of hours and days that are older than this.",
        ),
    )

    @property
    def keep(self) -> Keep:
        """How long sweeps and their sums are kept."""
        from netsky.jobs.housekeeping import Keep

        return Keep(timedelta(days=self.keep_days), timedelta(days=self.keep_rollups))

    def rule(self) -> UsualRule | MeanRule:
        """InputError when sweeps are to be averaged that are not kept."""
        if self.hours > 24 * self.keep_days:
            raise InputError(
                f"--hours {self.hours:g} reaches back further than --keep-days {self.keep_days}: "
                "keep more"
            )
        return make_rule(
            self.baseline,
            alert_thresholds(self.settings),
            hours=self.hours,
            min_samples=self.min_samples,
        )
