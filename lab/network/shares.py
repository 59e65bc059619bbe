"""Which addresses of a place are dead or flapping: the same ones each time, by a seed."""

from __future__ import annotations

import random
from ipaddress import IPv4Address

from lab.network.addresses import Place
from lab.network.faults import RESIDUES
from netsky.errors import InputError


def dead_residues(place: Place, share: float, seed: int) -> list[int]:
    """The last bits of the addresses that never answer.

    They are `share` of all, to the nearest 1/1024, and those of a smaller share are among them.
    """
    return _shuffled(place, seed)[: _count(share)]


def flapping_residues(place: Place, share: float, seed: int) -> list[int]:
    """The same of those that flap: no dead ones as long as the two shares allow it."""
    return _shuffled(place, seed)[RESIDUES - _count(share) :]


def addresses_with(place: Place, residues: list[int]) -> list[IPv4Address]:
    """All addresses of a place with these last bits, ascending."""
    wanted = set(residues)
    return [address for address in place.prefix if int(address) % RESIDUES in wanted]


def _count(share: float) -> int:
    if not 0 <= share <= 1:
        raise InputError(f"a share of {100 * share:g} %: 0 to 100")
    return round(share * RESIDUES)


def _shuffled(place: Place, seed: int) -> list[int]:
    residues = list(range(RESIDUES))
    random.Random(f"{seed} {place}").shuffle(residues)  # noqa: S311  nothing secret about it
    return residues
