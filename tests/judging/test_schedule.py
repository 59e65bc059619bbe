"""When evidence is taken: at opening, after five minutes, on growth, when cleared, and never too often."""

from dataclasses import replace
from datetime import timedelta

import pytest

from netsky.evidence import IncidentThen, Reason
from netsky.judging.grading import Severity
from netsky.judging.incidents import Incident
from netsky.judging.schedule import due, may_try
from netsky.places import find_province
from testing.evidence import OPENED_AT, make_taking

MINUTE = timedelta(minutes=1)
GUANGDONG, HUNAN = find_province("guangdong"), find_province("hunan")
OPEN = Incident(
    OPENED_AT, OPENED_AT, None, Severity.HEAVY, Severity.HEAVY, 0.2, 1, (GUANGDONG,), id=7
)
THEN = IncidentThen(7, OPENED_AT, None, "heavy", (GUANGDONG,))


def taking(reason, minutes, *, then=THEN, traced=True):
    changed = {} if traced else {"reports": ()}
    return make_taking(
        reason=reason, taken_at=OPENED_AT + minutes * MINUTE, incident=then, **changed
    )


OPENED = taking(Reason.OPENED, 1)


def reason_of(incident, *takings, minutes, before=()):
    automatic = [each.taken_at for each in takings if each.reason is not Reason.BY_HAND]
    of_line = [*before, *automatic]
    return due(
        incident,
        takings,
        of_line=of_line,
        now=OPENED_AT + minutes * MINUTE,
        cleared_within=timedelta(hours=2),
    )


def test_an_incident_without_evidence_gets_it_at_once():
    assert reason_of(OPEN, minutes=1) is Reason.OPENED


def test_what_was_begun_and_killed_is_begun_again():
    assert reason_of(OPEN, taking(Reason.OPENED, 1, traced=False), minutes=2) is Reason.OPENED


@pytest.mark.parametrize(("minutes", "reason"), [(2, None), (5.9, None), (6, Reason.AFTER)])
def test_after_five_minutes_it_is_taken_again(minutes, reason):
    assert reason_of(OPEN, OPENED, minutes=minutes) is reason


def test_only_once():
    assert reason_of(OPEN, OPENED, taking(Reason.AFTER, 6), minutes=50) is None
    assert reason_of(OPEN, OPENED, taking(Reason.GROWTH, 7), minutes=50) is None


def test_growth_is_more_provinces_or_a_heavier_severity():
    wider = replace(OPEN, provinces=(GUANGDONG, HUNAN))
    heavier = replace(OPEN, peak_severity=Severity.CRITICAL)
    for grown in (wider, heavier):
        assert reason_of(grown, OPENED, minutes=2) is Reason.GROWTH
    lighter = replace(OPEN, severity=Severity.MEDIUM)
    assert reason_of(lighter, OPENED, minutes=2) is None


def test_growth_is_told_once():
    wider = replace(OPEN, provinces=(GUANGDONG, HUNAN))
    seen = taking(Reason.GROWTH, 2, then=replace(THEN, provinces=(HUNAN, GUANGDONG)))
    assert reason_of(wider, OPENED, seen, minutes=3) is None


def test_once_it_is_cleared_it_is_taken_to_compare_with():
    cleared = replace(OPEN, cleared_at=OPENED_AT + 10 * MINUTE)
    assert reason_of(cleared, OPENED, minutes=13) is Reason.CLEARED
    assert reason_of(cleared, OPENED, taking(Reason.CLEARED, 13), minutes=14) is None
    assert reason_of(cleared, minutes=13) is None, "there is nothing to compare it with"
    assert reason_of(cleared, OPENED, minutes=10 + 121) is None, "that was long ago"


def test_four_times_in_an_hour_are_the_most_of_a_line():
    before = [OPENED_AT - minutes * MINUTE for minutes in (50, 40, 30, 20)]
    assert reason_of(OPEN, minutes=1, before=before) is None
    assert reason_of(OPEN, minutes=11, before=before) is Reason.OPENED


def test_what_a_clock_ahead_has_taken_does_not_count_for_ever():
    before = [OPENED_AT + timedelta(days=minutes) for minutes in (1, 2, 3, 4)]
    assert reason_of(OPEN, minutes=1, before=before) is Reason.OPENED


def test_eight_times_are_the_most_of_an_incident_and_the_last_is_for_when_it_is_cleared():
    takings = [taking(Reason.GROWTH, 20 * number) for number in range(7)]
    heavier = replace(OPEN, peak_severity=Severity.CRITICAL)
    assert reason_of(heavier, *takings[:6], minutes=200) is Reason.GROWTH
    assert reason_of(heavier, *takings, minutes=200) is None
    cleared = replace(heavier, cleared_at=OPENED_AT + 190 * MINUTE)
    assert reason_of(cleared, *takings, minutes=200) is Reason.CLEARED
    assert reason_of(cleared, *takings, taking(Reason.OPENED, 190), minutes=200) is None


def test_what_a_person_has_asked_for_changes_nothing_of_when_it_is_due():
    by_hand = [taking(Reason.BY_HAND, number) for number in range(1, 10)]
    assert reason_of(OPEN, OPENED, *by_hand, minutes=12, before=[]) is Reason.AFTER
    heavier = replace(OPEN, peak_severity=Severity.CRITICAL)
    takings = [taking(Reason.GROWTH, 20 * number) for number in range(6)]
    assert reason_of(heavier, *by_hand, *takings, minutes=200) is Reason.GROWTH
    assert reason_of(heavier, *by_hand, *takings, taking(Reason.AFTER, 130), minutes=200) is None


def test_what_cannot_be_traced_is_tried_ever_less_often_but_each_quarter_of_an_hour():
    tried, failed = [0], 1
    for minute in range(1, 61):
        # Cron may come a few seconds early.
        now = OPENED_AT + minute * MINUTE - timedelta(seconds=5)
        if may_try(failed, OPENED_AT + tried[-1] * MINUTE, now):
            tried.append(minute)
            failed += 1
    assert tried == [0, 1, 3, 7, 15, 30, 45, 60]
    assert may_try(5, OPENED_AT + timedelta(days=1), OPENED_AT), "a clock was ahead"
