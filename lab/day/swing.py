"""How the usual loss of an ISP's users goes: peaks of the day, weekends, and drifts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lab.day.types import Bools, Floats
from netsky.places import PROVINCES

DAY = 1440
LOCAL_HOURS = 8  # China's time is so far ahead of UTC
FIRST_WEEKDAY = 0  # the days begin on a Monday

BASE = (0.005, 0.03)
PEAK_HOUR, PEAK_WIDTH_HOURS = 21.0, 2.0
HIGH_PEAK, LOW_PEAK, HIGH_SHARE = (0.02, 0.04), (0.0, 0.01), 1 / 3
# At weekends the afternoon is busy, too, so much as the evening of a working day.
AFTERNOON_HOUR, AFTERNOON_WIDTH_HOURS, AFTERNOON = 15.0, 3.0, 0.7
# How far a loss drifts, relative to itself, and how long a drift lasts.
WANDER, WANDER_MINUTES = 0.15, 30.0


def swing(
    rng: np.random.Generator,
    minutes: int,
    *,
    peak: float,
    peak_hours: Sequence[float] = (PEAK_HOUR,),
    weekend: float = 1.0,
) -> Floats:
    """The usual loss of an ISP's users: a base, and peaks each day, not all of one height.

    Those of a weekend are `weekend` times as high; with another factor than 1 its afternoons are busy.
    """
    count = len(PROVINCES)
    high = rng.random(count) < HIGH_SHARE
    height = np.where(high, rng.uniform(*HIGH_PEAK, count), rng.uniform(*LOW_PEAK, count))
    base = rng.uniform(*BASE, count)
    centre = rng.normal(0, 0.5, count)
    # Days begin at noon, so that no evening peak is cut in two.
    from_noon = np.arange(minutes) + (LOCAL_HOURS + 12) * 60
    shape = np.zeros((minutes, count))
    for hour in peak_hours:
        of_day = rng.uniform(0.7, 1.3, (from_noon[-1] // DAY + 1, count))[from_noon // DAY]
        shape = np.maximum(shape, of_day * day_peak(minutes, hour + centre))
    if weekend != 1:
        afternoon = day_peak(minutes, AFTERNOON_HOUR + centre, AFTERNOON_WIDTH_HOURS)
        busy = np.maximum(weekend * shape, AFTERNOON * weekend * afternoon)
        shape = np.where(is_weekend(minutes)[:, None], busy, shape)
    return base + peak * height * shape


def day_peak(minutes: int, centre: Floats, width_hours: float = PEAK_WIDTH_HOURS) -> Floats:
    """How far each hour is in a peak, 0 to 1; `centre` is the local hour of the peak, by province."""
    hour = (np.arange(minutes) / 60 + LOCAL_HOURS)[:, None]
    distance = (hour - centre + 12) % 24 - 12
    return np.asarray(np.exp(-0.5 * (distance / width_hours) ** 2))


def is_weekend(minutes: int) -> Bools:
    """Which minutes are on a Saturday or Sunday in China, from 5 h to 5 h: evenings go on past midnight."""
    days = (np.arange(minutes) + (LOCAL_HOURS - 5) * 60) // DAY
    return np.asarray((days + FIRST_WEEKDAY) % 7 >= 5)


def wander(rng: np.random.Generator, minutes: int) -> Floats:
    """Factors about 1: real loss is less even than binomial."""
    memory = np.exp(-1 / WANDER_MINUTES)
    steps = rng.normal(0, np.sqrt(1 - memory**2), (minutes, len(PROVINCES)))
    level, levels = rng.normal(0, 1, len(PROVINCES)), np.empty_like(steps)
    for minute, step in enumerate(steps):
        level = memory * level + step
        levels[minute] = level
    return np.asarray(np.exp(WANDER * levels))
