"""Reports of a day and a month, from what the averaging has summed up to what a person reads."""

import csv
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from netsky.places import PROVINCES, find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.commands import run_verb
from testing.incidents import open_incident, store_line
from testing.pages import HOSTILE, check_page, text_of_page

GUANGDONG = find_province("guangdong")
LOSSES = {GUANGDONG: 0.25}
OPENED_AT = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)  # 01:30 of the 26th in Beijing
HOUR = timedelta(hours=1)


def database_in(folder, isp):
    return Database(fill_url(f"sqlite:///{folder}/netsky_{isp}.db", isp, "default"), timeout=5)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Two days of Beijing of two lines; in b an incident of an hour, in the night of the second."""
    folder = tmp_path_factory.mktemp("stored")
    for isp, egress in (("cu", "b"), ("cu", "a")):
        database = database_in(folder, isp)
        cleared_at = OPENED_AT + HOUR
        store_line(
            database,
            isp,
            egress,
            begin=datetime(2026, 11, 24, 16, tzinfo=UTC),
            end=datetime(2026, 11, 26, 15, 59, tzinfo=UTC),
            every=timedelta(minutes=10),
            losses=LOSSES if egress == "b" else {},
            opened_at=OPENED_AT,
            cleared_at=cleared_at,
            provinces=PROVINCES[17:20],
        )
        if egress == "b":
            open_incident(
                database, isp, egress, opened_at=OPENED_AT, losses=LOSSES, cleared_at=cleared_at
            )
            for minute in range(60):
                at = OPENED_AT + timedelta(minutes=minute)
                database.note_alarms(isp, egress, [GUANGDONG], at)
        list(database.roll_up(isp, egress))
    (folder / "netsky.toml").write_text("[egress.a]\n[egress.b]\n", encoding="utf-8")
    return folder


@pytest.fixture
def site(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "site")


def report(folder, verb, *arguments):
    return run_verb(folder, "netsky_report", verb, *arguments)


def rows_of(folder, verb, date):
    run = report(folder, verb, "--date", date, "--format", "csv")
    assert run.returncode == 0, run.stderr
    return {
        (row["egress"], row["province"]): row for row in csv.DictReader(run.stdout.splitlines())
    }


def page_of(folder, verb, *arguments):
    run = report(folder, verb, "--output", "page.html", *arguments)
    assert run.returncode in (0, 3), run.stderr
    page = folder / "page.html"
    text = page.read_text(encoding="utf-8")
    page.unlink()
    return text_of_page(check_page(text))


def test_a_day_is_that_of_beijing_beside_the_day_before(stored):
    rows = rows_of(stored, "day", "2026-11-26")
    line = rows["b", "all"]
    assert (line["sweeps"], line["tainted_sweeps"]) == (str(3 * 144), "0")
    assert (line["alarm_minutes"], line["before_alarm_minutes"]) == ("60", "0")
    # Of 144 sweeps, five in that hour were bad in one of three provinces, whatever the alert has seen.
    assert (line["judged_sweeps"], line["bad_sweeps"]) == (str(3 * 144), "5")
    assert float(line["availability_percent"]) == pytest.approx(100 - 500 / (3 * 144), abs=1e-4)
    assert (line["incidents"], line["incident_minutes"]) == ("1", "60.0")
    province = rows["b", "guangdong"]
    assert float(province["availability_percent"]) == pytest.approx(100 - 500 / 144, abs=1e-4)
    # Six sweeps of 144 lost a quarter more, two of them while it rose.
    assert (
        0.8
        < float(province["live_loss_percent"]) - float(province["before_live_loss_percent"])
        < 1.1
    )
    well = rows["a", "all"]
    assert (well["availability_percent"], well["incidents"]) == ("100.0", "0")
    assert float(well["latency_mean_ms"]) == pytest.approx(32.5)
    assert float(well["latency_p95_highest_ms"]) == pytest.approx(60)


def test_the_day_before_had_no_incident(stored):
    rows = rows_of(stored, "day", "2026-11-25")
    assert (rows["b", "all"]["incidents"], rows["b", "all"]["alarm_minutes"]) == ("0", "0")


def test_a_month_has_both_days(stored):
    rows = rows_of(stored, "month", "2026-11")
    assert rows["b", "all"]["sweeps"] == str(3 * 288)
    assert rows["b", "all"]["before_sweeps"] == "0"
    assert rows["b", "all"]["before_loss_percent"] == ""


def test_the_page_has_the_least_available_line_first(stored):
    shown = page_of(stored, "day", "--date", "2026-11-26")
    for said in (
        "线路日报 2026-11-26",
        "2 条线路：可用率最低的是联通 · b，98.84%；事件共 1 起，合计 1 小时",
        "（UTC 2026-11-25 16:00 至 2026-11-26 16:00）",
        "广东 96.52%",
        "11-26 01:30",
        "+24.4 个百分点",
    ):
        assert said in shown, said
    assert shown.index("联通 · b") < shown.index("联通 · a")
    assert "本期未完" not in shown


def test_a_period_that_is_not_over_says_until_when_it_is_summed_up(stored):
    now = datetime.now(UTC)
    if now.strftime("%Y-%m") == "2026-11":  # the month of what is stored
        assert "本期未完：汇总截至 11-27 00:00" in page_of(stored, "month", "--date", "2026-11")


def test_in_english_nothing_is_chinese(stored):
    shown = page_of(stored, "month", "--date", "2026-11", "--lang", "en")
    assert not [each for each in shown if "\u4e00" <= each <= "\u9fff"]
    text = report(stored, "month", "--date", "2026-11", "--lang", "en", "--format", "text").stdout
    assert text.splitlines()[0] == "Lines in 2026-11"
    assert text.isascii() or not [each for each in text if "\u4e00" <= each <= "\u9fff"]


def test_the_text_has_a_line_for_each(stored):
    text = report(stored, "day", "--date", "2026-11-26", "--format", "text").stdout
    _, _, first, second = text.splitlines()
    assert first.startswith("联通 · b：可用率 98.84%（−1.1），常在线丢包率 ")
    assert first.endswith("事件 1 起，1 小时，最差 广东 96.52%")
    assert second.startswith("联通 · a：可用率 100%，常在线丢包率 ")
    assert second.endswith("没有事件")


@pytest.mark.parametrize(
    ("verb", "date", "said"),
    [
        ("day", "2026-11", "is not a day of the form YYYY-MM-DD"),
        ("day", "2026-02-30", "is not a day"),
        ("month", "2026-13", "is not a month of the form YYYY-MM"),
        ("month", "0000-01", "is not a month"),
        ("day", "9999-12-31", "has not begun in Beijing"),
    ],
)
def test_a_date_that_is_none_is_refused(stored, verb, date, said):
    run = report(stored, verb, "--date", date, "--format", "text")
    assert (run.returncode, run.stdout) == (2, "")
    assert said in run.stderr


def test_of_a_time_that_is_not_summed_up_there_is_no_page(site):
    run = report(site, "day", "--date", "2026-11-20", "--output", "page.html")
    assert run.returncode == 1
    assert "nothing is summed up of 2026-11-20" in run.stderr
    assert not (site / "page.html").exists()


def test_a_line_that_cannot_be_read_is_told_and_the_others_are_there(site):
    (site / "netsky_ct.db").write_bytes(b"no database" * 100)
    run = report(site, "day", "--date", "2026-11-26", "--format", "text")
    assert run.returncode == 3
    assert "2 条线路没有数据。" in run.stdout
    assert "没有汇总数据" in page_of(site, "day", "--date", "2026-11-26")


def test_a_database_that_is_away_fails_with_one_line_and_leaves_no_page(site, silent_port):
    run = report(
        site, "day", "--date", "2026-11-26", "--isp", "cu", "--egress", "b",
        "--database", f"mysql://127.0.0.1:{silent_port}/x", "--database-timeout", "1",
        "--output", "page.html",
    )  # fmt: skip
    assert run.returncode == 1
    assert not (site / "page.html").exists()


def test_what_comes_from_outside_stays_text(site):
    for hostile in HOSTILE[:2]:
        name = hostile.replace("\\", "\\\\").replace('"', '\\"')
        settings = f'[egress.a]\n[egress.b]\n[isp.cu]\nname = "{name}"\n'
        (site / "netsky.toml").write_text(settings, encoding="utf-8")
        assert hostile in page_of(site, "day", "--date", "2026-11-26")
