"""netsky_sweep in days on MariaDB: old ones are dropped, and what cannot be dropped is deleted."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from netsky.jobs.average import average
from netsky.jobs.housekeeping import Keep
from netsky.judging.rule import MeanRule
from netsky.outlets.delivery import Outlets
from netsky.places import BUILTIN_ISPS
from netsky.store import days
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.samples import make_quality
from testing.stores import store_each_hour, store_sweep

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture
def now():
    """Noon, so that no day ends while a test runs."""
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


def sweep(store, at):
    store_sweep(store.database, "cu", "default", at, [make_quality("hunan")])


def sweep_each_hour(store, hours):
    newest = datetime.now(UTC) - MINUTE
    store_each_hour(store.database, newest, hours, [make_quality("hunan")])


def parts(store):
    with store.database.connector.transaction() as connection:
        return days.parts(connection)


def names(store):
    return [part.name for part in parts(store)]


def rows_by_part(store):
    return {
        part.name: count
        for part in parts(store)
        if (
            count := store.fetch(f"SELECT COUNT(*) FROM netsky_sweep PARTITION ({part.name})")[0][0]
        )
    }


def before(moment):
    return f"before_{moment:%Y_%m_%d}"


def run_average(database, keep):
    return average(
        database,
        BUILTIN_ISPS["cu"],
        None,
        hours=12,
        rule=MeanRule(min_samples=1),
        keep=Keep(keep),
        outlets=Outlets(),
    )


def test_the_days_to_come_are_made_once_and_sweeps_go_into_theirs(mariadb_store, now):
    database = mariadb_store.database
    sweep(mariadb_store, now - MINUTE)
    for _ in range(2):
        database.divide_into_days(now=now, keep=30 * DAY)
        assert names(mariadb_store) == [
            *(before(now + (1 + ahead) * DAY) for ahead in range(days.DAYS_AHEAD)),
            "later",
        ]
    sweep(mariadb_store, now + DAY)
    sweep(mariadb_store, now + 300 * DAY)
    assert rows_by_part(mariadb_store) == {
        before(now + DAY): 1,
        before(now + 2 * DAY): 1,
        "later": 1,
    }
    database.divide_into_days(now=now + 2 * DAY, keep=30 * DAY)
    assert names(mariadb_store)[-2] == before(now + 9 * DAY)
    assert len(mariadb_store.sweeps()) == 3


def test_a_clock_that_was_ahead_leaves_no_day_too_long(mariadb_store, now):
    database = mariadb_store.database
    database.divide_into_days(now=now + 400 * DAY, keep=30 * DAY)
    sweep(mariadb_store, now)
    database.divide_into_days(now=now, keep=30 * DAY)
    assert rows_by_part(mariadb_store) == {before(now + DAY): 1}
    assert len(names(mariadb_store)) == 2 * days.DAYS_AHEAD + 1


def test_for_history_of_many_years_a_part_is_of_several_days(mariadb_store, now):
    mariadb_store.database.divide_into_days(now=now, keep=36_500 * DAY)
    ends = [part.end for part in parts(mariadb_store)[:-1]]
    assert {later - earlier for earlier, later in pairwise(ends)} == {37 * DAY}
    assert ends[0] - 37 * DAY <= now.replace(tzinfo=None) < ends[0]


@pytest.fixture
def old(mariadb_store, now):
    """A sweep an hour of the past five days, each day in its part."""
    for day in range(-6, 0):
        mariadb_store.database.divide_into_days(now=now + day * DAY, keep=30 * DAY)
    sweep_each_hour(mariadb_store, 5 * 24)
    return mariadb_store


def test_old_days_are_dropped_and_no_row_of_theirs_is_deleted(old, monkeypatch, caplog):
    caplog.set_level("INFO")
    report = run_average(old.database, 3 * DAY)
    limit = datetime.now(UTC) - 3 * DAY
    midnight = limit.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    assert min(row["started_at"] for row in old.sweeps()) >= midnight
    assert 3 * 24 <= len(old.sweeps()) < 4 * 24 + 1
    assert "netsky_sweep" not in report.pruned
    assert report.pruned["netsky_lossrate"] == 48
    assert "dropped a day of netsky_sweep" in caplog.text
    assert report.complete


def test_a_user_who_may_not_drop_days_has_old_rows_deleted_and_is_told(mariadb, old, caplog):
    mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    mariadb.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON *.* TO netsky@'127.0.0.1'")
    url = mariadb.url(old.url.rpartition("/")[2], user="netsky", password="right")
    report = run_average(Database(fill_url(url, "cu", "default"), timeout=5), 3 * DAY)
    assert report.pruned["netsky_sweep"] == 48
    assert len(old.sweeps()) == 3 * 24
    assert "ALTER command denied" in caplog.text
    assert "ALTER, CREATE and DROP on this table" in caplog.text
    assert report.complete


def test_rows_of_days_that_were_never_divided_are_deleted_one_by_one(mariadb_store):
    sweep_each_hour(mariadb_store, 5 * 24)
    report = run_average(mariadb_store.database, 3 * DAY)
    assert report.pruned["netsky_sweep"] == 48


def test_whoever_reads_for_long_keeps_the_days_and_nobody_waits_behind(
    old, monkeypatch, caplog, now
):
    monkeypatch.setattr("netsky.store.days._SECONDS_TO_WAIT", 1)
    with old.engine.connect() as reader:
        reader.exec_driver_sql("SELECT COUNT(*) FROM netsky_sweep").all()  # and no end of it
        report = run_average(old.database, 3 * DAY)
        assert report.complete
        assert "Lock wait timeout" in caplog.text
        assert "netsky_sweep" not in report.pruned
        sweep(old, now)
    run_average(old.database, 3 * DAY)
    assert names(old)[-2] == before(now + days.DAYS_AHEAD * DAY)


def test_a_part_that_is_full_is_not_divided_under_the_probes(mariadb_store, monkeypatch, caplog):
    monkeypatch.setattr("netsky.store.days._MOST_ROWS_COPIED", 10)
    sweep_each_hour(mariadb_store, 20)
    mariadb_store.execute("ANALYZE TABLE netsky_sweep")
    assert run_average(mariadb_store.database, 3 * DAY).complete
    assert "apply upgrade.sql, which divides it into days" in caplog.text
    assert names(mariadb_store) == ["later"]


def test_where_there_are_no_parts_all_works_the_same(mariadb_store, caplog):
    mariadb_store.execute("ALTER TABLE netsky_sweep REMOVE PARTITIONING")
    sweep_each_hour(mariadb_store, 5 * 24)
    assert run_average(mariadb_store.database, 3 * DAY).pruned["netsky_sweep"] == 48
    assert caplog.text == ""
