"""Days and months of Beijing from the sums of hours and days of UTC, on SQLite and MariaDB."""

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from netsky.period_report import BEIJING, Kind, Period, Totals, added
from netsky.places import PROVINCES
from netsky.store.incidents import Line
from netsky.store.reports_period import (
    DAY_DIGITS,
    HOUR_DIGITS,
    newest_hour,
    sums_by_province,
    sums_by_step,
    sums_of_periods,
)
from netsky.store.rows import column_time
from netsky.store.tables import daily, hourly

LINE = Line("cu", "b")
NOVEMBER = Period(Kind.MONTH, date(2026, 11, 1))
HOUR = timedelta(hours=1)


def rows(first, hours, *, province=PROVINCES[0], egress="b", **changed):
    """An hour after the other, of 10 sweeps each, from a time of Beijing on."""
    start = column_time(datetime(*first, tzinfo=BEIJING))
    return [
        {
            "isp": "cu",
            "egress": egress,
            "province": province.name,
            "start": start + number * HOUR,
            "sweeps": 10,
            "sent": 1000,
            "lost": 100,
            "live_sent": 800,
            "live_lost": 8,
            "mean": 30.0,
            "p95": 50.0 + number % 3,
            "alarm_minutes": 2,
            **changed,
        }
        for number in range(hours)
    ]


@pytest.fixture
def store_rows(store):
    """Puts hours in, and makes the days of them as the averaging does."""
    store.create_tables()

    def put(*parts):
        every = [row for part in parts for row in part]
        by_day = {}
        for row in every:
            key = (row["egress"], row["province"], row["start"].replace(hour=0))
            by_day.setdefault(key, []).append(row)
        counted = ("sweeps", "sent", "lost", "live_sent", "live_lost", "alarm_minutes")
        days = [
            {
                "isp": "cu",
                "egress": egress,
                "province": province,
                "start": day,
                **{name: sum(row[name] for row in hours) for name in counted},
                "mean": sum(row["mean"] * (row["sent"] - row["lost"]) for row in hours)
                / sum(row["sent"] - row["lost"] for row in hours),
                "p95": max(row["p95"] for row in hours),
            }
            for (egress, province, day), hours in by_day.items()
        ]
        with store.engine.begin() as connection:
            connection.execute(sa.insert(hourly), every)
            connection.execute(sa.insert(daily), days)

    return put


@pytest.fixture
def ask(store):
    def of(question, *values, **more):
        with store.database.connector.transaction() as connection:
            return question(connection, LINE, *values, **more)

    return of


def test_a_month_is_that_of_beijing_and_each_province_is_summed(store_rows, ask):
    store_rows(
        rows((2026, 10, 31, 22), 4),  # two hours of it are of November
        rows((2026, 11, 30, 23), 3, province=PROVINCES[1]),  # one of these
        rows((2026, 11, 5, 0), 2, egress="c", lost=900),
    )
    found = ask(sums_by_province, NOVEMBER)
    first, second = PROVINCES[:2]
    assert found == {
        first: Totals(2, 20, 2000, 200, 1600, 16, 54_000.0, 1800, 52.0, 4),
        second: Totals(1, 10, 1000, 100, 800, 8, 27_000.0, 900, 50.0, 2),
    }
    assert found[first].loss_ratio == pytest.approx(0.1)
    assert found[first].live_loss_ratio == pytest.approx(0.01)
    assert found[first].latency_seconds == pytest.approx(0.03)
    assert found[first].availability == pytest.approx(1 - 4 / 120)
    end = datetime(2026, 12, 1, tzinfo=BEIJING)
    assert ask(newest_hour, NOVEMBER) == end


def test_steps_are_hours_and_days_of_beijing(store_rows, ask):
    store_rows(rows((2026, 11, 5, 22), 4))
    first, until = NOVEMBER.begin, NOVEMBER.end
    days = ask(sums_by_step, first, until, digits=DAY_DIGITS)
    assert [(at, totals.hours) for at, totals in days] == [
        (datetime(2026, 11, 5, tzinfo=BEIJING), 2),
        (datetime(2026, 11, 6, tzinfo=BEIJING), 2),
    ]
    hours = ask(sums_by_step, first, until, digits=HOUR_DIGITS)
    assert [at for at, _ in hours] == [
        datetime(2026, 11, 5, 22, tzinfo=BEIJING) + number * HOUR for number in range(4)
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_periods_side_by_side_are_the_same_as_each_alone(store_rows, ask, kind):
    """Made of days and of the hours at their ends, or of hours alone: nothing is missed or counted twice."""
    store_rows(
        rows((2026, 9, 29, 3), 24 * 60, province=PROVINCES[3]),
        rows((2026, 10, 31, 20), 30, province=PROVINCES[4], lost=500, mean=90.0),
    )
    last = NOVEMBER if kind is Kind.MONTH else Period(kind, date(2026, 11, 2))
    periods = last.back(4)
    found = ask(sums_of_periods, periods)
    assert [period for period, _ in found] == periods
    for period, totals in found:
        alone = added(ask(sums_by_province, period).values())
        assert totals.hours == alone.hours
        assert totals.rtt_sum == pytest.approx(alone.rtt_sum, rel=1e-5)  # FLOAT keeps six digits
        assert (totals.sweeps, totals.sent, totals.lost, totals.live_lost, totals.alarm_minutes) == (
            alone.sweeps, alone.sent, alone.lost, alone.live_lost, alone.alarm_minutes,
        )  # fmt: skip
    assert sum(totals.hours for _, totals in found) > 0


def test_of_a_period_without_any_hour_nothing_is_known(store_rows, ask):
    store_rows(rows((2026, 10, 31, 22), 2))
    assert ask(sums_by_province, NOVEMBER) == {}
    assert ask(sums_by_step, NOVEMBER.begin, NOVEMBER.end, digits=DAY_DIGITS) == []
    assert ask(newest_hour, NOVEMBER) is None
    assert ask(sums_of_periods, [NOVEMBER]) == [(NOVEMBER, Totals())]
