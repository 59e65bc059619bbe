"""Sums of hours and days: exact against the sweeps they are made of, again and again, late ones included."""

import math
import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from netsky.jobs.alert import alert
from netsky.jobs.average import average
from netsky.jobs.housekeeping import Keep
from netsky.judging.rule import MeanRule
from netsky.outlets.delivery import Outlets
from netsky.places import BUILTIN_ISPS, find_province
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from netsky.store.tables import alarm, daily, hourly, rollup_due
from testing.commands import run_tool
from testing.samples import make_quality
from testing.stores import Loss, Store, store_each_hour

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MIDNIGHT = datetime(2024, 5, 6, tzinfo=UTC)
CU = BUILTIN_ISPS["cu"]
HUNAN = find_province("hunan")


def quality(rng, province, *, live):
    sent = int(rng.integers(1, 100_000))
    received = int(rng.integers(0, sent + 1))
    figures = {
        "packets_sent": sent,
        "packets_received": received,
        "loss_ratio": (sent - received) / sent,
        "latency_mean_seconds": float(rng.random()) if received else None,
        "latency_p95_seconds": float(rng.random()) if received else None,
    }
    if live:
        sent //= 2
        lost = int(sent * rng.choice([0.0, 0.049, 0.051, 0.15, 1.0]))
        figures |= {
            "live_targets": int(rng.choice([20, 50, 400])),
            "live_packets_sent": sent,
            "live_packets_received": sent - lost,
        }
    return make_quality(province, **figures)


def fill(store, *, seed=1, hours=30):
    """Sweeps of more than a day, of two exits, with gaps, and live figures in a part of them."""
    rng, database = np.random.default_rng(seed), store.database
    for minutes in range(0, hours * 60, 17):
        for egress in ("default", "联通-2"):
            if rng.random() < 0.8:
                qualities = [quality(rng, name, live=minutes > 600) for name in ("hunan", "hubei")]
                at = MIDNIGHT + minutes * MINUTE
                tainted = rng.random() < 0.2
                database.store(sweep_rows("cu", egress, at, qualities, tainted=tainted))


def rows_of(store, table):
    with store.engine.connect() as connection:
        query = sa.select(table).order_by(*table.primary_key)
        return [dict(row) for row in connection.execute(query).mappings()]


def roll_up(store, egress=None):
    return len(list(store.database.roll_up("cu", egress)))


def expected(store, step):
    """The same, computed from the sweeps in plain Python."""
    groups = {}
    for row in store.sweeps():
        start = row["started_at"].replace(minute=0, second=0)
        if step == DAY:
            start = start.replace(hour=0)
        groups.setdefault((row["egress"], row["province"], start), []).append(row)

    return [
        {"isp": "cu", "egress": egress, "province": province, "start": start, **sums_of(rows)}
        for (egress, province, start), rows in sorted(groups.items())
    ]


def bad_from(row):
    """From which loss on a sweep is bad: 5 %, and what chance adds to that among so few targets."""
    targets = row["live_targets"]
    return 0.05 + (3 * math.sqrt(0.05 * 0.95 / targets) if targets < 400 else 0)


def sums_of(rows):
    clean = [row for row in rows if not row["tainted"]]
    judged = [row for row in clean if row["live_sent"]]

    def total(name):
        known = [row[name] for row in clean if row[name] is not None]
        return sum(known) if known else None

    replied = [row for row in clean if row["mean"]]
    mean = sum(row["mean"] * row["received"] for row in replied) / max(
        1, sum(row["received"] for row in replied)
    )
    return {
        "sweeps": len(rows),
        "sent": total("sent"),
        "lost": total("sent") - total("received") if clean else None,
        "live_sent": total("live_sent"),
        "live_lost": total("live_lost"),
        "mean": pytest.approx(mean, rel=1e-4) if replied else None,
        "p95": pytest.approx(max(row["p95"] for row in replied), rel=1e-4) if replied else None,
        "alarm_minutes": 0,
        "tainted_sweeps": len(rows) - len(clean),
        "judged_sweeps": len(judged),
        "bad_sweeps": sum(row["live_lost"] / row["live_sent"] >= bad_from(row) for row in judged),
    }


def in_order(rows):
    return sorted(rows, key=lambda row: (row["egress"], row["province"], row["start"]))


def check(store):
    assert in_order(rows_of(store, hourly)) == expected(store, HOUR)
    assert in_order(rows_of(store, daily)) == expected(store, DAY)
    assert rows_of(store, rollup_due) == []


def test_hours_and_days_are_exact_against_the_sweeps(store):
    fill(store)
    assert roll_up(store) == 60
    check(store)
    assert len(rows_of(store, daily)) == 8


@pytest.mark.parametrize(
    ("targets", "lost", "is_bad"),
    [
        (400, 0, False),
        (400, 19, False),
        (400, 20, True),
        (400, 400, True),
        (50, 7, False),  # 14 % of 50 is chance
        (50, 8, True),
        (20, 1, False),
        (20, 3, False),
        (20, 4, True),
        (20, 20, True),
    ],
)
def test_a_sweep_is_bad_from_five_percent_on_and_of_few_targets_beyond_chance(
    store, targets, lost, is_bad
):
    figures = {"live_packets_sent": targets, "live_packets_received": targets - lost}
    known = make_quality("hunan", live_targets=targets, **figures)
    store.database.store(sweep_rows("cu", "default", MIDNIGHT, [known]))
    unknown = make_quality("hunan", packets_sent=400, packets_received=0)
    store.database.store(sweep_rows("cu", "default", MIDNIGHT + MINUTE, [unknown]))
    roll_up(store)
    for table in (hourly, daily):
        [row] = rows_of(store, table)
        assert (row["sweeps"], row["judged_sweeps"], row["bad_sweeps"]) == (2, 1, int(is_bad))


def test_what_this_host_has_dropped_is_counted_and_is_in_no_sum(store):
    for minutes, tainted in ((0, False), (1, True)):
        rows = [make_quality("hunan", packets_sent=1000, packets_received=100 if tainted else 990)]
        at = MIDNIGHT + minutes * MINUTE
        store.database.store(sweep_rows("cu", "default", at, rows, tainted=tainted))
    roll_up(store)
    for table in (hourly, daily):
        [row] = rows_of(store, table)
        assert (row["sweeps"], row["tainted_sweeps"], row["sent"], row["lost"]) == (2, 1, 1000, 10)


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)  # on a server upgrade.sql does it
def test_a_file_of_before_is_judged_again_as_far_as_its_sweeps_are_there(store):
    fill(store, hours=12)
    roll_up(store)
    for table in ("netsky_hourly", "netsky_daily"):
        for column in ("tainted_sweeps", "judged_sweeps", "bad_sweeps"):
            store.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    at = MIDNIGHT + timedelta(hours=12)
    store.database.store(sweep_rows("cu", "default", at, [make_quality("hunan")]))
    assert roll_up(store) == 25
    check(store)


def test_once_more_nothing_is_doubled(store):
    fill(store, hours=3)
    roll_up(store)
    before = rows_of(store, hourly), rows_of(store, daily)
    assert roll_up(store) == 0
    store.execute(
        "INSERT INTO netsky_rollup_due (isp, egress, start) SELECT DISTINCT isp, egress, start "
        "FROM netsky_hourly"
    )
    assert roll_up(store) == 6
    assert (rows_of(store, hourly), rows_of(store, daily)) == before


def test_a_sweep_that_comes_late_from_a_spool_is_in_its_hour_and_day(store, tmp_path):
    fill(store, hours=3)
    roll_up(store)
    spool = Spool(tmp_path, "cu", "default", max_bytes=1 << 24, max_age=timedelta(days=7))
    late = [make_quality("hunan", packets_sent=1000, packets_received=1)]
    spool.store(sweep_rows("cu", "default", MIDNIGHT + 61 * MINUTE, late), store.database)
    assert [(row["egress"], row["start"].hour) for row in rows_of(store, rollup_due)] == [
        ("default", 1)
    ]
    assert roll_up(store) == 1
    check(store)


def test_an_hour_is_looked_up_in_the_keys_and_not_looked_for_in_all_history(tmp_path):
    url = f"sqlite:///{tmp_path}/netsky.db"
    store = Store(url, sa.create_engine(url, poolclass=sa.NullPool))
    fill(store, hours=2)
    database, plans = store.database, []

    @sa.event.listens_for(database.connector._engine, "before_cursor_execute")
    def explain(connection, _cursor, statement, parameters, *_rest):
        if statement.startswith("SELECT"):
            plan = connection.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(row[-1] for row in plan)

    assert len(list(database.roll_up("cu", None))) == 4
    for table, time in (
        ("netsky_sweep", "started_at"),
        ("netsky_hourly", "start"),
        ("netsky_alarm", "minute"),
    ):
        found = [plan for plan in plans if f" {table} " in plan and f"{time}>?" in plan]
        assert found
        assert all(f"(isp=? AND egress=? AND province=? AND {time}>?" in plan for plan in found)


def test_one_exit_can_be_asked_for(store):
    fill(store, hours=2)
    assert roll_up(store, "联通-2") == 2
    assert {row["egress"] for row in rows_of(store, hourly)} == {"联通-2"}
    assert roll_up(store) == 2
    check(store)


def test_what_was_summed_up_stays_when_its_sweeps_are_pruned(store):
    fill(store, hours=2)
    roll_up(store)
    before = rows_of(store, hourly), rows_of(store, daily)
    store.database.note_alarms("cu", "default", [HUNAN], MIDNIGHT)
    for _ in store.database.prune(before=MIDNIGHT + DAY):
        pass
    assert store.sweeps() == []
    assert rows_of(store, alarm) == []
    # A sweep of that time alone is no reason to forget the others.
    late = sweep_rows("cu", "default", MIDNIGHT + MINUTE, [make_quality("hunan")])
    store.database.store(late)
    assert roll_up(store) == 1
    assert (rows_of(store, hourly), rows_of(store, daily)) == before


def test_history_without_counts_has_sweeps_and_no_sums(store):
    store.create_tables()
    store.add_losses(Loss("hunan", 5, MIDNIGHT), Loss("hunan", 7, MIDNIGHT + MINUTE))
    store.execute("INSERT INTO netsky_rollup_due VALUES ('cu', 'default', '2024-05-06 00:00:00')")
    if "sqlite" in store.url:
        store.execute("UPDATE netsky_rollup_due SET start = '2024-05-06 00:00:00.000000'")
    roll_up(store)
    for table in (hourly, daily):
        [row] = rows_of(store, table)
        assert (row["sweeps"], row["sent"], row["lost"], row["mean"]) == (2, None, None, None)


def test_while_sweeps_and_alarms_are_stored_none_is_missed(mariadb_store):
    """The hour is being summed up just when another one of it comes, again and again."""
    done = threading.Event()

    def keep_rolling():
        while not done.is_set():
            roll_up(mariadb_store)

    roller = threading.Thread(target=keep_rolling)
    roller.start()
    try:
        for seconds in range(60):
            at = MIDNIGHT + timedelta(seconds=seconds)
            rows = sweep_rows("cu", "default", at, [make_quality("hunan")])
            mariadb_store.database.store(rows)
            minute = MIDNIGHT + seconds * MINUTE
            mariadb_store.database.note_alarms("cu", "default", [HUNAN], minute)
    finally:
        done.set()
        roller.join()
    roll_up(mariadb_store)
    [row] = rows_of(mariadb_store, hourly)
    assert (row["sweeps"], row["sent"], row["lost"], row["alarm_minutes"]) == (60, 600, 60, 60)


# The averaging, and the alert


def run_average(store, keep=None):
    return average(
        store.database,
        CU,
        None,
        hours=12,
        rule=MeanRule(min_samples=1),
        keep=keep or Keep(),
        outlets=Outlets(),
    )


def test_the_averaging_sums_up_and_only_then_prunes(store, monkeypatch, caplog):
    newest = datetime.now(UTC) - MINUTE
    store_each_hour(store.database, newest, 5 * 24, [make_quality("hunan")])
    monkeypatch.setattr("netsky.jobs.housekeeping.ROLLUP_SECONDS", 0)
    report = run_average(store, Keep(3 * DAY))
    assert "more hours are to be summed up" in caplog.text
    assert report.pruned == {}
    assert len(rows_of(store, hourly)) == 1
    monkeypatch.undo()
    assert run_average(store, Keep(3 * DAY)).pruned["netsky_lossrate"] == 48
    assert sum(row["sweeps"] for row in rows_of(store, hourly)) == 5 * 24
    assert sum(row["sent"] for row in rows_of(store, daily)) == 10 * 5 * 24


def test_an_averaging_of_many_lines_connects_no_more_often_than_of_one(mariadb_store, monkeypatch):
    mariadb_store.create_tables()
    database, opened = mariadb_store.database, []
    monkeypatch.setattr(Store, "database", database)
    sa.event.listen(database.connector._engine, "connect", lambda *_: opened.append(1))
    counts = []
    for egresses in ("a", "abcd"):
        for egress in egresses:
            at = datetime.now(UTC) - HOUR
            database.store(sweep_rows("cu", egress, at, [make_quality("hunan")]))
        opened.clear()
        run_average(mariadb_store)
        counts.append(len(opened))
    assert counts[0] == counts[1] > 0
    assert rows_of(mariadb_store, rollup_due) == []


def test_minutes_in_alarm_are_those_in_which_a_verdict_graded_the_province(store):
    now = datetime.now(UTC).replace(microsecond=0)
    for minutes in (2, 1, 0):
        qualities = [make_quality("hunan", loss_ratio=0.5), make_quality("hubei", loss_ratio=0.01)]
        store.database.store(sweep_rows("cu", "default", now - minutes * MINUTE, qualities))
    store.add_baseline("hunan", 1, now)
    store.add_baseline("hubei", 1, now)
    for _ in range(3):
        alert(store.database, CU, "default", rule=MeanRule(), outlets=Outlets())
    minutes = {row["minute"].minute for row in rows_of(store, alarm)}
    assert {row["province"] for row in rows_of(store, alarm)} == {"湖南"}
    assert 1 <= len(minutes) <= 2  # the clock went on while the alert ran
    at = now.replace(second=0, tzinfo=None)
    store.execute("DELETE FROM netsky_alarm")
    for minute in (at.replace(minute=1), at.replace(minute=2), at - HOUR):
        store.database.note_alarms("cu", "default", [HUNAN], minute.replace(tzinfo=UTC))
    roll_up(store)
    found = {
        row["province"]: row["alarm_minutes"]
        for row in rows_of(store, hourly)
        if row["start"] == at.replace(minute=0)
    }
    assert found == {"湖南": 2, "湖北": 0}


def test_minutes_in_alarm_that_come_when_the_hour_is_summed_up_are_added(store):
    store.database.store(sweep_rows("cu", "default", MIDNIGHT, [make_quality("hunan")]))
    roll_up(store)
    store.database.note_alarms("cu", "default", [HUNAN], MIDNIGHT + 59 * MINUTE)
    roll_up(store)
    for table in (hourly, daily):
        [row] = rows_of(store, table)
        assert (row["sweeps"], row["alarm_minutes"]) == (1, 1)


def test_an_alert_that_may_not_note_its_minutes_is_an_alert_all_the_same(store, caplog):
    now = datetime.now(UTC)
    store.database.store(sweep_rows("cu", "default", now, [make_quality("hunan", loss_ratio=0.5)]))
    store.add_baseline("hunan", 1, now)
    store.execute("ALTER TABLE netsky_alarm RENAME TO elsewhere")
    store.execute("CREATE TABLE netsky_alarm (something INT)")
    report = alert(store.database, CU, "default", rule=MeanRule(), outlets=Outlets())
    assert report.verdict.active
    assert report.complete
    assert "the minutes in alarm are not counted: " in caplog.text


def add_days(store, days, *, egress="default", now):
    values = [
        {
            "isp": "cu",
            "egress": egress,
            "province": "湖南",
            "start": (now - day * DAY).replace(hour=0, minute=0, second=0, tzinfo=None),
            "sweeps": 1,
        }
        for day in range(days)
    ]
    with store.engine.begin() as connection:
        for table in (hourly, daily):
            connection.execute(table.insert(), values)


def test_sums_are_kept_for_as_long_as_is_asked_for(store):
    now = datetime.now(UTC).replace(microsecond=0)
    store.database.store(sweep_rows("cu", "default", now, [make_quality("hunan")]))
    add_days(store, 400, now=now)
    report = run_average(store, Keep(rollups=365 * DAY))
    assert report.pruned == {"netsky_hourly and netsky_daily": 2 * 35}
    assert len(rows_of(store, daily)) == 365
    assert run_average(store, Keep(rollups=365 * DAY)).pruned == {}


def test_a_clock_that_is_years_ahead_deletes_no_sums(store):
    now = datetime.now(UTC).replace(microsecond=0)
    store.database.store(sweep_rows("cu", "default", now, [make_quality("hunan")]))
    add_days(store, 40, now=now)
    ahead = now + 3650 * DAY
    assert store.database.prune_rollups("cu", now=ahead, keep=365 * DAY) == 0
    assert len(rows_of(store, daily)) == 40


def test_how_long_sums_are_kept_is_an_option(tmp_path, store):
    now = datetime.now(UTC).replace(microsecond=0)
    store.database.store(sweep_rows("cu", "default", now, [make_quality("hunan")]))
    add_days(store, 20, now=now)
    options = ("--min-samples", "1", "--keep-rollups", "10")
    done = run_tool(tmp_path, "netsky_get_avg_lossrate", *options, NETSKY_DATABASE=store.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(rows_of(store, daily)) == 10
    assert {row["started_at"] for row in store.sweeps()} == {now.replace(tzinfo=None)}
