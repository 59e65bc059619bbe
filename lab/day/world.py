"""The truth of some days, and what sweeps would measure of it.

Of `targets` addresses a province a fixed share is dead and never answers. The others lose each packet
with the probability

    1 - (1 - normal)(1 - risen)

where `normal` swings with the hour of the day. The true rise, `risen`, is what outages take of the
packets that would have arrived otherwise: a swing is no incident, and dead addresses are no users.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from lab.day.outages import ANY, Kind, Outage, draw_outages, rise_of
from lab.day.shifts import draw_shifts, first_day_of, level_of
from lab.day.swing import DAY, PEAK_HOUR, swing, wander
from lab.day.types import Bools, Floats
from netsky.places import PROVINCES

STARTED_AT = datetime(2024, 3, 4, tzinfo=UTC)
WARM_UP = DAY  # rules may learn for so long before they are scored
MINUTE = 60  # seconds

GAPS_A_DAY, GAP_MINUTES, MISSED = 0.5, (3, 120), 0.001


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the days are drawn from; the same `seed` gives the same truth, whatever `targets`.

    A sweep each `every` seconds; `missed` of them are lost, besides `gaps` a day. Peaks at each of
    `peak_hours`, `weekend` times as high on Saturdays and Sundays; `shifts` lasting changes of level in
    each province in four weeks; outages of a `kind`.
    """

    days: int = 7
    seed: int = 1
    egresses: int = 2
    isps: int = 1
    targets: int = 32_768
    floor: tuple[float, float] = (0.03, 0.30)
    peak: float = 1.0
    outages: float = 1.0
    every: int = MINUTE
    missed: float = MISSED
    gaps: float = GAPS_A_DAY
    peak_hours: tuple[float, ...] = (PEAK_HOUR,)
    weekend: float = 1.0
    shifts: float = 0.0
    kind: Kind = ANY

    @property
    def minutes(self) -> int:
        return WARM_UP + self.days * DAY

    def rng(self, *purpose: int) -> np.random.Generator:
        """A stream of its own for each purpose, so that one does not shift the others."""
        return np.random.default_rng([self.seed, *purpose])


@dataclass(frozen=True, slots=True)
class Line:
    """One ISP through one exit: arrays by minute or sweep and by province; WARM_UP is not scored.

    `risen` [minutes] is the true rise, `loss_ratio` [sweeps] what was measured, NaN where there was no
    sweep; there is one each `every` seconds, a whole number of them each minute.
    """

    name: str
    targets: int
    dead: Floats
    risen: Floats
    loss_ratio: Floats
    every: int = MINUTE

    def at(self, sweep: int) -> datetime:
        return STARTED_AT + timedelta(seconds=sweep * self.every)


def draw_lines(assumed: Assumptions) -> list[Line]:
    """The lines of a world, by ISP and exit."""
    outages = draw_outages(
        assumed.rng(0),
        minutes=assumed.minutes,
        egresses=assumed.egresses,
        isps=assumed.isps,
        factor=assumed.outages,
        kind=assumed.kind,
    )
    return [
        line
        for isp in range(assumed.isps)
        for line in _lines_of(assumed, isp, [each for each in outages if each.isp in (None, isp)])
    ]


def _lines_of(assumed: Assumptions, isp: int, outages: Sequence[Outage]) -> list[Line]:
    """Those of an ISP, by exit."""
    dead = assumed.rng(1, isp).uniform(*assumed.floor, len(PROVINCES))
    usual = swing(
        assumed.rng(2, isp),
        assumed.minutes,
        peak=assumed.peak,
        peak_hours=assumed.peak_hours,
        weekend=assumed.weekend,
    )
    shifts = draw_shifts(assumed.rng(6, isp), assumed.minutes, assumed.shifts)
    level = level_of(shifts, assumed.minutes)
    lines = []
    for egress in range(assumed.egresses):
        touching = [outage for outage in outages if outage.touches(egress, isp)]
        normal = usual * wander(assumed.rng(3, isp, egress), assumed.minutes)
        line = make_line(
            f"isp-{isp + 1} exit-{egress + 1}",
            targets=assumed.targets,
            dead=dead,
            normal=1 - (1 - normal) * (1 - level),
            outages=[*touching, *map(first_day_of, shifts)],
            up=draw_uptime(assumed.rng(4, egress), assumed),
            rng=assumed.rng(5, isp, egress),
            every=assumed.every,
        )
        lines.append(line)
    return lines


def make_line(
    name: str,
    *,
    targets: int,
    dead: Floats,
    normal: Floats,
    outages: Sequence[Outage],
    up: Bools,
    rng: np.random.Generator,
    every: int = MINUTE,
) -> Line:
    """Measure the truth: whole addresses are dead, the packets of the others binomial.

    `normal` is by minute, `up` by sweep.
    """
    risen = rise_of(outages, len(normal))
    gone = np.rint(dead * targets).astype(np.int64)
    chance = np.repeat(1 - (1 - normal) * (1 - risen), MINUTE // every, axis=0)
    lost = gone + rng.binomial(targets - gone, chance)
    loss_ratio = np.where(up[:, None], lost / targets, np.nan)
    return Line(name, targets, gone / targets, risen, loss_ratio, every)


def draw_uptime(rng: np.random.Generator, assumed: Assumptions) -> Bools:
    """The sweeps that the probe of an exit has made."""
    a_minute = MINUTE // assumed.every
    up = rng.random(assumed.minutes * a_minute) >= assumed.missed
    for _ in range(rng.poisson(assumed.gaps * assumed.minutes / DAY)):
        start = rng.integers(assumed.minutes)
        lasts = round(np.exp(rng.uniform(*np.log(GAP_MINUTES))))
        up[start * a_minute : (start + lasts) * a_minute] = False
    return up
