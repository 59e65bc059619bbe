"""The 12-hour mean: against an independent computation, in MariaDB and SQLite alike."""

import json
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import numpy as np
import pytest
import sqlalchemy as sa

from netsky.cli import lock
from netsky.errors import NoDataError
from netsky.jobs.average import average
from netsky.jobs.housekeeping import Keep
from netsky.judging.rule import MeanRule
from netsky.outlets.delivery import Outlets
from netsky.places import BUILTIN_ISPS, PROVINCES, find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows
from testing.commands import run_tool
from testing.samples import STARTED_AT, make_quality, write_library
from testing.servers import MariaDB, free_port
from testing.stores import Loss, Store, store_sweep

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
NOW = STARTED_AT.replace(microsecond=0)


def mean_of(store, *, egress=None, hours=12, now=NOW):
    """By egress and slug: mean in percent and samples."""
    means = store.database.mean_loss("cu", after=now - hours * HOUR, until=now, egress=egress)
    return {
        (mean.egress, mean.province.slug): (
            None if mean.loss_ratio is None else 100 * mean.loss_ratio,
            mean.samples,
        )
        for mean in means
    }


def run_average(store, *, egress=None, outlets=None, **options):
    defaults = {"hours": 12, "rule": MeanRule(), "keep": Keep()}
    return average(
        store.database,
        BUILTIN_ISPS["cu"],
        egress,
        outlets=outlets or Outlets(),
        **defaults | options,
    )


def stored(store):
    """By egress and name: the mean in percent."""
    rows = store.fetch("SELECT egress, name, value FROM netsky_avg_lossrate")
    return {(egress, name): value for egress, name, value in rows}


def recent(*percents, province="beijing", egress="default", minutes_ago=1):
    """A loss a minute, the last of them so many minutes ago."""
    now = datetime.now(UTC)
    return [
        Loss(province, percent, now - timedelta(minutes=minutes_ago + index), egress)
        for index, percent in enumerate(percents)
    ]


def measured_since_yesterday():
    """A loss an hour, so that what is older than a day is so by the sweeps that came since."""
    return [loss for hours in range(1, 26) for loss in recent(1, minutes_ago=60 * hours + 30)]


# The mean


def test_gaps_nulls_and_two_egresses_agree_with_numpy_and_with_plain_sql(store):
    store.create_tables()
    rng = np.random.default_rng(4)
    losses, expected = [], {}
    for egress in ("default", "联通-2"):
        for province in PROVINCES:
            # A third of the sweeps is missing, a tenth has no value.
            times = np.flatnonzero(rng.random(2 * 60 * 13) < 0.66) * 30
            percents = np.round(rng.exponential(4, times.size), 3).tolist()
            values = [None if rng.random() < 0.1 else percent for percent in percents]
            losses += [
                Loss(province.slug, value, NOW - timedelta(seconds=int(seconds)), egress)
                for seconds, value in zip(times, values, strict=True)
            ]
            inside = [
                value
                for seconds, value in zip(times, values, strict=True)
                if seconds < 12 * 3600 and value is not None
            ]
            expected[egress, province.slug] = (np.mean(inside), len(inside))
    store.add_losses(*losses)
    means = mean_of(store)
    assert means.keys() == expected.keys()
    for key, (mean, samples) in means.items():
        assert (mean, samples) == (pytest.approx(expected[key][0], rel=1e-5), expected[key][1])
    start = (NOW - 12 * HOUR).strftime("%Y-%m-%d %H:%M:%S.000000")
    end = NOW.strftime("%Y-%m-%d %H:%M:%S.000000")
    plain = store.fetch(
        "SELECT SUM(value) / COUNT(value), COUNT(value) FROM netsky_lossrate WHERE egress = "
        "'联通-2' AND name = 'netsky_CU_hunan_lossrate' AND value IS NOT NULL AND "
        f"update_time > '{start}' AND update_time <= '{end}'"
    )
    assert plain == [(pytest.approx(means["联通-2", "hunan"][0]), means["联通-2", "hunan"][1])]


def test_the_window_holds_now_and_not_what_is_exactly_12_hours_old(store):
    store.create_tables()
    store.add_losses(
        Loss("beijing", 64, NOW + SECOND),
        Loss("beijing", 1, NOW),
        Loss("beijing", 2, NOW - 12 * HOUR + SECOND),
        Loss("beijing", 32, NOW - 12 * HOUR),
    )
    assert mean_of(store) == {("default", "beijing"): (1.5, 2)}


def test_sweeps_without_a_value_do_not_count_as_zero(store):
    store.create_tables()
    store.add_losses(
        *(Loss("beijing", value, NOW - i * SECOND) for i, value in enumerate([None, 8, None, 4])),
        Loss("hunan", None, NOW),
    )
    assert mean_of(store) == {("default", "beijing"): (6, 2), ("default", "hunan"): (None, 0)}


def test_one_egress_can_be_asked_for(store):
    store.create_tables()
    store.add_losses(Loss("beijing", 1, NOW), Loss("beijing", 9, NOW, "b"))
    assert mean_of(store, egress="b") == {("b", "beijing"): (9, 1)}


def test_other_isps_in_the_same_database_are_left_out(store):
    store.create_tables()
    store_sweep(store.database, "cm", "default", NOW, [make_quality("beijing")])
    store.add_losses(Loss("beijing", 1, NOW))
    assert mean_of(store) == {("default", "beijing"): (1, 1)}


# The averaging


def test_means_are_stored_in_place_of_the_old_ones(store):
    store.create_tables()
    store.add_baseline("beijing", 77, datetime.now(UTC) - HOUR)
    store.add_losses(*recent(1, 2, 6), *recent(10, 20, 30, egress="b"))
    report = run_average(store)
    assert report.complete
    name = "netsky_CU_beijing_lossrate"
    assert stored(store) == {("default", name): 3, ("b", name): 20}
    now = datetime.now(UTC)
    for baseline in store.database.baselines("cu"):
        assert now - baseline.computed_at < timedelta(minutes=1)
    assert [(entry.egress, entry.samples) for entry in report.averaged] == [
        ("b", 3),
        ("default", 3),
    ]


def test_a_province_with_too_few_values_keeps_its_mean_and_is_reported(store, caplog):
    store.create_tables()
    old = datetime.now(UTC).replace(microsecond=0) - 5 * HOUR
    store.add_baseline("beijing", 7, old)
    store.add_baseline("hebei", 9, old)
    store.add_losses(
        *recent(1, 2),
        *recent(4, None, None, 5, province="hunan"),
        *recent(3, 3, 3, province="hubei"),
    )
    report = run_average(store)
    assert not report.complete
    assert stored(store) == {
        ("default", "netsky_CU_beijing_lossrate"): 7,
        ("default", "netsky_CU_hebei_lossrate"): 9,
        ("default", "netsky_CU_hubei_lossrate"): 3,
    }
    left_alone = {entry.province.slug: entry for entry in report.left_alone}
    assert {slug: entry.samples for slug, entry in left_alone.items()} == {
        "beijing": 2,
        "hebei": 0,
        "hunan": 2,
    }
    assert left_alone["beijing"].baseline.computed_at == old
    assert left_alone["hunan"].baseline is None
    assert "left as they were: beijing (2), hebei (0), hunan (2)" in caplog.text


def test_the_number_of_values_that_is_enough_can_be_set(store):
    store.create_tables()
    store.add_losses(*recent(1))
    assert run_average(store, rule=MeanRule(min_samples=1)).complete


def test_one_egress_alone_leaves_the_others_means(store):
    store.create_tables()
    store.add_baseline("beijing", 50, datetime.now(UTC))
    store.add_losses(*recent(1, 1, 1), *recent(2, 2, 2, egress="b"))
    run_average(store, egress="b")
    name = "netsky_CU_beijing_lossrate"
    assert stored(store) == {("default", name): 50, ("b", name): 2}


def test_with_nothing_to_average_it_says_so(store):
    store.create_tables()
    with pytest.raises(NoDataError, match="no loss rate of ISP cu of the past 12 hours"):
        run_average(store)


def test_history_that_is_older_than_asked_for_is_deleted(store):
    day = timedelta(days=1)
    now = datetime.now(UTC)
    for age in (*(hours * HOUR for hours in range(52)), 3 * day):
        store_sweep(store.database, "cu", "default", now - age, [make_quality("beijing")])
    store.add_baseline("hunan", 1, now - 4 * day)
    report = run_average(
        store, rule=MeanRule(min_samples=1), keep=Keep(timedelta(days=2, minutes=1))
    )
    tables = ("netsky_lossrate", "netsky_abnormalrate", "netsky_latency")
    assert report.pruned == dict.fromkeys((*tables, "netsky_sweep"), 4)
    assert len(store.sweeps()) == 49
    for table in tables:
        assert len(store.rows(table)) == 49
    assert len(stored(store)) == 2, "means stay"


def test_deleting_takes_many_small_transactions_and_spares_what_is_young(store, monkeypatch):
    monkeypatch.setattr("netsky.store.pruning.PRUNE_ROWS", 10)
    store.create_tables()
    # Two rows of each time: a batch never leaves half of a sweep behind.
    times = [NOW - i * SECOND for i in range(60)]
    store.add_losses(*(Loss(slug, 1, at) for at in times for slug in ("beijing", "hunan")))
    left = {"netsky_sweep": [], "netsky_lossrate": []}
    for table, rows in store.database.prune(before=NOW - 19 * SECOND):
        assert rows == 10
        left[table] += store.fetch(f"SELECT COUNT(*) FROM {table}")  # as others see it meanwhile
    assert left == {table: [(count,) for count in range(110, 30, -10)] for table in left}
    for table, column in (("netsky_sweep", "started_at"), ("netsky_lossrate", "update_time")):
        [(oldest,)] = store.fetch(f"SELECT MIN({column}) FROM {table}")
        assert str(oldest).startswith("2024-05-06 07:07:50")


def test_what_was_deleted_is_counted_also_when_there_is_more_than_time(store, monkeypatch):
    monkeypatch.setattr("netsky.store.pruning.PRUNE_ROWS", 10)
    monkeypatch.setattr("netsky.jobs.housekeeping.PRUNE_SECONDS", 0)
    store.create_tables()
    if "mysql" in store.url:  # or the old rows are gone with their day
        store.execute("ALTER TABLE netsky_sweep REMOVE PARTITIONING")
    store.add_losses(*recent(1, 1, 1), *measured_since_yesterday())
    store.add_losses(*(Loss("beijing", 1, NOW - i * SECOND) for i in range(25)))
    keep = Keep(timedelta(days=1))
    pruned = [run_average(store, keep=keep).pruned["netsky_sweep"] for _ in range(3)]
    assert pruned == [10, 10, 7]


def test_when_no_mean_can_be_computed_nothing_is_deleted(store, caplog):
    """By a clock that is ahead, all of it would look old."""
    store.create_tables()
    store.add_baseline("beijing", 7, datetime.now(UTC))
    store.add_losses(*(Loss("beijing", 1, NOW - i * SECOND) for i in range(25)))
    report = run_average(store)
    assert report.pruned == {}
    assert len(store.rows("netsky_lossrate")) == 25
    assert "nothing is pruned" in caplog.text


def test_a_user_who_may_not_delete_still_gets_means(mariadb: MariaDB, mariadb_store, tmp_path):
    mariadb_store.add_losses(*recent(1, 2, 3), *measured_since_yesterday())
    mariadb_store.add_losses(*recent(1, minutes_ago=60 * 24 * 40))
    mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
    mariadb.execute("GRANT SELECT, INSERT, UPDATE ON *.* TO netsky@'127.0.0.1'")
    name = mariadb_store.url.rpartition("/")[2]
    url = mariadb.url(name, user="netsky", password="right")
    done = run_tool(
        *(tmp_path, "netsky_get_avg_lossrate", "--keep-days", "1", "--baseline", "mean"),
        NETSKY_DATABASE=url,
    )
    assert done.returncode == 3
    assert "not pruned: " in done.stderr
    assert "DELETE command denied" in done.stderr
    assert "insert, update and delete" in done.stderr
    assert "renewed=1" in done.stdout
    assert len(stored(mariadb_store)) == 1


# The command


def test_values_that_the_probe_wrote_are_averaged(store, tmp_path):
    write_library(tmp_path / "library", isp="cu", targets=4)
    arguments = ["--library", "library", "--window", "0", "--egress"]
    for egress in ("default", "b"):
        (tmp_path / "netsky.toml").write_text("[egress.b]\nsource = '127.0.0.1'\n")
        done = run_tool(tmp_path, "netsky_probe", *arguments, egress, NETSKY_DATABASE=store.url)
        assert done.returncode == 0, done.stderr
    assert len(store.sweeps()) == 62
    store.execute("UPDATE netsky_sweep SET lossrate = 12.5 WHERE province = '湖南'")
    done = run_tool(
        tmp_path,
        *("netsky_get_avg_lossrate", "--min-samples", "1", "--format", "json"),
        NETSKY_DATABASE=store.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["baseline"]["isp"] == "cu"
    assert document["baseline"]["hours"] == 12
    provinces = document["provinces"]
    assert [entry["egress"] for entry in provinces] == ["b"] * 31 + ["default"] * 31
    for entry in provinces:
        hunan = entry["province"] == "hunan"
        assert entry["province_name"] == find_province(entry["province"]).name
        assert (entry["baseline_ratio"], entry["samples"]) == (0.125 if hunan else 0, 1)
        assert entry["renewed"]
    assert len(stored(store)) == 62


def test_what_is_pushed_are_the_stored_means_a_group_an_egress(store, tmp_path, pushgateway):
    store.create_tables()
    old = datetime.now(UTC).replace(microsecond=0) - 5 * HOUR
    store.add_baseline("hebei", 9, old, "mean-a")
    store.add_losses(
        *recent(1, 2, 6, egress="mean-a"), *recent(10, 20, 30, egress="mean-b", province="hunan")
    )
    done = run_tool(
        tmp_path,
        *("netsky_get_avg_lossrate", "--pushgateway", pushgateway),
        NETSKY_DATABASE=store.url,
        NETSKY_BASELINE="mean",
    )
    assert done.returncode == 3  # hebei was left alone
    with urlopen(f"{pushgateway}/metrics", timeout=5) as answer:
        lines = [line for line in answer.read().decode().splitlines() if 'egress="mean-' in line]
    values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("netsky_"))
    found = {
        (name.partition("{")[0], egress, province): float(value)
        for name, value in values.items()
        for egress in ("mean-a", "mean-b")
        for province in ("beijing", "hebei", "hunan")
        if f'egress="{egress}"' in name and f'province="{province}"' in name
    }
    ratio, moment = "netsky_loss_baseline_ratio", "netsky_loss_baseline_timestamp_seconds"
    assert found.keys() == {
        (metric, *key)
        for metric in (ratio, moment)
        for key in (("mean-a", "beijing"), ("mean-a", "hebei"), ("mean-b", "hunan"))
    }
    assert found[ratio, "mean-a", "beijing"] == pytest.approx(0.03)
    assert found[ratio, "mean-b", "hunan"] == pytest.approx(0.2)
    assert found[ratio, "mean-a", "hebei"] == pytest.approx(0.09)
    assert found[moment, "mean-a", "hebei"] == old.timestamp()
    assert abs(found[moment, "mean-a", "beijing"] - datetime.now(UTC).timestamp()) < 60
    assert all('job="netsky_avg_lossrate"' in name and 'isp="cu"' in name for name in values)


@pytest.mark.parametrize("tool", ["netsky_get_avg_lossrate", "netsky_alert"])
class TestErrors:
    """What a person is told when the database is not as it should be: exit 1 and one line."""

    def fail(self, tool, tmp_path, url, code=1):
        done = run_tool(tmp_path, tool, NETSKY_DATABASE=url)
        assert (done.returncode, done.stdout) == (code, "")
        [line] = done.stderr.splitlines()
        return line

    def test_a_missing_database(self, tool, tmp_path, mariadb: MariaDB):
        line = self.fail(tool, tmp_path, mariadb.url("netsky_absent"))
        assert "Unknown database 'netsky_absent'" in line
        assert "apply schema.sql: mysql -u root < schema.sql" in line

    def test_a_missing_table(self, tool, tmp_path, mariadb: MariaDB):
        mariadb.execute("CREATE DATABASE IF NOT EXISTS test_empty")
        line = self.fail(tool, tmp_path, mariadb.url("test_empty"))
        assert "doesn't exist" in line
        assert "apply schema.sql" in line

    def test_a_refused_login_names_user_and_host_never_the_password(
        self, tool, tmp_path, mariadb: MariaDB
    ):
        mariadb.execute("CREATE OR REPLACE USER netsky@'127.0.0.1' IDENTIFIED BY 'right'")
        url = mariadb.url("netsky_cu", user="netsky", password="geheim")
        line = self.fail(tool, tmp_path, url)
        assert "Access denied for user 'netsky'@'127.0.0.1'" in line
        assert "geheim" not in line

    def test_tables_from_before_netsky(self, tool, tmp_path, mariadb: MariaDB):
        mariadb.execute(
            "CREATE OR REPLACE DATABASE test_seed; CREATE TABLE test_seed.netsky_lossrate "
            "(name varchar(40), value float, province varchar(40), update_time datetime NOT NULL)"
        )
        line = self.fail(tool, tmp_path, mariadb.url("test_seed"))
        assert "doesn't exist (1146): apply upgrade.sql to this database" in line
        assert "docs/upgrade.md" in line

    def test_a_server_that_is_down(self, tool, tmp_path):
        url = f"mysql://netsky@127.0.0.1:{free_port()}/netsky_cu"
        assert "is the server running and reachable?" in self.fail(tool, tmp_path, url)

    def test_a_server_that_never_answers(self, tool, tmp_path, silent_port):
        url = f"mysql://netsky@127.0.0.1:{silent_port}/netsky_cu"
        done = run_tool(tmp_path, tool, "--database-timeout", "1", NETSKY_DATABASE=url)
        assert done.returncode == 1
        assert "timed out" in done.stderr

    def test_an_sqlite_file_that_is_missing_is_not_made(self, tool, tmp_path):
        line = self.fail(tool, tmp_path, "sqlite:///absent.db")
        assert "no such file: the first sweep of netsky_probe.py makes it" in line
        assert not (tmp_path / "absent.db").exists()

    def test_an_sqlite_file_without_the_tables(self, tool, tmp_path):
        (tmp_path / "empty.db").write_bytes(b"")
        line = self.fail(tool, tmp_path, "sqlite:///empty.db")
        assert "no such table: netsky_" in line
        assert ": is it the database of netsky_probe.py?" in line

    def test_an_sqlite_file_of_an_earlier_version(self, tool, tmp_path):
        url = f"sqlite:///{tmp_path}/netsky.db"
        store = Store(url, sa.create_engine(url, poolclass=sa.NullPool))
        store.create_tables()
        store.add_losses(Loss("beijing", 1.0, datetime.now(UTC)))
        store.execute("ALTER TABLE netsky_usual DROP COLUMN noticed")
        line = self.fail(tool, tmp_path, url)
        assert line.endswith(
            "of an earlier version: the next sweep of netsky_probe.py adds the column"
        )

    def test_a_database_without_loss_rates(self, tool, tmp_path, mariadb_store):
        line = self.fail(tool, tmp_path, mariadb_store.url)
        assert "no loss rate of ISP cu" in line
        assert "has netsky_probe.py run" in line

    def test_a_second_run_leaves_at_once(self, tool, tmp_path, mariadb_store):
        egress = "default" if tool == "netsky_alert" else "all"
        with lock.hold(tmp_path, tool=tool, egress=egress, isp="cu"):
            line = self.fail(tool, tmp_path, mariadb_store.url, code=75)
        assert f"{tool} is already running for ISP cu" in line


def test_where_each_egress_has_a_database_of_its_own_those_of_the_settings_are_averaged(tmp_path):
    (tmp_path / "netsky.toml").write_text("[egress.a]\n[egress.b]\n[egress.c]\nin_all = false\n")
    for egress in ("a", "c"):
        database = Database(
            fill_url(f"sqlite:///{tmp_path}/cu_{egress}.db", "cu", egress), timeout=5
        )
        for seconds in (30, 20, 10):
            at = datetime.now(UTC) - timedelta(seconds=seconds)
            database.store(sweep_rows("cu", egress, at, [make_quality("hunan", loss_ratio=0.2)]))
    url = "sqlite:///{isp}_{egress}.db"
    done = run_tool(tmp_path, "netsky_get_avg_lossrate", "--database", url, "--format", "line")
    assert (done.returncode, done.stdout.count("egresses=a renewed=1")) == (3, 1)
    assert "egress b" in done.stderr
    assert not (tmp_path / "cu_b.db").exists()


def test_what_is_averaged_must_not_be_deleted_before(tmp_path):
    done = run_tool(tmp_path, "netsky_get_avg_lossrate", "--hours", "48", "--keep-days", "1")
    assert done.returncode == 2
    assert "--hours 48 reaches back further than --keep-days 1" in done.stderr
