"""The command that scores what is noticed: small rises of loss, and rises of latency."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, islice
from operator import attrgetter

import click

from lab.day.latency import Detours, draw_latency
from lab.day.notices import Notices, score_notices, watch
from lab.day.outages import ANY, Kind
from lab.day.report import markdown, show
from lab.day.world import Assumptions, Line, draw_lines
from netsky.judging.usual_columns import latency_rises
from netsky.judging.usual_sweeps import Rises

SMALL = Kind((0.02, 0.04), (60, 60), 0.0)
TARGETS = (1_000, 16_384)
SLIGHT_LOSS, SLIGHT_LATENCY = 0.01, 0.002


@dataclass(frozen=True, slots=True)
class Scenario:
    """Days by seed, and the rule that watches them; rises below `slight` are next to none."""

    name: str
    draw: Callable[[Assumptions], list[Line]]
    assumed: Assumptions
    rises: Rises
    slight: float


def scenarios() -> Iterator[Scenario]:
    """Losses, then latencies; those of one rule have all sweeps at the same times."""
    of_loss, of_latency = Rises(), latency_rises()
    for targets in TARGETS:
        for name, kind in (("2 to 4 points for an hour", SMALL), ("the standard outages", ANY)):
            assumed = Assumptions(targets=targets, kind=kind)
            yield Scenario(
                f"loss, {targets:,} targets: {name}", draw_lines, assumed, of_loss, SLIGHT_LOSS
            )
    for name, detours in (
        ("20 ms", Detours(seconds=0.02)),
        ("half of what is usual", Detours(part=0.5)),
        ("40 ms", Detours(seconds=0.04)),
    ):

        def draw(assumed: Assumptions, detours: Detours = detours) -> list[Line]:
            return draw_latency(assumed, detours)

        yield Scenario(
            f"latency, 1,000 targets: {name} for an hour",
            draw,
            Assumptions(targets=1_000),
            of_latency,
            SLIGHT_LATENCY,
        )


@click.command("notices")
@click.option(
    "--seeds", type=click.IntRange(1, 100), default=1, help="Seeds 1 to this one, summed up."
)
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True)
def notices(*, seeds: int, days: int) -> None:
    """Score what is noticed of small rises, and of rises of latency."""
    rows = [
        [
            "rises",
            "how many",
            "seen",
            "as an alarm",
            "delay, median / p90 min",
            "time shown",
            "ended before",
            "false a day and line",
            "minutes of these",
        ]
    ]
    for rises, of_rule in groupby(scenarios(), key=attrgetter("rises")):
        drawn = [(each, _draw(each, seeds, days)) for each in of_rule]
        # All at once: a sweep of many lines takes hardly longer than that of one.
        shown = iter(watch([line for _, lines in drawn for line in lines], rises))
        for each, lines in drawn:
            found = score_notices(lines, list(islice(shown, len(lines))), slight=each.slight)
            rows.append([each.name, *_cells(found)])
    click.echo(markdown(rows))


def _draw(scenario: Scenario, seeds: int, days: int) -> list[Line]:
    return [
        line
        for seed in range(1, seeds + 1)
        for line in scenario.draw(replace(scenario.assumed, days=days, seed=seed))
    ]


def _cells(found: Notices) -> list[str]:
    return [
        str(found.rises),
        show(found.seen, percent=True),
        show(found.alerted, percent=True),
        f"{show(found.delay_median, percent=False)} / {show(found.delay_p90, percent=False)}",
        show(found.time, percent=True),
        str(found.gone),
        show(found.false_per_day, percent=False),
        show(found.false_minutes_per_day, percent=False),
    ]
