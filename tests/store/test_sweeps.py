"""netsky_sweep: a row for each province of a sweep, beside the narrow tables or without them."""

import sqlite3
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from netsky.errors import DatabaseError
from netsky.fault import Fault, Part
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from netsky.store.tables import HISTORY
from testing.commands import run_tool
from testing.samples import STARTED_AT, make_quality, write_library
from testing.stores import Store, store_sweep

UPDATE_TIME = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001 # as the column holds it
NEW = ("netsky_sweep", "netsky_line")
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
    dead = Part("10.25.16.0/20", 2000, 2000, 2000, 0.004, 0.98, 0.97, city="深圳")
    fault = Fault((dead,), Part(None, 10_000, 10_000, 20, 0.003, None, 0.03))
    qualities = [make_quality("hunan", fault=fault), make_quality("hubei")]
    store.database.store(sweep_rows("cu", "default", STARTED_AT, qualities))
    newest = store.database.newest_loss("cu", "default", now=STARTED_AT)
    assert {loss.province.slug: loss.fault for loss in newest} == {"hunan": fault, "hubei": None}
