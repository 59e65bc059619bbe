"""Which part of a province fails: the prefixes that stand out, and what is left of the province."""

from __future__ import annotations

from dataclasses import dataclass

ALL_LOST = 0.99  # from so much on nothing gets through, but for an odd packet


@dataclass(frozen=True, slots=True)
class Part:
    """Usually alive targets of a province in a sweep: those of a prefix, or, with None, of the rest.

    Ratios are 0 to 1. `usual_loss_ratio` is what they lost before. `lost_again_ratio`: of those lost
    in the sweep before, the share that is lost now, too; None when these are too few to tell. It is
    like `loss_ratio` when packets are lost by chance (congestion), and near 1 when a part is dead.
    `excess_ratio` is the part's share of what the province loses beyond the usual. `city` is where
    the prefix is in use, if known.
    """

    prefix: str | None
    live_targets: int
    packets_sent: int
    packets_lost: int
    usual_loss_ratio: float
    lost_again_ratio: float | None
    excess_ratio: float
    city: str | None = None

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
