"""netsky_alert.py tells whose fault it is, from what other exits and ISPs see of the same province."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from netsky.jobs.controls import OtherLines
from netsky.jobs.incidents import StoredLine
from netsky.judging.rule import MeanRule
from netsky.places import BUILTIN_ISPS, find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.commands import run_tool
from testing.stores import Loss
from testing.verdicts import verdict

EXITS = "[egress.a]\nsource = '127.0.0.1'\n[egress.b]\nsource = '127.0.0.1'\n"


@pytest.fixture
def site(store, tmp_path):
    store.create_tables()
    (tmp_path / "netsky.toml").write_text(EXITS)
    return store


def measured(store, losses):
    """By exit the loss of provinces of ISP cu, in percent, above a baseline of 1."""
    now = datetime.now(UTC)
    for egress, of_exit in losses.items():
        for slug, loss in of_exit.items():
            store.add_losses(Loss(slug, loss, now - timedelta(seconds=5), egress))
            store.add_baseline(slug, 1, now - timedelta(seconds=600), egress)


def alert(store, folder, *arguments):
    done = run_tool(folder, "netsky_alert", *arguments, NETSKY_DATABASE=store.url)
    assert done.returncode == 0, done.stderr
    return done


def test_text_and_json_tell_what_other_exits_see(site, tmp_path):
    measured(
        site,
        {
            "a": {"hunan": 45, "hubei": 30, "beijing": 1},
            "b": {"hunan": 40, "hubei": 1, "beijing": 1},
        },
    )
    document = json.loads(alert(site, tmp_path, "--egress", "a", "--format", "json").stdout)
    compared = {entry["province"]: entry["compared"] for entry in document["provinces"]}
    assert compared["hunan"]["exits"] == "all"
    assert compared["hubei"]["exits"] == "this_only"
    assert compared["beijing"] is None
    [control] = compared["hunan"]["controls"]
    assert (control["isp"], control["egress"], control["grade"]) == ("cu", "b", "severe")
    text = document["alert"]["text"]
    assert "各出口都升高，像是该省网络：湖南" in text["zh"]
    assert "仅本出口升高，其他出口正常：湖北" in text["zh"]
    assert "through all exits, so rather the province's network: hunan" in text["en"]
    assert "through this exit only: hubei" in text["en"]


def test_other_isps_through_the_same_exit_are_compared(site, tmp_path):
    measured(site, {"a": {"hunan": 45}})
    # All ISPs are in one database here.
    site.execute(
        "INSERT INTO netsky_sweep (isp, egress, province, started_at, lossrate, serial)"
        " SELECT 'ct', egress, province, started_at, lossrate, 1 FROM netsky_sweep"
    )
    site.execute(
        "INSERT INTO netsky_avg_lossrate (name, egress, value, update_time)"
        " SELECT 'netsky_CT_hunan_lossrate', egress, value, update_time FROM netsky_avg_lossrate"
    )
    document = json.loads(alert(site, tmp_path, "--egress", "a", "--format", "json").stdout)
    [province] = document["provinces"]
    assert (province["compared"]["exits"], province["compared"]["isps"]) == (None, "all")
    assert "其他运营商经本出口也升高：湖南" in document["alert"]["text"]["zh"]


def test_a_database_that_is_not_there_is_no_trouble(tmp_path, store):
    """Each ISP has its own; most sites measure not all."""
    (tmp_path / "netsky.toml").write_text(EXITS)
    store.create_tables()
    measured(store, {"a": {"hunan": 45}})
    url = store.url
    if url.startswith("sqlite"):
        (tmp_path / "netsky.db").rename(tmp_path / "netsky_cu.db")
        url = f"sqlite:///{tmp_path}/netsky_{{isp}}.db"
    done = run_tool(
        tmp_path, "netsky_alert", "--egress", "a", "--format", "json", "--database", url
    )
    assert (done.returncode, done.stderr) == (0, "")
    [province] = json.loads(done.stdout)["provinces"]
    assert province["compared"] == {"exits": None, "isps": None, "controls": []}


def test_without_an_alert_nothing_is_compared(site, tmp_path):
    measured(site, {"a": {"hunan": 1}, "b": {"hunan": 45}})
    document = json.loads(alert(site, tmp_path, "--egress", "a", "--format", "json").stdout)
    assert [entry["compared"] for entry in document["provinces"]] == [None]


class Counted:
    """A database that counts who asks."""

    def __init__(self, database):
        self.database, self.asked = database, 0

    def newest_loss(self, *arguments, **keywords):
        self.asked += 1
        return self.database.newest_loss(*arguments, **keywords)

    def baselines(self, *arguments, **keywords):
        return self.database.baselines(*arguments, **keywords)


def test_in_an_outage_of_all_lines_each_is_read_once(site):
    measured(site, {"a": {"hunan": 45}, "b": {"hunan": 45}})
    others = OtherLines(MeanRule())
    line = StoredLine(BUILTIN_ISPS["cu"], "b", Counted(site.database))
    for _ in range(3):
        now = datetime.now(UTC)
        compared = others.compare("cu", "a", [line], verdict({"hunan": 45.0}, now), now)
        assert compared[find_province("hunan")].exits == "all"
    assert line.database.asked == 1


def test_of_a_line_without_sweeps_of_late_nothing_older_is_looked_for(site):
    now = datetime.now(UTC)
    site.add_losses(Loss("hunan", 45, now - timedelta(hours=1), "b"))
    site.add_baseline("hunan", 1, now - timedelta(seconds=600), "b")
    asked = []

    def note(_connection, _cursor, sql, *_):
        asked.append(sql)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        line = StoredLine(BUILTIN_ISPS["cu"], "b", site.database)
        seen = verdict({"hunan": 45.0}, now)
        compared = OtherLines(MeanRule()).compare("cu", "a", [line], seen, now)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert compared[find_province("hunan")].exits is None
    assert [sql for sql in asked if "UNION" in sql or "netsky_avg_lossrate" in sql] == []
    assert any("netsky_sweep" in sql for sql in asked)


def test_a_server_that_never_answers_is_waited_for_once(caplog):
    now = datetime.now(UTC)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mysql+pymysql://netsky@127.0.0.1:{silent.getsockname()[1]}/x"
        hung = Database(fill_url(url, "cu", "b"), timeout=30)
        line = StoredLine(BUILTIN_ISPS["cu"], "b", hung)
        others = OtherLines(MeanRule())
        with patch("netsky.jobs.controls.CONTROL_SECONDS", 0.3):
            started = time.monotonic()
            for _ in range(5):
                compared = others.compare("cu", "a", [line], verdict({"hunan": 45.0}, now), now)
                assert compared[find_province("hunan")].exits is None
    assert time.monotonic() - started < 10
    assert caplog.text.count("other lines are not compared for a while") == 1
