"""Which rule says what the newest loss is compared with: an option of the averaging and of the alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netsky.cli.options import common_option

if TYPE_CHECKING:  # imported late where it is used, so that `--help` is quick
    from netsky.judging.grading import Thresholds
    from netsky.judging.rule import MeanRule
    from netsky.judging.usual_rule import UsualRule

USUAL, MEAN = "usual", "mean"

# Both tools have to be given the same one.
BASELINE_OPTION = common_option(
    "--baseline",
    type=click.Choice([USUAL, MEAN]),
    default=USUAL,
    help="Compare with what is usual at this hour, learned from days without outages (usual), or with "
    "the mean of the past hours (mean).",
)


def make_rule(
    baseline: str, thresholds: Thresholds, *, hours: float = 12, min_samples: int = 3
) -> UsualRule | MeanRule:
    """The rule of that name; `hours` are for `mean` alone."""
    from netsky.judging.rule import MeanRule
    from netsky.judging.usual import Tuning
    from netsky.judging.usual_rule import UsualRule

    if baseline == USUAL:
        return UsualRule(thresholds, Tuning(min_sweeps=min_samples))
    return MeanRule(hours, min_samples, thresholds)
