"""Sweeps on their way to the database: nothing lost, nothing twice, in order, within bounds."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from netsky.errors import DatabaseError
from netsky.jobs.probe import Storage
from netsky.spool_state import SpoolState
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from testing.samples import make_quality
from testing.servers import free_port

NOW = datetime.now(UTC).replace(microsecond=0)


def rows(*, seconds=0, loss=0.25, province="beijing", egress="default"):
    """A sweep of one province that began so many seconds ago."""
    started_at = NOW - timedelta(seconds=seconds)
    return sweep_rows("cu", egress, started_at, [make_quality(province, loss_ratio=loss)])


def make_spool(folder, *, max_bytes=1 << 30, max_age=timedelta(days=7)):
    return Spool(folder / "spool", "cu", "default", max_bytes=max_bytes, max_age=max_age)


@pytest.fixture
def spool(tmp_path):
    return make_spool(tmp_path)


@pytest.fixture
def no_database():
    """A server that is down."""
    url = fill_url(f"mysql://netsky@127.0.0.1:{free_port()}/netsky_cu", "cu", "default")
    return Database(url, timeout=1)


def losses(store):
    return store.fetch("SELECT value FROM netsky_lossrate ORDER BY update_time")


def test_a_sweep_goes_through_the_spool_into_the_database(spool, store):
    spool.store(rows(), store.database)
    assert losses(store) == [(25.0,)]
    assert spool.state() == SpoolState(0, 0, 0)


def test_sweeps_that_the_database_does_not_take_wait_and_follow_oldest_first(
    spool, store, no_database
):
    for seconds, loss in ((30, 0.1), (20, 0.2)):
        with pytest.raises(DatabaseError, match=r"is the server running.*; sweeps in .*: \d"):
            spool.store(rows(seconds=seconds, loss=loss), no_database)
    assert spool.state() == SpoolState(2, 0, 0)
    spool.store(rows(seconds=10, loss=0.3), store.database)
    assert [round(value) for (value,) in losses(store)] == [10, 20, 30]
    ids = store.fetch("SELECT netsky_lossrate_id, value FROM netsky_lossrate ORDER BY 1")
    assert [round(value) for _, value in ids] == [10, 20, 30]
    assert spool.state() == SpoolState(0, 0, 0)


def test_all_three_tables_arrive_as_they_would_have_directly(spool, store):
    whole = sweep_rows("cu", "default", NOW, [make_quality("hunan", latency_mean_seconds=None)])
    spool.store(whole, store.database)
    for table, (row,) in whole.rows.items():
        if table == "netsky_sweep":
            [wide] = store.sweeps()
            assert wide == wide | row | {"lossrate": pytest.approx(row["lossrate"]), "serial": 1}
            continue
        [stored] = store.rows(table)
        expected = tuple(row[name] for name in ("name", "value", "province"))
        assert stored[0] == expected[0]
        assert stored[1] == (None if expected[1] is None else pytest.approx(expected[1]))
        assert stored[2] == expected[2]


def test_after_a_crash_between_commit_and_removal_nothing_is_there_twice(spool, store):
    spool.add(rows())
    store.database.store(rows())  # and then the process was killed
    spool.flush(store.database)
    assert losses(store) == [(25.0,)]
    assert spool.state().sweeps == 0


def test_two_sweeps_of_one_second_both_arrive(spool, store):
    spool.add(rows(loss=0.1))
    spool.add(rows(loss=0.2))
    spool.flush(store.database)
    assert [round(value) for (value,) in losses(store)] == [10, 20]


def test_a_row_that_is_refused_for_good_is_set_aside_and_blocks_nothing(
    spool, mariadb_store, caplog
):
    sweep = sweep_rows("cu", "default", NOW, [make_quality("beijing"), make_quality("hunan")])
    bad = sweep.rows["netsky_latency"][1]
    bad["province"] = "x" * 41
    spool.add(sweep)
    spool.add(rows(seconds=-1))
    with pytest.raises(DatabaseError, match="refused 1 rows for good: they are set aside in"):
        spool.flush(mariadb_store.database)
    assert len(losses(mariadb_store)) == 3
    assert [row[0] for row in mariadb_store.rows("netsky_latency")].count(bad["name"]) == 0
    assert spool.state() == SpoolState(sweeps=0, dropped_sweeps=0, quarantined_rows=1)
    with sqlite3.connect(spool.file) as connection:
        [(table, name, reason)] = connection.execute(
            "SELECT table_name, name, reason FROM netsky_quarantine"
        ).fetchall()
    connection.close()
    assert (table, name) == ("netsky_latency", bad["name"])
    assert "Data too long for column 'province'" in reason
    assert "refused for good" in caplog.text


def test_a_missing_table_is_no_refusal_the_sweep_waits(spool, mariadb_store):
    mariadb_store.execute("DROP TABLE netsky_latency")
    with pytest.raises(DatabaseError, match=r"apply schema\.sql"):
        spool.store(rows(), mariadb_store.database)
    assert spool.state() == SpoolState(1, 0, 0)
    assert losses(mariadb_store) == []


def test_what_is_too_old_is_dropped_and_counted(tmp_path, no_database, caplog):
    spool = make_spool(tmp_path, max_age=timedelta(hours=1))
    for seconds in (7300, 7200, 10, 5):
        spool.add(rows(seconds=seconds))
    assert spool.state() == SpoolState(sweeps=2, dropped_sweeps=2, quarantined_rows=0)
    assert "1 sweeps are lost" in caplog.text


def test_what_is_too_much_is_dropped_oldest_first(tmp_path, store, monkeypatch):
    monkeypatch.setattr("netsky.store.spool.FLUSH_SECONDS", 600)
    spool = make_spool(tmp_path, max_bytes=200_000)
    for seconds in range(150, 0, -1):
        spool.add(rows(seconds=seconds, loss=seconds / 1000))
    state = spool.state()
    assert state.dropped_sweeps > 50
    assert state.sweeps > 20
    assert state.sweeps == 150 - state.dropped_sweeps
    spool.flush(store.database)
    assert [round(10 * value) for (value,) in losses(store)] == list(range(state.sweeps, 0, -1))


def test_the_newest_sweep_is_never_dropped(tmp_path, store):
    spool = make_spool(tmp_path, max_bytes=1, max_age=timedelta(seconds=1))
    spool.store(rows(seconds=3600), store.database)
    assert losses(store) == [(25.0,)]


def test_a_long_backlog_is_written_on_bit_by_bit(spool, store, monkeypatch):
    monkeypatch.setattr("netsky.store.spool.FLUSH_SECONDS", 0.0)
    for seconds in (3, 2, 1):
        spool.add(rows(seconds=seconds))
    with pytest.raises(DatabaseError, match=r"2 sweeps of .* are still on their way"):
        spool.flush(store.database)
    assert len(losses(store)) == 1


def older_schema(file):
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE netsky_lossrate (name, value, update_time)")
        connection.execute("PRAGMA user_version = 0")
    connection.close()


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b"something else\n" * 1000),
        lambda file: file.write_bytes(file.read_bytes()[:5000]),
        lambda file: file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 8192),
        older_schema,
    ],
    ids=["no database", "cut off", "overwritten", "older schema"],
)
def test_a_file_that_cannot_be_used_is_set_aside_once(spool, store, caplog, damage):
    spool.add(rows(seconds=10))
    for side in ("-wal", "-shm"):
        spool.file.with_name(spool.file.name + side).unlink(missing_ok=True)
    damage(spool.file)
    damaged = spool.file.read_bytes()
    spool.store(rows(), store.database)
    spool.store(rows(seconds=-1), store.database)
    assert len(losses(store)) == 2
    [aside] = spool.file.parent.glob("*.aside-*")
    assert aside.read_bytes()[:4096] == damaged[:4096]
    assert caplog.text.count("is damaged or of another version of netsky: set aside as") == 1


def test_files_are_for_this_user_alone(spool, tmp_path):
    spool.add(rows())
    modes = {oct(file.stat().st_mode & 0o777) for file in spool.file.parent.iterdir()}
    assert modes == {"0o600"}
    database = Database(fill_url(f"sqlite:///{tmp_path}/x.db", "cu", "default"), timeout=1)
    database.store(rows())
    assert (tmp_path / "x.db").stat().st_mode & 0o777 == 0o600
    group = Database(fill_url(f"sqlite:///{tmp_path}/y.db", "cu", "default"), timeout=1, mode=0o640)
    group.store(rows())
    assert (tmp_path / "y.db").stat().st_mode & 0o777 == 0o640


def test_without_a_spool_the_sweep_goes_directly_and_the_trouble_is_told(tmp_path, store):
    (tmp_path / "spool").write_text("a file where the folder should be")
    spool = make_spool(tmp_path)
    with pytest.raises(DatabaseError, match="this sweep is in the database all the same"):
        spool.store(rows(), store.database)
    assert losses(store) == [(25.0,)]


def test_a_flush_goes_on_for_as_long_as_it_gets_less(spool, store, monkeypatch, no_database):
    monkeypatch.setattr("netsky.store.spool.FLUSH_SECONDS", 0.0)
    for seconds in (3, 2, 1):
        spool.add(rows(seconds=seconds))
    assert Storage(store.database, spool).flush() == ((), SpoolState(0, 0, 0))
    assert len(losses(store)) == 3
    spool.add(rows(seconds=-1))
    failed, state = Storage(no_database, spool).flush()
    assert len(failed) == 1
    assert state == SpoolState(1, 0, 0)
