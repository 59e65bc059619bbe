"""Outages at random: where, when, how high, how long, how sudden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.day.types import Floats
from netsky.places import PROVINCES

HEIGHTS = (0.02, 1.0)  # the share of packets that an outage takes at its height
MINUTES = (2, 480)
RAMP_MINUTES = (10, 120)
SLOW = 0.3  # this share of the outages comes slowly

# Outages a day: in a province of an ISP, in several of an ISP, in all through an exit.
PROVINCE_RATE, CARRIER_RATE, EGRESS_RATE = 4.0, 0.5, 0.15
CARRIER_PROVINCES = (4, 12)


@dataclass(frozen=True, slots=True)
class Outage:
    """Some provinces lose the ratio `height` more, fully so after `ramp` of the `minutes`.

    `provinces` are indexes; `egress` and `isp` are, too, with None for all of them.
    """

    start: int
    minutes: int
    ramp: int
    height: float
    provinces: tuple[int, ...]
    egress: int | None = None
    isp: int | None = None

    def touches(self, egress: int, isp: int) -> bool:
        return self.egress in (None, egress) and self.isp in (None, isp)


def rise_of(outages: Sequence[Outage], minutes: int) -> Floats:
    """What share of otherwise good packets the outages of a line lose: float64[minutes, provinces]."""
    kept = np.ones((minutes, len(PROVINCES)))
    for outage in outages:
        elapsed = np.arange(1, min(outage.minutes, minutes - outage.start) + 1)
        lost = outage.height * np.minimum(1.0, elapsed / max(1, outage.ramp))
        rows = slice(outage.start, outage.start + len(elapsed))
        kept[rows, list(outage.provinces)] *= 1 - lost[:, None]
    return 1 - kept


def draw_outages(
    rng: np.random.Generator, *, minutes: int, egresses: int, isps: int, factor: float
) -> list[Outage]:
    """Outages of all lines; `factor` times as many as usual."""
    days = factor * minutes / 1440
    everywhere = tuple(range(len(PROVINCES)))
    outages: list[Outage] = []
    for isp in range(isps):
        counts = [1] * rng.poisson(PROVINCE_RATE * days) + [
            int(rng.integers(*CARRIER_PROVINCES, endpoint=True))
            for _ in range(rng.poisson(CARRIER_RATE * days))
        ]
        outages += [_draw(rng, minutes, _some(rng, count), isp=isp) for count in counts]
    for egress in range(egresses):
        count = rng.poisson(EGRESS_RATE * days)
        outages += [_draw(rng, minutes, everywhere, egress=egress) for _ in range(count)]
    return outages


def _some(rng: np.random.Generator, count: int) -> tuple[int, ...]:
    return tuple(map(int, rng.choice(len(PROVINCES), count, replace=False)))


def _draw(
    rng: np.random.Generator,
    minutes: int,
    provinces: tuple[int, ...],
    *,
    egress: int | None = None,
    isp: int | None = None,
) -> Outage:
    lasts = round(_between(rng, MINUTES))
    slow = rng.random() < SLOW
    ramp = min(lasts, round(_between(rng, RAMP_MINUTES)))
    return Outage(
        start=int(rng.integers(minutes)),
        minutes=lasts,
        ramp=ramp if slow else 1,
        height=_between(rng, HEIGHTS),
        provinces=provinces,
        egress=egress,
        isp=isp,
    )


def _between(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """As many of 2 to 4 as of 10 to 20: small and short ones are more frequent."""
    return float(np.exp(rng.uniform(*np.log(bounds))))
