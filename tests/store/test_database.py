"""Sweeps into a real SQLite file and a real MariaDB: the same rows, all or nothing."""

from datetime import datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from netsky.errors import DatabaseError, InputError
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.tables import metadata
from testing.samples import STARTED_AT, make_quality
from testing.servers import SCHEMA, MariaDB, free_port, wait_until
from testing.stores import store_sweep

UPDATE_TIME = datetime(2024, 5, 6, 7, 8, 9)  # noqa: DTZ001 # as the column holds it
TABLES = ("netsky_lossrate", "netsky_abnormalrate", "netsky_latency")
QUALITIES = [
    make_quality("beijing", loss_ratio=0.125, abnormal_ratio=0.5, latency_mean_seconds=0.0425),
    make_quality("shaanxi", loss_ratio=1.0, abnormal_ratio=1.0, latency_mean_seconds=None),
]


def store_and_fail(url, *, timeout=5) -> str:
    """The message, which is one line, of a sweep that cannot be stored."""
    database = Database(fill_url(url, "cu", "default"), timeout=timeout)
    with pytest.raises(DatabaseError) as failure:
        store_sweep(database, "cu", "default", STARTED_AT, QUALITIES)
    message = str(failure.value)
    assert "\n" not in message
    assert "INSERT" not in message
    return message


def test_a_sweep_becomes_rows_with_names_percent_milliseconds_and_utc(store):
    beijing_time = STARTED_AT.astimezone(timezone(timedelta(hours=8)))
    store_sweep(store.database, "cu", "unicom-1", beijing_time, QUALITIES)
    for table, kind, values in (
        ("netsky_lossrate", "lossrate", (12.5, 100)),
        ("netsky_abnormalrate", "abnormalrate", (50, 100)),
        ("netsky_latency", "latency", (pytest.approx(42.5), None)),
    ):
        assert store.rows(table) == [
            (f"netsky_CU_beijing_{kind}", values[0], "北京", UPDATE_TIME, "unicom-1"),
            (f"netsky_CU_shaanxi_{kind}", values[1], "陕西", UPDATE_TIME, "unicom-1"),
        ]


def test_writing_a_sweep_twice_changes_nothing(store):
    for _ in range(2):
        store_sweep(store.database, "cu", "default", STARTED_AT, QUALITIES)
    assert [len(store.rows(table)) for table in TABLES] == [2, 2, 2]


def test_what_is_missing_of_a_sweep_is_added(store):
    store_sweep(store.database, "cu", "default", STARTED_AT, QUALITIES)
    whole = {table: sorted(store.rows(table)) for table in TABLES}
    store.execute("DELETE FROM netsky_latency WHERE name LIKE '%beijing%'")
    store_sweep(store.database, "cu", "default", STARTED_AT, QUALITIES)
    assert {table: sorted(store.rows(table)) for table in TABLES} == whole


def test_another_sweep_of_the_same_second_goes_into_the_next_free_one(store, caplog):
    """Two quick runs, or a clock that was set back: neither replaces the other, nor is lost."""
    sweeps = [[make_quality("beijing", loss_ratio=loss)] for loss in (0.1, 0.2, 0.3)]
    for qualities in sweeps:
        store_sweep(store.database, "cu", "default", STARTED_AT, qualities)
    rows = store.fetch("SELECT value, update_time FROM netsky_lossrate ORDER BY update_time")
    assert [(value, str(time)[17:19]) for value, time in rows] == [
        (pytest.approx(10), "09"),
        (pytest.approx(20), "10"),
        (pytest.approx(30), "11"),
    ]
    assert (
        "another sweep through egress default is stored as of 2024-05-06 07:08:09 UTC"
        in caplog.text
    )
    # Written again, as after an acknowledgement that was lost, each finds itself.
    for qualities in sweeps:
        store_sweep(store.database, "cu", "default", STARTED_AT, qualities)
    assert len(store.rows("netsky_latency")) == 3


def test_sweeps_of_one_second_that_differ_in_latency_alone_are_both_kept(store):
    for latency in (0.01, 0.011):
        qualities = [make_quality("beijing", loss_ratio=0.0, latency_mean_seconds=latency)]
        store_sweep(store.database, "cu", "default", STARTED_AT, qualities)
    assert len(store.rows("netsky_lossrate")) == 2


def test_a_later_sweep_stands_beside_the_earlier_one(store):
    for seconds in (0, 10):
        started_at = STARTED_AT + timedelta(seconds=seconds)
        store_sweep(store.database, "cu", "default", started_at, QUALITIES)
    assert [len(store.rows(table)) for table in TABLES] == [4, 4, 4]


def test_sweeps_through_two_egresses_at_the_same_time_are_both_kept(store):
    for egress in ("unicom-1", "联通-2"):
        store_sweep(store.database, "cu", egress, STARTED_AT, QUALITIES)
    for table in TABLES:
        assert [row[-1] for row in store.rows(table)] == ["unicom-1"] * 2 + ["联通-2"] * 2


def test_when_one_table_refuses_no_table_has_the_sweep(store):
    store_sweep(store.database, "cu", "default", STARTED_AT, QUALITIES)
    store.execute("DROP TABLE netsky_latency")
    store.execute("CREATE TABLE netsky_latency (something_else INT)")
    with pytest.raises(DatabaseError, match="database "):
        store_sweep(store.database, "cu", "other", STARTED_AT, QUALITIES)
    for table in ("netsky_lossrate", "netsky_abnormalrate"):
        assert {row[-1] for row in store.rows(table)} == {"default"}


def test_a_value_that_does_not_fit_is_refused_not_cut(mariadb_store):
    with pytest.raises(DatabaseError, match="Data too long for column 'egress'"):
        store_sweep(mariadb_store.database, "cu", "x" * 41, STARTED_AT, QUALITIES)


def test_no_connection_stays_open_between_sweeps(mariadb: MariaDB, mariadb_store):
    database = mariadb_store.database
    store_sweep(database, "cu", "default", STARTED_AT, QUALITIES)
    processes = "SELECT id FROM information_schema.processlist WHERE db LIKE 'test%'"
    # The server notices a moment later that a client has gone.
    wait_until(lambda: not mariadb.execute(processes), what="connection closed")


def test_no_connection_reads_the_hosts_store_of_certificates(mariadb_store, monkeypatch):
    """It takes ten times as long as all that is asked."""
    database = mariadb_store.database
    database.baselines("cu")

    def read(*_, **__):
        pytest.fail("the certificates were read")

    with monkeypatch.context() as patched:
        patched.setattr("ssl.SSLContext.load_default_certs", read)
        patched.setattr("ssl.create_default_context", read)
        database.baselines("cu")


# What a person is told.


def test_a_server_that_is_down_is_named_with_a_hint():
    port = free_port()
    url = f"mysql+pymysql://netsky:geheim@127.0.0.1:{port}/netsky_{{isp}}"
    message = store_and_fail(url)
    assert f"mysql+pymysql://netsky:***@127.0.0.1:{port}/netsky_cu" in message
    assert "is the server running and reachable?" in message
    assert "geheim" not in message


def test_a_server_that_never_answers_is_given_up(silent_port):
    message = store_and_fail(f"mysql://netsky@127.0.0.1:{silent_port}/netsky_cu", timeout=1)
    assert f":{silent_port}/netsky_cu: " in message
    assert "timed out" in message


def test_a_refused_login_names_user_and_host_but_not_the_password(mariadb: MariaDB):
    mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    message = store_and_fail(mariadb.url("netsky_cu", user="netsky", password="geheim"))
    assert "Access denied for user 'netsky'@'127.0.0.1'" in message
    assert "check user and password" in message
    assert "geheim" not in message


def test_a_user_without_rights_is_told_to_get_them(mariadb: MariaDB):
    mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    message = store_and_fail(mariadb.url("mysql", user="netsky", password="right"))
    assert "grant this user the rights" in message
    assert "right" not in message.replace("rights", "")


def test_an_unknown_database_is_to_be_made_with_the_schema(mariadb: MariaDB):
    message = store_and_fail(mariadb.url("netsky_absent"))
    assert "Unknown database 'netsky_absent'" in message
    assert "apply schema.sql" in message


def test_a_missing_table_is_to_be_made_with_the_schema(mariadb: MariaDB):
    mariadb.execute("CREATE DATABASE IF NOT EXISTS test_empty")
    message = store_and_fail(mariadb.url("test_empty"))
    assert "doesn't exist" in message
    assert "apply schema.sql" in message


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path):
    file = tmp_path / "netsky.db"
    file.write_text("something else\n" * 100)
    message = store_and_fail(f"sqlite:///{file}")
    assert str(file) in message
    assert "not a database" in message
    assert file.read_text() == "something else\n" * 100


def test_a_folder_that_is_missing_is_named(tmp_path):
    message = store_and_fail(f"sqlite:///{tmp_path}/absent/netsky.db")
    assert f"{tmp_path}/absent/netsky.db" in message
    assert "No such file or directory" in message


def test_a_sqlite_file_that_another_writer_holds_is_given_up(tmp_path):
    url = f"sqlite:///{tmp_path}/netsky.db"
    store_sweep(
        Database(fill_url(url, "cu", "default"), timeout=5), "cu", "default", STARTED_AT, QUALITIES
    )
    other = sa.create_engine(url, poolclass=sa.NullPool)
    with other.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        assert "database is locked" in store_and_fail(url, timeout=0.1)


# The URL.


def test_isp_and_egress_are_filled_into_the_url():
    url = fill_url("mysql://netsky@db.example/netsky_{isp}_{egress}", "cu", "unicom-1")
    assert url.render_as_string() == "mysql+pymysql://netsky@db.example/netsky_cu_unicom-1"


def test_isp_and_egress_may_choose_server_and_database(mariadb_store):
    """More lines than one server holds: a server for each ISP, or a database for each exit."""
    url = fill_url("mysql://netsky@db-{isp}.example:3307/netsky_{isp}", "cm", "bj-1")
    assert (url.host, url.port, url.database) == ("db-cm.example", 3307, "netsky_cm")
    name = mariadb_store.url.rpartition("/")[2]
    template = mariadb_store.url.replace(name, f"{name[:-1]}{{egress}}")
    database = Database(fill_url(template, "cu", name[-1]), timeout=5)
    store_sweep(database, "cu", name[-1], STARTED_AT, QUALITIES)
    assert len(mariadb_store.sweeps()) == 2


def test_the_egress_may_choose_the_host(mariadb_store):
    template = mariadb_store.url.replace("127.0.0.1", "127.0.0.{egress}")
    of_1, of_2 = (Database(fill_url(template, "cu", egress), timeout=5) for egress in "12")
    store_sweep(of_1, "cu", "1", STARTED_AT, QUALITIES)
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.2"):
        store_sweep(of_2, "cu", "2", STARTED_AT, QUALITIES)
    assert of_1.egresses("cu") == ["1"]


def test_user_and_password_may_stay_in_a_file(mariadb: MariaDB, mariadb_store, tmp_path):
    mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    mariadb.execute("GRANT ALL ON *.* TO netsky@'127.0.0.1'")
    secret = tmp_path / "my.cnf"
    secret.write_text("[client]\nuser = netsky\npassword = right\n")
    url = f"{mariadb_store.url.replace('root@', '')}?read_default_file={secret}"
    database = Database(fill_url(url, "cu", "default"), timeout=5)
    store_sweep(database, "cu", "default", STARTED_AT, QUALITIES)
    assert len(mariadb_store.rows("netsky_lossrate")) == 2


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("nonsense", "write sqlite:///FILE or mysql"),
        ("sqlite:///{province}.db", "braces around something else than isp and egress"),
        ("postgresql://127.0.0.1/netsky", "no support for postgresql databases"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(template, complaint):
    with pytest.raises(InputError, match=complaint):
        fill_url(template, "cu", "default")


# schema.sql


def shown(server, database, table):
    ((_, statement),) = server.execute(f"SHOW CREATE TABLE {database}.{table}")
    return sorted(line.strip(" ,") for line in statement.splitlines())


def test_the_schema_makes_the_tables_that_the_code_expects(mariadb_with_schema: MariaDB):
    server = mariadb_with_schema
    server.execute("CREATE OR REPLACE DATABASE test_code CHARACTER SET utf8mb4")
    metadata.create_all(sa.create_engine(server.url("test_code"), poolclass=sa.NullPool))
    for database in ("netsky_cu", "netsky_cm", "netsky_ct"):
        tables = {table for (table,) in server.execute(f"SHOW TABLES FROM {database}")}
        assert tables == set(metadata.tables)
        for table in tables:
            assert shown(server, database, table) == shown(server, "test_code", table)


def test_the_schema_applied_again_keeps_tables_and_rows(mariadb_with_schema: MariaDB):
    server = mariadb_with_schema
    database = Database(fill_url(server.url("netsky_{isp}"), "cu", "default"), timeout=5)
    store_sweep(database, "cu", "default", STARTED_AT, QUALITIES)
    tables = [f"netsky_{isp}.{table}" for isp in ("cu", "cm", "ct") for table in metadata.tables]
    before = [server.execute(f"SHOW CREATE TABLE {table}") for table in tables]
    server.execute(SCHEMA.read_text(encoding="utf-8"))
    assert [server.execute(f"SHOW CREATE TABLE {table}") for table in tables] == before
    assert server.execute("SELECT COUNT(*) FROM netsky_cu.netsky_lossrate") == [(2,)]


@pytest.mark.parametrize(
    "url",
    [
        "mysql://netsky@127.0.0.1:1/x?foo=1",
        "mysql://netsky@127.0.0.1:1/x?charset=nonsense",
        "mysql://netsky@127.0.0.1:1/x?connect_timeout=soon",
        "mysql://netsky@127.0.0.1:abc/x",
        "sqlite+aiosqlite:///x.db",
        "sqlite+nonsense:///x.db",
        "mysql://netsky:口令@127.0.0.1:1/x",
    ],
)
def test_more_database_urls(url):
    with pytest.raises((InputError, DatabaseError)):
        store_sweep(
            Database(fill_url(url, "cu", "default"), timeout=1),
            "cu",
            "default",
            STARTED_AT,
            QUALITIES,
        )


def test_bad_option_file(tmp_path):
    file = tmp_path / "my.cnf"
    file.write_text("password = geheim\n")
    message = store_and_fail(f"mysql://netsky@127.0.0.1:1/x?read_default_file={file}")
    assert "geheim" not in message


def test_braces_in_a_password_are_not_repeated():
    with pytest.raises(InputError) as refusal:
        fill_url("mysql://netsky:{geheim}@127.0.0.1/x", "cu", "default")
    assert "geheim" not in str(refusal.value)


def test_egresses_whose_names_differ_only_in_case_are_both_kept(mariadb_store):
    for egress in ("unicom", "Unicom", "ünicom"):
        store_sweep(mariadb_store.database, "cu", egress, STARTED_AT, QUALITIES)
    assert len(mariadb_store.rows("netsky_lossrate")) == 6


def test_a_user_that_may_not_select_is_told_to_get_the_right(mariadb, mariadb_store):
    mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    mariadb.execute("GRANT INSERT ON *.* TO netsky@'127.0.0.1'")
    name = mariadb_store.url.rpartition("/")[2]
    message = store_and_fail(mariadb.url(name, user="netsky", password="right"))
    assert "command denied" in message
    assert "grant" in message
