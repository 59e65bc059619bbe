"""Over which time losses are averaged, and how long sweeps are kept: options of the averaging tool."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.options import Number, Option
from netsky.errors import InputError

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.jobs.housekeeping import Keep
    from netsky.judging.rule import MeanRule


@dataclass(frozen=True, slots=True)
class AveragingOptions:
    """In hours, sweeps and days."""

    hours: float
    min_samples: int
    keep_days: int
    keep_rollups: int

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--hours",
            type=Number(0.01, 8760),
            default=12,
            metavar="HOURS",
            help="Average the sweeps of the past so many hours.",
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

    def rule(self) -> MeanRule:
        """InputError when sweeps are to be averaged that are not kept."""
        from netsky.judging.rule import MeanRule

        if self.hours > 24 * self.keep_days:
            raise InputError(
                f"--hours {self.hours:g} reaches back further than --keep-days {self.keep_days}: "
                "keep more"
            )
        return MeanRule(hours=self.hours, min_samples=self.min_samples)
