"""Worlds by name, each unlike the standard one in one thing: most of them no rule was made on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from lab.day.outages import FLAPPING, congestion
from lab.day.world import Assumptions

STANDARD = "standard"
RAMP_HOURS = (1, 3, 6, 10)


def _worlds() -> Iterator[tuple[str, Assumptions]]:
    plain = Assumptions(days=28)
    yield STANDARD, plain
    yield "two-peaks", replace(plain, peak_hours=(12.5, 21.0))
    yield "weekends", replace(plain, weekend=1.5)
    yield "shifts", replace(plain, shifts=0.5)
    yield "flapping", replace(plain, kind=FLAPPING)
    for hours in RAMP_HOURS:
        yield f"slow-{hours}h", replace(plain, kind=congestion(hours))
    yield "lost-sweeps", replace(plain, missed=0.1, gaps=4.0)
    yield "10-seconds", replace(plain, days=7, every=10)
    for targets in (200, 1000):
        yield f"{targets}-targets", replace(plain, targets=targets)
    for dead in (0.03, 0.3, 0.5):
        yield f"{100 * dead:.0f}%-dead", replace(plain, floor=(dead, dead))


WORLDS: Mapping[str, Assumptions] = dict(_worlds())
