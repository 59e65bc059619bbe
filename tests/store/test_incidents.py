"""netsky_incident and netsky_verdict, on SQLite and MariaDB."""

import json
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from netsky.errors import DatabaseError
from netsky.fault import Fault, Part
from netsky.judging.grading import Severity, Thresholds, judge
from netsky.store.incidents import Line, incidents, record_verdict
from testing.samples import STARTED_AT, make_baseline, make_newest
from testing.verdicts import ALERT, MINUTE, NOT_JUDGED, QUIET, verdict

CU = Line("cu", "default")
NOON = STARTED_AT.replace(microsecond=0)


def record(store, *losses, line=CU, first=NOON):
    """A verdict a minute, each by a database that is opened anew, as cron does."""
    for number, each in enumerate(losses):
        watch = record_verdict(
            store.database.connector, line, verdict(each, first + number * MINUTE)
        )
    return watch


def stored(store, line=CU):
    return incidents(store.database.connector, line, limit=100)


def test_one_row_is_opened_changed_and_cleared(store):
    store.create_tables()
    record(store, ALERT)
    assert stored(store) == []
    record(store, ALERT, first=NOON + MINUTE)
    [opened] = stored(store)
    assert (opened.opened_at, opened.changed_at) == (NOON, NOON + MINUTE)
    record(store, {"beijing": 7.5, "hunan": 81.25}, first=NOON + 2 * MINUTE)
    [changed] = stored(store)
    assert changed.id == opened.id
    assert changed.changed_at == NOON + 2 * MINUTE
    assert changed.peak_increase_ratio == 0.8125
    assert changed.peak_severity is Severity.CRITICAL
    assert [province.slug for province in changed.provinces] == ["hunan", "beijing"]
    record(store, QUIET, QUIET, QUIET, first=NOON + 3 * MINUTE)
    [cleared] = stored(store)
    assert cleared.id == opened.id
    assert cleared.cleared_at == NOON + 3 * MINUTE


def test_columns_are_as_people_read_them(store):
    store.create_tables()
    record(store, {"beijing": 7.5, "hunan": 45}, {"beijing": 7.5, "hunan": 45})
    [row] = store.fetch(
        "SELECT isp, egress, severity, peak_severity, peak_increase, peak_provinces, provinces,"
        " cleared_at, prefixes, evidence FROM netsky_incident"
    )
    assert row == ("cu", "default", "critical", "critical", 45, 2, "湖南,北京", None, None, None)


def test_lines_do_not_mix(store):
    store.create_tables()
    record(store, ALERT)
    for line in (Line("cm", "default"), Line("cu", "b")):
        record(store, ALERT, line=line, first=NOON + MINUTE)
        assert stored(store, line) == []
    record(store, ALERT, line=Line("cu", "b"), first=NOON + 2 * MINUTE)
    assert len(stored(store, Line("cu", "b"))) == 1
    assert stored(store) == []


def test_open_ones_come_first_then_the_newest(store):
    store.create_tables()
    once = [ALERT, ALERT, QUIET, QUIET, QUIET]
    record(store, *once, *once, *once[:2])
    first, second, third = stored(store)
    assert first.is_open
    assert second.opened_at > third.opened_at
    assert len(incidents(store.database.connector, CU, limit=2)) == 2


def test_what_other_tools_noted_stays(store):
    store.create_tables()
    record(store, ALERT, ALERT)
    store.execute("UPDATE netsky_incident SET evidence = 'taken'")
    record(store, {"beijing": 60, "hunan": 60}, first=NOON + 2 * MINUTE)
    [incident] = stored(store)
    assert incident.evidence == "taken"
    assert len(incident.provinces) == 2


def test_a_verdict_that_does_not_count_writes_nothing(store):
    store.create_tables()
    record(store, ALERT, ALERT)
    before = store.fetch("SELECT * FROM netsky_verdict"), stored(store)
    watch = record(store, NOT_JUDGED, first=NOON + 2 * MINUTE)
    record(store, QUIET, first=NOON + MINUTE)
    assert (store.fetch("SELECT * FROM netsky_verdict"), stored(store)) == before
    assert watch.open_incident == before[1][0]


def test_an_sqlite_file_of_before_gets_the_tables(tmp_path):
    from netsky.store.connection import fill_url
    from netsky.store.database import Database

    database = Database(fill_url(f"sqlite:///{tmp_path}/x.db", "cu", "default"), timeout=5)
    record_verdict(database.connector, CU, verdict(ALERT, NOON))
    record_verdict(database.connector, CU, verdict(ALERT, NOON + MINUTE))
    assert len(incidents(database.connector, CU, limit=9)) == 1


def test_an_sqlite_file_of_before_gets_the_column_and_keeps_its_incidents(tmp_path):
    from netsky.store.connection import fill_url
    from netsky.store.database import Database

    url = fill_url(f"sqlite:///{tmp_path}/x.db", "cu", "default")
    connector = Database(url, timeout=5).connector
    for minute, each in enumerate((ALERT, ALERT)):
        record_verdict(connector, CU, verdict(each, NOON + minute * MINUTE))
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        connection.execute("ALTER TABLE netsky_incident DROP COLUMN given_up")
    record_verdict(connector, CU, verdict(QUIET, NOON + 2 * MINUTE))
    [kept] = incidents(connector, CU, limit=9)
    assert (kept.opened_at, kept.is_open, kept.given_up) == (NOON, True, False)


def test_many_at_once_open_one_and_count_each_sweep_once(store):
    store.create_tables()
    failures = []

    together = threading.Barrier(4)

    def run():
        for number in range(4):
            together.wait(30)
            try:
                record(store, ALERT, first=NOON + number * 2 * MINUTE)
            except DatabaseError as error:
                failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(stored(store)) == 1
    [(recent,)] = store.fetch("SELECT recent FROM netsky_verdict")
    times = [entry["sweep_at"] for entry in json.loads(recent)]
    assert times == [(NOON + n * 2 * MINUTE).isoformat() for n in (1, 2, 3)]


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"sweep_at": "now"}]', "{}", "null"])
def test_a_memory_that_cannot_be_understood_is_begun_anew(store, caplog, text):
    store.create_tables()
    record(store, ALERT, ALERT)
    store.execute(f"UPDATE netsky_verdict SET recent = '{text}'")
    assert record(store, QUIET, QUIET, first=NOON + 2 * MINUTE).open_incident
    assert record(store, QUIET, first=NOON + 4 * MINUTE).open_incident is None
    assert [entry.is_open for entry in stored(store)] == [False]
    assert ("cannot be understood" in caplog.text) == (text != "{}")


def test_without_the_tables_it_says_to_upgrade(mariadb_store):
    mariadb_store.execute("DROP TABLE netsky_verdict")
    with pytest.raises(DatabaseError, match=r"apply upgrade\.sql"):
        record(mariadb_store, ALERT)


def test_long_provinces_fit(store):
    from netsky.places import PROVINCES

    store.create_tables()
    everywhere = {province.slug: 45 for province in PROVINCES}
    record(store, everywhere, everywhere, first=NOON + timedelta(days=1))
    assert len(stored(store)[0].provinces) == 31


def test_prefixes_survive_a_run_of_their_own(store):
    store.create_tables()
    for minutes, prefix in enumerate(["10.25.16.0/20", "10.9.0.0/22"]):
        at = NOON + minutes * MINUTE
        rest = Part(None, 1000, 1000, 10, 0.0, None, 0.1)
        fault = Fault((Part(prefix, 400, 400, 400, 0.0, None, 0.9),), rest)
        newest = make_newest("hunan", 45, age=0, now=at, fault=fault)
        judged = judge([newest], [make_baseline("hunan", 1)], now=at, thresholds=Thresholds())
        record_verdict(store.database.connector, CU, judged)
    [incident] = stored(store)
    assert incident.prefixes == ("10.25.16.0/20", "10.9.0.0/22")
    assert store.fetch("SELECT prefixes FROM netsky_incident") == [("10.25.16.0/20,10.9.0.0/22",)]
