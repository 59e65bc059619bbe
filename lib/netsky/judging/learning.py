"""What a sweep may teach: a fault must not be learned as if it were usual.

Seven lost sweeps in a row, and a target no longer counts as usually alive: so a fault would hide itself
in minutes. While a province loses far more than usual, or is in an open incident, its targets are
frozen, for a day at most: a rise that has lasted so long is the new usual.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

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
    """Whether the province loses far more than is usual there, and nobody has moved."""
    return _loses_more(known, loss) and not _moved(known, loss)


def _loses_more(known: ProvinceMemory, loss: ProvinceLoss) -> bool:
    if known.sweeps < _FEWEST_SWEEPS or not loss.live_sent:
        return False
    usual = loss.live_sent * known.live_loss
    least = max(_LEAST_PACKETS, _LEAST_SHARE * loss.live_sent, _DEVIATIONS * float(np.sqrt(usual)))
    return _excess(known, loss) >= least


def _moved(known: ProvinceMemory, loss: ProvinceLoss) -> bool:
    """Whether half as many of the silent targets answer now as others are lost.

    Then users have moved to other addresses, and nothing fails.
    """
    moved = loss.silent_answered - loss.silent_sent * known.silent_answers
    return moved >= _excess(known, loss) / 2


def _excess(known: ProvinceMemory, loss: ProvinceLoss) -> float:
    """How many packets are lost beyond what is usual."""
    return loss.live_lost - loss.live_sent * known.live_loss


def provinces_after(
    memory: Memory,
    sweep: Sweep,
    losses: Mapping[str, ProvinceLoss],
    *,
    in_incident: Collection[str] | None,
) -> dict[str, ProvinceMemory]:
    """What is known of each province, by slug, after a sweep.

    `in_incident` are the provinces with an open incident; None: it could not be asked, and those that
    were in one are so still.
    """
    known = dict(memory.provinces)
    for slug, loss in losses.items():
        before = known.get(slug, ProvinceMemory())
        if loss.live_sent or loss.silent_sent:
            was_in = before.incident_seconds is not None
            still = was_in if in_incident is None else slug in in_incident
            seconds = _seconds(memory.last_swept_at(slug), sweep.started_at)
            after = _after(before, loss, seconds, in_incident=still)
            known[slug] = replace(after, swept_at=sweep.started_at.timestamp())
    return known


def _seconds(last: datetime | None, at: datetime) -> float:
    """For how long what stood at the last sweep, too, has lasted since."""
    return 0.0 if last is None else min(max((at - last).total_seconds(), 0.0), _LONGEST_GAP)


def _after(
    known: ProvinceMemory, loss: ProvinceLoss, seconds: float, *, in_incident: bool
) -> ProvinceMemory:
    up = is_up(known, loss)
    if known.incident_seconds is None and _loses_more(known, loss) and not up:
        in_incident = False  # the old addresses of users that have moved have opened it
    after = replace(
        known,
        up_seconds=_lasting(known.up_seconds, seconds, still=up),
        incident_seconds=_lasting(known.incident_seconds, seconds, still=in_incident),
    )
    if is_frozen(after):
        return after
    if up:  # for longer than a day: nothing of what was usual is left
        # The incident is of the same rise, and must not freeze it for another day.
        incident_seconds = after.up_seconds if in_incident else None
        after = ProvinceMemory(up_seconds=after.up_seconds, incident_seconds=incident_seconds)
    return _with(after, loss)


def _lasting(lasted: float | None, seconds: float, *, still: bool) -> float | None:
    """For how long something has lasted now, None: it does not."""
    if not still:
        return None
    return 0.0 if lasted is None else lasted + seconds


def _with(known: ProvinceMemory, loss: ProvinceLoss) -> ProvinceMemory:
    """The usual loss with one sweep more in it; without usually alive targets it begins anew."""
    if not loss.live_sent:
        return ProvinceMemory(up_seconds=known.up_seconds, incident_seconds=known.incident_seconds)
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
    lasted = (known.up_seconds, known.incident_seconds)
    return any(each is not None and each <= FROZEN_SECONDS for each in lasted)


def frozen_targets(sweep: Sweep, provinces: Mapping[str, ProvinceMemory]) -> Flags:
    """Which targets keep their shares: bool[targets]."""
    frozen = np.zeros(sweep.library.targets, np.bool_)
    for index, province in enumerate(sweep.library.provinces):
        if is_frozen(provinces.get(province.slug, ProvinceMemory())):
            frozen[sweep.library.slice_of(index)] = True
    return frozen
