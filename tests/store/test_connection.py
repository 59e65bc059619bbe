"""A connection that several transactions share, and what comes through it."""

import pytest
import sqlalchemy as sa
from pymysql.converters import convert_datetime

from netsky.errors import DatabaseError, InputError
from netsky.store import mysql_connection


def connection_id(database):
    with database.connector.transaction() as connection:
        return connection.scalar(sa.text("SELECT CONNECTION_ID()"))


@pytest.fixture
def database(mariadb_store):
    return mariadb_store.database


def open_connections(store):
    return {row[0] for row in store.fetch("SELECT id FROM information_schema.processlist")}


def test_only_in_a_block_do_transactions_share_one_which_is_closed_after_it(
    database, mariadb_store
):
    assert connection_id(database) != connection_id(database)
    with database.connector.kept_open():
        [shared] = {connection_id(database) for _ in range(3)}
        assert shared in open_connections(mariadb_store)
    assert connection_id(database) != shared
    assert shared not in open_connections(mariadb_store)


def test_a_transaction_that_fails_is_the_last_of_its_connection(database, mariadb_store):
    with database.connector.kept_open():
        first = connection_id(database)
        mariadb_store.execute(f"KILL {first}")
        with pytest.raises(DatabaseError):
            connection_id(database)
        [second] = {connection_id(database) for _ in range(2)}
        assert second != first


def test_what_a_transaction_has_not_committed_is_not_seen_by_the_next(database, mariadb_store):
    mariadb_store.create_tables()

    def add(line):
        with database.connector.transaction() as connection:
            connection.execute(sa.text(f"INSERT INTO netsky_line VALUES ('cu', '{line}', 1)"))
            if line == "fails":
                raise InputError

    with database.connector.kept_open():
        with pytest.raises(InputError):
            add("fails")
        assert database.egresses("cu") == []
        add("a")
        assert database.egresses("cu") == ["a"]


@pytest.mark.parametrize(
    "text", ["2026-11-28 01:02:03", "2026-11-28 01:02:03.5", "0000-00-00 00:00:00"]
)
def test_times_are_what_pymysql_makes_of_them(text):
    assert mysql_connection._time(text) == convert_datetime(text)
