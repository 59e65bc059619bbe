"""Small rises: noticed when they stand, never graded, and learned neither in an hour nor never."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netsky.judging.usual import Tuning
from netsky.judging.usual_columns import (
    COLUMNS,
    IS_LOSS,
    Kind,
    column_of,
    latency_rises,
    nothing_known_of,
)
from netsky.judging.usual_rule import UsualRule
from netsky.judging.usual_sweeps import (
    ELEVATED,
    NONE,
    Rises,
    Steps,
    Sweep,
    nothing_kept,
    nothing_stands,
)
from netsky.places import find_province
from tests.judging.test_usual import DAY, HOUR, RISES, Line


def noticed(line):
    return line.rises.is_noticed(line.standing)


def minutes_until_noticed(line, loss, most=60):
    for sweep in range(most * 60 // line.seconds):
        line.sweep(loss)
        if noticed(line)[0]:
            return (sweep + 1) * line.seconds / 60
    return None


@pytest.mark.parametrize(("seconds", "most"), [(10, 11), (60, 12), (120, 14)])
def test_a_small_rise_is_noticed_after_ten_minutes_however_often_is_swept(seconds, most):
    line = Line(seconds=seconds)
    line.sweeps(2 * HOUR, 0.01)
    assert not noticed(line).any()
    assert 10 <= minutes_until_noticed(line, 0.03) <= most
    assert (line.standing.grades == NONE).all()


def test_five_minutes_between_sweeps_count_for_two():
    line = Line(seconds=300)
    line.sweeps(2 * HOUR, 0.01)
    assert minutes_until_noticed(line, 0.03) == 35


def test_what_is_less_than_a_point_is_not_noticed():
    line = Line(seconds=60)
    line.sweeps(2 * HOUR, 0.01)
    assert minutes_until_noticed(line, 0.019) is None


def test_a_notice_ends_below_seven_tenths_of_what_began_it():
    line = Line(seconds=120)
    line.sweeps(DAY, 0.0)
    assert minutes_until_noticed(line, 0.011)
    line.sweeps(10, 0.008)
    assert noticed(line).all()
    line.sweeps(10, 0.0065)
    assert not noticed(line).any()
    assert not line.standing.noticed.any(), "the next begins anew"


def test_a_gap_is_no_time_in_which_a_rise_has_stood():
    line = Line(seconds=60)
    line.sweeps(2 * HOUR, 0.01)
    line.sweeps(5, 0.03)
    line.sweeps(30, np.nan)
    line.sweep(0.03)
    assert 0 < line.standing.noticed[0] < 600
    assert minutes_until_noticed(line, 0.03) < 10


def test_sweeps_that_are_lost_here_and_there_change_little():
    line = Line(seconds=60)
    line.sweeps(2 * HOUR, 0.01)
    line.sweeps(16, lambda minute: np.nan if minute % 3 == 1 else 0.03)
    assert noticed(line).all()


def test_a_gap_of_more_than_an_hour_ends_a_notice():
    line = Line(seconds=60)
    line.sweeps(2 * HOUR, 0.01)
    assert minutes_until_noticed(line, 0.03)
    line.sweeps(HOUR + 1, np.nan)
    line.sweep(0.03)
    assert not noticed(line).any()


def test_of_a_province_that_was_away_for_more_than_an_hour_nothing_stands():
    usual = nothing_kept(2).usual
    usual.loss[:] = 0.0
    standing, alarm = nothing_stands(2), np.array([0.06, 0.06])
    for minute in range(15):
        standing = RISES.after_sweep(standing, usual, Sweep(60.0 * minute, alarm))
    assert (standing.grades == ELEVATED).all()
    assert RISES.is_noticed(standing).all()
    for minute in range(15, 90):
        loss = np.array([np.nan, 0.041])
        standing = RISES.after_sweep(standing, usual, Sweep(60.0 * minute, loss))
    back = RISES.after_sweep(standing, usual, Sweep(60.0 * 90, np.array([0.041, 0.041])))
    assert back.grades.tolist() == [NONE, ELEVATED], "4.1 points keep up an alarm, and begin none"
    assert RISES.is_noticed(back).tolist() == [False, True]


def test_a_small_rise_is_not_learned_in_hours_and_is_usual_after_half_a_day():
    line = Line()
    line.sweeps(2 * DAY, 0.01)
    line.sweeps(9 * HOUR, 0.03)
    assert line.usual == pytest.approx(0.01, abs=0.004)
    assert noticed(line).all()
    line.sweeps(5 * HOUR, 0.03)
    assert line.usual == pytest.approx(0.03, abs=0.001)
    assert not noticed(line).any()
    assert minutes_until_noticed(line, 0.05), "the next one is, above that"
    assert line.is_without_alarms


def test_an_evening_of_small_rises_each_day_is_usual_from_the_third_on():
    def with_evening(minute):
        return 0.01 + 0.02 * (20 <= minute / 60 % 24 < 23)

    line = Line(seconds=600)
    line.sweeps(3 * DAY, 0.01)
    line.sweeps(22 * HOUR, with_evening)
    assert noticed(line).all()
    line.sweeps(2 * DAY, lambda minute: with_evening(minute + 22 * HOUR))
    assert not noticed(line).any(), "at 22 h of the third such day"
    assert line.usual == pytest.approx(0.03, abs=0.003)


def test_what_comes_slowly_is_an_alarm_sooner_since_a_notice_holds_what_is_usual():
    line = Line(seconds=120)
    line.sweeps(DAY, 0.01)
    line.sweeps(6 * HOUR, lambda minute: 0.01 + 0.06 * minute / (6 * HOUR))
    assert line.usual < 0.0155
    assert line.standing.grades[0] == ELEVATED


@pytest.mark.parametrize("targets", [200, 1000, 16_000])
def test_chance_is_not_noticed(targets):
    rng = np.random.default_rng(targets)
    line = Line(columns=31, seconds=60)
    line.sweeps(3 * HOUR, lambda _: rng.binomial(targets, 0.03, 31) / targets)
    stood = 0
    for _ in range(6 * HOUR):
        line.sweep(rng.binomial(targets, 0.03, 31) / targets)
        stood += noticed(line).sum()
    assert stood == 0


def test_a_rise_of_two_points_in_a_large_library_is_noticed():
    rng = np.random.default_rng(1)
    line = Line(columns=31, seconds=60)
    line.sweeps(3 * HOUR, lambda _: rng.binomial(16_000, 0.03, 31) / 16_000)
    line.sweeps(20, lambda _: rng.binomial(16_000, 0.05, 31) / 16_000)
    assert noticed(line).all()
    assert not line.standing.grades.any()


def test_chance_is_that_of_the_packets_sent_as_long_as_none_is_measured():
    usual = nothing_kept(3).usual
    usual.loss[:] = 0.1
    least = RISES.noticeable(usual, Sweep(0, usual.loss, np.array([200.0, 20_000.0, np.nan])))
    median_of_five = np.sqrt(1.57 / 5)
    assert least[0] == pytest.approx(4 * median_of_five * np.sqrt(0.1 * 0.9 / 200) / 0.9)
    assert least[1:].tolist() == [0.01, 0.01]


rises = st.lists(st.floats(-0.05, 0.049), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(rises, st.sampled_from([10, 60, 300]), st.floats(0.0, 0.5))
def test_small_rises_are_never_graded_nor_noticed_before_their_time(values, seconds, usual_loss):
    usual = nothing_kept(1).usual
    usual.loss[:] = usual_loss
    standing, stood = nothing_stands(1), 0.0
    for index, rise in enumerate(values):
        loss = np.array([usual_loss + rise * (1 - usual_loss)])
        standing = RISES.after_sweep(standing, usual, Sweep(float(index * seconds), loss))
        stood += 120 if index == 0 else min(seconds, 120)
        assert standing.grades[0] == NONE
        assert 0 <= standing.noticed[0] <= stood
        if max(values[max(0, index - 4) : index + 1]) < 0.007:
            assert standing.noticed[0] == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.0, 0.2), min_size=15, max_size=40), st.floats(0.001, 0.03))
def test_a_larger_rise_is_noticed_whenever_a_smaller_one_is(values, more):
    usual = nothing_kept(2).usual
    usual.loss[:] = 0.0
    standing = nothing_stands(2)
    for minute, value in enumerate(values):
        loss = np.array([value, value + more])
        standing = RISES.after_sweep(standing, usual, Sweep(60.0 * minute, loss))
        assert standing.noticed[0] <= standing.noticed[1]


class LatencyLine(Line):
    """One whose columns are latencies, in seconds."""

    def __init__(self, **keywords):
        super().__init__(rises=latency_rises(), **keywords)
        self.kept = nothing_kept(self.columns, is_loss=np.zeros(self.columns, np.bool_))


def test_a_latency_is_high_by_30_ms_and_by_half_of_what_is_usual():
    cases = [
        (0.020, 0.009, False, NONE),
        (0.020, 0.012, True, NONE),
        (0.020, 0.029, True, NONE),
        (0.020, 0.031, True, ELEVATED),
        (0.100, 0.020, False, NONE),
        (0.100, 0.049, True, NONE),
        (0.100, 0.060, True, ELEVATED),
        (0.100, 3.000, True, ELEVATED),
    ]
    usual, rise, is_noticed, grades = map(np.array, zip(*cases, strict=True))
    line = LatencyLine(columns=len(cases), seconds=120)
    line.sweeps(DAY, usual)
    line.sweeps(16, usual + rise)
    assert line.standing.rise[is_noticed] == pytest.approx(rise[is_noticed], abs=3e-4)
    np.testing.assert_array_equal(noticed(line), is_noticed)
    np.testing.assert_array_equal(line.standing.grades, grades)


def test_a_way_that_is_longer_for_good_is_usual_after_a_day():
    line = LatencyLine()
    line.sweeps(2 * DAY, 0.020)
    line.sweeps(23 * HOUR, 1.5)
    assert (line.standing.grades == ELEVATED).all()
    line.sweeps(2 * HOUR, 1.5)
    assert not line.standing.grades.any()
    assert line.usual == pytest.approx(1.5)
    assert line.kept.usual.band[1][0] >= 1.5, "it is no ratio"


def test_losses_and_latencies_of_a_line_are_each_judged_by_their_own_steps():
    hunan = find_province("hunan")
    columns = [column_of(hunan, kind) for kind in Kind]
    rises = UsualRule()._rises
    usual = nothing_known_of().usual
    usual.loss[:] = np.where(IS_LOSS, 0.02, 0.050)
    standing = nothing_stands(COLUMNS)
    values = usual.loss.copy()
    values[columns] = (0.02, 0.09, 0.140)
    for minute in range(15):
        standing = rises.after_sweep(standing, usual, Sweep(60.0 * minute, values))
    assert standing.grades[columns].tolist() == [NONE, ELEVATED, ELEVATED]
    assert standing.rise[columns] == pytest.approx([0, 0.07 / 0.98, 0.090])
    assert not standing.grades[np.delete(np.arange(COLUMNS), columns)].any()


def test_how_large_a_notice_is_can_be_set_and_how_long_it_must_stand():
    strict = Rises(Steps(notice=0.03), Tuning(notice_seconds=1200))
    line = Line(seconds=60, rises=strict)
    line.sweeps(2 * HOUR, 0.01)
    assert minutes_until_noticed(line, 0.035, most=20) is None
    line = Line(seconds=60, rises=strict)
    line.sweeps(2 * HOUR, 0.01)
    assert 20 <= minutes_until_noticed(line, 0.045) <= 23
