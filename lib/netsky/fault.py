"""Which part of a province fails: the prefixes that stand out, and what is left of the province."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

ALL_LOST = 0.99  # from so much on nothing gets through, but for an odd packet


@dataclass(frozen=True, slots=True)
class Part:
    """Usually alive targets of a province in a sweep: those of a prefix, or, with None, of the rest.

    Ratios are 0 to 1. `usual_loss_ratio` is what they lost before; None while the memory of the
    province is too young to tell. `lost_again_ratio`: of those lost in the sweep before, the share that
    is lost now, too; None when these are too few to tell. It is like `loss_ratio` when packets are
    lost by chance (congestion), and near 1 when a part is dead. `excess_ratio` is the part's share of
    what the province loses beyond the usual. `cities` are where these targets are, most of them first,
    as far as the library knows.
    """

    prefix: str | None
    live_targets: int
    packets_sent: int
    packets_lost: int
    usual_loss_ratio: float | None
    lost_again_ratio: float | None
    excess_ratio: float
    cities: tuple[str, ...] = ()

    @property
    def loss_ratio(self) -> float | None:
        """Packets lost / packets sent; None without any."""
        return self.packets_lost / self.packets_sent if self.packets_sent else None


@dataclass(frozen=True, slots=True)
class Fault:
    """What fails in a province that loses far more than usual: `prefixes`, the worst first.

    Without any the whole of it does, and `rest` is the whole.
    """

    prefixes: tuple[Part, ...]
    rest: Part

    def document(self) -> dict[str, Any]:
        """The same as JSON has it."""
        return {
            "prefixes": [_part_document(part) for part in self.prefixes],
            "rest": _part_document(self.rest),
        }


NO_FAULT: Mapping[str, Any] = {"prefixes": [], "rest": None}
"""What JSON has of a province without one."""


def parse_fault(text: str | None) -> Fault | None:
    """A fault from its document as text; None for none, and for what is no such document."""
    try:
        document = json.loads(text or "null")
        parts = tuple(_part(part) for part in document["prefixes"])
        return Fault(parts, _part(document["rest"]))
    except (KeyError, TypeError, ValueError):
        return None


def _part_document(part: Part) -> dict[str, Any]:
    return {**asdict(part), "cities": list(part.cities), "loss_ratio": part.loss_ratio}


def _part(document: Mapping[str, Any]) -> Part:
    fields = {name: value for name, value in document.items() if name != "loss_ratio"}
    return Part(**fields | {"cities": tuple(map(str, document.get("cities", ())))})
