"""The rules for comparison, part by part, and the smallest rise that one alerts."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from lab.commands import limits
from lab.day.limits import LASTING_HEIGHTS, LASTING_HOURS, Case, cases, lasting, smallest
from lab.day.rule import History, Reading
from lab.day.rules import (
    half_of_yesterday,
    mean_of_12_hours,
    mean_of_quiet_sweeps,
    median_of_12_hours,
    significant,
)
from netsky.places import PROVINCES

NOW = datetime(2024, 3, 5, 20, 3, tzinfo=UTC)
ALL = len(PROVINCES)


def history(minutes, loss_of, graded=lambda _: False):
    """A sweep a minute until `NOW`; both functions get the minutes that it is ago."""
    made = History()
    for ago in range(minutes, 0, -1):
        made.add(NOW - timedelta(minutes=ago), np.full(ALL, loss_of(ago)))
        made.mark(np.full(ALL, graded(ago)))
    return made


def test_the_mean_takes_the_12_hours_and_the_median_is_not_moved_by_an_outage():
    made = history(900, lambda ago: 1.0 if ago > 720 else 0.5 if ago <= 72 else 0.01)
    assert mean_of_12_hours(made, NOW) == pytest.approx((647 * 0.01 + 72 * 0.5) / 719)
    assert median_of_12_hours(made, NOW) == pytest.approx(0.01)


@pytest.mark.parametrize("compute", [mean_of_12_hours, median_of_12_hours, mean_of_quiet_sweeps])
def test_two_sweeps_are_too_few(compute):
    assert np.isnan(compute(history(2, lambda _: 0.01), NOW)).all()
    assert not np.isnan(compute(history(3, lambda _: 0.01), NOW)).any()


def test_the_quiet_mean_leaves_out_a_rise_until_little_else_is_left():
    def rise(minutes):
        return history(720, lambda ago: 0.3 if ago <= minutes else 0.01, lambda ago: ago <= minutes)

    assert mean_of_quiet_sweeps(rise(300), NOW) == pytest.approx(0.01)
    assert (mean_of_quiet_sweeps(rise(700), NOW) > 0.25).all()


def test_yesterday_counts_half_when_it_is_known():
    known = history(1500, lambda ago: 0.05 if 1350 < ago < 1450 else 0.01)
    assert half_of_yesterday(known, NOW) == pytest.approx(0.03)
    assert half_of_yesterday(history(800, lambda _: 0.01), NOW) == pytest.approx(0.01)


@pytest.mark.parametrize(("targets", "counts"), [(200, False), (32_768, True)])
def test_what_chance_may_have_done_does_not_count(targets, counts):
    seen = significant(Reading(NOW, np.full(ALL, 0.26), targets), np.full(ALL, 0.2))
    assert seen == pytest.approx(0.26 if counts else 0.2)


@pytest.mark.parametrize("dead", [0.03, 0.3, 0.5])
def test_judged_by_the_usually_alive_a_rise_is_as_high_whatever_share_is_dead(dead):
    elevated, severe = smallest("live", Case("dead", dead=dead), 1)
    assert elevated in (5, 5.5)
    assert severe in (10, 11)


def test_dead_addresses_and_a_past_outage_raise_the_smallest_rise_alerted():
    plain = Case("plain")
    assert smallest("mean", plain, 1) == (6, 12)
    assert smallest("mean", Case("half are dead", dead=0.5), 1) == (10, 20)
    past = Case("after", before=plain.after(100, 3, 1))
    assert smallest("mean", past, 1) == (35, 40)
    assert smallest("quiet", past, 1) == (6, 12)


def test_usual_sees_a_second_outage_after_a_long_one_like_the_first():
    plain = Case("plain")
    first = smallest("usual", plain, 1)
    assert first == (5, 10)
    assert smallest("usual", Case("after", before=plain.after(100, 3, 1)), 1) == first


def test_usual_has_a_long_outage_in_alarm_to_its_end():
    of_six_points = LASTING_HEIGHTS.index(6)
    in_alert, _ = lasting("usual", 1)[of_six_points]
    assert in_alert > LASTING_HOURS - 0.1


def test_usual_learns_a_new_level_within_a_day_and_is_not_blind_then():
    (case,) = (each for each in cases() if each.name.startswith("26 h after the level"))
    elevated, severe = smallest("usual", case, 1)
    assert 4 < elevated <= 5.5
    assert severe <= 11


def test_the_limits_are_printed_case_by_case(monkeypatch):
    monkeypatch.setattr(limits, "cases", lambda: iter([Case("plain")]))
    result = CliRunner().invoke(limits.limits, ["--rule", "mean"], catch_exceptions=False)
    assert "| plain" in result.stdout
    assert "6 / 12" in result.stdout
    assert "1.0 / 0.0" in result.stdout
