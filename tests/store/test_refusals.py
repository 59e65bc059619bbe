"""What a database refuses waits or is set aside, is told, and keeps no other sweep from it."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from pymysql.err import InterfaceError

from netsky.errors import DatabaseError
from netsky.store import database
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.reasons import reason_of
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from netsky.store.tables import SWEEP_TABLES, metadata, time_of
from testing.commands import run_tool
from testing.samples import make_quality, write_library

NOW = datetime.now(UTC).replace(microsecond=0)
HOSTS, SWEEPS = 8, 3
TABLES = [table.name for table in SWEEP_TABLES]


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path, "cu", "default", max_bytes=1 << 24, max_age=timedelta(days=7))


def rows(seconds=0, *, loss=0.25, egress="default", provinces=("beijing", "hunan")):
    qualities = [make_quality(province, loss_ratio=loss) for province in provinces]
    return sweep_rows("cu", egress, NOW - timedelta(seconds=seconds), qualities)


def losses(store):
    return sorted(
        round(value)
        for (value,) in store.fetch("SELECT value FROM netsky_lossrate WHERE name LIKE '%beijing%'")
    )


# Two hosts with one exit name


def test_hosts_that_share_a_name_lose_no_sweep_in_the_same_second(mariadb_store, caplog):
    mariadb_store.create_tables()
    together, failed = threading.Barrier(HOSTS), []

    def host(number):
        database = Database(fill_url(mariadb_store.url, "cu", "default"), timeout=30)
        for sweep in range(SWEEPS):
            together.wait(30)
            try:
                database.store(rows(10 * sweep, loss=(1 + number + HOSTS * sweep) / 100))
            except DatabaseError as error:
                failed.append(error)

    threads = [threading.Thread(target=host, args=(number,)) for number in range(HOSTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert losses(mariadb_store) == list(range(1, HOSTS * SWEEPS + 1))
    assert "does another host use that name, too" in caplog.text


def test_a_second_that_is_taken_after_the_look_is_looked_at_again(mariadb_store, monkeypatch):
    mariadb_store.create_tables()
    look, others = database.missing_at_free_place, [rows(loss=0.5).numbered(99)]

    def look_and_let_another_in(*sweep):
        missing = look(*sweep)
        if others:
            with mariadb_store.engine.begin() as other:
                for table, its_rows in others.pop().rows.items():
                    other.execute(sa.insert(metadata.tables[table]), its_rows)
        return missing

    monkeypatch.setattr(database, "missing_at_free_place", look_and_let_another_in)
    mariadb_store.database.store(rows(loss=0.25))
    assert others == []
    assert losses(mariadb_store) == [25, 50]


def test_the_same_sweep_once_more_adds_nothing_and_what_was_missing_of_it_is_added(store):
    store.database.store(rows(provinces=("beijing",)))
    for _ in range(2):
        store.database.store(rows())
    assert len(store.rows("netsky_lossrate")) == 2
    assert len(store.rows("netsky_latency")) == 2


# What is refused


def test_a_column_that_is_too_narrow_keeps_all_sweeps_waiting_until_it_is_mended(
    spool, mariadb_store, tmp_path
):
    mariadb_store.create_tables()
    for table in SWEEP_TABLES:
        mariadb_store.execute(f"ALTER TABLE {table} MODIFY egress VARCHAR(3) NOT NULL")
    for seconds in (3, 2, 1):
        with pytest.raises(DatabaseError, match="refused whole; they wait in") as failure:
            spool.store(rows(seconds), mariadb_store.database)
    assert "Data too long for column 'egress'" in str(failure.value)
    assert "a column is too narrow: are these tables of today's schema?" in str(failure.value)
    assert (spool.state().sweeps, spool.state().quarantined_rows) == (3, 0)
    for table in SWEEP_TABLES:
        mariadb_store.execute(f"ALTER TABLE {table} MODIFY egress VARCHAR(40) NOT NULL")
    spool.flush(mariadb_store.database)
    assert losses(mariadb_store) == [25, 25, 25]
    assert spool.state().sweeps == 0


@pytest.mark.parametrize("table", TABLES)
def test_so_does_one_that_is_too_narrow_in_one_table_only(spool, mariadb_store, table):
    mariadb_store.create_tables()
    mariadb_store.execute(f"ALTER TABLE {table} MODIFY egress VARCHAR(3) NOT NULL")
    for seconds in (2, 1):
        with pytest.raises(DatabaseError, match="refused whole; they wait in"):
            spool.store(rows(seconds), mariadb_store.database)
    assert (spool.state().sweeps, spool.state().quarantined_rows) == (2, 0)
    mariadb_store.execute(f"ALTER TABLE {table} MODIFY egress VARCHAR(40) NOT NULL")
    spool.flush(mariadb_store.database)
    assert spool.state().sweeps == 0
    assert {name: mariadb_store.fetch(f"SELECT COUNT(*) FROM {name}") for name in TABLES} == {
        name: [(4,)] for name in TABLES
    }


REFUSERS = {
    "trigger": (
        "CREATE TRIGGER too_much BEFORE INSERT ON netsky_lossrate FOR EACH ROW "
        "IF NEW.value > 90 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'more than 90'; END IF"
    ),
    "check": "ALTER TABLE netsky_lossrate ADD CONSTRAINT most CHECK (value <= 90)",
}


@pytest.mark.parametrize("refuser", REFUSERS)
def test_what_a_trigger_or_check_refuses_keeps_no_later_sweep_from_the_database(
    spool, mariadb_store, refuser
):
    mariadb_store.create_tables()
    mariadb_store.execute(REFUSERS[refuser])
    with pytest.raises(DatabaseError, match="refused 2 rows for good: they are set aside in"):
        spool.store(rows(2, loss=1.0), mariadb_store.database)
    spool.store(rows(1), mariadb_store.database)
    assert losses(mariadb_store) == [25]
    assert len(mariadb_store.rows("netsky_latency")) == 4, "what is not refused is there"
    assert (spool.state().sweeps, spool.state().quarantined_rows) == (0, 2)


def test_however_many_are_refused_whole_the_newest_goes_through(spool, mariadb_store, monkeypatch):
    mariadb_store.create_tables()
    for table in SWEEP_TABLES:
        mariadb_store.execute(
            f"CREATE TRIGGER t_{table} BEFORE INSERT ON {table} FOR EACH ROW "
            f"IF NEW.{time_of(table).name} < '{(NOW - timedelta(seconds=60)).strftime('%Y-%m-%d %H:%M:%S')}' "
            "THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too old'; END IF"
        )
    for minutes in range(20, 0, -1):
        spool.add(rows(60 * minutes + 30))
    monkeypatch.setattr("netsky.store.spool.FLUSH_SECONDS", 0.2)
    with pytest.raises(DatabaseError, match=r"refused whole|on their way"):
        spool.store(rows(0), mariadb_store.database)
    assert losses(mariadb_store) == [25]
    assert spool.state().sweeps == 20


def test_a_probe_whose_sweep_is_refused_has_not_delivered_it(mariadb_store, tmp_path):
    mariadb_store.create_tables()
    mariadb_store.execute("ALTER TABLE netsky_latency MODIFY egress VARCHAR(3) NOT NULL")
    write_library(tmp_path / "library", isp="cu", targets=4)
    options = ("--library", "library", "--window", "0", "--format", "line")
    done = run_tool(tmp_path, "netsky_probe", *options, NETSKY_DATABASE=mariadb_store.url)
    assert done.returncode == 3
    assert "refused whole; they wait in" in done.stderr
    assert "spooled=1" in done.stdout


# Ids


def test_ids_that_are_used_up_are_told_and_the_sweeps_wait(spool, mariadb_store):
    mariadb_store.create_tables()
    mariadb_store.execute(
        "ALTER TABLE netsky_lossrate MODIFY netsky_lossrate_id TINYINT AUTO_INCREMENT"
    )
    mariadb_store.execute("ALTER TABLE netsky_lossrate AUTO_INCREMENT = 126")
    spool.store(rows(3, provinces=("beijing",)), mariadb_store.database)
    spool.store(rows(2, provinces=("beijing",)), mariadb_store.database)
    with pytest.raises(DatabaseError) as failure:
        spool.store(rows(1, provinces=("beijing",)), mariadb_store.database)
    assert "its ids are used up: apply upgrade.sql" in str(failure.value)
    assert spool.state().sweeps == 1
    assert spool.state().quarantined_rows == 0


def test_an_error_without_a_text_says_what_it_means():
    error = sa.exc.InterfaceError("SELECT 1", {}, InterfaceError(0, ""))
    assert reason_of(error).startswith("the connection broke off: no answer came within")
