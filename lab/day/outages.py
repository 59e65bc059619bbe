"""Outages at random: where, when, how high, how long, how sudden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.day.types import Floats
from netsky.places import PROVINCES

# Outages a day: in a province of an ISP, in several of an ISP, in all through an exit.
PROVINCE_RATE, CARRIER_RATE, EGRESS_RATE = 4.0, 0.5, 0.15
CARRIER_PROVINCES = (4, 12)


@dataclass(frozen=True, slots=True)
class Kind:
    """What outages are like: the share of packets that they take at their height, and for how long.

    The share `slow` of them comes over `ramp_minutes`; with `flap_minutes` they go and come, so long
    each time.
    """

    heights: tuple[float, float] = (0.02, 1.0)
    minutes: tuple[float, float] = (2, 480)
    slow: float = 0.3
    ramp_minutes: tuple[float, float] = (10, 120)
    flap_minutes: tuple[int, int] | None = None


ANY = Kind()
FLAPPING = Kind(minutes=(20, 480), slow=0.0, flap_minutes=(2, 10))


def congestion(hours: float) -> Kind:
    """Comes over so many hours, and then stays for half an hour to four hours."""
    ramp = 60 * hours
    return Kind((0.05, 0.30), (ramp + 30, ramp + 240), 1.0, (ramp, ramp))


@dataclass(frozen=True, slots=True)
class Outage:
    """Some provinces lose the ratio `height` more, fully so after `ramp` of the `minutes`.

    `provinces` are indexes; `egress` and `isp` are, too, with None for all of them. One that flaps is
    there for `on` minutes, then gone for `off`, and so on.
    """

    start: int
    minutes: int
    ramp: int
    height: float
    provinces: tuple[int, ...]
    egress: int | None = None
    isp: int | None = None
    on: int = 1
    off: int = 0

    def touches(self, egress: int, isp: int) -> bool:
        return self.egress in (None, egress) and self.isp in (None, isp)


def rise_of(outages: Sequence[Outage], minutes: int) -> Floats:
    """What share of otherwise good packets the outages of a line lose: float64[minutes, provinces]."""
    kept = np.ones((minutes, len(PROVINCES)))
    for outage in outages:
        elapsed = np.arange(1, min(outage.minutes, minutes - outage.start) + 1)
        lost = outage.height * np.minimum(1.0, elapsed / max(1, outage.ramp))
        lost[(elapsed - 1) % (outage.on + outage.off) >= outage.on] = 0
        rows = slice(outage.start, outage.start + len(elapsed))
        kept[rows, list(outage.provinces)] *= 1 - lost[:, None]
    return 1 - kept


def draw_outages(
    rng: np.random.Generator, *, minutes: int, egresses: int, isps: int, factor: float, kind: Kind
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
        outages += [_draw(rng, minutes, _some(rng, count), kind, isp=isp) for count in counts]
    for egress in range(egresses):
        count = rng.poisson(EGRESS_RATE * days)
        outages += [_draw(rng, minutes, everywhere, kind, egress=egress) for _ in range(count)]
    return outages


def _some(rng: np.random.Generator, count: int) -> tuple[int, ...]:
    return tuple(map(int, rng.choice(len(PROVINCES), count, replace=False)))


def _draw(
    rng: np.random.Generator,
    minutes: int,
    provinces: tuple[int, ...],
    kind: Kind,
    *,
    egress: int | None = None,
    isp: int | None = None,
) -> Outage:
    lasts = round(_between(rng, kind.minutes))
    slow = rng.random() < kind.slow
    ramp = min(lasts, round(_between(rng, kind.ramp_minutes)))
    flaps = kind.flap_minutes
    on, off = map(int, rng.integers(*flaps, 2, endpoint=True)) if flaps else (1, 0)
    return Outage(
        start=int(rng.integers(minutes)),
        minutes=lasts,
        ramp=ramp if slow else 1,
        height=_between(rng, kind.heights),
        on=on,
        off=off,
        provinces=provinces,
        egress=egress,
        isp=isp,
    )


def _between(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """As many of 2 to 4 as of 10 to 20: small and short ones are more frequent."""
    return float(np.exp(rng.uniform(*np.log(bounds))))
