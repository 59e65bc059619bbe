"""The command that scores rules in worlds of several kinds, many of which no rule was made on."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby, islice

import click

from lab.day.replay import by_minute, replay, through_prometheus
from lab.day.report import Summary, markdown, show, summarize
from lab.day.rules import RULES, find_rule
from lab.day.score import LineScore, Terms, score
from lab.day.world import Line, draw_lines
from lab.day.worlds import WORLDS

COLUMNS = {
    "false_pages_per_day": "false pages a day",
    "large_alerted": "7 points and more",
    "small_alerted": "5 to 7",
    "again_alerted": "after an outage",
    "severe_seen": "severe as severe",
    "covered": "time in alert",
    "delay_p90": "delay p90, min",
    "false_recoveries": "false recoveries",
    "incidents": "incidents",
}
SHARES = ("large_alerted", "small_alerted", "again_alerted", "severe_seen", "covered")

MOST_SIDE_BY_SIDE = 16

ByWorld = dict[str, list[LineScore]]
Named = tuple[str, Line]


@click.command("worlds")
@click.option(
    "--seeds", type=click.IntRange(1, 100), default=1, help="Seeds 1 to this one, summed up."
)
@click.option("--days", type=click.IntRange(1, 90), help="[default: those of each world]")
@click.option("--rule", "rules", multiple=True, default=["mean", "usual"], show_default=True,
              help=f"{', '.join(RULES)} or module:name.")  # fmt: skip
@click.option(
    "--world", "names", multiple=True, type=click.Choice(list(WORLDS)), help="[default: all]"
)
@click.option("--format", "output", type=click.Choice(["table", "json"]), default="table")
def worlds(
    *, seeds: int, days: int | None, rules: Sequence[str], names: Sequence[str], output: str
) -> None:
    """Score rules, through Prometheus, in worlds that differ from the standard one in one thing each."""
    scores: dict[str, ByWorld] = {rule: defaultdict(list) for rule in rules}
    for lines in _side_by_side(_drawn(names or list(WORLDS), seeds, days)):
        for rule in rules:
            _add_scores(scores[rule], rule, lines)
    summaries = {
        world: {rule: summarize(scores[rule][world]) for rule in rules} for world in names or WORLDS
    }
    click.echo(as_json(summaries) if output == "json" else as_table(summaries))


def _drawn(names: Sequence[str], seeds: int, days: int | None) -> Iterator[Named]:
    """The lines of these worlds, each with the name of its world."""
    for name in names:
        for seed in range(1, seeds + 1):
            assumed = replace(WORLDS[name], seed=seed, days=days or WORLDS[name].days)
            yield from ((name, line) for line in draw_lines(assumed))


def _side_by_side(drawn: Iterable[Named]) -> Iterator[list[Named]]:
    """Lines that are swept at the same times."""
    by_times = groupby(drawn, key=lambda each: (each[1].every, len(each[1].loss_ratio)))
    for _, lines in by_times:
        while together := list(islice(lines, MOST_SIDE_BY_SIDE)):
            yield together


def _add_scores(by_world: ByWorld, rule: str, named: Sequence[Named]) -> None:
    alerts = replay(find_rule(rule), [line for _, line in named])
    for (name, line), each in zip(named, alerts, strict=True):
        stood = by_minute(through_prometheus(each, line.every), line.every)
        by_world[name].append(score(line, stood, Terms()))


def as_table(summaries: Mapping[str, Mapping[str, Summary]]) -> str:
    rows = [["world", "rule", *COLUMNS.values()]]
    for world, by_rule in summaries.items():
        for rule, summary in by_rule.items():
            values = asdict(summary)
            cells = [show(values[field], percent=field in SHARES) for field in COLUMNS]
            rows.append([world, rule, *cells])
    return markdown(rows)


def as_json(summaries: Mapping[str, Mapping[str, Summary]]) -> str:
    shown = {
        world: {rule: asdict(summary) for rule, summary in by_rule.items()}
        for world, by_rule in summaries.items()
    }
    return json.dumps(shown, indent=2)
