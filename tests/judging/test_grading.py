"""Judging: every rule at its edges, and what must never come of missing data."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.console import points
from netsky.judging.grading import Grade, NotJudged, Severity, Thresholds, grade, judge
from netsky.places import PROVINCES
from testing.samples import STARTED_AT, make_baseline, make_newest

NONE, ELEVATED, SEVERE = Grade.NONE, Grade.ELEVATED, Grade.SEVERE
MEDIUM, HEAVY, CRITICAL = Severity.MEDIUM, Severity.HEAVY, Severity.CRITICAL
SLUGS = [province.slug for province in PROVINCES]


def judge_losses(losses, *, baselines=None, ages=None, baseline_hours=None, thresholds=None):
    """By province: loss in percent; the baseline is 0 (None: there is none) and both are fresh."""
    baselines = dict.fromkeys(losses, 0.0) | (baselines or {})
    ages, baseline_hours = ages or {}, baseline_hours or {}
    return judge(
        [make_newest(slug, loss, age=ages.get(slug, 10)) for slug, loss in losses.items()],
        [
            make_baseline(slug, baseline, hours=baseline_hours.get(slug, 0.5))
            for slug, baseline in baselines.items()
            if baseline is not None
        ],
        now=STARTED_AT,
        thresholds=thresholds or Thresholds(),
    )


def elevated(count, *, first=0):
    return dict.fromkeys(SLUGS[first : first + count], 7.0)


def by_province(verdict):
    return {judgement.province.slug: judgement for judgement in verdict.judgements}


# One province


@pytest.mark.parametrize(
    ("increase", "expected"),
    [
        (0, NONE),
        (4.99, NONE),
        (4.9999, NONE),
        (5, ELEVATED),
        (5.01, ELEVATED),
        (9.99, ELEVATED),
        (9.9999, ELEVATED),
        (10, SEVERE),
        (100, SEVERE),
    ],
)
def test_a_province_is_elevated_from_5_points_and_severe_from_10(increase, expected):
    assert grade(increase / 100, Thresholds()) is expected
    verdict = judge_losses({"hunan": increase})
    assert by_province(verdict)["hunan"].grade is expected


@given(st.integers(0, 8999), st.sampled_from([500, 1000]))
def test_a_rise_of_exactly_a_threshold_reaches_it_whatever_the_two_values(baseline, rise):
    """In hundredths of a percent: 12.3 % - 7.3 % is a little less than 5 points in binary."""
    verdict = judge_losses({"hunan": (baseline + rise) / 100}, baselines={"hunan": baseline / 100})
    assert verdict.judgements[0].grade is (ELEVATED if rise == 500 else SEVERE)
    verdict = judge_losses(
        {"hunan": (baseline + rise - 1) / 100}, baselines={"hunan": baseline / 100}
    )
    assert verdict.judgements[0].grade is (NONE if rise == 500 else ELEVATED)


def test_the_increase_is_newest_minus_mean():
    verdict = judge_losses({"hunan": 12.5}, baselines={"hunan": 2.25})
    assert verdict.judgements[0].increase_ratio == pytest.approx(0.1025)


def test_a_loss_below_its_mean_is_no_increase_rather_than_a_negative_one():
    verdict = judge_losses({"hunan": 2.0}, baselines={"hunan": 40.0})
    assert verdict.judgements[0].increase_ratio == 0
    assert verdict.judgements[0].grade is NONE


@pytest.mark.parametrize("dead", [0.0, 0.03, 0.3, 0.46, 0.9])
@pytest.mark.parametrize(("rise", "expected"), [(4.9, NONE), (5, ELEVATED), (10, SEVERE)])
def test_five_points_of_what_users_lose_are_five_whatever_share_is_dead(dead, rise, expected):
    def all_of(live):
        return 100 * dead + (1 - dead) * live

    newest = make_newest(
        "hunan", all_of(1 + rise), live_loss_ratio=(1 + rise) / 100, live_targets=400
    )
    baseline = make_baseline("hunan", all_of(1), live_loss_ratio=0.01)
    [judgement] = judge([newest], [baseline], now=STARTED_AT, thresholds=Thresholds()).judgements
    assert judgement.by_live
    assert judgement.grade is expected
    assert judgement.increase_ratio == pytest.approx(rise / 100)
    assert (judgement.loss_ratio, judgement.baseline_ratio) == ((1 + rise) / 100, 0.01)


@pytest.mark.parametrize(
    ("newest", "baseline"),
    [
        ({"live_targets": 399, "live_loss_ratio": 0.5}, {"live_loss_ratio": 0.01}),
        ({"live_targets": 900, "live_loss_ratio": 0.5}, {}),
        ({"live_targets": 900}, {"live_loss_ratio": 0.01}),
        ({}, {"live_loss_ratio": 0.01}),
    ],
)
def test_of_few_that_are_known_to_answer_usually_nothing_is_judged_but_of_all(newest, baseline):
    losses = [make_newest("hunan", 7.0, **newest)]
    usual = [make_baseline("hunan", 1.0, **baseline)]
    [judgement] = judge(losses, usual, now=STARTED_AT, thresholds=Thresholds()).judgements
    assert not judgement.by_live
    assert judgement.increase_ratio == pytest.approx(0.06)
    assert (judgement.loss_ratio, judgement.baseline_ratio) == (0.07, 0.01)


def test_the_thresholds_can_be_set():
    thresholds = Thresholds(elevated=0.02, severe=0.04)
    grades = [
        judge_losses({"hunan": loss}, thresholds=thresholds).judgements[0].grade
        for loss in (1.99, 2, 4)
    ]
    assert grades == [NONE, ELEVATED, SEVERE]


# All provinces


@pytest.mark.parametrize(
    ("losses", "active"),
    [
        ({"hunan": 0.0}, {}),
        ({"hunan": 4.99}, {}),
        (elevated(1), {MEDIUM: 1}),
        (elevated(3), {MEDIUM: 3}),
        (elevated(4), {HEAVY: 4}),
        (elevated(31), {HEAVY: 31}),
        ({"xinjiang": 10.0}, {CRITICAL: 1}),
        (elevated(1) | {"xinjiang": 50.0}, {MEDIUM: 1, CRITICAL: 1}),
        (elevated(3) | {"xinjiang": 50.0}, {MEDIUM: 3, CRITICAL: 1}),
        (elevated(4) | {"xinjiang": 50.0}, {HEAVY: 4, CRITICAL: 1}),
        (dict.fromkeys(SLUGS, 80.0), {CRITICAL: 31}),
    ],
)
def test_grades_add_up_to_severities(losses, active):
    verdict = judge_losses(losses)
    assert {severity: len(about) for severity, about in verdict.active.items()} == active
    assert verdict.undetermined == set()


def test_the_worst_stand_first_and_what_is_not_judged_before_what_is_fine():
    losses = {"beijing": 0.0, "hebei": 6.0, "hunan": 0.0, "hubei": 30.0, "hainan": 1.0}
    verdict = judge_losses(losses, baselines={"hunan": None})
    slugs = [judgement.province.slug for judgement in verdict.judgements]
    assert slugs == ["hubei", "hebei", "hunan", "hainan", "beijing"]


# What is not judged


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ages": {"hunan": 180}}, None),
        ({"ages": {"hunan": 181}}, NotJudged.STALE),
        ({"baselines": {"hunan": None}}, NotJudged.NO_BASELINE),
        ({"baseline_hours": {"hunan": 24}}, None),
        ({"baseline_hours": {"hunan": 24.01}}, NotJudged.STALE_BASELINE),
        ({"ages": {"hunan": 181}, "baselines": {"hunan": None}}, NotJudged.STALE),
        ({"ages": {"hunan": -60}}, None),
        ({"ages": {"hunan": -61}}, NotJudged.IN_THE_FUTURE),
        ({"baseline_hours": {"hunan": -0.02}}, NotJudged.IN_THE_FUTURE),
    ],
)
def test_what_is_old_or_missing_is_not_judged_and_says_why(changed, reason):
    verdict = judge_losses({"hunan": 50.0, "hubei": 0.0}, **changed)
    hunan = by_province(verdict)["hunan"]
    assert hunan.not_judged is reason
    if reason:
        assert (hunan.grade, hunan.increase_ratio) == (None, None)
        assert verdict.active == {}
        assert [judgement.province.slug for judgement in verdict.judged] == ["hubei"]
    else:
        assert list(verdict.active) == [CRITICAL]


def test_a_mean_without_any_loss_rate_is_not_judged():
    verdict = judge([], [make_baseline("hunan", 1)], now=STARTED_AT, thresholds=Thresholds())
    assert by_province(verdict)["hunan"].not_judged is NotJudged.NO_LOSS_RATE
    assert verdict.undetermined == {MEDIUM, CRITICAL}


def test_without_any_province_no_severity_can_be_told():
    assert judge([], [], now=STARTED_AT, thresholds=Thresholds()).undetermined == set(Severity)


@pytest.mark.parametrize("lost", range(16, 60))
def test_float_columns_do_not_cost_a_grade(lost):
    """Of 300 packets: what MySQL keeps of the percentages is within seven digits."""
    newest, baseline = np.float32(100 * lost / 300), np.float32(100 * (lost - 15) / 300)
    verdict = judge_losses({"hunan": float(newest)}, baselines={"hunan": float(baseline)})
    assert verdict.judgements[0].grade is ELEVATED
    assert points(verdict.judgements[0].increase_ratio) == "+5.00"


def test_the_ages_can_be_set():
    thresholds = Thresholds(max_age=timedelta(seconds=20), max_baseline_age=timedelta(hours=1))
    losses = {"hunan": 0.0, "hubei": 0.0, "hebei": 0.0}
    verdict = judge_losses(
        losses, ages={"hunan": 21}, baseline_hours={"hubei": 1.1}, thresholds=thresholds
    )
    reasons = {slug: judgement.not_judged for slug, judgement in by_province(verdict).items()}
    assert reasons == {
        "hunan": NotJudged.STALE,
        "hubei": NotJudged.STALE_BASELINE,
        "hebei": None,
    }


@pytest.mark.parametrize("losses", [elevated(4), dict.fromkeys(SLUGS, 0.0)])
def test_when_nothing_can_be_judged_no_severity_can_be_told(losses):
    verdict = judge_losses(losses, ages=dict.fromkeys(losses, 600))
    assert verdict.active == {}
    assert verdict.undetermined == set(Severity)


@pytest.mark.parametrize(
    ("judged", "silent", "active", "undetermined"),
    [
        # A province that is silent may be severe, whatever it was: that has not ended.
        ({"hunan": 0.0}, 1, set(), {MEDIUM, CRITICAL}),
        ({"hunan": 50.0}, 1, {CRITICAL}, {MEDIUM}),
        # What the judged ones prove stands; what the silent one could add cannot be told.
        (elevated(2), 1, {MEDIUM}, {CRITICAL}),
        (elevated(3), 1, {MEDIUM}, {HEAVY, CRITICAL}),
        (elevated(4), 1, {HEAVY}, {CRITICAL}),
        (elevated(4) | {"hunan": 50.0}, 3, {HEAVY, CRITICAL}, set()),
        ({"hunan": 0.0}, 3, set(), {MEDIUM, CRITICAL}),
        ({"hunan": 0.0}, 4, set(), {MEDIUM, HEAVY, CRITICAL}),
    ],
)
@pytest.mark.parametrize("why", ["old", "without a baseline", "from a clock that is ahead"])
def test_what_is_not_judged_neither_makes_nor_ends_an_alert(
    judged, silent, active, undetermined, why
):
    losses = dict.fromkeys(SLUGS[-silent:], 0.0)
    ages = dict.fromkeys(losses, {"old": 600, "from a clock that is ahead": -61}.get(why, 10))
    baselines = dict.fromkeys(losses, None if why == "without a baseline" else 0.0)
    verdict = judge_losses(judged | losses, ages=ages, baselines=baselines)
    assert verdict.active.keys() == active
    assert verdict.undetermined == undetermined
    assert len(verdict.not_judged) == silent


def test_a_province_that_no_sweep_has_any_more_is_gone():
    """It has left the address library: while others are measured, it is not missing."""
    hours = 3600
    losses = {"hunan": 0.0, "hubei": 50.0, "hebei": 50.0}
    verdict = judge_losses(losses, ages={"hubei": 12 * hours + 10, "hebei": 12 * hours + 9})
    assert [j.province.slug for j in verdict.judgements] == ["hebei", "hunan"]


def test_when_all_are_old_none_is_gone():
    losses = {"hunan": 0.0, "hubei": 0.0}
    verdict = judge_losses(losses, ages=dict.fromkeys(losses, 30 * 86400))
    assert len(verdict.not_judged) == 2
