"""From what on a rise of loss is told: options of a tool that judges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.options import Number, Option
from netsky.errors import InputError

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.judging.grading import Thresholds


@dataclass(frozen=True, slots=True)
class ThresholdOptions:
    """In percentage points, seconds and hours."""

    elevated: float
    severe: float
    max_age: float
    max_baseline_age: float

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--elevated",
            type=Number(0.01, 100),
            default=5,
            metavar="POINTS",
            help="A province is elevated when its loss rate is at least so much above its baseline.",
        ),
        click.option(
            "--severe",
            type=Number(0.01, 100),
            default=10,
            metavar="POINTS",
            help="A province is severe when its loss rate is at least so much above its baseline.",
        ),
        click.option(
            "--max-age",
            type=Number(1, 86_400),
            default=180,
            metavar="SECONDS",
            help="A loss rate older than this is not judged.",
        ),
        click.option(
            "--max-baseline-age",
            type=Number(0.01, 8760),
            default=24,
            metavar="HOURS",
            help="A province is not judged when its baseline was computed longer ago than this.",
        ),
    )

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
            max_baseline_age=timedelta(hours=self.max_baseline_age),
        )
