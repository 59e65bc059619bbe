"""The truth of some days, and what a sweep a minute would measure of it.

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

from lab.day.outages import Outage, draw_outages, rise_of
from lab.day.types import Bools, Floats
from netsky.places import PROVINCES

DAY = 1440
STARTED_AT = datetime(2024, 3, 4, tzinfo=UTC)
LOCAL_HOURS = 8  # China's time is so far ahead of UTC
WARM_UP = DAY  # rules may learn for so long before they are scored

BASE = (0.005, 0.03)
PEAK_HOUR, PEAK_WIDTH_HOURS = 21.0, 2.0
HIGH_PEAK, LOW_PEAK, HIGH_SHARE = (0.02, 0.04), (0.0, 0.01), 1 / 3
# How far a loss drifts, relative to itself, and how long a drift lasts.
WANDER, WANDER_MINUTES = 0.15, 30.0

GAPS_A_DAY, GAP_MINUTES, MISSED = 0.5, (3, 120), 0.001


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the days are drawn from; the same `seed` gives the same truth, whatever `targets`."""

    days: int = 7
    seed: int = 1
    egresses: int = 2
    isps: int = 1
    targets: int = 32_768
    floor: tuple[float, float] = (0.03, 0.30)
    peak: float = 1.0
    outages: float = 1.0

    @property
    def minutes(self) -> int:
        return WARM_UP + self.days * DAY

    def rng(self, *purpose: int) -> np.random.Generator:
        """A stream of its own for each purpose, so that one does not shift the others."""
        return np.random.default_rng([self.seed, *purpose])


@dataclass(frozen=True, slots=True)
class Line:
    """One ISP through one exit: arrays of [minutes, provinces], the first WARM_UP not scored.

    `risen` is the true rise; `loss_ratio` what the sweeps measured, NaN where there was none.
    """

    name: str
    targets: int
    dead: Floats
    risen: Floats
    loss_ratio: Floats

    def at(self, minute: int) -> datetime:
        return STARTED_AT + timedelta(minutes=minute)


def draw_lines(assumed: Assumptions) -> list[Line]:
    """The lines of a world, by ISP and exit."""
    outages = draw_outages(
        assumed.rng(0),
        minutes=assumed.minutes,
        egresses=assumed.egresses,
        isps=assumed.isps,
        factor=assumed.outages,
    )
    lines = []
    for isp in range(assumed.isps):
        dead = assumed.rng(1, isp).uniform(*assumed.floor, len(PROVINCES))
        usual = swing(assumed.rng(2, isp), assumed.minutes, peak=assumed.peak)
        for egress in range(assumed.egresses):
            touching = [outage for outage in outages if outage.touches(egress, isp)]
            normal = usual * wander(assumed.rng(3, isp, egress), assumed.minutes)
            up = draw_uptime(assumed.rng(4, egress), assumed.minutes)
            noise = assumed.rng(5, isp, egress)
            name = f"isp-{isp + 1} exit-{egress + 1}"
            lines.append(
                make_line(
                    name,
                    targets=assumed.targets,
                    dead=dead,
                    normal=normal,
                    outages=touching,
                    up=up,
                    rng=noise,
                )
            )
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
) -> Line:
    """Measure the truth: whole addresses are dead, the packets of the others binomial."""
    risen = rise_of(outages, len(normal))
    gone = np.rint(dead * targets).astype(np.int64)
    lost = gone + rng.binomial(targets - gone, 1 - (1 - normal) * (1 - risen))
    loss_ratio = np.where(up[:, None], lost / targets, np.nan)
    return Line(name, targets, gone / targets, risen, loss_ratio)


def swing(rng: np.random.Generator, minutes: int, *, peak: float) -> Floats:
    """The usual loss of an ISP's users: a base, and a peak each evening, not all of one height."""
    count = len(PROVINCES)
    high = rng.random(count) < HIGH_SHARE
    height = np.where(high, rng.uniform(*HIGH_PEAK, count), rng.uniform(*LOW_PEAK, count))
    base = rng.uniform(*BASE, count)
    centre = rng.normal(PEAK_HOUR, 0.5, count)
    # Days begin at noon, so that no evening peak is cut in two.
    from_noon = np.arange(minutes) + (LOCAL_HOURS + 12) * 60
    of_evening = rng.uniform(0.7, 1.3, (from_noon[-1] // DAY + 1, count))[from_noon // DAY]
    return base + peak * height * of_evening * evening(minutes, centre)


def evening(minutes: int, centre: Floats) -> Floats:
    """How far each hour is in the evening's peak, 0 to 1; `centre` is the local hour of the peak, by province."""
    hour = (np.arange(minutes) / 60 + LOCAL_HOURS)[:, None]
    distance = (hour - centre + 12) % 24 - 12
    return np.asarray(np.exp(-0.5 * (distance / PEAK_WIDTH_HOURS) ** 2))


def wander(rng: np.random.Generator, minutes: int) -> Floats:
    """Factors about 1: real loss is less even than binomial."""
    memory = np.exp(-1 / WANDER_MINUTES)
    steps = rng.normal(0, np.sqrt(1 - memory**2), (minutes, len(PROVINCES)))
    level, levels = rng.normal(0, 1, len(PROVINCES)), np.empty_like(steps)
    for minute, step in enumerate(steps):
        level = memory * level + step
        levels[minute] = level
    return np.asarray(np.exp(WANDER * levels))


def draw_uptime(rng: np.random.Generator, minutes: int) -> Bools:
    """The minutes in which the probe of an exit has run."""
    up = rng.random(minutes) >= MISSED
    for _ in range(rng.poisson(GAPS_A_DAY * minutes / DAY)):
        start = rng.integers(minutes)
        lasts = np.exp(rng.uniform(*np.log(GAP_MINUTES)))
        up[start : start + round(lasts)] = False
    return up
