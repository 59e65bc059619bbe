"""Where a province fails: its prefixes that are worth a name, and the rest of it apart.

A prefix is named when it holds a tenth or more of what the province loses beyond the usual, or when it
is a /22 or wider and fails in two sweeps running. A single /24 that is dark is true, but no news: of a
large library some always are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.fault import Fault, Part
from netsky.judging.learning import ProvinceLoss, is_up
from netsky.judging.prefixes import failing_prefixes
from netsky.sweep import Sweep
from netsky.targets.cities import Cities
from netsky.targets.memory import ALWAYS, USUALLY, Counts, Flags, Memory, ProvinceMemory, packets

_LEAST_SHARE = 0.1
_WIDE = 22
_FEWEST_LOST_BEFORE = 10  # of fewer it cannot be told how many are lost again
# A target begins at a share of 0.8, as if it had lost before: some 9 points of that are left when it
# becomes usually alive, and 0.1 after so many sweeps more.
_FEWEST_SWEEPS = 300


@dataclass(frozen=True, slots=True)
class Located:
    """What fails in a province, as it is told, and all prefixes that were found, named or not."""

    fault: Fault
    found: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Targets:
    """The usually alive targets of a province that were sent to: arrays of one length, by address."""

    addresses: Addresses
    sent: Counts
    lost: Counts
    usual: npt.NDArray[np.float64]
    lost_before: Flags


def locate(sweep: Sweep, memory: Memory, losses: dict[str, ProvinceLoss]) -> dict[str, Located]:
    """By slug: what fails in each province that is up; `memory` is that of before the sweep."""
    located = {}
    for index, province in enumerate(sweep.library.provinces):
        known = memory.provinces.get(province.slug, ProvinceMemory())
        loss = losses[province.slug]
        if is_up(known, loss):
            targets = _targets(sweep, memory, sweep.library.slice_of(index))
            located[province.slug] = _locate(targets, known, loss)
    return located


def in_cities(
    located: Mapping[str, Located], sweep: Sweep, memory: Memory, cities: Cities
) -> dict[str, Located]:
    """The same, with the cities of the prefixes: of their usually alive targets."""
    told = dict(located)
    for index, province in enumerate(sweep.library.provinces):
        if each := located.get(province.slug):
            rows = sweep.library.slice_of(index)
            alive = sweep.library.addresses[rows][memory.live[rows]]
            parts = [
                replace(part, cities=cities.of(alive[_rows(alive, IPv4Network(part.prefix))]))
                for part in each.fault.prefixes
                if part.prefix
            ]
            told[province.slug] = replace(each, fault=replace(each.fault, prefixes=tuple(parts)))
    return told


def _targets(sweep: Sweep, memory: Memory, rows: slice) -> _Targets:
    sent, lost = packets(sweep, rows)
    answered = memory.answered[rows]
    alive = (answered >= USUALLY) & (sent > 0)
    return _Targets(
        sweep.library.addresses[rows][alive],
        sent[alive],
        lost[alive],
        1 - answered[alive] / ALWAYS,
        memory.lost[rows][alive],
    )


def _locate(targets: _Targets, known: ProvinceMemory, loss: ProvinceLoss) -> Located:
    found = failing_prefixes(targets.addresses, targets.lost / targets.sent, targets.usual)
    excess = loss.live_lost - loss.live_sent * known.live_loss
    rest = np.ones(len(targets.addresses), np.bool_)
    parts = []
    for prefix in found:
        rows = _rows(targets.addresses, prefix)
        part = _part(targets, rows, str(prefix), known, excess)
        wide_again = prefix.prefixlen <= _WIDE and str(prefix) in known.prefixes
        if wide_again or part.excess_ratio >= _LEAST_SHARE:
            parts.append(part)
            rest[rows] = False
    parts.sort(key=lambda part: part.excess_ratio, reverse=True)
    fault = Fault(tuple(parts), _part(targets, rest, None, known, excess))
    return Located(fault, tuple(map(str, found)))


def _rows(addresses: Addresses, prefix: IPv4Network) -> slice:
    """Where those of a prefix lie among addresses, which ascend."""
    first, last = (np.uint32(int(each)) for each in (prefix[0], prefix[-1]))
    start = np.searchsorted(addresses, first, side="left")
    return slice(int(start), int(np.searchsorted(addresses, last, side="right")))


def _part(
    targets: _Targets,
    chosen: slice | Flags,
    prefix: str | None,
    known: ProvinceMemory,
    excess: float,
) -> Part:
    sent, lost = targets.sent[chosen], targets.lost[chosen]
    lost_before = targets.lost_before[chosen]
    before = int(np.count_nonzero(lost_before))
    again = int(np.count_nonzero(lost_before & (lost == sent)))
    packets_sent, packets_lost = (int(each.sum(dtype=np.int64)) for each in (sent, lost))
    return Part(
        prefix=prefix,
        live_targets=len(sent),
        packets_sent=packets_sent,
        packets_lost=packets_lost,
        usual_loss_ratio=_usual(targets.usual[chosen], known),
        lost_again_ratio=again / before if before >= _FEWEST_LOST_BEFORE else None,
        excess_ratio=min(1.0, max(0.0, (packets_lost - packets_sent * known.live_loss) / excess)),
    )


def _usual(usual: npt.NDArray[np.float64], known: ProvinceMemory) -> float | None:
    """What these targets usually lose; None while it is not known."""
    if known.sweeps < _FEWEST_SWEEPS:
        return None
    return float(usual.mean()) if len(usual) else 0.0
