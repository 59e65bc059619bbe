"""Through which exit the users of a province are reached best now: least loss first, then least latency.

Only exits count whose newest sweep was judged for that province and is not tainted. Losses of less than
`LEAD_RATIO` apart are alike, or of less than chance explains of so few targets, so that chance does not move users
from exit to exit: then latency decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from netsky.overview import LineState, Overview
from netsky.places import ISP, PROVINCES, Province

LEAD_RATIO = 0.01
"""So much less loss is worth another exit."""

LEAD_SECONDS = 0.01
"""So much less latency is, where the losses are alike."""

_SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class ExitFigures:
    """What a province has through an exit now: ratio and seconds, None: nothing replied.

    Of its targets `live_targets` usually answer and now lost `live_loss_ratio`; None: not known.
    """

    egress: str
    loss_ratio: float
    latency_seconds: float | None
    live_targets: int | None = None
    live_loss_ratio: float | None = None

    def loses_less_than(self, other: ExitFigures) -> bool:
        """By so much that it is worth another exit, and that chance does not explain it."""
        if other.loss_ratio - self.loss_ratio < LEAD_RATIO:
            return False
        one, two = self.live_loss_ratio, other.live_loss_ratio
        if not self.live_targets or not other.live_targets or one is None or two is None:
            return True
        # What never answers is lost through each exit, and that is no chance.
        lost = (one + two) / 2
        variance = lost * (1 - lost) * (1 / self.live_targets + 1 / other.live_targets)
        return two - one >= _SIGMAS * math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class BestExit:
    """All exits that count, as they rank; `home` is the exit in use, None: it cannot be told which."""

    exits: tuple[ExitFigures, ...]
    home: str | None = None

    @property
    def best(self) -> ExitFigures:
        """The first that is worth a move from the exit in use, or else the first of all.

        The first may be worth none: it is faster by little, and the next one loses so much less.
        """
        ahead = takewhile(lambda each: each.egress != self.home, self.exits)
        return next((each for each in ahead if self._is_worth(each)), self.exits[0])

    @property
    def next(self) -> ExitFigures | None:
        return next((each for each in self.exits if each is not self.best), None)

    @property
    def current(self) -> ExitFigures | None:
        """What the province has through the exit in use; None: that exit does not count now."""
        return next((each for each in self.exits if each.egress == self.home), None)

    @property
    def margin_ratio(self) -> float | None:
        """How much less than the next exit the best one loses; below 0 where latency has decided."""
        return self.next.loss_ratio - self.best.loss_ratio if self.next else None

    @property
    def margin_seconds(self) -> float | None:
        """How much earlier than through the next exit replies come."""
        return _earlier(self.next, self.best)

    @property
    def gain_ratio(self) -> float | None:
        """How much less than the exit in use the best one loses; below 0 where latency has decided."""
        return self.current.loss_ratio - self.best.loss_ratio if self.current else None

    @property
    def gain_seconds(self) -> float | None:
        """How much earlier than through the exit in use replies come."""
        return _earlier(self.current, self.best)

    @property
    def is_move(self) -> bool:
        """Whether so much is gained that the users do better through another exit than the one in use."""
        return self._is_worth(self.best)

    @property
    def is_less_loss(self) -> bool:
        """Whether the best exit loses so much less than the one in use that this alone is worth it."""
        return self.current is not None and self.best.loses_less_than(self.current)

    def _is_worth(self, other: ExitFigures) -> bool:
        """Whether that exit alone is worth it to leave the one in use: less is lost, or as much and sooner."""
        current = self.current
        if current is None or other is current:
            return False
        is_alike = other.loss_ratio - current.loss_ratio < LEAD_RATIO
        is_sooner = (_earlier(current, other) or 0.0) >= LEAD_SECONDS
        return other.loses_less_than(current) or (is_alike and is_sooner)


def _earlier(other: ExitFigures | None, best: ExitFigures) -> float | None:
    if not other or other.latency_seconds is None or best.latency_seconds is None:
        return None
    return other.latency_seconds - best.latency_seconds


def best_exits(overview: Overview, isp: ISP) -> Mapping[Province, BestExit]:
    """Of each province that any exit can be told of."""
    lines = [line for line in overview.lines if line.isp == isp and not line.is_tainted]
    home, found = home_exit(overview, isp), {}
    for province in PROVINCES:
        exits = _figures(lines, province)
        if exits:
            found[province] = BestExit(_ranked(exits), home)
    return found


def home_exit(overview: Overview, isp: ISP) -> str | None:
    """The exit in use: what netsky.toml says, or else the one with the least baseline.

    A fault does not move it, nor data that is old. None: a line cannot be read that might be it, or there
    is no baseline.
    """
    if isp.home:
        return isp.home
    lines = [line for line in overview.lines if line.isp == isp]
    if any(line.trouble for line in lines):
        return None
    known = {
        line.egress: {each.province: each for each in line.verdict.judgements if each.baseline}
        for line in lines
        if line.verdict
    }
    known = {egress: judgements for egress, judgements in known.items() if judgements}
    shared = set.intersection(*map(set, known.values())) if known else set()
    if not shared:
        return None
    by_live = all(of[province].by_live for of in known.values() for province in shared)

    def baseline(egress: str) -> float:
        baselines = [known[egress][province].baseline for province in shared]
        ratios = [
            each.live_loss_ratio if by_live else each.loss_ratio for each in baselines if each
        ]
        return sum(ratio or 0.0 for ratio in ratios)

    return min(known, key=lambda egress: (baseline(egress), egress))


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
        exits.append(
            ExitFigures(line.egress, loss, latency, newest.live_targets, newest.live_loss_ratio)
        )
    return exits


def _ranked(exits: Sequence[ExitFigures]) -> tuple[ExitFigures, ...]:
    """Those that lose least by latency, then the next of these, and so on."""
    waiting, ranked = list(exits), []
    while waiting:
        least = min(waiting, key=lambda each: each.loss_ratio)
        alike = [each for each in waiting if not least.loses_less_than(each)]
        ranked += sorted(alike, key=_by_latency)
        waiting = [each for each in waiting if each not in alike]
    return tuple(ranked)


def _by_latency(figures: ExitFigures) -> tuple[float, float, str]:
    latency = figures.latency_seconds
    return (float("inf") if latency is None else latency, figures.loss_ratio, figures.egress)
