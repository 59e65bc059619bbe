"""netsky_alert.py opens, shows, lists and clears incidents; with no Prometheus anywhere."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from netsky.store.tables import verdict
from testing.commands import run_tool
from testing.stores import Loss

SECOND = timedelta(seconds=1)
QUIET = {"beijing": 1, "hunan": 1}
ALERT = {"beijing": 1, "hunan": 45}


@pytest.fixture
def ready(store):
    """Baselines of 1 percent, and nothing measured yet."""
    store.create_tables()
    for slug in QUIET:
        store.add_baseline(slug, 1, datetime.now(UTC) - 600 * SECOND)
    return store


def run_alert(store, folder, *arguments, **environment):
    return run_tool(folder, "netsky_alert", *arguments, NETSKY_DATABASE=store.url, **environment)


def after_sweeps(store, folder, *sweeps, first_age=100, every=10):
    """The JSON of a verdict on each sweep, ten seconds apart; the last one is some seconds old."""
    start = datetime.now(UTC) - first_age * SECOND
    documents = []
    for number, losses in enumerate(sweeps):
        at = start + number * every * SECOND
        store.add_losses(*(Loss(slug, loss, at) for slug, loss in losses.items()))
        documents.append(json.loads(run_alert(store, folder, "--format", "json").stdout))
    return documents


def listed(store, folder, *arguments):
    done = run_alert(store, folder, "--incidents", "--format", "json", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)["incidents"]


def test_an_outage_is_one_incident_from_its_first_alert_to_its_first_quiet_sweep(ready, tmp_path):
    sweeps = [QUIET, ALERT, ALERT, QUIET, QUIET, QUIET, QUIET]
    documents = after_sweeps(ready, tmp_path, *sweeps)
    found = [each["incident"] for each in documents]
    assert [each and each["open"] for each in found] == [None, None, True, True, True, False, None]
    assert {each["id"] for each in found if each} == {found[2]["id"]}
    judged_at = datetime.fromisoformat(documents[2]["alert"]["judged_at"])
    so_far = judged_at - datetime.fromisoformat(found[2]["opened_at"])
    assert found[2]["duration_seconds"] == so_far.total_seconds() > 80
    assert found[5]["duration_seconds"] == 20
    assert found[5]["peak_severity"] == "critical"
    assert found[5]["peak_increase_ratio"] == pytest.approx(0.44 / 0.99)
    [entry] = listed(ready, tmp_path)
    assert entry == {"isp": "cu", "isp_name": "中国联通", "egress": "default", **found[5]}
    assert entry["provinces"] == [{"province": "hunan", "province_name": "湖南"}]


def test_judging_the_same_sweep_again_opens_and_clears_nothing(ready, tmp_path):
    after_sweeps(ready, tmp_path, ALERT)
    for _ in range(3):
        assert json.loads(run_alert(ready, tmp_path, "--format", "json").stdout)["incident"] is None
    after_sweeps(ready, tmp_path, ALERT, first_age=80)
    after_sweeps(ready, tmp_path, QUIET, first_age=70)
    for _ in range(3):
        document = json.loads(run_alert(ready, tmp_path, "--format", "json").stdout)
        assert document["incident"]["open"]


def test_what_is_not_judged_leaves_it_open_and_says_so(ready, tmp_path):
    after_sweeps(ready, tmp_path, ALERT, ALERT)
    for _ in range(4):
        done = run_alert(ready, tmp_path, "--max-age", "1", "--format", "json")
        assert done.returncode == 3
        assert json.loads(done.stdout)["incident"]["open"]


def test_line_and_table_tell_of_it(ready, tmp_path):
    start = datetime.now(UTC) - 100 * SECOND
    after_sweeps(ready, tmp_path, ALERT, ALERT)
    ready.execute(f"UPDATE netsky_incident SET opened_at = '{start:%Y-%m-%d %H:%M:%S}'")
    assert " incident=open:1" in run_alert(ready, tmp_path).stdout
    shown = run_alert(ready, tmp_path, "--format", "table").stdout
    assert "事件 #1 始于 " in shown
    assert "，峰值 危急 +44.44，涉及 湖南" in shown
    first_quiet = (start + 40 * SECOND).replace(microsecond=0)
    for number in range(3):
        at = first_quiet + number * SECOND
        ready.add_losses(*(Loss(slug, 1, at) for slug in QUIET))
        if number < 2:
            run_alert(ready, tmp_path)
    shown = run_alert(ready, tmp_path, "--format", "table").stdout
    assert "事件 #1 已恢复，历时 0 分 40 秒" in shown


def test_the_list_is_of_all_lines_with_open_ones_first(ready, tmp_path):
    after_sweeps(ready, tmp_path, ALERT, ALERT)
    ready.execute("UPDATE netsky_incident SET opened_at = '2024-05-06 07:00:00'")
    ready.execute(
        "INSERT INTO netsky_incident (isp, egress, opened_at, changed_at, cleared_at, severity,"
        " peak_severity, peak_increase, peak_provinces, provinces, prefixes) VALUES ('cm', 'b',"
        " '2024-05-07 07:00:00', '2024-05-07 07:00:00', '2024-05-09 10:00:00', 'medium', 'heavy', 9.5,"
        " 4, '广东,北京,湖南,湖北', '198.51.100.0/24')"
    )
    (tmp_path / "netsky.toml").write_text("[egress.default]\n[egress.b]\nsource = '127.0.0.1'\n")
    lines = ("--isp", "cu,cm", "--egress", "all")
    first, second = listed(ready, tmp_path, *lines)
    assert (first["isp"], first["open"]) == ("cu", True)
    assert (second["isp"], second["egress"], second["open"]) == ("cm", "b", False)
    assert second["duration_seconds"] == 51 * 3600
    shown = run_alert(ready, tmp_path, "--incidents", "--format", "table", *lines).stdout
    assert "未恢复 1 起，已恢复 1 起" in shown
    [row] = [line for line in shown.splitlines() if "已恢复" in line and "cm" in line]
    for text in ("2 天 3 小时", "重度 +9.50", "广东、北京、湖南 等 4 省"):
        assert text in row
    assert "#2，网段 198.51.100.0/24" in shown
    line = run_alert(ready, tmp_path, "--incidents", "--format", "line", *lines).stdout
    assert " open=cu/default#1:critical:+44.44:" in line
    assert line.endswith(" cleared=1\n")


def test_a_list_of_nothing_says_so(ready, tmp_path):
    assert listed(ready, tmp_path) == []
    done = run_alert(ready, tmp_path, "--incidents", "--format", "table")
    assert done.stdout == "没有事件记录\n"


def test_a_line_whose_database_is_away_does_not_hide_the_others(tmp_path, ready):
    after_sweeps(ready, tmp_path, ALERT, ALERT)
    (tmp_path / "netsky.toml").write_text("[egress.default]\n[egress.b]\nsource = '127.0.0.1'\n")
    url = f"sqlite:///{tmp_path}/{{egress}}.db"
    with closing(sqlite3.connect(tmp_path / "default.db")) as empty:
        empty.execute(
            "CREATE TABLE netsky_incident (id INTEGER, isp, egress, opened_at, changed_at, cleared_at,"
            " severity, peak_severity, peak_increase, peak_provinces, provinces, prefixes, evidence,"
            " given_up)"
        )
    arguments = ("--incidents", "--format", "json", "--egress", "default,b", "--database", url)
    done = run_tool(tmp_path, "netsky_alert", *arguments)
    assert done.returncode == 3
    assert "not listed: database" in done.stderr
    assert len(json.loads(done.stdout)["not_read"]) == 1
    done = run_tool(tmp_path, "netsky_alert", "--incidents", "--database", "sqlite:///none.db")
    assert done.returncode == 1
    assert "no such file" in done.stderr


def test_incidents_in_netsky_toml_are_refused_because_nothing_would_be_judged(ready, tmp_path):
    (tmp_path / "netsky.toml").write_text("[alert]\nincidents = true\n")
    done = run_alert(ready, tmp_path)
    assert done.returncode == 2
    assert "incidents is not a known key" in done.stderr


def test_a_verdict_that_cannot_be_recorded_is_told_and_pushed_all_the_same(ready, tmp_path):
    """Then the incident cannot be told either: neither open nor not."""
    file = tmp_path / "alert.prom"
    after_sweeps(ready, tmp_path, ALERT, ALERT)
    run_alert(ready, tmp_path, "--textfile", str(file))
    assert 'netsky_incident_open{egress="default",isp="cu"} 1.0' in file.read_text()
    ready.execute("ALTER TABLE netsky_verdict RENAME TO elsewhere")
    ready.execute("CREATE TABLE netsky_verdict (something INT)")
    done = run_alert(ready, tmp_path, "--textfile", str(file))
    assert done.returncode == 3
    assert "active=critical" in done.stdout
    assert " incident=-" in done.stdout
    assert "not recorded: database" in done.stderr
    assert 'netsky_alert{egress="default",isp="cu",severity="critical"} 1.0' in file.read_text()
    assert "netsky_incident_open{" not in file.read_text()
    # The next run goes on from what was recorded last.
    ready.execute("DROP TABLE netsky_verdict")
    ready.execute("ALTER TABLE elsewhere RENAME TO netsky_verdict")
    [*_, last] = after_sweeps(ready, tmp_path, QUIET, QUIET, QUIET, first_age=60)
    assert not last["incident"]["open"]
    assert len(listed(ready, tmp_path)) == 1


def test_a_database_that_is_away_loses_and_doubles_nothing(ready, tmp_path):
    after_sweeps(ready, tmp_path, ALERT)
    ready.execute("ALTER TABLE netsky_avg_lossrate RENAME TO elsewhere")
    assert run_alert(ready, tmp_path).returncode == 1
    ready.execute("ALTER TABLE elsewhere RENAME TO netsky_avg_lossrate")
    [last] = after_sweeps(ready, tmp_path, ALERT, first_age=80)
    assert last["incident"]["open"]
    assert len(listed(ready, tmp_path)) == 1


# Exits that are no longer probed


def give_up_after_averaging(store, folder, *, opened, judged):
    """An incident of an exit that was judged last so many hours ago; what the averaging of another says."""
    now = datetime.now(UTC)
    opened_at = f"{now - timedelta(hours=opened):%Y-%m-%d %H:%M:%S}"
    store.execute(
        "INSERT INTO netsky_incident (isp, egress, opened_at, changed_at, severity, peak_severity,"
        f" peak_increase, peak_provinces, provinces) VALUES ('cu', 'old', '{opened_at}', '{opened_at}',"
        " 'heavy', 'heavy', 9.5, 1, '湖南')"
    )
    seen = {"sweep_at": (now - timedelta(hours=judged)).isoformat(), "severity": "heavy"}
    seen |= {"increase_ratio": 0.1, "provinces": ["hunan"], "prefixes": []}
    with store.engine.begin() as connection:
        connection.execute(
            verdict.insert().values(isp="cu", egress="old", recent=json.dumps([seen]))
        )
    for slug in ("beijing", "hunan"):
        store.add_losses(*(Loss(slug, 1, now - each * 10 * SECOND) for each in range(4)))
    done = run_tool(folder, "netsky_get_avg_lossrate", NETSKY_DATABASE=store.url)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_averaging_closes_what_nobody_judges_any_more_and_says_so(ready, tmp_path):
    told = give_up_after_averaging(ready, tmp_path, opened=20, judged=12.5)
    assert "incident 1 of ISP cu through egress old is closed as given up" in told
    (tmp_path / "netsky.toml").write_text("[egress.old]\n")
    [entry] = listed(ready, tmp_path, "--egress", "old")
    assert (entry["open"], entry["given_up"]) == (False, True)
    assert entry["duration_seconds"] == pytest.approx(7.5 * 3600, abs=2)
    shown = run_alert(ready, tmp_path, "--incidents", "--format", "table", "--egress", "old").stdout
    assert "未恢复 0 起，已恢复 0 起，已放弃 1 起" in shown
    line = run_alert(ready, tmp_path, "--incidents", "--format", "line", "--egress", "old").stdout
    assert line.endswith(" cleared=0 given_up=1\n")
    again = run_tool(tmp_path, "netsky_get_avg_lossrate", NETSKY_DATABASE=ready.url)
    assert "given up" not in again.stderr


def test_one_that_was_judged_within_twelve_hours_stays_open(ready, tmp_path):
    told = give_up_after_averaging(ready, tmp_path, opened=20, judged=11.5)
    assert "given up" not in told
    (tmp_path / "netsky.toml").write_text("[egress.old]\n")
    [entry] = listed(ready, tmp_path, "--egress", "old")
    assert (entry["open"], entry["given_up"]) == (True, False)
