"""A rule over the sweeps of a line: which alerts stood, minute by minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab.day.rule import ELEVATED, NONE, SEVERE, SEVERITIES, Reading, Watcher
from lab.day.types import Bools, Ints
from lab.day.world import Line
from netsky.judging.grading import Severity
from netsky.places import PROVINCES

# `for` and `keep_firing_for` of deploy/prometheus/netsky.rules.yml, in minutes.
FOR = {Severity.MEDIUM: 2, Severity.HEAVY: 1, Severity.CRITICAL: 1}
FOR_ELEVATED, FOR_SEVERE, KEEP_FIRING = 2, 1, 2


@dataclass(frozen=True, slots=True)
class Alerts:
    """What stood in each minute: [minutes, provinces] and, of the line, [minutes, SEVERITIES].

    `provinces` are those of any grade, `severe` those of the higher.
    """

    provinces: Bools
    severe: Bools
    severities: Bools


def replay(watch: Callable[[], Watcher], line: Line) -> Alerts:
    """What was not judged stays as it was, as Prometheus takes it (for up to 12 hours)."""
    watcher = watch()
    minutes = len(line.loss_ratio)
    grades = np.zeros((minutes, len(PROVINCES)), np.int8)
    severities = np.zeros((minutes, len(SEVERITIES)), np.bool_)
    graded, stands = grades[0], severities[0]
    for minute, loss_ratio in enumerate(line.loss_ratio):
        opinion = watcher.judge(Reading(line.at(minute), loss_ratio, line.targets, line.dead))
        graded = np.where(opinion.grades < NONE, graded, opinion.grades)
        stands = np.array(
            [
                was if severity in opinion.undetermined else severity in opinion.active
                for severity, was in zip(SEVERITIES, stands, strict=True)
            ]
        )
        grades[minute], severities[minute] = graded, stands
    return Alerts(grades >= ELEVATED, grades >= SEVERE, severities)


def through_prometheus(alerts: Alerts) -> Alerts:
    """The same with the delays of the alerting rules."""
    severe = fire(alerts.severe, FOR_SEVERE)
    waits = np.array([FOR[severity] for severity in SEVERITIES])
    return Alerts(
        provinces=fire(alerts.provinces, FOR_ELEVATED) | severe,
        severe=severe,
        severities=fire(alerts.severities, waits),
    )


def fire(holds: Bools, wait: int | Ints, keep: int = KEEP_FIRING) -> Bools:
    """Whether an alert fires in each minute, by whether its condition holds: [minutes, alerts].

    It fires when the condition has held for `wait` minutes, `wait` + 1 sweeps in a row, and ends when
    it has not for `keep`.
    """
    fires = np.zeros_like(holds)
    held = np.zeros(holds.shape[1], np.int64)
    missed = np.full(holds.shape[1], keep)
    firing = fires[0]
    for minute, now in enumerate(holds):
        held = np.where(now, held + 1, 0)
        missed = np.where(now, 0, missed + 1)
        firing = (held > wait) | (firing & (missed <= keep))
        fires[minute] = firing
    return fires
