"""Targets: which addresses stand for the users of an ISP, by province."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netsky.places import Province

Addresses = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class AddressLibrary:
    """All targets of one ISP, by province.

    `addresses` is uint32[n] in host byte order; province i owns
    `addresses[bounds[i]:bounds[i + 1]]`, ascending and without duplicates. Every province
    listed has at least one target. `duplicates` and `excluded` count what was dropped.
    """

    isp: str
    provinces: tuple[Province, ...]
    addresses: Addresses
    bounds: npt.NDArray[np.int64]
    duplicates: int = 0
    excluded: int = 0

    @property
    def targets(self) -> int:
        return len(self.addresses)

    def slice_of(self, index: int) -> slice:
        """Where the targets of `provinces[index]` lie in `addresses`."""
        return slice(int(self.bounds[index]), int(self.bounds[index + 1]))


def dotted(address: int) -> str:
    """An address in host byte order as people write it."""
    return ".".join(str(octet) for octet in address.to_bytes(4, "big"))
