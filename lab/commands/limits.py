"""The command that finds the smallest rise that a rule alerts."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lab.day.limits import LASTING_HEIGHTS, LASTING_HOURS, cases, lasting, smallest
from lab.day.report import markdown
from lab.day.rules import RULES


@click.command("limits")
@click.option("--seed", type=click.IntRange(0), default=1)
@click.option(
    "--rule",
    "rules",
    multiple=True,
    default=["mean", "usual", "yesterday"],
    help=f"{', '.join(RULES)} or module:name.",
    show_default=True,
)
def limits(*, seed: int, rules: Sequence[str]) -> None:
    """Print the smallest rise that is alerted, case by case, and how long a lasting one is."""
    rows = [["smallest rise alerted / as severe, points", *rules]]
    rows += [
        [case.name, *(_pair(smallest(rule, case, seed)) for rule in rules)] for case in cases()
    ]
    click.echo(markdown(rows) + "\n")
    rows = [[f"of {LASTING_HOURS} h at so many points: h in alert / as severe", *rules]]
    hours = {rule: lasting(rule, seed) for rule in rules}
    for index, height in enumerate(LASTING_HEIGHTS):
        rows.append(
            [str(height), *("{:.1f} / {:.1f}".format(*hours[rule][index]) for rule in rules)]
        )
    click.echo(markdown(rows))


def _pair(heights: tuple[float | None, float | None]) -> str:
    return " / ".join("none" if height is None else f"{height:g}" for height in heights)
