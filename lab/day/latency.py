"""The latency of some days, and what sweeps would measure of it: the mean RTT of a province's replies, in seconds.

Each province is so far away. Of an evening packets queue, in a third of the provinces by much; all of it wanders,
and the RTTs of targets differ. A rise adds to that for a while, as a detour does: so many seconds, or such a
part of what is usual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lab.day.outages import Kind, draw_outages, rise_of
from lab.day.swing import day_peak, wander
from lab.day.world import Assumptions, Line, draw_uptime
from netsky.places import PROVINCES

FAR, QUEUE, SHORT_QUEUE, LONG_SHARE = (0.008, 0.06), (0.005, 0.015), (0.0, 0.003), 1 / 3
# The wandering is this part of that of a loss; targets of a province differ by so much of their mean.
WANDERS, DIFFER = 1 / 3, 0.5


@dataclass(frozen=True, slots=True)
class Detours:
    """Rises of an hour in single provinces: so many `seconds`, and the `part` of what is usual there."""

    seconds: float = 0.0
    part: float = 0.0


def draw_latency(assumed: Assumptions, detours: Detours) -> list[Line]:
    """A line for each exit: `risen` and `loss_ratio` are seconds; nothing is dead."""
    count, minutes = len(PROVINCES), assumed.minutes
    rng = assumed.rng(7)
    far = rng.uniform(*FAR, count)
    long = rng.random(count) < LONG_SHARE
    queue = np.where(long, rng.uniform(*QUEUE, count), rng.uniform(*SHORT_QUEUE, count))
    height = rng.uniform(0.7, 1.3, (minutes // 1440 + 2, count))
    evening = day_peak(minutes, np.array(assumed.peak_hours[0]) + rng.normal(0, 0.5, count))
    usual = far + queue * evening * height[(np.arange(minutes) + 1200) // 1440]
    outages = draw_outages(
        assumed.rng(0),
        minutes=minutes,
        egresses=assumed.egresses,
        isps=1,
        factor=assumed.outages,
        kind=Kind((1.0, 1.0), (60, 60), 0.0),
    )
    alone = [each for each in outages if len(each.provinces) == 1]
    lines = []
    for egress in range(assumed.egresses):
        there = rise_of([each for each in alone if each.touches(egress, 0)], minutes)
        risen = there * (detours.seconds + detours.part * usual)
        normal = usual * wander(assumed.rng(8, egress), minutes) ** WANDERS
        noise = assumed.rng(9, egress).normal(0, 1, (minutes, count))
        measured = (normal + risen) + DIFFER * far / np.sqrt(assumed.targets) * noise
        up = draw_uptime(assumed.rng(4, egress), assumed)
        seconds = np.where(up[:, None], measured, np.nan)
        name, none = f"exit-{egress + 1}", np.zeros(count)
        lines.append(Line(name, assumed.targets, none, risen, seconds))
    return lines
