"""Days and months of Beijing, and what a period amounts to."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from netsky.judging.grading import Severity
from netsky.judging.incidents import Incident
from netsky.period_report import (
    Kind,
    LinePeriod,
    Period,
    PeriodReport,
    Totals,
    last_over,
    period_of,
)
from netsky.places import BUILTIN_ISPS, PROVINCES

NOVEMBER = Period(Kind.MONTH, date(2026, 11, 1))
MINUTE = timedelta(minutes=1)


def test_a_month_begins_and_ends_at_midnight_of_beijing():
    assert NOVEMBER.begin == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert NOVEMBER.end == datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert (NOVEMBER.name, NOVEMBER.before.name, NOVEMBER.after.name) == (
        "2026-11",
        "2026-10",
        "2026-12",
    )


def test_a_day_is_one_of_beijing():
    day = Period(Kind.DAY, date(2026, 3, 1))
    assert (day.begin, day.end) == (
        datetime(2026, 2, 28, 16, tzinfo=UTC),
        datetime(2026, 3, 1, 16, tzinfo=UTC),
    )
    assert [each.name for each in day.back(3)] == ["2026-02-27", "2026-02-28", "2026-03-01"]


def test_months_go_back_over_years():
    january = period_of(Kind.MONTH, date(2024, 1, 31))
    assert [each.name for each in january.back(3)] == ["2023-11", "2023-12", "2024-01"]
    assert period_of(Kind.MONTH, date(2024, 2, 29)).after.name == "2024-03"


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        (datetime(2026, 11, 30, 15, 59, tzinfo=UTC), "2026-11-29", "2026-10"),
        (datetime(2026, 11, 30, 16, 0, tzinfo=UTC), "2026-11-30", "2026-11"),
    ],
)
def test_the_newest_that_is_over_is_told_by_the_clock_of_beijing(now, day, month):
    assert last_over(Kind.DAY, now).name == day
    assert last_over(Kind.MONTH, now).name == month


def test_ratios_are_of_the_packets_and_not_means_of_ratios():
    both = Totals(1, 1000, 100, p95=5.0) + Totals(1, 9000, 0, p95=None)
    assert both.loss_ratio == pytest.approx(0.01)
    assert both.p95_seconds == pytest.approx(0.005)


def test_what_was_not_measured_has_neither_loss_nor_availability():
    nothing = Totals()
    assert (nothing.loss_ratio, nothing.live_loss_ratio, nothing.latency_seconds) == (None,) * 3
    assert (nothing.p95_seconds, nothing.availability) == (None, None)


def test_availability_is_the_share_of_sweeps_whatever_the_alert_has_seen():
    hour = Totals(sweeps=360, judged_sweeps=360, bad_sweeps=10, alarm_minutes=10)
    assert hour.availability == pytest.approx(350 / 360)
    assert replace(hour, alarm_minutes=0).availability == hour.availability
    assert Totals(sweeps=360, alarm_minutes=0).availability is None


def line(*incidents, **totals):
    return LinePeriod(
        BUILTIN_ISPS["cu"],
        "b",
        {PROVINCES[0]: Totals(sweeps=600, judged_sweeps=600, **totals)},
        {},
        incidents=incidents,
    )


def incident(opened_at, cleared_at):
    return Incident(
        opened_at, opened_at, cleared_at, Severity.MEDIUM, Severity.MEDIUM, 0.1, 1, PROVINCES[:1]
    )


def test_of_an_incident_only_what_lies_in_the_period_counts():
    begin, end = NOVEMBER.begin, NOVEMBER.end
    now = end + 60 * MINUTE
    over = line(
        incident(begin - 30 * MINUTE, begin + 10 * MINUTE),
        incident(begin + 60 * MINUTE, begin + 65 * MINUTE),
        incident(end - MINUTE, None),
        incident(begin - 30 * MINUTE, begin),
        incident(end, None),
    )
    assert len(over.incidents_in(NOVEMBER)) == 3
    assert over.incident_time(NOVEMBER, now) == 16 * MINUTE
    open_now = line(incident(begin, None))
    assert open_now.incident_time(NOVEMBER, begin + 7 * MINUTE) == 7 * MINUTE


def test_the_worst_provinces_are_the_least_available_then_those_that_lose():
    first, second, third, fourth, fifth = PROVINCES[:5]
    of = {
        first: Totals(sent=10, lost=10),
        second: Totals(judged_sweeps=9, sent=10, lost=9),
        third: Totals(judged_sweeps=9, bad_sweeps=1, sent=10, lost=1),
        fourth: Totals(judged_sweeps=9, sent=10, lost=8, live_sent=10, live_lost=10),
        fifth: Totals(judged_sweeps=9, sent=10, lost=10, live_sent=10, live_lost=0),
    }
    assert [province for province, _ in replace(line(), provinces=of).worst()] == [
        third,
        fourth,
        second,
        fifth,  # of what never answers nothing is told
        first,
    ]


def test_lines_are_ordered_by_availability_and_unknown_ones_apart():
    bad, well = line(bad_sweeps=60), line()
    unknown = replace(line(), provinces={}, problem="away")
    not_judged = replace(line(), provinces={PROVINCES[0]: Totals(sweeps=1, sent=1, lost=1)})
    report = PeriodReport(NOVEMBER, NOVEMBER.end, NOVEMBER.end, (not_judged, well, unknown, bad))
    assert report.known == [bad, well, not_judged]
    assert report.unknown == [unknown]
    assert report.is_over
    assert not report.is_complete
