"""Lasting changes of level: what is a rise for a day, and then the usual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab.day.outages import Outage
from lab.day.swing import DAY
from lab.day.types import Floats
from netsky.places import PROVINCES

NEW_FOR = DAY  # minutes
HEIGHTS = (0.02, 0.10)
# Half of them go back as suddenly, after so many days; the others stay.
LASTS_DAYS, GO_BACK = (5, 12), 0.5
PERIOD = 28 * DAY


@dataclass(frozen=True, slots=True)
class Shift:
    """A province, by its index, loses the ratio `height` more from the minute `start` to `end`."""

    start: int
    end: int
    height: float
    province: int


def draw_shifts(rng: np.random.Generator, minutes: int, rate: float) -> list[Shift]:
    """`rate` shifts of each province in four weeks."""
    shifts = []
    for _ in range(rng.poisson(rate * len(PROVINCES) * minutes / PERIOD)):
        start = int(rng.integers(minutes))
        lasts = int(rng.uniform(*LASTS_DAYS) * DAY) if rng.random() < GO_BACK else minutes
        height = float(np.exp(rng.uniform(*np.log(HEIGHTS))))
        shifts.append(Shift(start, start + lasts, height, int(rng.integers(len(PROVINCES)))))
    return shifts


def first_day_of(shift: Shift) -> Outage:
    """While it is new it is a rise like others."""
    return Outage(shift.start, NEW_FOR, 1, shift.height, (shift.province,))


def level_of(shifts: Sequence[Shift], minutes: int) -> Floats:
    """What share of otherwise good packets is usually lost since: float64[minutes, provinces]."""
    kept = np.ones((minutes, len(PROVINCES)))
    for shift in shifts:
        kept[shift.start + NEW_FOR : shift.end, shift.province] *= 1 - shift.height
    return 1 - kept
