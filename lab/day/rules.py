"""The rules to compare, by name. None but `mean` is in the product."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import click
import numpy as np

from lab.day.rule import HOURS, MIN_SAMPLES, BaselineRule, History, Reading, Rule, mean_of
from lab.day.types import Floats

HALF_AN_HOUR, A_DAY = timedelta(minutes=30), timedelta(days=1)
QUIET_SAMPLES = 60
DEVIATIONS = 3.0


def median_of_12_hours(history: History, now: datetime) -> Floats:
    loss = history.loss(now - HOURS, now)
    enough = np.sum(~np.isnan(loss), axis=0) >= MIN_SAMPLES
    usual = np.full(loss.shape[1], np.nan)
    usual[enough] = np.nanmedian(loss[:, enough], axis=0)
    return usual


def mean_of_quiet_sweeps(history: History, now: datetime) -> Floats:
    """Without the sweeps that were graded as a rise; of all, where an hour of others is not left.

    So a rise that stays for good is learned as the new level after 11 hours.
    """
    quiet = mean_of(history.loss(now - HOURS, now, quiet=True), QUIET_SAMPLES)
    everything = mean_of(history.loss(now - HOURS, now), MIN_SAMPLES)
    return np.where(np.isnan(quiet), everything, quiet)


def half_of_yesterday(history: History, now: datetime) -> Floats:
    """The quiet mean, half and half with the quiet sweeps of yesterday's hour that now begins."""
    recent = mean_of_quiet_sweeps(history, now)
    then = now + HALF_AN_HOUR - A_DAY
    window = history.loss(then - HALF_AN_HOUR, then + HALF_AN_HOUR, quiet=True)
    same_hour = mean_of(window, MIN_SAMPLES)
    return np.where(np.isnan(same_hour), recent, (recent + same_hour) / 2)


def significant(reading: Reading, usual: Floats) -> Floats:
    """The loss where it is so far above the usual that chance would hardly have it; else the usual.

    By the binomial deviation of the usual loss: at 200 targets and 20 %, 8.5 points are needed.
    """
    deviation = np.sqrt(usual * (1 - usual) / reading.packets_sent)
    chance = reading.loss_ratio - usual < DEVIATIONS * deviation
    return np.where(chance, np.minimum(reading.loss_ratio, usual), reading.loss_ratio)


RULES: Mapping[str, Callable[[], Rule]] = {
    "mean": BaselineRule,
    "median": lambda: BaselineRule(median_of_12_hours),
    "quiet": lambda: BaselineRule(mean_of_quiet_sweeps),
    "yesterday": lambda: BaselineRule(half_of_yesterday),
    "binomial": lambda: BaselineRule(judged=significant),
}


def find_rule(name: str) -> Callable[[], Rule]:
    """What makes the rule for a line: one of RULES, or `module:name` of your own."""
    if name in RULES:
        return RULES[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise click.BadParameter(f"{name!r} is none of {', '.join(RULES)}, nor module:name")
    try:
        made: Callable[[], Rule] = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise click.BadParameter(f"{name}: {error}") from error
    if not callable(made):
        raise click.BadParameter(f"{name} makes no rule: it cannot be called")
    return made
