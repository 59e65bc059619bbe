"""What a sweep may teach: a fault must not be learned as if it were usual.

Seven lost sweeps in a row, and a target no longer counts as usually alive: so a fault would hide itself
in minutes. While a province loses far more than usual, its targets are frozen, for a day at most: a
rise that has lasted so long is the new usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from netsky.sweep import Sweep
from netsky.targets.memory import ALWAYS, USUALLY, Flags, Memory, ProvinceMemory, packets

FROZEN_SECONDS = 24 * 3600.0
# Between two sweeps at most so much counts: a clock that jumps must not end a freeze.
_LONGEST_GAP = 3600.0

# What is usual is a mean over so many sweeps, half a day of one a minute, once there are so many.
USUAL_SWEEPS = 720
_FEWEST_SWEEPS = 3

_SILENT = ALWAYS // 4

# A province is up when at least so many packets, such a share of them, and so many times of what
# chance does are lost beyond what is usual.
_LEAST_PACKETS = 5
_LEAST_SHARE = 0.005
_DEVIATIONS = 5


@dataclass(frozen=True, slots=True)
class ProvinceLoss:
    """Packets of one province in a sweep: those of its usually alive targets, and of the silent ones.

    Silent are those that answer in less than a quarter of the sweeps.
    """

    live_sent: int
    live_lost: int
    silent_sent: int
    silent_answered: int


def losses(sweep: Sweep, memory: Memory) -> dict[str, ProvinceLoss]:
    """By province, as its slug; `memory` is that of the targets before the sweep."""
    found = {}
    for index, province in enumerate(sweep.library.provinces):
        rows = sweep.library.slice_of(index)
        sent, lost = packets(sweep, rows)
        answered = memory.answered[rows]
        live, silent = answered >= USUALLY, answered < _SILENT
        columns = (sent[live], lost[live], sent[silent], (sent - lost)[silent])
        found[province.slug] = ProvinceLoss(*(int(each.sum(dtype=np.int64)) for each in columns))
    return found


def is_up(known: ProvinceMemory, loss: ProvinceLoss) -> bool:
    """Whether the province loses far more than is usual there.

    Not when half as many of the silent targets answer now: then users have moved to other addresses,
    and nothing fails.
    """
    if known.sweeps < _FEWEST_SWEEPS or not loss.live_sent:
        return False
    usual = loss.live_sent * known.live_loss
    excess = loss.live_lost - usual
    least = max(_LEAST_PACKETS, _LEAST_SHARE * loss.live_sent, _DEVIATIONS * float(np.sqrt(usual)))
    moved = loss.silent_answered - loss.silent_sent * known.silent_answers
    return excess >= least and moved < excess / 2


def provinces_after(
    memory: Memory, sweep: Sweep, losses: Mapping[str, ProvinceLoss]
) -> dict[str, ProvinceMemory]:
    """What is known of each province, by slug, after a sweep."""
    known = dict(memory.provinces)
    seconds = 0.0
    if memory.swept_at is not None:
        gap = (sweep.started_at - memory.swept_at).total_seconds()
        seconds = min(max(gap, 0.0), _LONGEST_GAP)
    for slug, loss in losses.items():
        before = known.get(slug, ProvinceMemory())
        if loss.live_sent or loss.silent_sent:
            known[slug] = _after(before, loss, seconds)
    return known


def _after(known: ProvinceMemory, loss: ProvinceLoss, seconds: float) -> ProvinceMemory:
    if not is_up(known, loss):
        return _with(replace(known, up_seconds=None), loss)
    up_seconds = 0.0 if known.up_seconds is None else known.up_seconds + seconds
    if up_seconds <= FROZEN_SECONDS:
        return replace(known, up_seconds=up_seconds)
    return _with(ProvinceMemory(up_seconds=up_seconds), loss)


def _with(known: ProvinceMemory, loss: ProvinceLoss) -> ProvinceMemory:
    """The usual loss with one sweep more in it; without usually alive targets it begins anew."""
    if not loss.live_sent:
        return ProvinceMemory(up_seconds=known.up_seconds)
    sweeps = min(known.sweeps + 1, USUAL_SWEEPS)
    live_loss = loss.live_lost / loss.live_sent
    answers = loss.silent_answered / loss.silent_sent if loss.silent_sent else known.silent_answers
    return replace(
        known,
        sweeps=sweeps,
        live_loss=known.live_loss + (live_loss - known.live_loss) / sweeps,
        silent_answers=known.silent_answers + (answers - known.silent_answers) / sweeps,
    )


def is_frozen(known: ProvinceMemory) -> bool:
    """Whether its targets keep their shares."""
    return known.up_seconds is not None and known.up_seconds <= FROZEN_SECONDS


def frozen_targets(sweep: Sweep, provinces: Mapping[str, ProvinceMemory]) -> Flags:
    """Which targets keep their shares: bool[targets]."""
    frozen = np.zeros(sweep.library.targets, np.bool_)
    for index, province in enumerate(sweep.library.provinces):
        if is_frozen(provinces.get(province.slug, ProvinceMemory())):
            frozen[sweep.library.slice_of(index)] = True
    return frozen
