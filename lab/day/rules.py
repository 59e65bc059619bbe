"""The rules to compare, by name: those of the product, and others."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import click
import numpy as np

from lab.day.rule import (
    BaselineWatcher,
    Compute,
    EachLine,
    History,
    Judged,
    Reading,
    RuleWatcher,
    Watcher,
    as_measured,
    mean_of,
)
from lab.day.types import Floats, Grades
from lab.day.usual import UsualWatcher

HOURS, HALF_AN_HOUR, A_DAY = timedelta(hours=12), timedelta(minutes=30), timedelta(days=1)
MIN_SAMPLES = 3
QUIET_SAMPLES = 60
DEVIATIONS = 3.0

Watch = Callable[[int], Watcher]
"""Makes the watcher of so many columns."""


def mean_of_12_hours(history: History, now: datetime) -> Floats:
    """As netsky.judging.rule.MeanRule has it."""
    return _mean_of(history.loss(now - HOURS, now), MIN_SAMPLES)


def median_of_12_hours(history: History, now: datetime) -> Floats:
    loss = history.loss(now - HOURS, now)
    median = np.full(loss.shape[1], np.nan)
    enough = np.sum(~np.isnan(loss), axis=0) >= MIN_SAMPLES
    median[enough] = np.nanmedian(loss[:, enough], axis=0)
    return median


def mean_of_quiet_sweeps(history: History, now: datetime) -> Floats:
    """Without the sweeps that were graded as a rise; of all, where an hour of others is not left.

    So a rise that stays for good is learned as the new level after 11 hours.
    """
    quiet = _mean_of(history.loss(now - HOURS, now, quiet=True), QUIET_SAMPLES)
    return np.where(np.isnan(quiet), mean_of_12_hours(history, now), quiet)


def half_of_yesterday(history: History, now: datetime) -> Floats:
    """The quiet mean, half and half with the quiet sweeps of yesterday's hour that now begins."""
    recent = mean_of_quiet_sweeps(history, now)
    then = now + HALF_AN_HOUR - A_DAY
    window = history.loss(then - HALF_AN_HOUR, then + HALF_AN_HOUR, quiet=True)
    same_hour = _mean_of(window, MIN_SAMPLES)
    return np.where(np.isnan(same_hour), recent, (recent + same_hour) / 2)


def _mean_of(loss: Floats, min_samples: int) -> Floats:
    mean, samples = mean_of(loss)
    return np.where(samples >= min_samples, mean, np.nan)


def significant(reading: Reading, baselines: Floats) -> Floats:
    """The loss where it is so far above the baseline that chance would hardly have it; else the baseline.

    By the binomial deviation of the baseline: at 200 targets and 20 %, 8.5 points are needed.
    """
    deviation = np.sqrt(baselines * (1 - baselines) / reading.packets_sent)
    chance = reading.loss_ratio - baselines < DEVIATIONS * deviation
    return np.where(chance, np.minimum(reading.loss_ratio, baselines), reading.loss_ratio)


class LiveWatcher:
    """Watches as the product does where its memory knows which targets usually answer."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def judge(self, reading: Reading) -> Grades:
        return self._watcher.judge(replace(reading, loss_ratio=reading.live_loss_ratio))


def _baseline(compute: Compute, judged: Judged = as_measured) -> Watch:
    return lambda columns: BaselineWatcher(columns, compute, judged)


def _live(watch: Watch) -> Watch:
    return lambda columns: LiveWatcher(watch(columns))


MEAN = _baseline(mean_of_12_hours)
RULES: Mapping[str, Watch] = {
    "mean": MEAN,
    "live": _live(MEAN),
    "usual": UsualWatcher,
    "usual-live": _live(UsualWatcher),
    "median": _baseline(median_of_12_hours),
    "quiet": _baseline(mean_of_quiet_sweeps),
    "yesterday": _baseline(half_of_yesterday),
    "binomial": _baseline(mean_of_12_hours, significant),
}


def find_rule(name: str) -> Watch:
    """What makes the watcher: one of RULES, or `module:name` of your own.

    That makes a rule of the product's form (`netsky.judging.rule.Rule`), or a whole watcher of one line.
    """
    if name in RULES:
        return RULES[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise click.BadParameter(f"{name!r} is none of {', '.join(RULES)}, nor module:name")
    try:
        make: Callable[[], Any] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise click.BadParameter(f"{name}: {error}") from error
    if not callable(make):
        raise click.BadParameter(f"{name} makes no rule: it cannot be called")

    def watch() -> Watcher:
        made = make()
        return RuleWatcher(made) if hasattr(made, "baselines") else made

    return lambda columns: EachLine(columns, watch)
