"""netsky_alert.py: what it reads from MariaDB and SQLite, prints and pushes."""

import json
import re
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from urllib.request import urlopen

import pymysql
import pytest
import sqlalchemy as sa

from netsky.jobs.alert import alert
from netsky.judging.rule import MeanRule
from netsky.outlets.delivery import Outlets
from netsky.places import find_isp
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.commands import run_tool, tool_command
from testing.samples import STARTED_AT, make_quality
from testing.servers import MariaDB, free_port, wait_until
from testing.stores import Loss, Store, store_sweep

NOW = STARTED_AT.replace(microsecond=0)
SECOND = timedelta(seconds=1)


def newest(store, *, egress="default"):
    found = store.database.newest_loss("cu", egress)
    return {
        loss.province.slug: (round(100 * loss.loss_ratio, 4), loss.measured_at) for loss in found
    }


# What is read


def test_the_newest_loss_is_that_of_each_province_through_that_egress(store):
    store.create_tables()
    store.add_losses(
        Loss("beijing", 1, NOW - 60 * SECOND),
        Loss("beijing", 2.5, NOW),
        Loss("beijing", 9, NOW, "b"),
        Loss("hunan", 3, NOW - 300 * SECOND),
    )
    assert newest(store) == {"beijing": (2.5, NOW), "hunan": (3, NOW - 300 * SECOND)}
    assert newest(store, egress="b") == {"beijing": (9, NOW)}
    assert newest(store, egress="c") == {}


def test_a_row_without_a_value_is_passed_over(store):
    store.create_tables()
    store.add_losses(Loss("beijing", 1, NOW - SECOND), Loss("beijing", None, NOW))
    assert newest(store) == {"beijing": (1, NOW - SECOND)}


def test_a_row_of_a_clock_that_was_ahead_hides_nothing(store, tmp_path):
    fill(store, {"beijing": 50, "hunan": 1}, age=5)
    store.add_losses(Loss("beijing", 1, ago(-3600)))
    done = run_alert(store, tmp_path)
    assert "active=critical undetermined=- judged=2" in done.stdout
    assert "egress default: ignored are 1 rows of netsky_sweep as of" in done.stderr


def test_rows_that_go_on_coming_ahead_are_not_judged(store, tmp_path):
    """The clock of the probe, or ours, is wrong now: which one cannot be told."""
    fill(store, {"beijing": 50, "hunan": 1}, age=5)
    store.add_losses(*(Loss("beijing", 1, ago(-3600 - 10 * sweep)) for sweep in range(5)))
    done = run_alert(store, tmp_path)
    assert done.returncode == 3
    assert "judged=1" in done.stdout
    assert "not_judged=in_the_future:beijing" in done.stdout
    assert "active=- undetermined=critical,medium " in done.stdout


def test_a_clock_that_is_a_little_ahead_is_fine(store, tmp_path):
    fill(store, {"beijing": 50}, age=-30)
    assert "active=critical undetermined=- judged=1" in run_alert(store, tmp_path).stdout


def test_other_isps_in_the_same_database_are_left_out(store):
    store_sweep(store.database, "cm", "default", NOW, [make_quality("beijing")])
    assert newest(store) == {}


def test_the_means_are_read_as_ratios_with_their_times(store):
    store.create_tables()
    store.add_baseline("beijing", 12.5, NOW)
    store.add_baseline("beijing", 50, NOW, "b")
    [baseline] = store.database.baselines("cu", egress="default")
    assert (baseline.province.name, baseline.egress, baseline.loss_ratio) == (
        "北京",
        "default",
        0.125,
    )
    assert baseline.computed_at == NOW
    assert len(store.database.baselines("cu")) == 2


def test_the_newest_loss_is_a_look_up_in_the_key(mariadb: MariaDB, mariadb_store):
    """Not a scan: 30 days of history must not make it slow."""
    times = [NOW - i * SECOND for i in range(400)]
    mariadb_store.add_losses(*(Loss(slug, 1, at) for at in times for slug in ("beijing", "hunan")))
    statements = statements_of(
        mariadb_store, lambda database: database.newest_loss("cu", "default")
    )
    for row in explained(mariadb, mariadb_store, statements):
        if row["table"] == "netsky_sweep":
            assert row["key"] == "PRIMARY"
            assert row["type"] in ("range", "ref", "const")


def test_the_mean_reads_no_more_than_its_window(mariadb: MariaDB, mariadb_store):
    times = [NOW - i * 60 * SECOND for i in range(3000)]
    mariadb_store.add_losses(*(Loss("beijing", 1, at) for at in times))
    mariadb_store.execute("ANALYZE TABLE netsky_sweep")
    statements = statements_of(
        mariadb_store,
        lambda database: database.mean_loss(
            "cu", egress="default", after=NOW - 3600 * SECOND, until=NOW
        ),
    )
    [row] = explained(mariadb, mariadb_store, statements)
    assert row["key"] == "PRIMARY"
    assert row["type"] == "range"
    assert int(row["rows"]) < 200


def test_the_egresses_are_found_without_reading_their_rows(mariadb: MariaDB, mariadb_store):
    times = [NOW - i * 60 * SECOND for i in range(500)]
    mariadb_store.add_losses(*(Loss("beijing", 1, at, egress) for at in times for egress in "ab"))
    mariadb_store.add_losses(Loss("hunan", 1, NOW, "c"))
    assert mariadb_store.database.egresses("cu") == ["a", "b", "c"]
    assert mariadb_store.database.egresses("cm") == []
    statements = statements_of(mariadb_store, lambda database: database.egresses("cm"))
    for row in explained(mariadb, mariadb_store, statements):
        assert int(row["rows"] or 0) < 10, row


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (
            lambda db: db.newest_loss("cu", "default"),
            "(isp=? AND egress=? AND province=? AND started_at",
        ),
        (
            lambda db: db.mean_loss("cu", egress="a", after=NOW - SECOND, until=NOW),
            "(isp=? AND egress=? AND province=? AND started_at>? AND started_at<?)",
        ),
    ],
)
def test_sqlite_uses_the_indexes_as_well(tmp_path, ask, index):
    url = f"sqlite:///{tmp_path}/netsky.db"
    store = Store(url, sa.create_engine(url, poolclass=sa.NullPool))
    store.create_tables()
    searches = []
    with store.engine.connect() as connection:
        for statement, parameters in statements_of(store, ask):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            searches += [row[-1] for row in plan if "netsky_sweep" in row[-1]]
    assert searches
    assert all(index in search for search in searches)


def statements_of(store, ask):
    """The SELECT statements that an operation executes, with their parameters."""
    import sqlalchemy as sa

    database = Database(fill_url(store.url, "cu", "default"), timeout=5)
    statements = []

    def note(_connection, _cursor, statement, parameters, *_rest):
        statements.append((statement, parameters))

    engine = database.connector._engine
    sa.event.listen(engine, "before_cursor_execute", note)
    ask(database)
    return [both for both in statements if both[0].lstrip("( ").startswith("SELECT")]


def explained(mariadb, store, statements):

    name = store.url.rpartition("/")[2]
    connection = pymysql.connect(unix_socket=str(mariadb.socket), user="root", database=name)
    with connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
        rows = []
        for statement, parameters in statements:
            cursor.execute(f"EXPLAIN {statement}", parameters)
            rows += cursor.fetchall()
        return rows


# The command


def ago(seconds):
    return datetime.now(UTC) - timedelta(seconds=seconds)


def fill(store, losses, *, egress="default", age=5, baselines=None):
    """By province a fresh loss in percent, above a baseline of 1 % (or of `baselines`)."""
    store.create_tables()
    store.add_losses(*(Loss(slug, loss, ago(age), egress) for slug, loss in losses.items()))
    for slug in losses:
        baseline = (baselines or {}).get(slug, 1)
        if baseline is not None:
            store.add_baseline(slug, baseline, ago(600), egress)


def run_alert(store, folder, *arguments, **environment):
    """By means that are stored; what is usual is in test_usual.py."""
    by_mean = {"NETSKY_DATABASE": store.url, "NETSKY_BASELINE": "mean"}
    return run_tool(folder, "netsky_alert", *arguments, **by_mean, **environment)


def test_a_quiet_minute_is_one_line_and_exit_0(store, tmp_path):
    fill(store, {"beijing": 1, "hunan": 5.99})
    done = run_alert(store, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    [line] = done.stdout.splitlines()
    assert " isp=cu egress=default active=- undetermined=- judged=2 " in line
    assert "worst=hunan:+4.99" in line


def test_edges_of_the_grading_in_values_as_the_database_keeps_them(store, tmp_path):
    fill(
        store,
        {"beijing": 12.29, "hunan": 12.3, "hubei": 17.29, "hebei": 17.3},
        baselines=dict.fromkeys(["beijing", "hunan", "hubei", "hebei"], 7.3),
    )
    document = json.loads(run_alert(store, tmp_path, "--format", "json").stdout)
    grades = {entry["province"]: entry["grade"] for entry in document["provinces"]}
    assert grades == {
        "beijing": "none",
        "hunan": "elevated",
        "hubei": "elevated",
        "hebei": "severe",
    }
    assert document["alert"]["active"] == ["medium", "critical"]


def test_thresholds_and_ages_are_options(store, tmp_path):
    fill(store, {"beijing": 3, "hunan": 5}, age=100)
    (tmp_path / "netsky.toml").write_text("[alert]\nelevated = 2\nsevere = 4\n")
    arguments = ["--format", "json"]
    alert = json.loads(run_alert(store, tmp_path, *arguments).stdout)["alert"]
    assert alert["active"] == ["medium", "critical"]
    done = run_alert(store, tmp_path, *arguments, "--max-age", "60")
    assert done.returncode == 3
    assert json.loads(done.stdout)["alert"]["active"] == []
    done = run_alert(store, tmp_path, *arguments, "--max-baseline-age", "0.1")
    reasons = [entry["not_judged"] for entry in json.loads(done.stdout)["provinces"]]
    assert reasons == ["stale_baseline"] * 2


@pytest.mark.parametrize("by_environment", [False, True])
def test_thresholds_that_the_averaging_does_not_know_are_refused(by_environment, tmp_path):
    options = [] if by_environment else ["--elevated", "2"]
    environment = {"NETSKY_ELEVATED": "2"} if by_environment else {}
    done = run_tool(tmp_path, "netsky_alert", *options, **environment)
    assert done.returncode == 2
    assert "learned by elevated = 5 and severe = 10" in done.stderr
    assert "below [alert] in netsky.toml" in done.stderr
    by_mean = run_tool(tmp_path, "netsky_alert", "--baseline", "mean", *options, **environment)
    assert by_mean.returncode == 1, "a mean learns nothing; there is no database here"
    (tmp_path / "netsky.toml").write_text("[alert]\nelevated = 2\n")
    assert run_tool(tmp_path, "netsky_alert", *options, **environment).returncode == 1


def test_thresholds_the_wrong_way_round_are_refused(tmp_path):
    done = run_tool(tmp_path, "netsky_alert", "--elevated", "10", "--severe", "10")
    assert done.returncode == 2
    assert "--elevated 10 must be less than --severe 10" in done.stderr


def test_the_table_on_demand_ends_with_both_texts(store, tmp_path):
    fill(store, {"beijing": 1, "hunan": 45})
    done = run_alert(store, tmp_path, "--format", "table")
    chinese, english = done.stdout.splitlines()[-2:]
    assert "中国联通 (cu) 出口 default 危急 critical：1 省" in chinese
    assert "critical: loss is up by 10 points or more in 1 province (hunan +44.00)" in english


def pushed(url, egress):
    """By name and labels: what the group of the alert holds."""
    with urlopen(f"{url}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    values = {}
    for line in lines:
        if line.startswith("netsky_") and f'egress="{egress}"' in line:
            name, value = line.rsplit(" ", 1)
            own = re.findall(r'(province|severity|reason)="(\w+)"', name)
            values[name.partition("{")[0], *(label for _, label in own)] = float(value)
    return values


def test_what_is_pushed_rises_recovers_and_vanishes_with_what_is_judged(
    store, tmp_path, pushgateway
):
    egress = f"alert-{store.url.partition(':')[0].partition('+')[0]}"
    (tmp_path / "netsky.toml").write_text(f"[egress.{egress}]\nsource = '127.0.0.1'\n")
    arguments = ["--egress", egress, "--pushgateway", pushgateway]
    fill(store, {"beijing": 1, "hunan": 45, "hubei": 7}, egress=egress, age=30)
    assert run_alert(store, tmp_path, *arguments).returncode == 0
    found = pushed(pushgateway, egress)
    assert [found["netsky_alert", s] for s in ("medium", "heavy", "critical")] == [1, 0, 1]
    assert found["netsky_loss_increase_ratio", "hunan"] == pytest.approx(0.44)
    # It recovers; one province is gone from the database for good.
    store.execute("DELETE FROM netsky_sweep WHERE province = '北京'")
    store.add_losses(*(Loss(slug, 1, ago(5), egress) for slug in ("hunan", "hubei")))
    assert run_alert(store, tmp_path, *arguments).returncode == 0
    found = pushed(pushgateway, egress)
    assert [found["netsky_alert", s] for s in ("medium", "heavy", "critical")] == [0, 0, 0]
    assert ("netsky_loss_increase_ratio", "beijing") not in found
    assert found["netsky_loss_increase_ratio", "hunan"] == 0


def test_old_data_are_exported_as_not_judged_and_end_no_alert(store, tmp_path, pushgateway):
    egress = f"old-{store.url.partition(':')[0].partition('+')[0]}"
    (tmp_path / "netsky.toml").write_text(f"[egress.{egress}]\nsource = '127.0.0.1'\n")
    arguments = ["--egress", egress, "--pushgateway", pushgateway]
    fill(store, {"beijing": 1, "hunan": 45}, egress=egress, age=170)
    assert run_alert(store, tmp_path, *arguments, "--max-age", "500").returncode == 0
    assert pushed(pushgateway, egress)["netsky_alert", "critical"] == 1
    # Later the province that was severe is silent, then both are.
    store.add_losses(Loss("beijing", 1, ago(0), egress))
    assert run_alert(store, tmp_path, *arguments, "--max-age", "60").returncode == 3
    found = pushed(pushgateway, egress)
    assert ("netsky_alert", "critical") not in found
    assert ("netsky_alert", "medium") not in found
    assert found["netsky_alert", "heavy"] == 0  # one silent province is not four
    assert found["netsky_alert_not_judged", "hunan", "stale"] == 1
    assert found["netsky_alert_judged_provinces",] == 1
    store.execute("DELETE FROM netsky_sweep WHERE province = '北京'")
    assert run_alert(store, tmp_path, *arguments, "--max-age", "60").returncode == 3
    found = pushed(pushgateway, egress)
    assert [key for key in found if key[0] == "netsky_alert"] == [("netsky_alert", "heavy")]
    assert found["netsky_alert_judged_provinces",] == 0
    assert found["netsky_alert_timestamp_seconds",] > 0


def test_a_push_that_fails_is_exit_3_after_the_figures_were_shown(store, tmp_path):
    fill(store, {"beijing": 1})
    done = run_alert(store, tmp_path, "--pushgateway", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 3
    assert "judged=1" in done.stdout
    assert "not delivered: Pushgateway" in done.stderr


def test_with_every_it_judges_again_and_a_database_that_is_away_ends_it_not(store, tmp_path):

    fill(store, {"beijing": 1})
    log, out = tmp_path / "log", tmp_path / "out"
    command = tool_command("netsky_alert", "--every", "2", "--database", store.url)
    with log.open("wb") as errors, out.open("wb") as lines:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=lines, stderr=errors)
    try:
        wait_until(lambda: "judged=1" in out.read_text(), what="first verdict")
        store.execute("ALTER TABLE netsky_avg_lossrate RENAME TO elsewhere")
        wait_until(lambda: "ERROR database" in log.read_text(), what="an error")
        store.execute("ALTER TABLE elsewhere RENAME TO netsky_avg_lossrate")
        before = out.read_text().count("judged=1")
        wait_until(lambda: out.read_text().count("judged=1") > before, what="next verdict")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def test_when_there_is_nothing_to_judge_what_was_pushed_before_does_not_stand(
    store, tmp_path, pushgateway
):
    egress = f"empty-{store.url.partition(':')[0].partition('+')[0]}"
    (tmp_path / "netsky.toml").write_text(f"[egress.{egress}]\nsource = '127.0.0.1'\n")
    arguments = ["--egress", egress, "--pushgateway", pushgateway]
    fill(store, {"beijing": 1}, egress=egress)
    assert run_alert(store, tmp_path, *arguments).returncode == 0
    assert pushed(pushgateway, egress)["netsky_alert", "critical"] == 0
    for table in ("netsky_sweep", "netsky_avg_lossrate"):
        store.execute(f"DELETE FROM {table}")
    done = run_alert(store, tmp_path, *arguments)
    assert done.returncode == 1
    assert "has netsky_probe.py run" in done.stderr
    found = pushed(pushgateway, egress)
    assert not [key for key in found if key[0] == "netsky_alert"]
    assert found["netsky_alert_judged_provinces",] == 0


def test_only_this_egress_means_are_judged_by(store, tmp_path):
    fill(store, {"beijing": 8}, baselines={"beijing": 1})
    store.add_baseline("beijing", 8, ago(60), "another")
    assert "active=medium" in run_alert(store, tmp_path).stdout


def test_without_a_mean_the_log_says_what_to_run(store, caplog):
    fill(store, {"beijing": 50, "hunan": 1}, baselines={"beijing": None})
    database = Database(fill_url(store.url, "cu", "default"), timeout=5)
    isp = find_isp("cu", {})
    alert(database, isp, "default", rule=MeanRule(), outlets=Outlets())
    (message,) = caplog.messages
    assert message == (
        "1 of 2 provinces have no baseline yet and are not judged: "
        "run netsky_get_avg_lossrate.py --isp cu"
    )


def test_a_stale_loss_is_no_number_in_json(store, tmp_path):
    fill(store, {"beijing": 1, "hunan": 45}, age=600)
    provinces = json.loads(run_alert(store, tmp_path, "--format", "json").stdout)["provinces"]
    assert [entry["loss_ratio"] for entry in provinces] == [None, None]
    assert all(entry["measured_at"] for entry in provinces)


def test_something_else_than_figures_in_the_tables_is_one_clear_line(tmp_path):
    url = f"sqlite:///{tmp_path}/netsky.db"
    store = Store(url, sa.create_engine(url, poolclass=sa.NullPool))
    fill(store, {"beijing": 1})
    store.execute("UPDATE netsky_sweep SET started_at = 'yesterday'")
    done = run_alert(store, tmp_path)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "unexpected ValueError" in line
