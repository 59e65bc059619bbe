"""What is usual, and what is a rise above it, on histories made by hand: two columns, mostly."""

import numpy as np
import pytest

from netsky.judging.usual import A_DAY, BUCKET_SECONDS, NEVER, Buckets, low_quantile
from netsky.judging.usual_sweeps import (
    ELEVATED,
    NONE,
    SEVERE,
    Rises,
    Sweep,
    average,
    nothing_kept,
    start_of,
)

HOUR, DAY = 60, 1440  # minutes
START = 19_800 * 86_400  # a midnight
RISES = Rises()


class Line:
    """A line that is averaged when a bucket is over and judged after each sweep, as the tools do it."""

    def __init__(self, columns=2, seconds=300, rises=RISES):
        self.rises, self.buckets, self.kept = rises, Buckets(columns), nothing_kept(columns)
        self.standing = self.kept.standing
        self.columns, self.seconds, self.at = columns, seconds, START
        self.waiting, self.closed, self.grades = [], [], []

    def sweep(self, loss):
        loss = np.broadcast_to(np.asarray(loss, np.float64), self.columns)
        if not np.isnan(loss).all():
            sweep = Sweep(self.at, loss)
            self.waiting.append(sweep)
            self.standing = self.rises.after_sweep(self.standing, self.kept.usual, sweep)
            if self.at >= start_of(self.kept.usual) + BUCKET_SECONDS:
                self.average()
        self.grades.append(self.standing.grades)
        self.at += self.seconds

    def sweeps(self, minutes, loss):
        """For so many minutes; `loss` is a ratio, one for each column, or a function of the minute."""
        for second in range(0, minutes * 60, self.seconds):
            self.sweep(loss(second / 60) if callable(loss) else loss)

    def average(self):
        self.kept, closed = average(self.rises, self.buckets, self.kept, self.waiting)
        self.closed += closed
        self.waiting = [each for each in self.waiting if each.at >= start_of(self.kept.usual)]
        self.standing = self.kept.standing
        for sweep in self.waiting:
            self.standing = self.rises.after_sweep(self.standing, self.kept.usual, sweep)

    @property
    def usual(self):
        return self.kept.usual.loss[0]

    def alarm_minutes(self, minutes):
        """For how many of the last so many minutes the first column was in alarm."""
        last = self.grades[-minutes * 60 // self.seconds :]
        return sum(grades[0] >= ELEVATED for grades in last) * self.seconds / 60

    @property
    def is_without_alarms(self):
        return not np.any(self.grades)


def evening(minute):
    """1 %, and 4 points more at the height of an evening."""
    hour = minute / 60 % 24
    return 0.01 + 0.04 * np.exp(-0.5 * ((hour - 21) / 2) ** 2)


def test_three_sweeps_are_enough_to_begin():
    line = Line(seconds=60)
    line.sweeps(2, 0.02)
    line.average()
    assert np.isnan(line.usual)
    line.sweep(0.02)
    line.average()
    assert line.usual == pytest.approx(0.02)
    assert not line.kept.usual.days.any()
    line.sweep(0.08)
    assert (line.standing.grades == ELEVATED).all()
    line.sweep(0.13)
    assert (line.standing.grades == SEVERE).all()


def test_a_rise_is_in_points_of_the_replies_that_usually_come():
    line = Line()
    line.sweeps(HOUR, [0.01, 0.5])  # half of the second province is dead
    line.sweep([0.01 + 0.99 * 0.05, 0.5 + 0.5 * 0.05])
    assert line.standing.rise == pytest.approx(0.05)
    assert (line.standing.grades == ELEVATED).all()
    line.sweep([0.01 + 0.99 * 0.1, 0.5 + 0.5 * 0.1])
    assert (line.standing.grades == SEVERE).all()


def test_an_alarm_ends_below_seven_tenths_of_its_threshold():
    line = Line()
    line.sweeps(HOUR, 0)
    for loss, grade in [
        (0.049, NONE),
        (0.05, ELEVATED),
        (0.036, ELEVATED),
        (0.034, NONE),
        (0.10, SEVERE),
        (0.081, SEVERE),
        (0.079, ELEVATED),
        (0.0, NONE),
    ]:
        line.sweep(loss)
        assert line.standing.grades[0] == grade, loss


def test_an_outage_is_not_learned_and_is_in_alarm_to_its_end():
    line = Line()
    line.sweeps(DAY, 0.01)
    line.sweeps(14 * HOUR, 0.07)
    assert line.alarm_minutes(14 * HOUR) == 14 * HOUR
    assert line.alarm_minutes(15 * HOUR) == 14 * HOUR
    assert line.usual == pytest.approx(0.01)
    line.sweeps(HOUR, 0.01)
    assert line.standing.grades[0] == NONE
    line.sweep(0.07)
    assert line.standing.grades[0] == ELEVATED, "the second is seen like the first"


def test_what_comes_slowly_is_not_learned():
    line = Line()
    line.sweeps(DAY, 0.01)
    line.sweeps(10 * HOUR, lambda minute: 0.01 + 0.06 * minute / (10 * HOUR))
    assert line.standing.grades[0] == ELEVATED
    assert line.usual <= 0.016


def test_an_evening_that_comes_each_day_is_usual_from_the_second_day_on():
    line = Line()
    line.sweeps(2 * DAY, evening)
    assert line.is_without_alarms
    line.sweeps(21 * HOUR, evening)
    assert line.usual == pytest.approx(0.05, abs=0.003)
    assert (line.kept.usual.days == 2).all()
    line.sweep(0.05 + 0.95 * 0.055)
    assert line.standing.grades[0] == ELEVATED


def test_a_wrong_day_of_a_week_ago_neither_blinds_nor_alarms():
    def hump_at_first(minute):
        return 0.02 + 0.2 * np.exp(-0.5 * ((minute - 20 * HOUR) / (2 * HOUR)) ** 2)

    line = Line(seconds=600)
    line.sweeps(DAY, hump_at_first)
    line.sweeps(6 * DAY + 17 * HOUR, 0.02)
    line.grades.clear()
    most = 0.0
    for _ in range(6 * 6):
        line.sweep(0.02)
        most = max(most, line.usual)
    assert line.is_without_alarms
    assert most <= 0.02 + RISES.tuning.week_most + RISES.tuning.up


def test_a_level_that_has_risen_a_little_is_usual_after_half_a_day():
    line = Line()
    line.sweeps(DAY, 0.01)
    line.sweeps(3 * HOUR, 0.04)
    assert line.usual < 0.02, "not yet: it may be an outage that comes slowly"
    line.sweeps(11 * HOUR, 0.04)
    assert line.usual == pytest.approx(0.04, abs=0.001)
    assert line.is_without_alarms


def test_a_rise_of_a_day_is_the_new_usual_and_blinds_nobody():
    line = Line()
    line.sweeps(3 * DAY, 0.01)
    line.sweeps(25 * HOUR, 0.11)
    assert 24 * HOUR <= line.alarm_minutes(25 * HOUR) <= 24 * HOUR + 20
    assert line.usual == pytest.approx(0.11)
    line.sweep(0.11 + 0.89 * 0.05)
    assert line.standing.grades[0] == ELEVATED
    line.sweeps(2 * HOUR, 0.01)  # and back
    assert line.usual == pytest.approx(0.01)


def test_what_takes_most_of_the_replies_never_becomes_usual():
    line = Line()
    line.sweeps(DAY, 0.01)
    line.sweeps(30 * HOUR, 1.0)
    assert line.alarm_minutes(30 * HOUR) == 30 * HOUR
    assert line.usual == pytest.approx(0.01)


def test_an_outage_of_yesterday_does_not_excuse_one_of_today():
    line = Line()
    line.sweeps(3 * DAY, 0.01)
    line.sweeps(HOUR, 0.31)
    line.sweeps(DAY - HOUR, 0.01)
    line.sweep(0.07)
    assert line.standing.grades[0] == ELEVATED


@pytest.mark.parametrize("seconds", [10, 60, 300])
def test_how_often_is_swept_does_not_matter(seconds):
    line = Line(seconds=seconds)
    line.sweeps(2 * HOUR, 0.02)
    line.sweeps(HOUR, 0.09)
    assert line.alarm_minutes(HOUR) == HOUR
    assert line.usual == pytest.approx(0.02)


def test_one_sweep_an_hour_is_little_and_enough():
    line = Line(seconds=3600)
    line.sweeps(2 * DAY, 0.02)
    line.sweep(0.09)
    assert line.alarm_minutes(HOUR) == HOUR
    assert line.usual == pytest.approx(0.02)


def test_a_province_that_comes_later_begins_by_itself():
    line = Line()
    line.sweeps(DAY, [0.01, np.nan])
    assert np.isnan(line.kept.usual.loss[1])
    line.sweeps(HOUR, [0.01, 0.2])
    assert line.kept.usual.loss[1] == pytest.approx(0.2)
    assert line.kept.usual.days.tolist() == [1, 0]
    line.sweeps(HOUR, [0.01, np.nan])
    assert line.kept.usual.loss[1] == pytest.approx(0.2), "and keeps what is known of it"


def test_gaps_teach_nothing_and_forget_nothing():
    line = Line()
    line.sweeps(2 * DAY, evening)
    line.sweeps(5 * HOUR, np.nan)
    before = line.closed[-1]
    line.sweeps(HOUR, lambda minute: evening(5 * HOUR + minute))
    assert line.usual == pytest.approx(evening(6 * HOUR), abs=0.001)
    assert line.closed[-1] - before > 5 * 6
    assert line.is_without_alarms


def test_an_alarm_does_not_stand_through_a_long_gap():
    line = Line()
    line.sweeps(HOUR, 0.01)
    line.sweeps(20, 0.07)
    line.sweeps(2 * HOUR, np.nan)
    line.sweep(0.047)  # above what would end an alarm that stands, and below what begins one
    assert line.standing.grades[0] == NONE


def test_chance_in_a_small_library_is_no_alarm_and_a_rise_is():
    rng = np.random.default_rng(1)
    line = Line(columns=31, seconds=60)
    line.sweeps(12 * HOUR, lambda _: rng.binomial(200, 0.03, 31) / 200)
    assert not np.any(line.grades[HOUR:])
    assert np.all(line.kept.usual.noise > 0.009)
    line.sweeps(3, lambda _: rng.binomial(200, 0.12, 31) / 200)
    assert np.mean(line.standing.grades >= ELEVATED) > 0.9, "after three sweeps"
    line.sweep(0.5)
    assert (line.standing.grades == SEVERE).all(), "what is far beyond chance at once"


def test_a_rise_must_be_five_times_the_usual_scatter():
    rng = np.random.default_rng(2)
    line = Line(columns=31)
    line.sweeps(2 * DAY, lambda _: rng.uniform(0.02, 0.08, 31))
    usual = line.kept.usual
    assert np.all(usual.scatter > 0.005)
    needed = RISES.needed(usual)
    np.testing.assert_array_equal(needed, np.maximum(5 * usual.scatter, 0.05))
    just_below, just_above = ((usual.loss + usual.answered * needed * f) for f in (0.99, 1.01))
    before = line.standing
    assert not RISES.after_sweep(before, usual, Sweep(line.at, just_below)).grades.any()
    assert RISES.after_sweep(before, usual, Sweep(line.at, just_above)).grades.all()


def test_the_band_is_what_chance_and_the_usual_swing_explain():
    rng = np.random.default_rng(3)
    line = Line(columns=31, seconds=60)
    line.sweeps(6 * HOUR, lambda _: rng.binomial(1000, 0.03, 31) / 1000)
    low, high = line.kept.usual.band
    sweeps = rng.binomial(1000, 0.03, (200, 31)) / 1000
    assert 0.99 < np.mean((low <= sweeps) & (sweeps <= high)) < 1
    assert np.all(high - low < 0.05)


def test_an_averaging_that_was_missed_changes_nothing():
    rng = np.random.default_rng(4)
    losses = rng.binomial(2000, 0.02 + 0.02 * rng.random((600, 2))) / 2000
    losses[200:260, 0] += 0.07
    often, seldom = Line(seconds=60), Line(seconds=60)
    for loss in losses:
        often.sweep(loss)
    seldom.waiting = [Sweep(START + 60 * minute, loss) for minute, loss in enumerate(losses)]
    seldom.average()
    assert_same(often.kept, seldom.kept)
    np.testing.assert_array_equal(often.standing.grades, seldom.standing.grades)


def test_an_averaging_twice_is_as_one():
    line = Line()
    line.sweeps(95, lambda minute: 0.01 + 0.07 * (40 < minute < 70))
    line.average()
    once, waiting = line.kept, list(line.waiting)
    line.average()
    assert_same(once, line.kept)
    assert [each.at for each in waiting] == [each.at for each in line.waiting]


def assert_same(one, other):
    for part in ("usual", "standing"):
        for name in getattr(one, part).__slots__:
            ours, theirs = getattr(getattr(one, part), name), getattr(getattr(other, part), name)
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_buckets_forget_what_is_older_than_a_week_and_a_day():
    buckets = Buckets(1)
    for number in (5, 5 + 7 * A_DAY):
        buckets.put(number, np.full((7, 1), number))
    assert buckets.get(2, np.array([4, 5, 5 + 7 * A_DAY]))[1:, 0].tolist() == [5, 5 + 7 * A_DAY]
    buckets.put(5 + 8 * A_DAY, np.zeros((7, 1)))
    assert np.isnan(buckets.get(2, np.array([5]))).all()


def test_a_low_quantile_is_a_value_that_is_there():
    values = np.array([[3, np.nan], [1, np.nan], [2, np.nan], [4, np.nan]])
    assert low_quantile(values, 0.5)[0] == 2
    assert low_quantile(values, 0.1)[0] == 1
    assert np.isnan(low_quantile(values, 0.5)[1])


def test_nothing_is_usual_before_the_first_sweep():
    kept, closed = average(RISES, Buckets(2), nothing_kept(2), [])
    assert np.isnan(kept.usual.loss).all()
    assert not closed
    assert (kept.usual.risen_since == NEVER).all()
