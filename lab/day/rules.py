"""The rules to compare, by name: those of the product, and others."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import click
import numpy as np

from lab.day.rule import History, Opinion, Reading, RuleWatcher, Watcher, baselines_of, mean_of
from lab.day.types import Floats, Ints
from lab.day.usual import UsualWatcher
from netsky.judging.grading import Thresholds, Verdict, judge
from netsky.judging.rule import Computed, MeanRule, Recent, Rule
from netsky.loss import Baseline, NewestLoss

HOURS, HALF_AN_HOUR, A_DAY = timedelta(hours=12), timedelta(minutes=30), timedelta(days=1)
MIN_SAMPLES = 3
QUIET_SAMPLES = 60
DEVIATIONS = 3.0


Compute = Callable[[History, datetime], tuple[Floats, Ints]]
"""The baseline of each province, NaN where it stays as it was; of how many sweeps."""


@dataclass(frozen=True, slots=True)
class ComputedRule:
    """A rule of the product's form, with other baselines."""

    compute: Compute
    thresholds: Thresholds = field(default_factory=Thresholds)

    def baselines(self, history: History, *, now: datetime) -> Computed:
        return Computed(baselines_of(*self.compute(history, now)))

    def recent(self, history: History, *, now: datetime) -> None:
        """The newest losses are all that is judged."""

    def judge(
        self,
        newest: Iterable[NewestLoss],
        baselines: Iterable[Baseline],
        *,
        now: datetime,
        recent: Recent | None = None,  # noqa: ARG002 - as above
    ) -> Verdict:
        return judge(newest, baselines, now=now, thresholds=self.thresholds)


def median_of_12_hours(history: History, now: datetime) -> tuple[Floats, Ints]:
    loss = history.loss(now - HOURS, now)
    samples = np.sum(~np.isnan(loss), axis=0)
    median = np.full(loss.shape[1], np.nan)
    enough = samples >= MIN_SAMPLES
    median[enough] = np.nanmedian(loss[:, enough], axis=0)
    return median, samples


def mean_of_quiet_sweeps(history: History, now: datetime) -> tuple[Floats, Ints]:
    """Without the sweeps that were graded as a rise; of all, where an hour of others is not left.

    So a rise that stays for good is learned as the new level after 11 hours.
    """
    quiet, samples = _mean_of(history.loss(now - HOURS, now, quiet=True), QUIET_SAMPLES)
    everything, of_all = _mean_of(history.loss(now - HOURS, now), MIN_SAMPLES)
    few = np.isnan(quiet)
    return np.where(few, everything, quiet), np.where(few, of_all, samples)


def half_of_yesterday(history: History, now: datetime) -> tuple[Floats, Ints]:
    """The quiet mean, half and half with the quiet sweeps of yesterday's hour that now begins."""
    recent, samples = mean_of_quiet_sweeps(history, now)
    then = now + HALF_AN_HOUR - A_DAY
    window = history.loss(then - HALF_AN_HOUR, then + HALF_AN_HOUR, quiet=True)
    same_hour, _ = _mean_of(window, MIN_SAMPLES)
    return np.where(np.isnan(same_hour), recent, (recent + same_hour) / 2), samples


def _mean_of(loss: Floats, min_samples: int) -> tuple[Floats, Ints]:
    mean, samples = mean_of(loss)
    return np.where(samples >= min_samples, mean, np.nan), samples


def significant(reading: Reading, baselines: Floats) -> Floats:
    """The loss where it is so far above the baseline that chance would hardly have it; else the baseline.

    By the binomial deviation of the baseline: at 200 targets and 20 %, 8.5 points are needed.
    """
    deviation = np.sqrt(baselines * (1 - baselines) / reading.packets_sent)
    chance = reading.loss_ratio - baselines < DEVIATIONS * deviation
    return np.where(chance, np.minimum(reading.loss_ratio, baselines), reading.loss_ratio)


class LiveWatcher:
    """Watches as the product does where its memory knows which targets usually answer."""

    def __init__(self) -> None:
        self._watcher = RuleWatcher()

    def judge(self, reading: Reading) -> Opinion:
        alive = 1 - reading.dead
        return self._watcher.judge(
            replace(reading, loss_ratio=1 - (1 - reading.loss_ratio) / alive)
        )


def _watcher_of(make_rule: Callable[[], Rule[History]]) -> Callable[[], Watcher]:
    return lambda: RuleWatcher(make_rule())


RULES: Mapping[str, Callable[[], Watcher]] = {
    "mean": _watcher_of(MeanRule),
    "usual": UsualWatcher,
    "live": LiveWatcher,
    "median": lambda: RuleWatcher(ComputedRule(median_of_12_hours)),
    "quiet": lambda: RuleWatcher(ComputedRule(mean_of_quiet_sweeps)),
    "yesterday": lambda: RuleWatcher(ComputedRule(half_of_yesterday)),
    "binomial": lambda: RuleWatcher(judged=significant),
}


def find_rule(name: str) -> Callable[[], Watcher]:
    """What makes the watcher for a line: one of RULES, or `module:name` of your own.

    That makes a rule of the product's form (`netsky.judging.rule.Rule`), or a whole watcher.
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

    return watch
