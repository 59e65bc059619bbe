"""The smallest rise that is alerted, case by case.

The 31 provinces of a line are all alike, but for the height of one outage. Alerts are those of
Prometheus; a height counts when it and all above it are alerted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lab.day.outages import Outage
from lab.day.replay import Alerts, replay, through_prometheus
from lab.day.rules import find_rule
from lab.day.swing import DAY, LOCAL_HOURS, PEAK_HOUR, day_peak
from lab.day.types import Bools
from lab.day.world import Line, make_line
from netsky.places import PROVINCES

# Limits are in points; an outage above the last one has lost nearly everything.
HEIGHTS = (*np.arange(4, 10, 0.5), *range(10, 20), 20, 22, 25, 30, 35, 40, 50, 60, 80)
LASTING_HEIGHTS = (6, 8, 10, 15, 20, 30, 50, 80)
LASTING_HOURS = 14
TEST_MINUTES = 30
BASE = 0.01
ALIKE = tuple(range(len(PROVINCES)))


@dataclass(frozen=True, slots=True)
class Case:
    """What is unlike the plain case: hours are local, the peak is in points; `day` 1 is the second."""

    name: str
    hour: int = 13
    day: int = 1
    peak: float = 0.0
    dead: float = 0.1
    targets: int = 32_768
    ramp_hours: float = 0.0
    before: tuple[Outage, ...] = ()

    @property
    def start(self) -> int:
        """When the outage under test begins: soon after an averaging."""
        return (self.day + (self.hour < LOCAL_HOURS)) * DAY + (self.hour - LOCAL_HOURS) * 60 + 10

    @property
    def end(self) -> int:
        return self.start + round(60 * self.ramp_hours) + TEST_MINUTES

    def after(self, height: float, hours: float, ago: float) -> tuple[Outage, ...]:
        """An outage of all that ended so many hours ago."""
        lasted = round(60 * hours)
        start = self.start - lasted - round(60 * ago)
        return (Outage(start, lasted, 1, height / 100, ALIKE),)


def cases() -> Iterator[Case]:
    """Plain, and then one thing at a time."""
    plain = Case("plain: 1 % loss, 10 % dead, 32,768 targets")
    yield plain
    for dead in (0.03, 0.2, 0.3, 0.5):
        yield Case(f"{100 * dead:.0f} % dead addresses", dead=dead)
    for targets in (200, 1000):
        yield Case(f"{targets} targets", targets=targets)
    for peak in (2, 4, 8):
        for hour in (5, 13, 21):
            yield Case(f"evening peak of {peak} points, at {hour:02d} h", hour=hour, peak=peak)
    for height, hours in ((20, 1), (20, 3), (100, 1), (100, 3)):
        for ago in (1, 6, 11):
            name = f"{ago} h after {hours} h at {height} points"
            yield Case(name, before=plain.after(height, hours, ago))
    later = Case("later", day=4)
    for hours in (26, 50):
        since = Outage(later.start - 60 * hours, 60 * hours + TEST_MINUTES, 1, 0.06, ALIKE)
        name = f"{hours} h after the level rose by 6 points for good"
        yield replace(later, name=name, before=(since,))
    for hours in (1, 3, 6, 10):
        yield Case(f"slow onset, over {hours} h", ramp_hours=hours)


def line_of(case: Case, tested: Sequence[Outage], end: int, seed: int) -> Line:
    """A line up to the minute `end`; everything in it is as usual but for these outages."""
    shape = day_peak(end, np.full(len(PROVINCES), PEAK_HOUR))
    normal = BASE + case.peak / 100 * shape
    dead = np.full(len(PROVINCES), case.dead)
    return make_line(
        case.name,
        targets=case.targets,
        dead=dead,
        normal=normal,
        outages=[*case.before, *tested],
        up=np.ones(end, np.bool_),
        rng=np.random.default_rng(seed),
    )


def smallest(rule: str, case: Case, seed: int) -> tuple[float | None, float | None]:
    """The smallest heights (points) that are alerted at all, and as severe."""
    minutes, ramp = case.end - case.start, round(60 * case.ramp_hours)
    tested = [
        Outage(case.start, minutes, ramp, height / 100, (index,))
        for index, height in enumerate(HEIGHTS)
    ]
    alerts = alerts_of(rule, line_of(case, tested, case.end, seed))
    return (
        _from_which_on(alerts.provinces[case.start :]),
        _from_which_on(alerts.severe[case.start :]),
    )


def _from_which_on(stands: Bools) -> float | None:
    missed = np.flatnonzero(~np.any(stands, axis=0))
    first = int(missed[-1]) + 1 if len(missed) else 0
    return float(HEIGHTS[first]) if first < len(HEIGHTS) else None


def lasting(rule: str, seed: int) -> list[tuple[float, float]]:
    """For each of LASTING_HEIGHTS, how many hours of an outage were alerted, and as severe."""
    case = Case("lasting")
    minutes = 60 * LASTING_HOURS
    tested = [
        Outage(case.start, minutes, 1, height / 100, (index,))
        for index, height in enumerate(LASTING_HEIGHTS)
    ]
    alerts = alerts_of(rule, line_of(case, tested, case.start + minutes, seed))
    hours = [rows[case.start :].sum(axis=0) / 60 for rows in (alerts.provinces, alerts.severe)]
    return [(float(hours[0][i]), float(hours[1][i])) for i in range(len(LASTING_HEIGHTS))]


def alerts_of(rule: str, line: Line) -> Alerts:
    return through_prometheus(replay(find_rule(rule), [line])[0])
