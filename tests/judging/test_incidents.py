"""Incidents: every order of verdicts, and whatever clocks, sweeps judged twice and gaps do to them."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.fault import Fault, Part
from netsky.judging.grading import Severity, Thresholds, judge
from netsky.judging.incidents import GIVEN_UP_AFTER, VERDICTS, Watch, after, given_up
from netsky.places import PROVINCES, find_province
from testing.samples import STARTED_AT, make_baseline, make_newest
from testing.verdicts import ALERT, MINUTE, NOT_JUDGED, QUIET, verdict

NOON = STARTED_AT.replace(microsecond=0)
SLUGS = [province.slug for province in PROVINCES]


def watched(*losses, watch=None, first=NOON, step=MINUTE):
    """What is known after a verdict a minute; all the watches, the last one last."""
    watches = [watch or Watch()]
    for number, each in enumerate(losses):
        watches.append(after(watches[-1], verdict(each, first + number * step)))
    return watches[1:]


def incident_after(*losses, **more):
    return watched(*losses, **more)[-1].incident


# Opened, cleared


@pytest.mark.parametrize("length", [1, 2, 3, 6])
def test_in_every_order_of_verdicts_two_of_three_open_and_three_without_clear(length):
    for outcomes in product("AQ-", repeat=length):
        losses = [{"A": ALERT, "Q": QUIET, "-": NOT_JUDGED}[outcome] for outcome in outcomes]
        is_open, last = False, ""
        for outcome, watch in zip(outcomes, watched(*losses), strict=True):
            if outcome != "-":
                last = (last + outcome)[-3:]
                is_open = last != "QQQ" if is_open else last.count("A") >= 2
            assert bool(watch.open_incident) == is_open, outcomes


def test_it_begins_with_the_first_alert_and_ends_with_the_first_sweep_without():
    losses = [QUIET, ALERT, QUIET, ALERT, ALERT, QUIET, QUIET, QUIET]
    incident = incident_after(*losses)
    assert incident.opened_at == NOON + MINUTE
    assert incident.cleared_at == NOON + 5 * MINUTE
    assert incident.lasted(NOON) == 4 * MINUTE


def test_one_alert_among_quiet_verdicts_is_no_incident():
    assert incident_after(QUIET, ALERT, QUIET, QUIET, ALERT, QUIET) is None


def test_after_an_incident_the_next_one_is_another():
    watches = watched(ALERT, ALERT, QUIET, QUIET, QUIET, ALERT, ALERT)
    first, second = watches[4].incident, watches[-1].incident
    assert first.cleared_at == NOON + 2 * MINUTE
    assert second.opened_at == NOON + 5 * MINUTE
    assert second.is_open


def test_what_is_not_judged_neither_opens_nor_clears():
    assert incident_after(ALERT, *[NOT_JUDGED] * 9) is None
    assert incident_after(ALERT, NOT_JUDGED, ALERT).is_open
    assert incident_after(ALERT, ALERT, *[NOT_JUDGED] * 9).is_open
    assert incident_after(ALERT, ALERT, QUIET, QUIET, *[NOT_JUDGED] * 9).is_open
    assert not incident_after(ALERT, ALERT, QUIET, NOT_JUDGED, QUIET, QUIET).is_open


def test_quiet_provinces_do_not_speak_for_one_of_the_incident_that_is_silent():
    silent = {"beijing": 1, "hunan": None}
    assert incident_after(ALERT, ALERT, *[silent] * 9).is_open
    assert incident_after(ALERT, silent, silent, ALERT).is_open


def test_a_silent_province_that_is_not_of_the_incident_does_not_keep_it_open():
    silent = {"beijing": None, "hunan": 1}
    assert not incident_after(ALERT, ALERT, *[silent] * 3).is_open


def test_a_province_that_has_left_the_library_does_not_keep_it_open():
    assert not incident_after(ALERT, ALERT, *[{"beijing": 1}] * 3).is_open


def test_an_alert_counts_although_other_provinces_are_silent():
    assert incident_after(*[{"beijing": None, "hunan": 45}] * 2).is_open


# Changed


def test_more_provinces_and_a_heavier_severity_change_it():
    steps = [
        {"beijing": 7, "hunan": 0, "hubei": 0},
        {"beijing": 7, "hunan": 0, "hubei": 0},
        {"beijing": 9, "hunan": 0, "hubei": 0},  # a rise alone does not
        {"beijing": 7, "hunan": 7, "hubei": 0},
        {"beijing": 7, "hunan": 12, "hubei": 0},
        {"beijing": 7, "hunan": 0, "hubei": 0},  # less does not
        {"beijing": 7, "hunan": 12, "hubei": 0},  # nor does what it had been before
    ]
    incidents = [watch.incident for watch in watched(*steps)][1:]
    changed = [(incident.changed_at - NOON) // MINUTE for incident in incidents]
    assert changed == [1, 1, 3, 4, 4, 4]
    last = incidents[-1]
    assert last.peak_severity is Severity.CRITICAL
    assert last.peak_increase_ratio == pytest.approx(0.12)
    assert last.peak_provinces == 2
    assert [province.slug for province in last.provinces] == ["beijing", "hunan"]
    assert [incident.severity for incident in incidents[-2:]] == [
        Severity.MEDIUM,
        Severity.CRITICAL,
    ]


def test_the_peak_may_be_before_it_was_opened():
    incident = incident_after({"beijing": 60, "hunan": 30}, {"beijing": 0, "hunan": 6})
    assert incident.peak_increase_ratio == pytest.approx(0.60)
    assert incident.peak_severity is Severity.CRITICAL
    assert incident.severity is Severity.MEDIUM
    assert (incident.peak_provinces, len(incident.provinces)) == (2, 2)
    assert incident.opened_at == NOON


def test_provinces_stand_worst_first_and_those_that_join_behind():
    steps = [{"beijing": 7, "hunan": 45, "hubei": 12}] * 2
    assert slugs(incident_after(*steps)) == ["hunan", "hubei", "beijing"]
    joined = {"beijing": 7, "hunan": 45, "hubei": 12, "gansu": 80}
    assert slugs(incident_after(*steps, joined)) == ["hunan", "hubei", "beijing", "gansu"]


def slugs(incident):
    return [province.slug for province in incident.provinces]


def test_heavy_is_told_from_medium():
    four = dict.fromkeys(SLUGS[:4], 7)
    assert incident_after(four, four).severity is Severity.HEAVY


# Judged twice, clocks, pauses


def test_a_sweep_that_is_judged_again_counts_once():
    assert incident_after(ALERT, ALERT, ALERT, step=timedelta(0)) is None
    [*_, watch] = watched(ALERT, ALERT)
    watches = watched(
        QUIET, QUIET, QUIET, QUIET, watch=watch, first=NOON + 9 * MINUTE, step=0 * MINUTE
    )
    assert watches[-1].incident.is_open


def test_a_run_that_was_overtaken_counts_for_nothing():
    [*_, watch] = watched(ALERT, ALERT, QUIET)
    assert after(watch, verdict(QUIET, NOON + MINUTE)) == watch


def test_a_clock_that_was_set_back_does_not_keep_it_open():
    [*_, watch] = watched(ALERT, ALERT, ALERT)
    for back in (MINUTE * 2, MINUTE * 30, timedelta(days=400)):
        last = incident_after(*[QUIET] * 3, watch=watch, first=NOON - back)
        assert not last.is_open
        assert last.opened_at <= last.cleared_at


def test_one_that_a_clock_ahead_has_opened_is_not_open_since_tomorrow():
    [*_, watch] = watched(ALERT, ALERT, first=NOON + timedelta(days=1))
    incident = incident_after(ALERT, watch=watch)
    assert incident.opened_at == NOON


def test_a_clock_that_jumps_ahead_doubles_nothing():
    [*_, watch] = watched(ALERT, ALERT)
    incident = incident_after(ALERT, watch=watch, first=NOON + timedelta(days=400))
    assert (incident.opened_at, incident.is_open) == (NOON, True)


def test_an_alert_of_before_a_pause_opens_nothing_with_one_of_today():
    [watch] = watched(ALERT)
    incident = incident_after(ALERT, watch=watch, first=NOON + timedelta(days=5))
    assert incident is None


def test_hourly_verdicts_open_and_clear_it_too():
    hour = timedelta(minutes=61)
    assert incident_after(ALERT, ALERT, step=hour).is_open
    assert not incident_after(ALERT, ALERT, QUIET, QUIET, QUIET, step=hour).is_open


def test_three_quiet_verdicts_are_needed_after_a_pause():
    [*_, watch] = watched(ALERT, ALERT, QUIET, QUIET)
    later = NOON + timedelta(days=5)
    assert incident_after(QUIET, QUIET, watch=watch, first=later).is_open
    assert not incident_after(QUIET, QUIET, QUIET, watch=watch, first=later).is_open


STEPS = st.lists(
    st.tuples(
        st.sampled_from([ALERT, QUIET, NOT_JUDGED, {"beijing": 20, "hunan": None}, {"gansu": 7}]),
        st.sampled_from([0, 1, 10, 60, 60, 60, 3600, 86_400, -10, -60, -120, -7200, -86_400]),
    ),
    max_size=25,
)


@given(steps=STEPS)
def test_whatever_comes_an_incident_never_ends_before_it_began_and_quiet_ends_it(steps):
    watch, at, ended = Watch(), NOON, 0
    for losses, seconds in steps:
        at += timedelta(seconds=seconds)
        before, watch = watch, after(watch, verdict(losses, at))
        assert len(watch.recent) <= VERDICTS
        was_open, incident = before.open_incident, watch.incident
        if was_open:  # never lost, only cleared; peaks never sink, provinces never leave
            assert incident.peak_increase_ratio >= was_open.peak_increase_ratio
            assert set(incident.provinces) >= set(was_open.provinces)
            assert incident.opened_at <= was_open.opened_at
        if incident and not incident.is_open and before != watch:
            ended += 1
            assert incident.opened_at <= incident.cleared_at
            assert not any(seen.severity for seen in watch.recent)
    quiet = dict.fromkeys(["beijing", "hunan", "gansu"], 1)
    [*_, last] = watched(*[quiet] * 6, watch=watch, first=at + 2 * MINUTE)
    assert last.open_incident is None


def test_a_province_is_known_by_itself():
    assert incident_after(ALERT, ALERT).provinces == (find_province("hunan"),)


def test_prefixes_that_are_named_while_it_lasts_are_kept_in_the_order_in_which_they_came():
    watch = Watch()
    named = [(), ("10.25.16.0/20",), ("10.9.0.0/22", "10.25.16.0/20"), ()]
    for minutes, prefixes in enumerate(named):
        at = NOON + minutes * MINUTE
        newest = make_newest("hunan", 45, age=0, now=at, fault=fault_of(*prefixes))
        judged = judge([newest], [make_baseline("hunan", 1)], now=at, thresholds=Thresholds())
        watch = after(watch, judged)
    assert watch.incident.prefixes == ("10.25.16.0/20", "10.9.0.0/22")


def fault_of(*prefixes):
    parts = tuple(Part(prefix, 400, 400, 400, 0.0, None, 0.9) for prefix in prefixes)
    return Fault(parts, Part(None, 1000, 1000, 10, 0.0, None, 0.1))


# Given up


def test_what_nobody_judges_for_twelve_hours_is_given_up_as_of_the_last_verdict_that_counted():
    watch = watched(ALERT, ALERT, QUIET, ALERT)[-1]
    last = NOON + 3 * MINUTE
    assert given_up(watch, last + GIVEN_UP_AFTER) is None
    incident = given_up(watch, last + GIVEN_UP_AFTER + MINUTE)
    assert incident == replace(watch.incident, cleared_at=last, given_up=True)
    assert not incident.is_open


def test_nothing_is_given_up_that_is_not_open():
    late = NOON + 2 * GIVEN_UP_AFTER
    assert given_up(Watch(), late) is None
    assert given_up(watched(ALERT)[-1], late) is None
    assert given_up(watched(ALERT, ALERT, QUIET, QUIET, QUIET)[-1], late) is None


def test_a_verdict_that_does_not_count_keeps_no_incident_from_being_given_up():
    watch = watched(ALERT, ALERT, NOT_JUDGED, NOT_JUDGED)[-1]
    assert given_up(watch, NOON + 2 * MINUTE + GIVEN_UP_AFTER)
