"""Reading the overview from a database, and the tool that shows it: as a page, a line, JSON, tiles."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from netsky.errors import DatabaseError
from netsky.jobs.incidents import StoredLine
from netsky.jobs.report_overview import Folders, read_overview, spooled_sweeps
from netsky.judging.rule import MeanRule
from netsky.overview import CELLS
from netsky.places import BUILTIN_ISPS, find_province
from netsky.store.incidents import Line, record_verdict
from netsky.store.rows import sweep_rows
from testing.commands import run_verb
from testing.samples import make_quality
from testing.stores import Loss
from testing.verdicts import ALERT, verdict

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def now_is_when_the_test_runs(monkeypatch):
    """A run of all tests takes longer than a sweep stays new."""
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC).replace(microsecond=0))


MINUTE = timedelta(minutes=1)
CU = BUILTIN_ISPS["cu"]


def read(store, *egresses, folder=Path("absent")):
    lines = [StoredLine(CU, egress, store.database) for egress in egresses or ("default",)]
    return read_overview(lines, MeanRule(), Folders(folder / "ipdata", folder / "spool"))


@pytest.fixture
def measured(store):
    """Two provinces through two exits: one rises through the default exit; it did so 3 hours ago, too."""
    store.create_tables()
    for egress in ("default", "other"):
        for province in ("beijing", "hunan"):
            store.add_baseline(province, 1.0, NOW - 10 * MINUTE, egress)
    store.add_losses(
        Loss("beijing", 1.0, NOW - timedelta(hours=30)),
        Loss("beijing", 1.25, NOW - 180 * MINUTE),
        Loss("hunan", 16.0, NOW - 180 * MINUTE),
        Loss("hunan", 9.0, NOW - 180 * MINUTE - timedelta(seconds=10)),
        Loss("beijing", 1.5, NOW - MINUTE),
        Loss("hunan", 13.0, NOW - MINUTE),
        Loss("beijing", 1.0, NOW - MINUTE, "other"),
        Loss("hunan", 1.0, NOW - MINUTE, "other"),
    )
    return store


def test_each_line_is_judged_by_the_rule_and_compared_with_the_others(measured):
    overview = read(measured, "default", "other", "never")
    default, other = overview.lines
    assert [each.province.slug for each in default.judged] == ["hunan", "beijing"]
    assert default.is_alerting
    assert not default.is_doubtful
    assert not other.is_bad
    assert default.comparisons[find_province("hunan")].exits == "this_only"
    assert overview.never_measured == ((CU, "never"),)
    assert default.baseline_at == NOW - 10 * MINUTE
    assert default.sweep.started_at == NOW - MINUTE


def test_a_cell_holds_the_largest_rise_of_its_sweeps(measured):
    overview = read(measured)
    rises = overview.lines[0].rises[find_province("hunan")]
    then = int((NOW - 180 * MINUTE - overview.day_begins) / timedelta(minutes=20))
    assert len(rises) == CELLS
    assert rises[then] == pytest.approx(0.15, abs=1e-6)
    assert max(rises[-2:], key=lambda rise: rise or 0) == pytest.approx(0.12, abs=1e-6)
    assert sum(rise is not None for rise in rises) <= 3


@pytest.mark.parametrize(
    ("losses", "since"),
    [
        ([13.0], 0),
        ([13.0, 9.0, 6.0], 2),
        ([13.0, 5.9, 9.0], 0),
        ([13.0, 6.0, 1.0, 16.0], 1),
    ],
)
def test_an_alert_that_is_no_incident_is_told_since_its_first_sweep(store, losses, since):
    """One percent is usual, and five points more the threshold; newest first."""
    store.create_tables()
    store.add_baseline("hunan", 1.0, NOW - 10 * MINUTE)
    times = [NOW - (minutes + 1) * MINUTE for minutes in range(len(losses))]
    for loss, at in reversed(list(zip(losses, times, strict=True))):
        store.add_losses(Loss("hunan", loss, at))
    [line] = read(store).lines
    assert line.above_since == times[since]
    for at in (NOW - 2 * MINUTE, NOW - MINUTE):
        record_verdict(store.database.connector, Line("cu", "default"), verdict(ALERT, at))
    [line] = read(store).lines
    assert line.open_incident
    assert line.above_since is None


def test_a_tainted_sweep_is_told_and_does_not_count_for_the_day(store):
    store.create_tables()
    store.add_baseline("beijing", 1.0, NOW - MINUTE)
    for tainted, minutes in ((False, 65), (True, 1)):
        quality = make_quality("beijing", targets=500, live_targets=400)
        rows = sweep_rows("cu", "default", NOW - minutes * MINUTE, [quality], tainted=tainted)
        store.database.store(rows)
    [line] = read(store).lines
    assert line.is_tainted
    assert line.sweep.dead_ratio == pytest.approx(0.2)
    assert line.sweep.latency_seconds[find_province("beijing")] == pytest.approx(0.0425)
    counted = [rise for rise in line.rises[find_province("beijing")] if rise is not None]
    assert counted == [pytest.approx(0.09)]


def test_incidents_that_are_open_or_were_within_the_day_are_there(measured):
    for minutes in (40, 39):
        record_verdict(
            measured.database.connector,
            Line("cu", "default"),
            verdict(ALERT, NOW - minutes * MINUTE),
        )
    [line] = read(measured).lines
    assert line.open_incident.opened_at == NOW - 40 * MINUTE
    measured.execute("UPDATE netsky_incident SET cleared_at = '2020-01-01 00:00:00'")
    [line] = read(measured).lines
    assert line.incidents == ()


def test_a_database_that_is_away_is_asked_once_and_told_for_each_of_its_lines(
    store, monkeypatch, caplog
):
    asked = []

    def away(*_args, **_options):
        asked.append(1)
        raise DatabaseError("database x: away")

    monkeypatch.setattr("netsky.jobs.report_overview.read_state", away)
    overview = read(store, "default", "other")
    assert [line.trouble for line in overview.lines] == ["database x: away"] * 2
    assert len(asked) == 1
    assert not overview.is_well


def test_what_waits_for_the_database_is_counted_and_left_as_it_is(tmp_path):
    assert spooled_sweeps(tmp_path / "absent", "cu", "default") is None
    assert spooled_sweeps(tmp_path, "cu", "default") == 0
    file = tmp_path / "netsky_cu.default.spool"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE netsky_sweep (started_at TEXT)")
        connection.executemany("INSERT INTO netsky_sweep VALUES (?)", [("1",), ("1",), ("2",)])
    connection.close()
    before = file.read_bytes()
    assert spooled_sweeps(tmp_path, "cu", "default") == 2
    assert file.read_bytes() == before
    file.write_bytes(b"no database")
    assert spooled_sweeps(tmp_path, "cu", "default") is None


def run(folder, *arguments):
    return run_verb(folder, "netsky_report", *arguments)


def test_without_a_database_the_page_says_so(tmp_path):
    done = run(tmp_path, "overview", "--output", "pages", "--isp", "cu")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "pages" / "index.html").read_text()
    assert "还没有任何探测数据" in page
    assert (tmp_path / "pages" / "index.html").stat().st_mode & 0o777 == 0o644


def test_a_database_that_cannot_be_read_replaces_the_page_and_ends_with_3(tmp_path):
    (tmp_path / "netsky_cu.db").write_bytes(b"this is no database, whatever its name says")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("✓ 全部正常")
    done = run(tmp_path, "overview", "--output", "pages", "--isp", "cu", "--lang", "en")
    assert done.returncode == 3
    page = (tmp_path / "pages" / "index.html").read_text()
    assert "the database cannot be read" in page
    assert "全部正常" not in page


def test_a_folder_that_cannot_be_written_to_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "pages").write_text("a file")
    done = run(tmp_path, "overview", "--output", "pages", "--isp", "cu")
    assert done.returncode == 3
    assert "--output" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_script_learns_the_best_exit_of_each_province(measured, tmp_path):
    document = json.loads(
        run(
            tmp_path,
            "--format",
            "json",
            "--isp",
            "cu",
            "--egress",
            "default",
            "--database",
            measured.url,
        ).stdout
    )
    assert document["overview"]["state"] == "bad"
    [line] = document["lines"]
    assert line["egress"] == "default"
    assert {best["province"]: best["egress"] for best in document["best_exit"]} == {
        "beijing": "default",
        "hunan": "default",
    }
    for best in document["best_exit"]:
        assert (best["current"], best["is_move"]) == ("default", False)
        assert best["gain_over_current_ratio"] == 0
        assert [each["egress"] for each in best["ranking"]] == ["default"]


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_terminal_shows_tiles_and_the_pipe_a_line(measured, tmp_path):
    arguments = ("--isp", "cu", "--database", measured.url)
    shown = run(tmp_path, "--format", "table", *arguments).stdout
    assert "湖南" in shown
    assert "+12.1" in shown
    assert "state=bad lines=1 bad=cu/default doubtful=-" in run(tmp_path, *arguments).stdout
