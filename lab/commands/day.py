"""The command that scores rules of detection on simulated days."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from lab.day.replay import by_minute, replay, through_prometheus
from lab.day.report import KINDS, Summary, by_kind, kind_table, summarize, table
from lab.day.rules import RULES, find_rule
from lab.day.score import LineScore, Terms, score
from lab.day.world import Assumptions, Line, draw_lines

VERDICTS, PROMETHEUS = "verdicts of netsky_alert", "alerts of Prometheus"
Scores = dict[str, dict[str, list[LineScore]]]  # the keys are the stage and the rule


class Number(click.FloatRange):
    """A number in a range; to click nan is within any."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number.", param, ctx)
        return number


@click.command("day")
@click.option("--days", type=click.IntRange(1, 90), default=7, help="Score so many days.")
@click.option("--seed", type=click.IntRange(0), default=1, help="The same seed, the same days.")
@click.option("--egresses", type=click.IntRange(1, 8), default=2, help="Exits.")
@click.option("--isps", type=click.IntRange(1, 3), default=1, help="ISPs through each exit.")
@click.option(
    "--targets", type=click.IntRange(10, 1 << 32), default=32_768, help="Addresses a province."
)
@click.option(
    "--floor",
    type=(Number(0, 90), Number(0, 90)),
    default=(3, 30),
    help="Dead addresses of a province, from and to percent.",
)
@click.option("--peak", type=Number(0, 8), default=1, help="Evening peaks so many times as high.")
@click.option("--outages", type=Number(0, 100), default=1, help="So many times as many outages.")
@click.option(
    "--rise", type=Number(0, 100), default=5, help="What counts as an incident, in points."
)
@click.option(
    "--minutes", type=click.IntRange(1), default=3, help="And for so many minutes at least."
)
@click.option(
    "--rule", "names", multiple=True, help=f"{', '.join(RULES)} or module:name. [default: all]"
)
@click.option("--by", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Apart by it.")
@click.option("--format", "output", type=click.Choice(["table", "json"]), default="table")
def day(
    *,
    floor: tuple[float, float],
    rise: float,
    minutes: int,
    names: Sequence[str],
    kinds: Sequence[str],
    output: str,
    **assumed: Any,
) -> None:
    """Score rules of detection on simulated days, whose truth is known."""
    low, high = sorted(floor)
    assumptions = Assumptions(**assumed, floor=(low / 100, high / 100))
    terms = Terms(rise=rise / 100, minutes=minutes)
    scores = score_rules(draw_lines(assumptions), names or list(RULES), terms)
    shown = as_json(assumptions, terms, scores, kinds) if output == "json" else None
    click.echo(json.dumps(shown, indent=2) if shown else as_text(scores, kinds))


def score_rules(lines: Sequence[Line], names: Sequence[str], terms: Terms) -> Scores:
    """Each rule over each line, scored before and after the delays of Prometheus."""
    scores: Scores = {VERDICTS: {}, PROMETHEUS: {}}
    for name in names:
        alerts = replay(find_rule(name), lines)
        scores[VERDICTS][name] = [
            score(line, by_minute(each, line.every), terms)
            for line, each in zip(lines, alerts, strict=True)
        ]
        scores[PROMETHEUS][name] = [
            score(line, by_minute(through_prometheus(each, line.every), line.every), terms)
            for line, each in zip(lines, alerts, strict=True)
        ]
    return scores


def as_text(scores: Scores, kinds: Sequence[str]) -> str:
    parts = []
    for stage, by_rule in scores.items():
        parts += [f"{stage}:", table(summaries_of(by_rule))]
        for kind in kinds:
            apart = {name: by_kind(lines, kind) for name, lines in by_rule.items()}
            parts.append(kind_table(kind, apart))
    return "\n\n".join(parts)


def as_json(
    assumptions: Assumptions, terms: Terms, scores: Scores, kinds: Sequence[str]
) -> dict[str, Any]:
    """Ratios and minutes."""
    return {
        "assumptions": asdict(assumptions),
        "terms": asdict(terms),
        **{
            stage: {
                name: {
                    **asdict(summarize(lines)),
                    "by": {kind: by_kind(lines, kind) for kind in kinds},
                }
                for name, lines in by_rule.items()
            }
            for stage, by_rule in zip(("verdicts", "prometheus"), scores.values(), strict=True)
        },
    }


def summaries_of(by_rule: Mapping[str, Sequence[LineScore]]) -> dict[str, Summary]:
    return {name: summarize(lines) for name, lines in by_rule.items()}
