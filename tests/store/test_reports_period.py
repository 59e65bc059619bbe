"""Days and months of Beijing from the sums of hours and days of UTC, on SQLite and MariaDB."""

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from netsky.period_report import BEIJING, Kind, Period, Totals
from netsky.places import PROVINCES
from netsky.store.incidents import Line
from netsky.store.reports_period import losses_by_step, newest_hour, sums_by_province
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
            "tainted_sweeps": 1,
            "judged_sweeps": 8,
            "bad_sweeps": 3,
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
        counted = [name for name in every[0] if isinstance(every[0][name], int)]
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
        first: Totals(20, 2000, 200, 1600, 16, 54_000.0, 1800, 52.0, 4, 2, 16, 6),
        second: Totals(10, 1000, 100, 800, 8, 27_000.0, 900, 50.0, 2, 1, 8, 3),
    }
    assert found[first].loss_ratio == pytest.approx(0.1)
    assert found[first].live_loss_ratio == pytest.approx(0.01)
    assert found[first].latency_seconds == pytest.approx(0.03)
    assert found[first].availability == pytest.approx(1 - 6 / 16)
    end = datetime(2026, 12, 1, tzinfo=BEIJING)
    assert ask(newest_hour, NOVEMBER) == end


def test_steps_are_hours_and_days_of_beijing(store_rows, ask):
    store_rows(rows((2026, 11, 5, 22), 4))
    of_two_hours = Totals(sent=2000, lost=200, live_sent=1600, live_lost=16)
    assert ask(losses_by_step, NOVEMBER) == [
        (datetime(2026, 11, 5, tzinfo=BEIJING), of_two_hours),
        (datetime(2026, 11, 6, tzinfo=BEIJING), of_two_hours),
    ]
    hours = ask(losses_by_step, Period(Kind.DAY, date(2026, 11, 5)))
    assert [at for at, _ in hours] == [
        datetime(2026, 11, 5, 22, tzinfo=BEIJING) + number * HOUR for number in range(2)
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_a_period_is_made_of_days_and_of_the_hours_at_its_ends(store_rows, ask, kind):
    """Nothing is missed, and nothing is counted twice: the same as all of its hours."""
    of_long = rows((2026, 9, 29, 3), 24 * 60, province=PROVINCES[3])
    of_short = rows((2026, 10, 31, 20), 30, province=PROVINCES[4], lost=500, mean=90.0)
    store_rows(of_long, of_short)
    last = NOVEMBER if kind is Kind.MONTH else Period(kind, date(2026, 11, 2))
    for period in last.back(3):
        found = ask(sums_by_province, period)
        begin, end = column_time(period.begin), column_time(period.end)
        for province, every in ((PROVINCES[3], of_long), (PROVINCES[4], of_short)):
            hours = [row for row in every if begin <= row["start"] < end]
            totals = found.get(province, Totals())
            rtt_sum = sum(row["mean"] * (row["sent"] - row["lost"]) for row in hours)
            assert totals.rtt_sum == pytest.approx(rtt_sum, rel=1e-5)  # FLOAT keeps six digits
            assert totals.p95 == max((row["p95"] for row in hours), default=None)
            names = ("sweeps", "sent", "lost", "live_sent", "live_lost", "alarm_minutes")
            for name in (*names, "tainted_sweeps", "judged_sweeps", "bad_sweeps"):
                assert getattr(totals, name) == sum(row[name] for row in hours), name
        assert found


def test_of_a_period_without_any_hour_nothing_is_known(store_rows, ask):
    store_rows(rows((2026, 10, 31, 22), 2))
    assert ask(sums_by_province, NOVEMBER) == {}
    assert ask(losses_by_step, NOVEMBER) == []
    assert ask(newest_hour, NOVEMBER) is None
