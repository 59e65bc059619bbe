"""What the lab has counted: the truth that netsky's figures are held against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lab.network.addresses import PLACES


@dataclass(frozen=True, slots=True)
class Count:
    """Echo requests for a place that reached the far side of an egress, and how many it dropped.

    `loss` by the loss that was set, `dead` and `flapping` since the address is.
    """

    egress: str
    isp: str
    province: str
    seen: int
    loss: int = 0
    dead: int = 0
    flapping: int = 0

    @property
    def dropped(self) -> int:
        return self.loss + self.dead + self.flapping

    @property
    def loss_ratio(self) -> float | None:
        return self.dropped / self.seen if self.seen else None


@dataclass(frozen=True, slots=True)
class HopCount:
    """What router number `hop`, from 1, dropped: all packets as a `blackhole`, own messages `limited`.

    `forward` are packets that it lost on their way to the far side, `back` those on their way from there.
    """

    egress: str
    hop: int
    blackhole: int
    limited: int
    forward: int = 0
    back: int = 0


@dataclass(frozen=True, slots=True)
class Truth:
    """All counts of a lab, since it was made. `stray` are requests for addresses of no province."""

    counts: tuple[Count, ...]
    hops: tuple[HopCount, ...] = ()
    stray: int = 0

    def of(self, egress: str, isp: str) -> dict[str, Count]:
        """The counts by province."""
        return {c.province: c for c in self.counts if (c.egress, c.isp) == (egress, isp)}

    def since(self, before: Truth) -> Truth:
        """What was counted after `before`."""
        return Truth(
            tuple(_minus(*pair) for pair in zip(self.counts, before.counts, strict=True)),
            tuple(_minus(*pair) for pair in zip(self.hops, before.hops, strict=True)),
            self.stray - before.stray,
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "counts": [
                {**asdict(count), "dropped": count.dropped, "loss_ratio": count.loss_ratio}
                for count in self.counts
            ],
            "hops": [asdict(hop) for hop in self.hops],
            "stray": self.stray,
        }


_KEYS = ("egress", "isp", "province", "hop")


def _minus(new: Any, old: Any) -> Any:
    fields = {
        name: value if name in _KEYS else value - getattr(old, name)
        for name, value in asdict(new).items()
    }
    return type(new)(**fields)


def parse_counters(text: str) -> dict[str, int]:
    """Packets by the counter's name, of what `nft -j list counters` prints."""
    listed: Iterable[Mapping[str, Any]] = json.loads(text)["nftables"]
    counters = [entry["counter"] for entry in listed if "counter" in entry]
    return {counter["name"]: counter["packets"] for counter in counters}


def far_counts(egress: str, counters: Mapping[str, int]) -> list[Count]:
    return [
        Count(
            egress,
            place.isp,
            place.province,
            **{kind: counters[f"{place}_{kind}"] for kind in ("seen", "loss", "dead", "flapping")},
        )
        for place in PLACES
    ]
