"""Alerts against the truth.

incident        a province whose true rise is at least `rise` for at least `minutes` in a row
alerted         an alert of that province stood in it
delay           from the first sweep of the incident to the alert, in minutes: 0 is that very sweep
false recovery  the alert ended, though the incident went on
after the end   how long the alert that stood at the end of the incident went on
false alert     one in all of whose time the true rise was below `slight`
borderline      one that is neither false nor in any incident: too small, or too short

episode         of a line: an incident, with any of its provinces; alerted by any severity
false page      of a line: any severity, while in no province there is more than `slight`
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lab.day.replay import Alerts
from lab.day.swing import DAY
from lab.day.types import Bools, Floats
from lab.day.world import WARM_UP, Line

PAST = 12 * 60


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts: ratios and minutes; the first `skip` minutes do not."""

    rise: float = 0.05
    severe: float = 0.10
    minutes: int = 3
    slight: float = 0.02
    skip: int = WARM_UP


@dataclass(frozen=True, slots=True)
class Incident:
    """One province of one line, and what became of it; times in minutes.

    `delay` None: missed. `onset` is how long the rise took from a point to what counts. `past` is in
    how many of the 12 hours before there was another rise that counts.
    """

    start: int
    end: int
    peak: float
    dead: float
    onset: int
    past: int
    is_severe: bool
    delay: int | None
    seen_severe: bool
    in_alert: int
    false_recoveries: int
    after_end: int | None

    @property
    def minutes(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class LineScore:
    """A line: its incidents, and how many alerts were not of any."""

    days: float
    incidents: tuple[Incident, ...]
    false_alerts: int
    borderline: int
    episodes: int
    episodes_alerted: int
    false_pages: int
    false_page_minutes: int


@dataclass(frozen=True, slots=True)
class _Province:
    """Truth and alerts of one province of a line, minute by minute."""

    risen: Floats
    stands: Bools
    severe: Bools
    dead: float


def score(line: Line, alerts: Alerts, terms: Terms) -> LineScore:
    """Hold the alerts of a line against its truth."""
    incidents, false_alerts, borderline = [], 0, 0
    for index in range(line.risen.shape[1]):
        province = _Province(
            line.risen[:, index],
            alerts.provinces[:, index],
            alerts.severe[:, index],
            float(line.dead[index]),
        )
        spans = list(_counted(province.risen >= terms.rise, terms))
        incidents += [_incident(span, province, terms) for span in spans]
        false, other = _not_of_incidents(province.stands, province.risen, spans, terms)
        false_alerts, borderline = false_alerts + len(false), borderline + len(other)
    worst, pages = line.risen.max(axis=1), np.asarray(alerts.severities.any(axis=1))
    episodes = list(_counted(worst >= terms.rise, terms))
    false_pages, _ = _not_of_incidents(pages, worst, episodes, terms)
    return LineScore(
        days=(len(worst) - terms.skip) / DAY,
        incidents=tuple(incidents),
        false_alerts=false_alerts,
        borderline=borderline,
        episodes=len(episodes),
        episodes_alerted=sum(bool(pages[start:end].any()) for start, end in episodes),
        false_pages=len(false_pages),
        false_page_minutes=sum(false_pages),
    )


def runs(holds: Bools) -> list[tuple[int, int]]:
    """The stretches (first minute, minute after the last) in which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _counted(holds: Bools, terms: Terms) -> Iterator[tuple[int, int]]:
    for start, end in runs(holds):
        if start >= terms.skip and end - start >= terms.minutes:
            yield start, end


def _incident(span: tuple[int, int], province: _Province, terms: Terms) -> Incident:
    start, end = span
    risen, stands = province.risen, province.stands
    its_alerts = runs(stands[start:end])
    slight = np.flatnonzero(risen[:start] < 0.01)
    is_severe = any(b - a >= terms.minutes for a, b in runs(risen[start:end] >= terms.severe))
    going_on = bool(its_alerts) and its_alerts[-1][1] == end - start
    return Incident(
        start=start,
        end=end,
        peak=float(risen[start:end].max()),
        dead=province.dead,
        onset=start - 1 - int(slight[-1]) if len(slight) else start,
        past=int(np.sum(risen[max(0, start - PAST) : start] >= terms.rise)),
        is_severe=is_severe,
        delay=its_alerts[0][0] if its_alerts else None,
        seen_severe=bool(province.severe[start:end].any()),
        in_alert=int(stands[start:end].sum()),
        false_recoveries=len(its_alerts) - 1 + (not going_on) if its_alerts else 0,
        after_end=_after_end(stands[end:], risen[end:], terms) if going_on else None,
    )


def _after_end(stands: Bools, risen: Floats, terms: Terms) -> int:
    """Minutes until the alert ends or another rise has reason for it."""
    over = np.flatnonzero(~stands | (risen >= terms.rise))
    return int(over[0]) if len(over) else len(stands)


def _not_of_incidents(
    stands: Bools, risen: Floats, spans: Sequence[tuple[int, int]], terms: Terms
) -> tuple[list[int], list[int]]:
    """How many minutes each false alert lasted, and each borderline one."""
    false: list[int] = []
    borderline: list[int] = []
    for start, end in runs(stands):
        if start < terms.skip or any(start < last and first < end for first, last in spans):
            continue
        is_false = bool((risen[start:end] < terms.slight).all())
        (false if is_false else borderline).append(end - start)
    return false, borderline
