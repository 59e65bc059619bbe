"""netsky_sweep: a row for each province of a sweep, beside the narrow tables or without them."""

import sqlite3
import threading
from contextlib import suppress
from datetime import datetime, timedelta

import pymysql
import pytest
import sqlalchemy as sa

from netsky.errors import DatabaseError
from netsky.fault import Fault, Part
from netsky.places import PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from netsky.store.tables import HISTORY, NEW_TABLES
from testing.commands import run_tool
from testing.samples import STARTED_AT, make_quality, write_library
from testing.stores import Store, store_sweep

UPDATE_TIME = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001 # as the column holds it
NEW = tuple(NEW_TABLES)
PROBES = 60
LIVE = {"live_targets": 6, "live_packets_sent": 8, "live_packets_received": 5}


def rows(*provinces, seconds=0, isp="cu", egress="default", narrow=True, **figures):
    qualities = [make_quality(province, **figures) for province in provinces or ("beijing",)]
    started_at = STARTED_AT + timedelta(seconds=seconds)
    return sweep_rows(isp, egress, started_at, qualities, narrow=narrow)


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path, "cu", "default", max_bytes=1 << 24, max_age=timedelta(days=7))


def test_a_sweep_becomes_a_row_a_province_with_all_its_figures(store):
    qualities = [
        make_quality("beijing", **LIVE, latency_max_seconds=0.25),
        make_quality("shaanxi", packets_received=0, loss_ratio=1.0, latency_mean_seconds=None),
    ]
    store.database.store(sweep_rows("cu", "unicom-1", STARTED_AT, qualities, tainted=True))
    beijing, shaanxi = store.sweeps()
    assert beijing == {
        "isp": "cu",
        "egress": "unicom-1",
        "province": "北京",
        "started_at": UPDATE_TIME,
        "lossrate": pytest.approx(10),
        "abnormalrate": pytest.approx(30),
        "mean": pytest.approx(42.5),
        "p50": pytest.approx(40),
        "p95": pytest.approx(80),
        "p99": pytest.approx(90),
        "max": pytest.approx(250),
        "targets": 10,
        "sent": 10,
        "received": 9,
        "abnormal": 3,
        "live_targets": 6,
        "live_sent": 8,
        "live_lost": 3,
        "tainted": True,
        "prefixes": None,
        "serial": 1,
    }
    assert (shaanxi["received"], shaanxi["mean"], shaanxi["max"]) == (0, None, None)
    assert (shaanxi["live_targets"], shaanxi["live_sent"], shaanxi["live_lost"]) == (None,) * 3


def test_the_serial_tells_in_which_order_an_exits_sweeps_came(store):
    for seconds, egress in ((20, "a"), (10, "a"), (0, "b"), (30, "a")):
        store.database.store(rows(seconds=seconds, egress=egress))
    found = [(row["egress"], row["started_at"].second - 9, row["serial"]) for row in store.sweeps()]
    assert found == [("a", 10, 2), ("a", 20, 1), ("a", 30, 3), ("b", 0, 1)]


def test_two_isps_in_one_database_are_two_lines(store):
    for isp in ("cu", "cm"):
        store.database.store(rows(isp=isp))
    assert [(row["isp"], row["started_at"]) for row in store.sweeps()] == [
        ("cm", UPDATE_TIME),
        ("cu", UPDATE_TIME),
    ]


def test_without_the_narrow_tables_only_the_wide_one_is_written(store, spool):
    for _ in range(2):
        spool.store(rows("beijing", "hunan", narrow=False), store.database)
    assert len(store.sweeps()) == 2
    assert [store.rows(table.name) for table in HISTORY] == [[], [], []]
    spool.store(rows("hunan", narrow=False, loss_ratio=0.5), store.database)
    assert store.sweeps()[-1]["started_at"] == UPDATE_TIME + timedelta(seconds=1)


def test_the_setting_leaves_the_narrow_tables_out(tmp_path):
    write_library(tmp_path / "library", isp="cu", targets=2)
    (tmp_path / "netsky.toml").write_text("narrow_tables = false\n")
    done = run_tool(tmp_path, "netsky_probe", "--library", "library", "--window", "0")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(tmp_path / "netsky_cu.db") as connection:
        counts = {
            table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in ("netsky_sweep", *(table.name for table in HISTORY))
        }
    connection.close()
    assert counts == dict.fromkeys(counts, 0) | {"netsky_sweep": 31}


def test_a_refused_row_of_the_wide_table_is_set_aside_with_all_its_figures(spool, mariadb_store):
    sweep = rows("beijing", "hunan", **LIVE)
    sweep.rows["netsky_sweep"][1]["province"] = "x" * 41
    spool.add(sweep)
    with pytest.raises(DatabaseError, match="refused 1 rows for good: they are set aside in"):
        spool.flush(mariadb_store.database)
    assert [row["province"] for row in mariadb_store.sweeps()] == ["北京"]
    assert (spool.state().sweeps, spool.state().quarantined_rows) == (0, 1)
    with sqlite3.connect(spool.file) as connection:
        [row] = connection.execute(
            "SELECT province, sent, live_lost, reason FROM netsky_quarantine_sweep"
        ).fetchall()
    connection.close()
    assert row[:3] == ("x" * 41, 10, 3)
    assert "Data too long for column 'province'" in row[3]


def test_sixty_probes_at_once_store_all_their_sweeps_without_a_deadlock(
    mariadb, mariadb_store, caplog
):
    def deadlocks():
        [(_, value)] = mariadb.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
        return int(value)

    before = deadlocks()
    provinces = [province.slug for province in PROVINCES]
    together, failed = threading.Barrier(PROBES), []

    def probe(number):
        database = Database(fill_url(mariadb_store.url, "cu", "default"), timeout=60)
        for sweep in range(2):
            together.wait(60)
            try:
                database.store(rows(*provinces, egress=f"line-{number}", seconds=sweep))
            except DatabaseError as error:
                failed.append(error)

    threads = [threading.Thread(target=probe, args=(number,)) for number in range(PROBES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert deadlocks() == before
    assert len(mariadb_store.sweeps()) == PROBES * 2 * 31
    assert mariadb_store.fetch("SELECT COUNT(*), MAX(serial) FROM netsky_line") == [(PROBES, 2)]
    assert "another sweep" not in caplog.text


# Clear ends: whatever is wrong is one line, and the sweep waits until it is put right.


def no_rights_to_write(mariadb, _store):
    mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    mariadb.execute("GRANT SELECT ON *.* TO netsky@'127.0.0.1'")
    return lambda: mariadb.execute("GRANT ALL ON *.* TO netsky@'127.0.0.1'")


def read_only(mariadb, store):
    no_rights_to_write(mariadb, store)
    mariadb.execute("GRANT INSERT, UPDATE ON *.* TO netsky@'127.0.0.1'")
    mariadb.execute("SET GLOBAL read_only = 1")
    return lambda: mariadb.execute("SET GLOBAL read_only = 0")


def full(mariadb, store):
    """Memory that is full says the same as a disk."""
    no_rights_to_write(mariadb, store)()
    name = store.url.rpartition("/")[2]
    mariadb.execute(
        f"USE {name}; DROP TABLE netsky_line; SET SESSION max_heap_table_size = 16384; "
        "CREATE TABLE netsky_line (isp CHAR(7), egress CHAR(40), serial BIGINT, filler CHAR(255), "
        "PRIMARY KEY (isp, egress)) ENGINE=MEMORY CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
    )
    with suppress(pymysql.err.OperationalError):
        for number in range(1000):
            mariadb.execute(
                f"INSERT INTO {name}.netsky_line (isp, egress, serial) VALUES ('x', {number}, 1)"
            )
    return lambda: mariadb.execute(f"DELETE FROM {name}.netsky_line WHERE isp = 'x'")


def of_the_first_wave(mariadb, store):
    no_rights_to_write(mariadb, store)()
    without_new_tables(store)
    return store.create_tables


def half_upgraded(mariadb, store):
    no_rights_to_write(mariadb, store)()
    store.execute("DROP TABLE netsky_hourly, netsky_rollup_due")
    return store.create_tables


def without_a_column(mariadb, store):
    no_rights_to_write(mariadb, store)()
    store.execute("ALTER TABLE netsky_sweep DROP COLUMN live_lost")
    return lambda: store.execute("ALTER TABLE netsky_sweep ADD COLUMN live_lost INT UNSIGNED")


@pytest.mark.parametrize(
    ("make_bad", "says"),
    [
        (no_rights_to_write, "denied"),
        (read_only, "read-only"),
        (full, "is full"),
        (of_the_first_wave, r"apply upgrade\.sql to this database"),
        (half_upgraded, r"apply upgrade\.sql to this database"),
        (without_a_column, r"apply upgrade\.sql to this database"),
    ],
)
def test_what_is_wrong_is_one_line_and_the_sweep_waits_until_it_is_right(
    spool, mariadb, mariadb_store, make_bad, says
):
    mend = make_bad(mariadb, mariadb_store)
    url = mariadb.url(mariadb_store.url.rpartition("/")[2], user="netsky", password="right")
    database = Database(fill_url(url, "cu", "default"), timeout=5)
    try:
        for seconds in (0, 10):
            with pytest.raises(DatabaseError, match=says) as told:
                spool.store(rows(seconds=seconds), database)
            assert "\n" not in str(told.value)
        assert (spool.state().sweeps, spool.state().quarantined_rows) == (2, 0)
    finally:
        mend()
    mariadb.execute("GRANT ALL ON *.* TO netsky@'127.0.0.1'")
    spool.store(rows(seconds=20), database)
    assert (spool.state().sweeps, len(mariadb_store.sweeps())) == (0, 3)
    assert [len(mariadb_store.rows(table.name)) for table in HISTORY] == [3, 3, 3]


# What an earlier netsky has left


def without_new_tables(store):
    for table in NEW:
        store.execute(f"DROP TABLE {table}")


def test_sweeps_wait_for_upgrade_sql_where_the_tables_are_those_of_before(spool, mariadb_store):
    without_new_tables(mariadb_store)
    with pytest.raises(DatabaseError, match=r"1146\): apply upgrade\.sql to this database") as told:
        spool.store(rows(), mariadb_store.database)
    assert "\n" not in str(told.value)
    assert (spool.state().sweeps, mariadb_store.rows("netsky_lossrate")) == (1, [])
    mariadb_store.create_tables()
    spool.flush(mariadb_store.database)
    assert (spool.state().sweeps, len(mariadb_store.sweeps())) == (0, 1)


@pytest.fixture
def earlier(tmp_path):
    """Makes an SQLite file as it was before there was netsky_sweep; returns its URL."""

    def make(file, *sweeps):
        with sqlite3.connect(file) as connection:
            for table in HISTORY:
                connection.execute(
                    f"CREATE TABLE {table.name} ({table.name}_id INTEGER PRIMARY KEY, name, value, "
                    "province, update_time, egress)"
                )
                connection.executemany(
                    f"INSERT INTO {table.name} (name, value, province, update_time, egress) "
                    "VALUES (:name, :value, :province, :update_time, :egress)",
                    [
                        {**row, "update_time": f"{row['update_time']}.000000"}
                        for sweep in sweeps
                        for row in sweep.rows[table.name]
                    ],
                )
        connection.close()
        return f"sqlite:///{file}"

    return make


def test_the_history_of_an_earlier_sqlite_file_is_taken_over_once(earlier, tmp_path):
    old = [
        rows("beijing", "hunan", seconds=seconds, latency_mean_seconds=None) for seconds in (0, 60)
    ]
    url = earlier(tmp_path / "netsky.db", *old)
    store = Store(url, sa.create_engine(url, poolclass=sa.NullPool))
    for seconds in (120, 180):
        store.database.store(rows(seconds=seconds))
    found = store.sweeps()
    assert len(found) == 6
    [first, *_] = found
    assert first["started_at"] == UPDATE_TIME
    assert (first["lossrate"], first["abnormalrate"], first["mean"]) == (
        pytest.approx(10),
        pytest.approx(30),
        None,
    )
    assert (first["isp"], first["sent"], first["serial"], first["tainted"]) == ("cu", None, 0, 0)
    assert [row["serial"] for row in found] == [0, 0, 1, 2, 0, 0]
    assert store.fetch("SELECT isp, egress, serial FROM netsky_line") == [("cu", "default", 2)]


def test_what_waits_in_an_earlier_spool_arrives_in_its_order(store, spool, earlier):
    earlier(spool.file, rows(seconds=60), rows(seconds=0, loss_ratio=0.5))
    with sqlite3.connect(spool.file) as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    spool.store(rows(seconds=120), store.database)
    assert spool.state().sweeps == 0
    found = [(row["started_at"].minute, row["serial"], row["sent"]) for row in store.sweeps()]
    assert found == [(8, 2, None), (9, 1, None), (10, 3, 10)]
    assert len(store.rows("netsky_latency")) == 3
    assert not list(spool.file.parent.glob("*.aside-*"))


def test_a_sweep_that_was_carried_over_without_its_counts_is_not_stored_a_second_time(store):
    store_sweep(store.database, "cu", "default", STARTED_AT, [make_quality("beijing")])
    store.execute("UPDATE netsky_sweep SET sent = NULL, received = NULL, p50 = NULL, serial = 0")
    store_sweep(store.database, "cu", "default", STARTED_AT, [make_quality("beijing")])
    assert len(store.sweeps()) == 1
    assert len(store.rows("netsky_lossrate")) == 1


def test_the_newest_loss_has_the_prefixes_that_failed(store):
    dead = Part("10.25.16.0/20", 2000, 2000, 2000, 0.004, 0.98, 0.97)
    fault = Fault((dead,), Part(None, 10_000, 10_000, 20, 0.003, None, 0.03))
    qualities = [make_quality("hunan", fault=fault), make_quality("hubei")]
    store.database.store(sweep_rows("cu", "default", STARTED_AT, qualities))
    newest = store.database.newest_loss("cu", "default", now=STARTED_AT)
    assert {loss.province.slug: loss.fault for loss in newest} == {"hunan": fault, "hubei": None}
