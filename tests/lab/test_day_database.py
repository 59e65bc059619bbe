"""The simulated rule and the real database come to the same verdicts."""

from datetime import UTC, datetime, timedelta

import numpy as np

from lab.day.outages import Outage, rise_of
from lab.day.replay import alerts_of
from lab.day.rule import (
    AVERAGED_AT_MINUTE,
    JUDGED_AFTER,
    SEVERITIES,
    History,
    Reading,
    RuleWatcher,
    grades_of,
)
from lab.day.usual import UsualWatcher
from netsky.jobs.average import StoredHistory
from netsky.judging.rule import MeanRule
from netsky.judging.usual_rule import UsualRule
from netsky.places import PROVINCES
from netsky.store.baselines import store_computed
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.samples import make_quality
from testing.stores import store_sweep

MINUTES, SWEPT_EVERY, JUDGED_AFTER_SWEEP = 14 * 60, 15, (0, 4)  # new, and too old
EGRESS = "default"
RULE = MeanRule()
STARTED_AT = datetime(2024, 3, 4, tzinfo=UTC)


def losses():
    """Sweeps so seldom that some are too old; outages of several heights; one province is new."""
    outages = [
        Outage(200, 240, 60, 0.09, (0, 1, 2)),
        Outage(300, 30, 1, 0.5, tuple(range(20))),
        Outage(700, 100, 1, 0.06, (5, 6, 7, 8, 9)),
    ]
    noise = np.random.default_rng(3).normal(0.05, 0.01, (MINUTES, len(PROVINCES)))
    loss = np.clip(noise, 0, 1) + 0.9 * rise_of(outages, MINUTES)
    # Some sweeps begin in the very minute of the averaging, and end its 12 hours to the second.
    loss[np.arange(MINUTES) % SWEPT_EVERY != AVERAGED_AT_MINUTE] = np.nan
    loss[:400, 30] = np.nan
    return loss


def store_minute(database, at, loss_ratio):
    measured = zip(PROVINCES, loss_ratio, strict=True)
    qualities = [
        make_quality(province.slug, loss_ratio=float(value))
        for province, value in measured
        if not np.isnan(value)
    ]
    store_sweep(database, "cu", EGRESS, at, qualities)


def average(database, now):
    """As netsky.jobs.average.average, at a time of our own; the baselines by province."""
    computed = RULE.baselines(StoredHistory(database, "cu", EGRESS), now=now)
    store_computed(database.connector, "cu", EGRESS, computed, now)
    return by_province(computed.baselines)


def by_province(baselines):
    ratios = {baseline.province: baseline.loss_ratio for baseline in baselines}
    return np.array([ratios.get(province) for province in PROVINCES], np.float64)


def assert_adds_up(grades, verdict):
    """What the verdict can tell stands; what it cannot stays as it was, be it on or off."""
    all_on, all_off = np.full_like(grades, 2), np.zeros_like(grades)
    all_on[:5] = 1
    for before, stood in ((all_on, {*SEVERITIES[1:]}), (all_off, set())):
        after = alerts_of(np.array([before, grades])).severities[1]
        stands = {severity for severity, on in zip(SEVERITIES, after, strict=True) if on}
        assert stands == set(verdict.active) | (verdict.undetermined & stood)


def test_a_stretch_through_the_real_database_gives_the_same_verdicts(tmp_path):
    database = Database(fill_url(f"sqlite:///{tmp_path}/netsky.db", "cu", EGRESS), timeout=5)
    rule, history, kinds = RuleWatcher(), History(), set()
    for minute, loss_ratio in enumerate(losses()):
        at = STARTED_AT + timedelta(minutes=minute)
        if at.minute == AVERAGED_AT_MINUTE and minute > 60:
            means = average(database, at)
            ours = by_province(RULE.baselines(history, now=at).baselines)
            np.testing.assert_allclose(ours, means, rtol=1e-9)
        if not np.isnan(loss_ratio).all():
            history.add(at, loss_ratio)
            store_minute(database, at, loss_ratio)
        ours = rule.judge(Reading(at, loss_ratio, 1000))
        if (minute - AVERAGED_AT_MINUTE) % SWEPT_EVERY in JUDGED_AFTER_SWEEP:
            now = at + JUDGED_AFTER
            newest = database.newest_loss("cu", EGRESS, now=now)
            baselines = database.baselines("cu", egress=EGRESS)
            verdict = RULE.judge(newest, baselines, now=now)
            np.testing.assert_array_equal(ours, grades_of(verdict))
            if len(verdict.judgements) == len(PROVINCES):
                assert_adds_up(ours, verdict)
            kinds |= set(ours.tolist())
    assert kinds == {-1, 0, 1, 2}


def test_usual_comes_to_the_same_verdicts_through_the_real_database(tmp_path):
    database = Database(fill_url(f"sqlite:///{tmp_path}/netsky.db", "cu", EGRESS), timeout=5)
    history = StoredHistory(database, "cu", EGRESS)
    rule, watcher, kinds = UsualRule(), UsualWatcher(len(PROVINCES)), set()
    for minute in range(4 * 60):
        at = STARTED_AT + timedelta(minutes=minute)
        if minute % 10 == AVERAGED_AT_MINUTE and minute > 10:
            computed = rule.baselines(history, now=at)
            store_computed(database.connector, "cu", EGRESS, computed, at)
        if minute % 4 == 1:
            loss_ratio = loss_of(minute)
            store_minute(database, at, loss_ratio)
            ours = watcher.judge(Reading(at, loss_ratio, 1000))
            now = at + JUDGED_AFTER
            newest = database.newest_loss("cu", EGRESS, now=now)
            baselines = database.baselines("cu", egress=EGRESS)
            recent = rule.recent(history, now=now)
            verdict = rule.judge(newest, baselines, now=now, recent=recent)
            if verdict.judged:
                np.testing.assert_array_equal(ours, grades_of(verdict))
            kinds |= set(ours.tolist())
    assert kinds == {-1, 0, 1, 2}


def loss_of(minute):
    """Some provinces rise by 8 points, others by half, in the third hour."""
    loss = np.random.default_rng(minute).normal(0.03, 0.002, len(PROVINCES))
    if 130 <= minute < 190:
        loss[:5] += 0.08
        loss[5:9] += 0.5
    return loss
