"""Worlds unlike the standard one: each has what its name says, and all can be scored."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from lab.commands.worlds import worlds
from lab.day.outages import Outage, congestion, rise_of
from lab.day.replay import by_minute, fire
from lab.day.score import runs
from lab.day.shifts import NEW_FOR, Shift, draw_shifts, first_day_of, level_of
from lab.day.swing import DAY, LOCAL_HOURS, is_weekend, swing
from lab.day.world import STARTED_AT, draw_lines
from lab.day.worlds import WORLDS
from tests.lab.test_day import alerts


def drawn(name, days=7, **changes):
    """The first line of a world."""
    return draw_lines(replace(WORLDS[name], days=days, **changes))[0]


def local_hours(minutes):
    return (np.arange(minutes) / 60 + LOCAL_HOURS) % 24


def test_a_second_peak_comes_at_noon_and_as_high_as_the_evening():
    hours = local_hours(7 * DAY)
    usual = [
        swing(np.random.default_rng(1), 7 * DAY, peak=1, peak_hours=WORLDS[name].peak_hours)
        for name in ("standard", "two-peaks")
    ]
    noon, evening = (abs(hours - hour) < 1 for hour in (12.5, 21))
    added = usual[1] - usual[0]
    assert added[noon].mean() > 0.8 * (usual[0][evening] - usual[0].min(axis=0)).mean() > 0
    assert added[abs(hours - 4) < 1].max() < 1e-3


def test_weekends_are_saturdays_and_sundays_and_busier():
    times = [STARTED_AT.timestamp() + 60 * minute for minute in range(8 * DAY)]
    local_days = (np.array(times) + 8 * 3600 - 5 * 3600) // 86_400  # day 0 was a Thursday
    weekend = is_weekend(8 * DAY)
    assert ((local_days + 3) % 7 >= 5).tolist() == weekend.tolist()
    usual = swing(np.random.default_rng(1), 7 * DAY, peak=1, weekend=1.5)
    same = swing(np.random.default_rng(1), 7 * DAY, peak=1)
    afternoon = abs(local_hours(7 * DAY) - 15) < 1
    np.testing.assert_array_equal(usual[~weekend[: 7 * DAY]], same[~weekend[: 7 * DAY]])
    assert (usual >= same)[weekend[: 7 * DAY]].all()
    busy = weekend[: 7 * DAY] & afternoon
    assert (usual - same)[busy].max() > 0.02


def test_a_shift_is_a_rise_for_a_day_and_then_the_usual():
    shift = Shift(100, 100 + 3 * NEW_FOR, 0.06, 4)
    risen = rise_of([first_day_of(shift)], 5 * NEW_FOR)[:, 4]
    level = level_of([shift], 5 * NEW_FOR)[:, 4]
    assert runs(risen > 0) == [(100, 100 + NEW_FOR)]
    assert runs(level > 0) == [(100 + NEW_FOR, 100 + 3 * NEW_FOR)]
    np.testing.assert_allclose(level[2 * NEW_FOR], 0.06)
    assert len(draw_shifts(np.random.default_rng(1), 28 * DAY, 0.5)) > 5
    assert drawn("shifts", outages=0).risen.max() > 0.02


def test_what_flaps_is_there_and_gone_again_and_again():
    risen = rise_of([Outage(2, 9, 1, 0.5, (0,), on=2, off=3)], 14)[:, 0]
    assert runs(risen > 0) == [(2, 4), (7, 9)]
    stretches = runs(drawn("flapping", days=2).risen.max(axis=1) > 0)
    assert len(stretches) > 10


@pytest.mark.parametrize("hours", [1, 10])
def test_congestion_comes_over_its_hours(hours):
    assert WORLDS[f"slow-{hours}h"].kind == congestion(hours)
    risen = drawn(f"slow-{hours}h", days=3, outages=0.2).risen
    assert risen.any()
    assert np.diff(risen, axis=0).max() <= 0.30 * 2 / (60 * hours)


def test_sweeps_are_lost_one_by_one_and_in_gaps():
    standard, lost = (
        np.isnan(drawn(name).loss_ratio[:, 0]) for name in ("standard", "lost-sweeps")
    )
    assert standard.mean() < 0.05
    assert lost.mean() > 0.1


def test_sweeps_of_ten_seconds_see_the_same_truth():
    seldom, often = drawn("standard", days=1), drawn("10-seconds", days=1)
    np.testing.assert_array_equal(seldom.risen, often.risen)
    assert len(often.loss_ratio) == 6 * len(seldom.loss_ratio)
    assert (often.at(6) - often.at(0)).total_seconds() == 60
    means = np.nanmean(often.loss_ratio, axis=0), np.nanmean(seldom.loss_ratio, axis=0)
    np.testing.assert_allclose(*means, atol=0.002)


def test_what_stood_at_the_end_of_each_minute_counts():
    stood = by_minute(alerts((5, 13), minutes=18), every=10)
    assert stood.provinces[:, 0].tolist() == [True, True, False]


def test_small_and_dead_libraries_are_so():
    assert drawn("200-targets", days=1).targets == 200
    dead = drawn("50%-dead", days=1)
    np.testing.assert_allclose(dead.dead, 0.5)
    assert np.nanmin(dead.loss_ratio) > 0.49


def test_a_long_wait_and_a_long_keep_in_sweeps_of_ten_seconds():
    holds = np.zeros((60, 1), np.bool_)
    holds[10:30] = True
    assert runs(fire(holds, 12, 12)[:, 0]) == [(22, 42)]


def test_the_command_scores_each_world_with_each_rule():
    arguments = ["--days", "1", "--rule", "mean", "--rule", "usual"]
    arguments += ["--world", "standard", "--world", "30%-dead"]
    result = CliRunner().invoke(worlds, arguments, catch_exceptions=False)
    rows = [line.split("|")[1:3] for line in result.stdout.splitlines()[2:]]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["standard", "mean"],
        ["standard", "usual"],
        ["30%-dead", "mean"],
        ["30%-dead", "usual"],
    ]
    arguments = ["--days", "1", "--rule", "mean", "--world", "standard", "--format", "json"]
    shown = json.loads(CliRunner().invoke(worlds, arguments, catch_exceptions=False).stdout)
    assert shown["standard"]["mean"]["incidents"] > 0
