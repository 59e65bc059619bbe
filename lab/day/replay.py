"""A rule over the sweeps of lines: which alerts stood, minute by minute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lab.day.rule import ELEVATED, NOT_JUDGED, SEVERE, SEVERITIES, Reading, Watcher
from lab.day.types import Bools, Grades, Ints
from lab.day.world import MINUTE, Line
from netsky.judging.grading import Severity, Thresholds
from netsky.places import PROVINCES

# `for` and `keep_firing_for` of deploy/prometheus/netsky.rules.yml, in minutes.
FOR = {Severity.MEDIUM: 2, Severity.HEAVY: 1, Severity.CRITICAL: 1}
FOR_ELEVATED, FOR_SEVERE, KEEP_FIRING = 2, 1, 2
HEAVY_PROVINCES = Thresholds().heavy_provinces


@dataclass(frozen=True, slots=True)
class Alerts:
    """What stood after each sweep of a line: [sweeps, provinces] and, of the line, [sweeps, SEVERITIES].

    `provinces` are those of any grade, `severe` those of the higher.
    """

    provinces: Bools
    severe: Bools
    severities: Bools


def replay(watch: Callable[[int], Watcher], lines: Sequence[Line]) -> list[Alerts]:
    """Lines that are swept at the same times are judged side by side, which takes hardly longer."""
    first = lines[0]
    loss = np.concatenate([line.loss_ratio for line in lines], axis=1)
    dead = np.concatenate([line.dead for line in lines])
    sent = np.repeat([line.targets for line in lines], len(PROVINCES))
    watcher = watch(loss.shape[1])
    grades = np.empty(loss.shape, np.int8)
    for sweep, loss_ratio in enumerate(loss):
        grades[sweep] = watcher.judge(Reading(first.at(sweep), loss_ratio, sent, dead))
    return [alerts_of(each) for each in np.split(grades, len(lines), axis=1)]


def alerts_of(grades: Grades) -> Alerts:
    """What the grades of a line add up to, as netsky.judging.grading has it.

    What was not judged, or cannot be told, stays as it was, as Prometheus takes it (for up to 12 hours).
    """
    judged = grades != NOT_JUDGED
    elevated, severe = (grades == ELEVATED).sum(axis=1), (grades == SEVERE).any(axis=1)
    unknown = len(PROVINCES) - judged.sum(axis=1)
    heavy = elevated >= HEAVY_PROVINCES
    active = {
        Severity.MEDIUM: (elevated > 0) & ~heavy,
        Severity.HEAVY: heavy,
        Severity.CRITICAL: severe,
    }
    possible = {
        Severity.MEDIUM: (unknown > 0) & ~heavy,
        Severity.HEAVY: (unknown > 0) & (elevated + unknown >= HEAVY_PROVINCES),
        Severity.CRITICAL: unknown > 0,
    }
    severities = [_held(active[each], active[each] | ~possible[each]) for each in SEVERITIES]
    provinces, hard = (
        np.stack([_held(of, known) for of, known in zip(graded.T, judged.T, strict=True)], axis=1)
        for graded in (grades >= ELEVATED, grades >= SEVERE)
    )
    return Alerts(provinces, hard, np.stack(severities, axis=1))


def _held(values: Bools, known: Bools) -> Bools:
    """Each value, and the last known one where it is not known; False before the first."""
    last = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
    return np.asarray(values[last] & (last >= 0))


def by_minute(alerts: Alerts, every: int) -> Alerts:
    """What stood at the end of each minute, where sweeps are `every` so many seconds."""
    last = slice(MINUTE // every - 1, None, MINUTE // every)
    return Alerts(alerts.provinces[last], alerts.severe[last], alerts.severities[last])


def through_prometheus(alerts: Alerts, every: int = MINUTE) -> Alerts:
    """The same with the delays of the alerting rules."""
    a_minute = MINUTE // every
    keep = KEEP_FIRING * a_minute
    severe = fire(alerts.severe, FOR_SEVERE * a_minute, keep)
    waits = np.array([FOR[severity] * a_minute for severity in SEVERITIES])
    return Alerts(
        provinces=fire(alerts.provinces, FOR_ELEVATED * a_minute, keep) | severe,
        severe=severe,
        severities=fire(alerts.severities, waits, keep),
    )


def fire(holds: Bools, wait: int | Ints, keep: int = KEEP_FIRING) -> Bools:
    """Whether an alert fires after each sweep, by whether its condition holds: [sweeps, alerts].

    It fires when the condition has held for `wait` sweeps, `wait` + 1 in a row, and ends when it has
    not for `keep`.
    """
    sweeps = np.arange(len(holds))[:, None]
    last_without = np.maximum.accumulate(np.where(holds, -1, sweeps))
    last_with = np.maximum.accumulate(np.where(holds, sweeps, -1 - keep))
    begun = np.maximum.accumulate(np.where(sweeps - last_without > wait, sweeps, -1))
    ended = np.maximum.accumulate(np.where(sweeps - last_with > keep, sweeps, -1))
    return np.asarray(begun > ended)
