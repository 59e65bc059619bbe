"""upgrade.sql on a real MariaDB: the earlier tables become today's, and no row is lost."""

import re
import shlex
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pymysql
import pytest

from netsky.errors import DatabaseError
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from netsky.store.tables import metadata, sweeps
from testing import ROOT
from testing.samples import STARTED_AT, make_quality
from testing.servers import SCHEMA, MariaDB, program, wait_until
from testing.stores import store_sweep

UPGRADE = ROOT / "upgrade.sql"
DOCUMENT = (ROOT / "docs" / "upgrade.md").read_text(encoding="utf-8")

HISTORIES = ("netsky_lossrate", "netsky_abnormalrate", "netsky_latency")
MEANS = "netsky_avg_lossrate"
ADDED = (
    "netsky_line",
    "netsky_host",
    "netsky_live_baseline",
    "netsky_usual",
    "netsky_usual_bucket",
    "netsky_hourly",
    "netsky_daily",
    "netsky_rollup_due",
    "netsky_alarm",
    "netsky_verdict",
    "netsky_incident",
    "netsky_trace",
    "netsky_sweep",
)
TABLES = (*HISTORIES, MEANS, *ADDED)

NOON = datetime(2024, 5, 6, 12)  # noqa: DTZ001 # as the column holds it
BEIJING = "netsky_CU_beijing_lossrate"
SHANNXI, SHAANXI = "netsky_CU_shannxi_lossrate", "netsky_CU_shaanxi_lossrate"
ROWS = [
    (1, BEIJING, 12.5, "北京", NOON),
    (2, "netsky_CU_hunan_lossrate", 0.1, "湖南", NOON),
    (3, BEIJING, None, "北京", NOON + timedelta(minutes=1)),
]
LAST_OF_THE_FIRST_PART = 100_000  # upgrade.sql copies so many ids at a time

_serial = count()


@dataclass
class Installation:
    """An earlier installation's databases, <prefix>_cu and so on; those of one test only.

    `history` is what the last upgrade said of it.
    """

    server: MariaDB
    prefix: str
    history: str = ""

    @property
    def database(self) -> str:
        return f"{self.prefix}_cu"

    def execute(self, sql):
        return self.server.execute(f"USE {self.database}; {sql}")

    def rows(self, table):
        return self.execute(f"SELECT * FROM {table} ORDER BY 1")

    def tables(self):
        return {table for (table,) in self.execute("SHOW TABLES")}

    def procedures(self):
        return self.execute(f"SHOW PROCEDURE STATUS WHERE db = '{self.database}'")

    def shown(self, table):
        ((_, statement),) = self.execute(f"SHOW CREATE TABLE {table}")
        # The parts are days, which only an upgrade with history makes.
        statement = re.sub(r"(?s)\n ?\(PARTITION .*\)", "", statement)
        return re.sub(r" AUTO_INCREMENT=\d+", "", statement)

    def parts(self):
        """The parts of netsky_sweep that have rows, and how many all are."""
        names = [
            name
            for (name,) in self.execute(
                "SELECT partition_name FROM information_schema.partitions WHERE table_schema = "
                f"'{self.database}' AND table_name = 'netsky_sweep'"
            )
        ]
        counts = {
            name: self.execute(f"SELECT COUNT(*) FROM netsky_sweep PARTITION ({name})")[0][0]
            for name in names
        }
        return {name: count for name, count in counts.items() if count}, len(names)

    def make_history(self, table, rows, *, options="ENGINE=InnoDB CHARSET=utf8"):
        self.execute(
            f"""CREATE TABLE {table} (
              {table}_id INT UNSIGNED NOT NULL AUTO_INCREMENT,
              name VARCHAR(40),
              value FLOAT,
              province VARCHAR(40),
              update_time DATETIME NOT NULL,
              PRIMARY KEY ({table}_id),
              KEY index_{table}_updatetime (update_time)
            ) {options}"""
        )
        self._insert(table, rows)

    def make_means(self, rows, *, options="ENGINE=InnoDB CHARSET=utf8"):
        self.execute(
            f"""CREATE TABLE {MEANS} (
              name VARCHAR(40) NOT NULL,
              value FLOAT,
              update_time DATETIME NOT NULL,
              PRIMARY KEY (name)
            ) {options}"""
        )
        self._insert(MEANS, rows)

    def _insert(self, table, rows):
        for row in rows:
            values = ", ".join("NULL" if field is None else f"'{field}'" for field in row)
            # An id of 0 and a time of zeros: older servers took both.
            self.execute(
                f"SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO {table} VALUES ({values})"
            )

    def make_all(self):
        for table in HISTORIES:
            self.make_history(table, ROWS)
        self.make_means([(BEIJING, 3.25, NOON)])

    def apply_schema(self):
        sql = SCHEMA.read_text(encoding="utf-8")
        self.server.execute(re.sub(r"\bnetsky_(cu|cm|ct)\b", rf"{self.prefix}_\1", sql))

    def store_sweep(self, egress="default"):
        url = fill_url(self.server.url(f"{self.prefix}_{{isp}}"), "cu", egress)
        qualities = [make_quality("beijing"), make_quality("shaanxi")]
        store_sweep(Database(url, timeout=5), "cu", egress, STARTED_AT, qualities)

    def connect(self):
        return pymysql.connect(
            unix_socket=str(self.server.socket), user="root", database=self.database
        )

    @contextmanager
    def running(self, init_command="SET @hours_ahead_of_utc = 0"):
        """upgrade.sql at work, through the client that people use."""
        # Days take their time.
        commands = [init_command, "SET @keep_days = COALESCE(@keep_days, 2)"]
        options = [f"--init-command={'; '.join(filter(None, commands))}"]
        with (
            UPGRADE.open("rb") as script,
            subprocess.Popen(
                [*client(self.server), *options, self.database],
                stdin=script,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            ) as process,
        ):
            try:
                yield process
            finally:
                process.kill()

    def run(self, init_command):
        with self.running(init_command) as process:
            output, errors = process.communicate(timeout=60)
            return process.returncode, output, errors

    def upgrade(self, init_command="SET @hours_ahead_of_utc = 0"):
        """What the script says: of each table, what became of it."""
        exit_code, output, errors = self.run(init_command)
        assert (exit_code, errors) == (0, "")
        *lines, header, self.history = output.splitlines()
        assert (header, len(lines)) == ("netsky_sweep", 2 * len(TABLES))
        return dict(zip(lines[::2], lines[1::2], strict=True))

    def upgrade_and_fail(self, init_command="SET @hours_ahead_of_utc = 0"):
        """The one line of the error, as the client shows it."""
        exit_code, _, errors = self.run(init_command)
        assert exit_code == 1
        [line] = [line for line in errors.splitlines() if line.startswith("ERROR")]
        return line


def client(server):
    return [program("mariadb"), "--no-defaults", "--user=root", f"--socket={server.socket}"]


@pytest.fixture
def installation(mariadb: MariaDB):
    made = Installation(mariadb, f"test_upgrade_{next(_serial)}")
    mariadb.execute(f"CREATE DATABASE {made.database} CHARACTER SET utf8")
    yield made
    for isp in ("cu", "cm", "ct"):
        mariadb.execute(f"DROP DATABASE IF EXISTS {made.prefix}_{isp}")


@pytest.fixture
def as_the_schema_makes_them(mariadb: MariaDB):
    """The statement that makes each table."""
    made = Installation(mariadb, f"test_upgrade_{next(_serial)}")
    made.apply_schema()
    yield {table: made.shown(table) for table in TABLES}
    for isp in ("cu", "cm", "ct"):
        mariadb.execute(f"DROP DATABASE {made.prefix}_{isp}")


def carried(count_, left_out=0, *, table="netsky_lossrate"):
    return f"upgraded: {count_} rows carried over, {left_out} only in {table}_before_upgrade"


# Rows.


@pytest.mark.parametrize(
    "options",
    [
        "ENGINE=InnoDB CHARSET=utf8",
        "ENGINE=InnoDB CHARSET=utf8 COLLATE=utf8_unicode_ci",
        "ENGINE=InnoDB CHARSET=utf8mb4",
        "ENGINE=InnoDB CHARSET=gbk",
        "ENGINE=MyISAM CHARSET=gbk COLLATE=gbk_bin",
    ],
)
def test_every_row_goes_over_with_its_id_and_value(installation, options):
    charset = options.partition(" CHARSET=")[2].replace("COLLATE=", "COLLATE ")
    installation.execute(f"ALTER DATABASE {installation.database} CHARACTER SET {charset}")
    for table in HISTORIES:
        installation.make_history(table, ROWS, options=options)
    installation.make_means([(BEIJING, 3.25, NOON), ("netsky_CU_hunan_lossrate", None, NOON)])
    said = installation.upgrade()
    for table in HISTORIES:
        assert said[table] == carried(3, table=table)
        assert installation.rows(table) == [(*row, "default") for row in ROWS]
        assert installation.rows(f"{table}_before_upgrade") == ROWS
    assert said[MEANS] == carried(2, table=MEANS)
    assert installation.rows(MEANS) == [
        (BEIJING, "default", 3.25, NOON),
        ("netsky_CU_hunan_lossrate", "default", None, NOON),
    ]


def test_ids_far_apart_and_the_id_0_are_kept(installation):
    ids = [0, 1, LAST_OF_THE_FIRST_PART - 1, LAST_OF_THE_FIRST_PART, LAST_OF_THE_FIRST_PART + 1]
    ids += [2_000_000, 2_000_001]
    rows = [(id_, BEIJING, 1, "北京", NOON + timedelta(seconds=id_)) for id_ in ids]
    installation.make_history("netsky_lossrate", rows)
    assert installation.upgrade()["netsky_lossrate"] == carried(len(ids))
    assert [row[0] for row in installation.rows("netsky_lossrate")] == ids


def test_of_duplicates_the_lowest_id_goes_over_and_the_others_stay_behind(installation):
    far = LAST_OF_THE_FIRST_PART + 7
    rows = [(4, BEIJING, 4, "北京", NOON), (5, BEIJING, 5, "北京", NOON)]
    rows += [(6, SHANNXI, 6, "陕西", NOON), (far, BEIJING, 7, "北京", NOON)]
    installation.make_history("netsky_lossrate", rows)
    assert installation.upgrade()["netsky_lossrate"] == carried(2, 2)
    assert [row[0] for row in installation.rows("netsky_lossrate")] == [4, 6]
    assert installation.rows("netsky_lossrate_before_upgrade") == rows


@pytest.mark.parametrize(
    "row",
    [
        (1, None, 1, "北京", NOON),
        (1, BEIJING, 1, None, NOON),
        (1, BEIJING, 1, "北京", "0000-00-00 00:00:00"),
    ],
    ids=["name", "province", "time"],
)
def test_rows_that_lack_something_stay_behind(installation, row):
    good = (2, BEIJING, 1, "北京", NOON)
    installation.make_history("netsky_lossrate", [row, good])
    assert installation.upgrade()["netsky_lossrate"] == carried(1, 1)
    assert installation.rows("netsky_lossrate") == [(*good, "default")]
    [(kept,)] = installation.execute("SELECT COUNT(*) FROM netsky_lossrate_before_upgrade")
    assert kept == 2


def test_shannxi_becomes_shaanxi_in_history_and_means(installation):
    rows = [(1, SHANNXI, 1, "陕西", NOON), (2, "netsky_CU_shanxi_lossrate", 1, "山西", NOON)]
    installation.make_history("netsky_lossrate", rows)
    installation.make_means([(SHANNXI, 1, NOON)])
    installation.upgrade()
    names = [row[1] for row in installation.rows("netsky_lossrate")]
    assert names == [SHAANXI, "netsky_CU_shanxi_lossrate"]
    assert installation.rows(MEANS) == [(SHAANXI, "default", 1, NOON)]


@pytest.mark.parametrize(("newer", "older"), [(SHANNXI, SHAANXI), (SHAANXI, SHANNXI)])
def test_of_means_under_both_spellings_the_newest_goes_over(installation, newer, older):
    installation.make_means([(older, 1, NOON - timedelta(hours=1)), (newer, 2, NOON)])
    assert installation.upgrade()[MEANS] == carried(1, 1, table=MEANS)
    assert installation.rows(MEANS) == [(SHAANXI, "default", 2, NOON)]


# Times.


@pytest.mark.parametrize("hours", [8, 0, -5])
def test_local_time_becomes_utc_in_history_and_means(installation, hours):
    installation.make_history("netsky_lossrate", ROWS)
    installation.make_means([(BEIJING, 1, NOON)])
    installation.upgrade(f"SET @hours_ahead_of_utc = {hours}")
    shift = timedelta(hours=hours)
    times = [row[4] for row in installation.rows("netsky_lossrate")]
    assert times == [row[4] - shift for row in ROWS]
    assert [row[3] for row in installation.rows(MEANS)] == [NOON - shift]


@pytest.mark.parametrize("hours", [None, "NULL", "''", "'eight'", "8.5", "15", "-13"])
def test_without_hours_that_make_sense_nothing_is_touched(installation, hours):
    installation.make_history("netsky_latency", ROWS)  # not the first in the script
    message = installation.upgrade_and_fail(hours and f"SET @hours_ahead_of_utc = {hours}")
    assert 'mysql --init-command="SET @hours_ahead_of_utc = 8"' in message
    assert message.endswith("0 for UTC")
    assert installation.tables() == {"netsky_latency"}
    assert installation.rows("netsky_latency") == ROWS


# Tables.


def test_the_tables_come_out_as_the_schema_makes_them(installation, as_the_schema_makes_them):
    assert set(TABLES) == set(metadata.tables)
    installation.make_all()
    earlier = {table: installation.shown(table) for table in (*HISTORIES, MEANS)}
    installation.upgrade()
    assert {table: installation.shown(table) for table in TABLES} == as_the_schema_makes_them
    for table, statement in earlier.items():
        backup = installation.shown(f"{table}_before_upgrade")
        assert backup.replace("_before_upgrade` (", "` (", 1) == statement
    assert installation.procedures() == []


def test_an_empty_database_gets_all_tables_without_being_asked_for_hours(
    installation, as_the_schema_makes_them
):
    said = installation.upgrade(init_command=None)
    assert said == dict.fromkeys(TABLES, "was missing, made empty")
    assert installation.tables() == set(TABLES)
    assert {table: installation.shown(table) for table in TABLES} == as_the_schema_makes_them


@pytest.mark.parametrize("missing", ["netsky_latency", MEANS])
def test_a_table_that_is_missing_is_made(installation, as_the_schema_makes_them, missing):
    installation.make_all()
    installation.execute(f"DROP TABLE {missing}")
    assert installation.upgrade()[missing] == "was missing, made empty"
    assert {table: installation.shown(table) for table in TABLES} == as_the_schema_makes_them
    assert f"{missing}_before_upgrade" not in installation.tables()


def test_todays_tables_are_left_as_they_are(installation):
    installation.apply_schema()
    installation.store_sweep("unicom-1")
    before = {table: (installation.shown(table), installation.rows(table)) for table in TABLES}
    said = installation.upgrade(init_command=None)
    assert said == dict.fromkeys(TABLES, "is of today, left as it is")
    assert {t: (installation.shown(t), installation.rows(t)) for t in TABLES} == before
    assert installation.tables() == set(TABLES)


def test_ids_of_32_bits_become_wider_and_keep_their_numbers(installation):
    installation.apply_schema()
    schema = {table: installation.shown(table) for table in TABLES}
    for table in HISTORIES:
        installation.execute(
            f"ALTER TABLE {table} MODIFY {table}_id INT UNSIGNED NOT NULL AUTO_INCREMENT"
        )
    installation.store_sweep("unicom-1")
    before = {table: installation.rows(table) for table in TABLES}
    said = installation.upgrade(init_command=None)
    assert said == dict.fromkeys(TABLES, "is of today, left as it is") | dict.fromkeys(
        HISTORIES, "ids are wider now"
    )
    assert {table: installation.rows(table) for table in TABLES} == before
    assert {table: installation.shown(table) for table in TABLES} == schema
    assert installation.upgrade(init_command=None) == dict.fromkeys(
        TABLES, "is of today, left as it is"
    )


def test_netsky_writes_into_upgraded_tables_and_the_schema_changes_nothing(installation):
    installation.make_all()
    installation.upgrade()
    installation.store_sweep()
    before = {table: (installation.shown(table), installation.rows(table)) for table in TABLES}
    for table in HISTORIES:
        rows = before[table][1]
        assert [row[0] for row in rows[:3]] == [1, 2, 3]
        assert [row[3] for row in rows[3:]] == ["北京", "陕西"]
    installation.apply_schema()
    assert {t: (installation.shown(t), installation.rows(t)) for t in TABLES} == before


@pytest.mark.parametrize("mode", ["ANSI", "TRADITIONAL", "STRICT_ALL_TABLES,NO_ZERO_DATE", ""])
def test_the_servers_sql_mode_does_not_matter(installation, mode):
    installation.make_history("netsky_lossrate", ROWS)
    said = installation.upgrade(f"SET @hours_ahead_of_utc = 0, sql_mode = '{mode}'")
    assert said["netsky_lossrate"] == carried(3)


# History.


def wide(installation):
    return installation.execute(
        "SELECT isp, egress, province, started_at, lossrate, abnormalrate, mean, sent, serial "
        "FROM netsky_sweep ORDER BY 1, 2, 3, 4"
    )


def make_first_wave(installation):
    """The tables with `egress`, and ids of 32 bits."""
    installation.apply_schema()
    for table in HISTORIES:
        installation.execute(
            f"ALTER TABLE {table} MODIFY {table}_id INT UNSIGNED NOT NULL AUTO_INCREMENT"
        )
    for table in ADDED:
        installation.execute(f"DROP TABLE {table}")


def add_narrow(installation, at, *, isp="CU", egress="default"):
    for table, value in zip(HISTORIES, ("12.5", "50", "NULL"), strict=True):
        kind = table.removeprefix("netsky_")
        installation.execute(
            f"INSERT INTO {table} (name, value, province, update_time, egress) VALUES "
            f"('netsky_{isp}_beijing_{kind}', {value}, '北京', '{at}', '{egress}')"
        )


def test_the_history_of_the_first_wave_goes_into_the_wide_table(installation):
    make_first_wave(installation)
    today = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    times = [today - timedelta(days=days) for days in (300, 3, 1)]
    for at in times:
        add_narrow(installation, at)
    add_narrow(installation, times[0], isp="CM", egress="联通-1")
    installation.upgrade("SET @keep_days = 35")
    assert installation.history == "history: 4 rows carried over"
    expected = [("cu", "default", "北京", at, 12.5, 50, None, None, 0) for at in times]
    assert wide(installation) == [
        ("cm", "联通-1", "北京", times[0], 12.5, 50, None, None, 0),
        *expected,
    ]
    lines = installation.execute("SELECT isp, egress, serial FROM netsky_line ORDER BY 1")
    assert lines == [("cm", "联通-1", 0), ("cu", "default", 0)]
    with_rows, parts = installation.parts()
    day = timedelta(days=1)
    assert with_rows == {
        f"before_{today - 34 * day:%Y_%m_%d}": 2,
        f"before_{today - 2 * day:%Y_%m_%d}": 1,
        f"before_{today:%Y_%m_%d}": 1,
    }
    assert parts == 35 + 7 + 1


def test_what_earlier_probes_stored_meanwhile_goes_over_when_applied_again(installation):
    make_first_wave(installation)
    add_narrow(installation, NOON)
    installation.upgrade(init_command=None)
    add_narrow(installation, NOON + timedelta(minutes=1))
    installation.upgrade(init_command=None)
    assert installation.history == "history: 1 rows carried over"
    before = wide(installation), installation.parts()
    installation.upgrade(init_command=None)
    assert installation.history == "history: 0 rows carried over"
    assert (wide(installation), installation.parts()) == before
    assert len(before[0]) == 2


def test_a_part_that_the_averaging_has_made_is_divided_further(installation):
    make_first_wave(installation)
    yesterday = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=1)
    add_narrow(installation, yesterday)
    installation.upgrade("SET @keep_days = 3")
    installation.execute("ALTER TABLE netsky_sweep REMOVE PARTITIONING")
    tomorrow = f"{yesterday + timedelta(days=2):%Y-%m-%d} 00:00:00"
    installation.execute(
        "ALTER TABLE netsky_sweep PARTITION BY RANGE COLUMNS (started_at) (PARTITION early VALUES "
        f"LESS THAN ('{tomorrow}'), PARTITION later VALUES LESS THAN (MAXVALUE))"
    )
    installation.upgrade("SET @keep_days = 3")
    assert installation.parts()[0] == {f"before_{yesterday + timedelta(days=1):%Y_%m_%d}": 1}


def test_each_column_that_the_wide_table_lacks_is_added(installation):
    installation.apply_schema()
    names = [column.name for column in sweeps.c if not column.primary_key]
    types = dict(
        installation.execute(
            "SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = "
            f"'{installation.database}' AND table_name = 'netsky_sweep'"
        )
    )
    for name in names:
        installation.execute(f"ALTER TABLE netsky_sweep DROP COLUMN {name}")
    installation.upgrade(init_command=None)
    assert types == dict(
        installation.execute(
            "SELECT column_name, column_type FROM information_schema.columns WHERE table_schema = "
            f"'{installation.database}' AND table_name = 'netsky_sweep'"
        )
    )
    installation.store_sweep()
    assert len(wide(installation)) == 2


def test_incidents_learn_whether_they_were_given_up(installation):
    installation.apply_schema()
    installation.execute("ALTER TABLE netsky_incident DROP COLUMN given_up")
    installation.execute(
        "INSERT INTO netsky_incident (isp, egress, opened_at, changed_at, severity, peak_severity, "
        "peak_increase, peak_provinces, provinces) VALUES ('cu', 'default', '2024-05-06', '2024-05-06', "
        "'heavy', 'heavy', 9.5, 1, '湖南')"
    )
    for _ in range(2):
        installation.upgrade(init_command=None)
    assert installation.execute("SELECT egress, given_up FROM netsky_incident") == [("default", 0)]


def test_hours_of_which_sweeps_are_there_are_judged_again(installation):
    installation.apply_schema()
    installation.store_sweep()
    [(start,)] = installation.execute("SELECT DISTINCT start FROM netsky_rollup_due")
    installation.execute("DELETE FROM netsky_rollup_due")
    for at in (start, start - timedelta(days=99)):
        installation.execute(
            "INSERT INTO netsky_hourly (isp, egress, province, start, sweeps) VALUES "
            f"('cu', 'default', '湖南', '{at}', 1)"
        )
    for table in ("netsky_hourly", "netsky_daily"):
        for column in ("tainted_sweeps", "judged_sweeps", "bad_sweeps"):
            installation.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    for _ in range(2):
        installation.upgrade(init_command=None)
        assert installation.execute("SELECT start FROM netsky_rollup_due") == [(start,)]
    assert installation.execute(
        "SELECT MAX(bad_sweeps), MAX(judged_sweeps) FROM netsky_hourly"
    ) == [(0, 0)]


def test_hours_that_an_earlier_averaging_has_summed_up_meanwhile_are_due_again(installation):
    installation.apply_schema()
    installation.store_sweep()
    [(start,)] = installation.execute("SELECT DISTINCT start FROM netsky_rollup_due")
    installation.execute("DELETE FROM netsky_rollup_due")
    for province, live_sent, judged in (("湖南", 400, 0), ("湖北", 400, 1), ("北京", "NULL", 0)):
        at = start - timedelta(minutes=0 if province == "湖南" else -60)
        installation.execute(
            "INSERT INTO netsky_hourly (isp, egress, province, start, sweeps, live_sent, judged_sweeps) "
            f"VALUES ('cu', 'default', '{province}', '{at}', 1, {live_sent}, {judged})"
        )
    installation.upgrade(init_command=None)
    assert installation.execute("SELECT start FROM netsky_rollup_due") == [(start,)]


def test_what_is_usual_learns_for_how_long_a_rise_has_stood(installation):
    installation.apply_schema()
    installation.execute("ALTER TABLE netsky_usual DROP COLUMN noticed")
    for _ in range(2):
        installation.upgrade(init_command=None)
    assert installation.execute("SELECT noticed FROM netsky_usual") == []


def test_names_of_something_else_stay_behind(installation):
    make_first_wave(installation)
    add_narrow(installation, NOON, isp="SEVENLETTERS")
    installation.execute(
        "INSERT INTO netsky_lossrate (name, province, update_time) VALUES "
        f"('something else', '北京', '{NOON}')"
    )
    installation.upgrade(init_command=None)
    assert installation.history == "history: 0 rows carried over"
    assert installation.execute("SELECT * FROM netsky_line") == []


def test_while_it_runs_probes_store_and_no_sweep_is_lost_or_doubled(installation, tmp_path):
    make_first_wave(installation)
    for minutes in range(300):
        add_narrow(installation, NOON - timedelta(minutes=minutes))
    url = fill_url(installation.server.url(f"{installation.prefix}_{{isp}}"), "cu", "default")
    spool = Spool(tmp_path, "cu", "default", max_bytes=1 << 24, max_age=timedelta(days=7))
    stored = 0
    with installation.running(init_command="") as upgrade:
        while upgrade.poll() is None or stored < 5:
            at = STARTED_AT + timedelta(days=1, seconds=stored)
            rows = sweep_rows("cu", "default", at, [make_quality("beijing")])
            with suppress(DatabaseError):  # it waits for the tables
                spool.store(rows, Database(url, timeout=5))
            stored += 1
        assert upgrade.returncode == 0
    spool.flush(Database(url, timeout=5))
    for table in ("netsky_sweep", *HISTORIES):
        [(count_,)] = installation.execute(f"SELECT COUNT(*) FROM {table}")
        assert count_ == 300 + stored, table


# Again, and after failures.


def test_applied_again_it_changes_nothing(installation):
    installation.make_all()
    installation.upgrade("SET @hours_ahead_of_utc = 8")
    tables = installation.tables()
    before = {table: (installation.shown(table), installation.rows(table)) for table in tables}
    said = installation.upgrade("SET @hours_ahead_of_utc = 8")
    assert said == dict.fromkeys(TABLES, "is of today, left as it is")
    assert {t: (installation.shown(t), installation.rows(t)) for t in installation.tables()} == (
        before
    )


def test_a_run_that_dies_half_way_is_harmless_and_the_next_one_begins_again(installation):
    later = [
        (parts * LAST_OF_THE_FIRST_PART + 7, BEIJING, 1, "北京", NOON + timedelta(hours=parts))
        for parts in (1, 2)
    ]
    earlier = [*ROWS, *later]
    for table in HISTORIES:
        installation.make_history(table, earlier)
    table = "netsky_abnormalrate"  # so that one is done, and one is not begun
    # Someone holds the last row: there the run stands still, with the first part copied.
    with installation.connect() as holder, holder.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE {table}_id = {later[-1][0]} FOR UPDATE")
        held_up = (
            "SELECT id FROM information_schema.processlist"
            f" WHERE info LIKE 'INSERT INTO {table}_upgrade%' AND time_ms > 200"
        )
        with installation.running() as run:
            wait_until(lambda: installation.execute(held_up), what="the run standing still")
            assert installation.rows(f"{table}_upgrade") == [(*row, "default") for row in ROWS]
            [(victim,)] = installation.execute(held_up)
            installation.execute(f"KILL {victim}")
            assert run.wait(30) == 1
    assert installation.rows(table) == earlier
    assert f"{table}_before_upgrade" not in installation.tables()

    said = installation.upgrade()
    assert said["netsky_lossrate"] == "is of today, left as it is"
    assert said[table] == carried(5, table=table)
    for each in HISTORIES:
        assert installation.rows(each) == [(*row, "default") for row in earlier]
        assert f"{each}_upgrade" not in installation.tables()
    assert installation.procedures() == []


def test_an_exchange_that_was_cut_in_two_is_made_good(installation):
    installation.make_history("netsky_lossrate", ROWS)
    installation.execute(
        "CREATE TABLE netsky_lossrate_upgrade LIKE netsky_lossrate;"
        "RENAME TABLE netsky_lossrate TO netsky_lossrate_before_upgrade"
    )
    assert "local or UTC?" in installation.upgrade_and_fail(init_command=None)
    assert installation.upgrade()["netsky_lossrate"] == carried(3)
    assert installation.rows("netsky_lossrate") == [(*row, "default") for row in ROWS]
    assert installation.rows("netsky_lossrate_before_upgrade") == ROWS
    assert "netsky_lossrate_upgrade" not in installation.tables()


def test_an_earlier_backup_is_never_written_over(installation):
    installation.make_all()
    installation.upgrade()
    installation.execute(f"DROP TABLE {MEANS}")
    installation.make_means([(BEIJING, 9, NOON)])  # as a restored dump would
    message = installation.upgrade_and_fail()
    assert f"{MEANS}_before_upgrade is in the way: rename or drop it" in message
    assert installation.rows(MEANS) == [(BEIJING, 9, NOON)]
    assert installation.rows(f"{MEANS}_before_upgrade") == [(BEIJING, 3.25, NOON)]


def test_another_programs_table_of_the_same_name_is_left_alone(installation):
    installation.execute("CREATE TABLE netsky_latency (something_else INT)")
    assert "Unknown column" in installation.upgrade_and_fail()
    assert installation.rows("netsky_latency") == []
    assert "netsky_latency_before_upgrade" not in installation.tables()


def test_a_second_run_waits_for_the_first(installation):
    installation.make_history("netsky_lossrate", ROWS)
    with installation.connect() as first, first.cursor() as cursor:
        cursor.execute("DO GET_LOCK(CONCAT('netsky_upgrade ', MD5(DATABASE())), 60)")
        waiting = (
            "SELECT 1 FROM information_schema.processlist"
            f" WHERE db = '{installation.database}' AND state = 'User lock'"
        )
        with installation.running() as second:
            wait_until(lambda: installation.execute(waiting), what="the second run waiting")
            assert installation.tables() == {"netsky_lossrate"}
            cursor.execute("DO RELEASE_ALL_LOCKS()")
            assert second.wait(30) == 0
    assert installation.rows("netsky_lossrate") == [(*row, "default") for row in ROWS]


def test_without_a_database_it_says_so(mariadb: MariaDB):
    command = [*client(mariadb), "--init-command=SET @hours_ahead_of_utc = 8"]
    with UPGRADE.open("rb") as script:
        done = subprocess.run(command, stdin=script, capture_output=True, check=False)
    assert done.returncode == 1
    assert b"No database selected" in done.stderr


# docs/upgrade.md


def documented(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)


def test_the_documents_command_upgrades_and_says_what_the_document_shows(installation):
    installation.make_history("netsky_lossrate", [*ROWS, (4, *ROWS[0][1:]), (5, *ROWS[0][1:])])
    installation.make_history("netsky_abnormalrate", ROWS)
    installation.make_means([(BEIJING, 3.25, NOON)])
    [command] = [block for block in documented("sh") if "upgrade.sql" in block]
    mysql, init_command, database, redirection, script = shlex.split(command)
    assert (mysql, database, redirection) == ("mysql", "netsky_cu", "<")
    assert ROOT / script == UPGRADE
    said = installation.upgrade(init_command.removeprefix("--init-command="))
    [shown] = [block.splitlines() for block in documented("text")]
    assert shown[-2] == "netsky_sweep"
    assert re.sub(r"\d+", "N", shown[-1]) == re.sub(r"\d+", "N", installation.history)
    shown = shown[:-2]
    assert shown[::2] == list(said)
    for line, text in zip(shown[1::2], said.values(), strict=True):
        assert re.sub(r"\d+ rows", "N rows", line) == re.sub(r"\d+ rows", "N rows", text)
    assert installation.rows("netsky_lossrate")[0][4] == NOON - timedelta(hours=8)


@pytest.mark.parametrize("sql", documented("sql"), ids=lambda sql: sql.split("\n", 1)[0])
def test_the_documents_statements_run_after_an_upgrade(installation, sql):
    installation.make_all()
    installation.upgrade()
    installation.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    installation.execute(re.sub(r"\bnetsky_cu\b", installation.database, sql))


def test_the_document_finds_the_hours_and_what_was_left_out(installation):
    china = "UTC_TIMESTAMP() + INTERVAL 8 HOUR - INTERVAL 2 MINUTE"
    installation.make_history("netsky_lossrate", [*ROWS, (4, *ROWS[0][1:])])
    installation.execute(
        f"UPDATE netsky_lossrate SET update_time = {china} WHERE name LIKE '%hunan%'"
    )
    hours, left_out = (
        next(sql for sql in documented("sql") if word in sql).replace(
            "netsky_cu.", f"{installation.database}."
        )
        for word in ("hours_ahead_of_utc", "LEFT JOIN")
    )
    [(_, _, found)] = installation.execute(hours)
    assert found == 8
    installation.upgrade(f"SET @hours_ahead_of_utc = {found}")
    assert installation.execute(left_out) == [(4, *ROWS[0][1:])]
