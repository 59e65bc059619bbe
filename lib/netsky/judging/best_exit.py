"""Through which exit the users of a province are reached best now: least loss first, then least latency.

Only exits count whose newest sweep was judged for that province and is not tainted. Losses of less than
`LEAD_RATIO` apart are alike, so that chance does not move users from exit to exit: then latency decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netsky.overview import LineState, Overview
from netsky.places import ISP, PROVINCES, Province

LEAD_RATIO = 0.01
"""So much less loss is worth another exit."""


@dataclass(frozen=True, slots=True)
class ExitFigures:
    """What a province has through an exit now: ratio and seconds, None: nothing replied."""

    egress: str
    loss_ratio: float
    latency_seconds: float | None


@dataclass(frozen=True, slots=True)
class BestExit:
    """All exits that count, the best first."""

    exits: tuple[ExitFigures, ...]

    @property
    def best(self) -> ExitFigures:
        return self.exits[0]

    @property
    def next(self) -> ExitFigures | None:
        return self.exits[1] if len(self.exits) > 1 else None

    @property
    def margin_ratio(self) -> float | None:
        """How much less than the next exit the best one loses; below 0 where latency has decided."""
        return self.next.loss_ratio - self.best.loss_ratio if self.next else None

    @property
    def margin_seconds(self) -> float | None:
        """How much earlier than through the next exit replies come."""
        if not self.next or None in (self.next.latency_seconds, self.best.latency_seconds):
            return None
        return (self.next.latency_seconds or 0.0) - (self.best.latency_seconds or 0.0)

    def through(self, egress: str) -> ExitFigures | None:
        return next((each for each in self.exits if each.egress == egress), None)


def best_exits(overview: Overview, isp: ISP) -> Mapping[Province, BestExit]:
    """Of each province that any exit can be told of."""
    lines = [line for line in overview.lines if line.isp == isp and not line.is_tainted]
    found = {}
    for province in PROVINCES:
        exits = _figures(lines, province)
        if exits:
            found[province] = BestExit(_ranked(exits))
    return found


def usual_exit(overview: Overview, isp: ISP) -> str | None:
    """The exit through which the ISP's users usually lose least, so that a fault of now does not move it."""
    usual: list[tuple[float, str]] = []
    for line in overview.lines:
        if line.isp == isp:
            ratios = [
                each.baseline_ratio for each in line.judged if each.baseline_ratio is not None
            ]
            if ratios:
                usual.append((sum(ratios) / len(ratios), line.egress))
    return min(usual)[1] if usual else None


def _figures(lines: Sequence[LineState], province: Province) -> list[ExitFigures]:
    """Of the same targets through all exits: the usually alive, where these are known through each."""
    judged = [
        (line, judgement)
        for line in lines
        for judgement in line.judged
        if judgement.province == province and judgement.newest
    ]
    by_live = all(judgement.by_live for _, judgement in judged)
    exits = []
    for line, judgement in judged:
        newest = judgement.newest
        if newest is None or line.sweep is None:
            continue
        live = newest.live_loss_ratio if by_live else None
        loss = newest.loss_ratio if live is None else live
        latency = line.sweep.latency_seconds.get(province)
        exits.append(ExitFigures(line.egress, loss, latency))
    return exits


def _ranked(exits: Sequence[ExitFigures]) -> tuple[ExitFigures, ...]:
    """Those that lose least by latency, then the next of these, and so on."""
    waiting, ranked = list(exits), []
    while waiting:
        least = min(each.loss_ratio for each in waiting)
        alike = [each for each in waiting if each.loss_ratio < least + LEAD_RATIO]
        ranked += sorted(alike, key=_by_latency)
        waiting = [each for each in waiting if each not in alike]
    return tuple(ranked)


def _by_latency(figures: ExitFigures) -> tuple[float, float, str]:
    latency = figures.latency_seconds
    return (float("inf") if latency is None else latency, figures.loss_ratio, figures.egress)
