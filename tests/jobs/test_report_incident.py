"""The report on an incident, from what the product's own writers have stored to what a person reads."""

import csv
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from netsky.evidence import IncidentThen, Reason
from netsky.incident_loss import Step
from netsky.jobs.report_incident_series import span_of
from netsky.judging.grading import Severity
from netsky.judging.incidents import Incident
from netsky.places import PROVINCES, find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.commands import run_verb
from testing.evidence import make_taking
from testing.incidents import keep_evidence, open_incident, prefix_fault, store_line
from testing.pages import HOSTILE, check_page, text_of_page

GUANGDONG, HAINAN = find_province("guangdong"), find_province("hainan")
LOSSES = {GUANGDONG: 0.25, HAINAN: 0.08}
FAULTS = {GUANGDONG: prefix_fault(("10.25.0.0/20", 300, 0.6, 0.004), again=0.62)}
MINUTE = timedelta(minutes=1)
SETTINGS = """\
[egress.a]
[egress.b]
source = "192.0.2.10"
circuit = "ABC0123-45"
contact = "网络值班 010-0000-0000"
"""


def minutes_ago(count):
    return datetime.now(UTC).replace(microsecond=0) - count * MINUTE


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """An outage of cu through b that began 15 minutes ago; a and another ISP are well."""
    folder = tmp_path_factory.mktemp("stored")
    opened_at = minutes_ago(15)
    for isp, egress in (("cu", "b"), ("cu", "a"), ("ct", "b")):
        store_line(
            database_in(folder, isp),
            isp,
            egress,
            begin=opened_at - 55 * MINUTE,
            end=minutes_ago(0),
            every=MINUTE,
            losses=LOSSES if (isp, egress) == ("cu", "b") else {},
            faults=FAULTS,
            opened_at=opened_at,
            provinces=PROVINCES[17:22],
        )
    database = database_in(folder, "cu")
    number = open_incident(database, "cu", "b", opened_at=opened_at, losses=LOSSES, faults=FAULTS)
    incident = IncidentThen(number, opened_at, None, "critical", (GUANGDONG,))
    taking = make_taking(incident=incident, taken_at=opened_at + 2 * MINUTE)
    keep_evidence(database, folder / "evidence", taking)
    (folder / "netsky.toml").write_text(SETTINGS, encoding="utf-8")
    return folder


@pytest.fixture
def site(stored, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(stored, tmp_path / "site", symlinks=True)


def database_in(folder, isp):
    return Database(fill_url(f"sqlite:///{folder}/netsky_{isp}.db", isp, "default"), timeout=5)


def report(folder, *arguments):
    return run_verb(folder, "netsky_report", "incident", *arguments)


def page_of(folder, *arguments):
    run = report(folder, "--output", "page.html", *arguments)
    assert run.returncode in (0, 3), run.stderr
    page = folder / "page.html"
    text = page.read_text(encoding="utf-8")
    page.unlink()
    return text_of_page(check_page(text))


def text_of(folder, *arguments):
    run = report(folder, "--format", "text", *arguments)
    assert run.returncode in (0, 3), run.stderr
    return run.stdout


def test_the_open_incident_is_told_as_a_text_to_paste(stored):
    text = text_of(stored)
    assert text.startswith("【报障】中国联通 广东、海南用户经 b 丢包（持续中）\n开始：")
    assert "问题在 b 这条线路到中国联通这些省份的路上，不在省网。" in text
    assert "性质：随机丢包，上轮丢的目标本轮 62% 又丢" in text
    assert "网段：10.25.0.0/20\n" in text
    assert "丢包始于第 1 跳 198.18.1.2 之后，至迟到第 3 跳" in text
    assert "可测地址：10.25.0.1、10.25.0.2" in text
    assert "mtr -n -r -w -c 100 192.0.2.10；单向测试分不清" in text
    assert "电路：ABC0123-45\n联系：网络值班 010-0000-0000\n" in text
    assert "平时 0." in text


def test_the_page_tells_all_that_the_carrier_asks(stored):
    run = report(stored, "--output", ".")
    [file] = stored.glob("incident-cu-b-*.html")
    assert (run.returncode, run.stdout) == (0, f"{file.name}\n")
    page = file.read_text(encoding="utf-8")
    file.unlink()
    assert len(page.encode()) < 300_000
    shown = text_of_page(check_page(page))
    for said in (
        "持续中",
        "危急",
        "300",  # usually alive targets of the prefix
        "180/300",
        "62%",
        "联通 · a",
        "广东 · 常在线目标 · 电信 · b",  # the worst province on another line, on the same scale
        "电信 · b",
        "同一时刻同样的省份走 a 没有升高。",
        "经 b 到中国电信的同样省份没有升高。",
        "第 3 跳原为 198.18.1.10，现为 198.18.1.11",
        "回电：网络值班 010-0000-0000",
        "电路编号：ABC0123-45",
    ):
        assert said in shown, said


def test_what_mtr_printed_is_in_the_page_as_it_is(stored, tmp_path):
    report(stored, "--output", str(tmp_path / "x.html"))
    tree = check_page((tmp_path / "x.html").read_text(encoding="utf-8"))
    texts = ["".join(each.itertext()) for each in tree.iter("pre")]
    [taking] = (stored / "evidence").rglob("*.mtr.txt")
    assert texts == [taking.read_text(encoding="utf-8").partition("\n")[2]]


def test_in_english_nothing_is_chinese_but_names_from_outside(stored):
    for text in (page_of(stored, "--lang", "en"), text_of(stored, "--lang", "en")):
        chinese = [each for each in text if "\u4e00" <= each <= "\u9fff"]
        assert "".join(chinese) in ("网络值班", "网络值班" * 2)


def test_the_figures_are_a_row_for_each_province_and_minute(stored, tmp_path):
    run = report(stored, "--format", "csv", "--output", str(tmp_path / "figures.csv"))
    assert run.returncode == 0
    with (tmp_path / "figures.csv").open(encoding="utf-8-sig") as opened:
        rows = list(csv.DictReader(opened))
    assert {row["province"] for row in rows} == {"guangdong", "hainan"}
    during = [row for row in rows if row["in_incident"] == "1" and row["province"] == "guangdong"]
    before = [row for row in rows if row["in_incident"] == "0" and row["province"] == "guangdong"]
    assert 15 <= len(during) <= 17
    assert 18 <= len(before) <= 21  # as long as the shortest look back
    worst = max(during, key=lambda row: float(row["live_loss_percent"]))
    assert 24 < float(worst["live_loss_percent"]) < 27
    lost, sent = int(worst["live_packets_lost"]), int(worst["live_packets_sent"])
    assert float(worst["live_loss_percent"]) == pytest.approx(100 * lost / sent, abs=1e-4)
    assert worst["judged_by"] == "live"
    assert 0.3 < float(worst["usual_percent"]) < 0.9
    first = rows[0]
    beijing, utc = (datetime.fromisoformat(first[name]) for name in ("time_beijing", "time_utc"))
    assert beijing - utc == timedelta(hours=8)


def test_usual_is_what_the_alert_compares_with_where_that_is_stored(site):
    page = site / "page.html"
    report(site, "--output", "page.html")
    assert "平时＝故障前 12 小时的中位数" in page.read_text(encoding="utf-8")
    done = run_verb(site, "netsky_get_avg_lossrate", "--isp", "cu", "--egress", "b")
    assert done.returncode == 0, done.stderr
    [usual] = read_all(site, "SELECT value FROM netsky_live_baseline WHERE province = '广东'")
    report(site, "--output", "page.html")
    text = page.read_text(encoding="utf-8")
    assert "平时＝告警所比的这一时段的水平" in text
    assert f">平时 {usual:.1f}%</text>" in text
    assert text.count('class="band"') >= 2
    # As it is after an outage of days, and long after one: then it is of another time.
    for change in ("update_time = '2020-01-01 00:00:00'", "update_time = '2036-01-01 00:00:00'"):
        for table in ("netsky_avg_lossrate", "netsky_live_baseline"):
            write_all(site, f"UPDATE {table} SET {change}")
        report(site, "--output", "page.html")
        assert "平时＝故障前 12 小时的中位数" in page.read_text(encoding="utf-8")


def read_all(site, sql):
    with database_in(site, "cu").connector.transaction() as connection:
        return [row[0] for row in connection.exec_driver_sql(sql)]


def write_all(site, sql):
    with database_in(site, "cu").connector.transaction() as connection:
        connection.exec_driver_sql(sql)


def test_from_which_age_on_data_are_old_is_set_as_for_the_alert(site):
    write_all(site, "DELETE FROM netsky_sweep WHERE started_at > datetime('now', '-250 seconds')")
    assert "没有新数据" in text_of(site)
    (site / "netsky.toml").write_text(f"{SETTINGS}[report]\nmax_age = 400\n", encoding="utf-8")
    text = text_of(site)
    assert "没有新数据" not in text
    assert "持续中" in text


def test_a_page_without_a_place_is_refused_before_anything_is_read(tmp_path):
    run = report(tmp_path)
    assert (run.returncode, run.stdout) == (2, "")
    assert "give --output FILE or DIR" in run.stderr


def test_without_any_incident_it_says_so(tmp_path):
    store_line(
        database_in(tmp_path, "cu"),
        "cu",
        "default",
        begin=minutes_ago(1),
        end=minutes_ago(1),
        every=MINUTE,
        losses={},
        opened_at=minutes_ago(0),
    )
    run = report(tmp_path, "--format", "text", "--isp", "cu", "--egress", "default")
    assert (run.returncode, run.stdout) == (1, "")
    assert "no incident of this line in the database" in run.stderr


def test_an_incident_that_is_not_there_is_no_page(site):
    run = report(site, "--id", "99", "--output", "page.html")
    assert run.returncode == 1
    assert "no incident 99 of these lines" in run.stderr
    assert not (site / "page.html").exists()


def test_a_database_that_is_away_fails_with_one_line_and_leaves_no_page(site, silent_port):
    run = report(
        site,
        "--isp", "cu", "--egress", "b",
        "--database", f"mysql://127.0.0.1:{silent_port}/x",
        "--database-timeout", "1",
        "--output", "page.html",
    )  # fmt: skip
    assert run.returncode == 1
    assert len(run.stderr.splitlines()) == 1
    assert not (site / "page.html").exists()


def test_a_line_that_cannot_be_read_is_told_and_keeps_nothing_back(site):
    (site / "netsky_ct.db").write_bytes(b"no database" * 100)
    shown = page_of(site, "--isp", "cu", "--egress", "b")
    assert "电信 · b" in shown
    assert "没有数据" in shown
    assert "同一时刻同样的省份走 a 没有升高。" in shown


def test_without_evidence_it_says_what_is_missing_and_why(site):
    shutil.rmtree(site / "evidence")
    shown = page_of(site)
    assert "没有路由取证：evidence" in shown
    assert "No such file or directory" in shown
    assert report(site, "--format", "text").returncode == 3
    database = database_in(site, "cu")
    with database.connector.transaction() as connection:
        connection.exec_driver_sql("UPDATE netsky_incident SET evidence = NULL")
    assert "事件中没有记录证据" in page_of(site)
    assert "请查：反向测试" in text_of(site)
    assert report(site, "--format", "text").returncode == 0  # none was asked for


def test_evidence_that_is_damaged_is_told_and_the_rest_is_there(site):
    [taking] = (site / "evidence").rglob("*-opened.json")
    taking.write_text("{", encoding="utf-8")
    shown = page_of(site)
    assert f"{taking.name} cannot be read" in shown
    assert "网段" in shown


def test_evidence_that_is_there_before_it_is_noted_is_shown(site):
    with database_in(site, "cu").connector.transaction() as connection:
        connection.exec_driver_sql("UPDATE netsky_incident SET evidence = NULL")
    assert "丢包始于第 1 跳" in page_of(site)


def test_what_comes_from_outside_stays_text(site):
    opened_at = minutes_ago(15)
    [taking] = (site / "evidence").rglob("*-opened.json")
    made = make_taking(
        incident=IncidentThen(1, opened_at, None, "critical", (GUANGDONG,)),
        taken_at=opened_at + 3 * MINUTE,
        reason=Reason.AFTER,
        problems=HOSTILE,
        mtr_text="\n".join(f"  {hop}.|-- {each}  0.0%" for hop, each in enumerate(HOSTILE, 1)),
    )
    keep_evidence_in(site, taking.parent, made)
    for language, hostile in (("zh", HOSTILE[0]), ("en", HOSTILE[1])):
        name = hostile.replace("\\", "\\\\").replace('"', '\\"')
        text = f'{SETTINGS}contact = "{name}"\n[isp.cu]\nname = "{name}"\n'
        settings = text.replace('contact = "网络值班 010-0000-0000"\n', "")
        (site / "netsky.toml").write_text(settings, encoding="utf-8")
        assert hostile in page_of(site, "--lang", language)
        assert text_of(site, "--lang", language).replace("\n", "").isprintable()


def keep_evidence_in(site, folder, taking):
    """Where the incident has it noted, whenever it was opened."""
    from netsky.store.evidence_files import write_taking

    write_taking(site / "evidence", str(folder.relative_to(site / "evidence")), taking, mode=0o600)


def test_of_sweeps_that_are_gone_the_hours_are_told(site):
    database = database_in(site, "cu")
    list(database.roll_up("cu", None))
    with database.connector.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM netsky_sweep")
    run = report(site, "--format", "csv", "--egress", "b", "--isp", "cu")
    rows = list(csv.DictReader(run.stdout.splitlines()))
    assert {row["step_seconds"] for row in rows} == {"3600"}
    with database.connector.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM netsky_hourly")
    assert report(site, "--format", "text").returncode == 3
    shown = page_of(site)
    assert "这段时间的逐轮数据已按保留期删除" in shown
    assert "告警记录：升高 +24" in shown


def test_what_this_host_has_spoilt_is_left_out_and_counted(site):
    spoil(site, "started_at = (SELECT MAX(started_at) FROM netsky_sweep)")
    assert "期间有 1 轮本机自己丢了包，未计入以上数字。" in page_of(site)


def test_where_all_is_spoilt_it_is_told_with_a_warning(site):
    spoil(site, "started_at >= (SELECT opened_at FROM netsky_incident)")
    shown = page_of(site)
    assert "■ 期间 16 轮本机自己都丢了包" in shown
    assert "升到 2" in shown
    text = text_of(site)
    assert "广东最高 2" in text
    assert "注意：期间 16 轮本机自己都丢了包" in text


def spoil(site, which):
    with database_in(site, "cu").connector.transaction() as connection:
        connection.exec_driver_sql(
            f"UPDATE netsky_sweep SET tainted = 1 WHERE egress = 'b' AND {which}"
        )


def test_one_that_is_over_says_from_when_to_when(site):
    cleared_at = minutes_ago(0)
    database = database_in(site, "cu")
    with database.connector.transaction() as connection:
        at = cleared_at.replace(tzinfo=None).isoformat(" ", timespec="microseconds")
        connection.exec_driver_sql(f"UPDATE netsky_incident SET cleared_at = '{at}'")
    text = text_of(site)
    assert "丢包（已恢复）" in text
    assert "历时 15 分钟，已恢复" in text
    assert "最高升到" in page_of(site)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("lasted", "before", "step"),
    [
        (timedelta(minutes=5), timedelta(minutes=20), Step.MINUTE),
        (timedelta(minutes=42), timedelta(minutes=42), Step.MINUTE),
        (4 * HOUR, 3 * HOUR, Step.TEN_MINUTES),
        (48 * HOUR, 3 * HOUR, Step.TEN_MINUTES),
        (90 * HOUR, 3 * HOUR, Step.HOUR),
    ],
)
def test_it_is_shown_from_before_it_began_in_steps_that_fit(lasted, before, step):
    opened_at = datetime(2026, 11, 24, 18, 0, 30, tzinfo=UTC)
    incident = Incident(
        opened_at, opened_at, None, Severity.MEDIUM, Severity.MEDIUM, 0.1, 1, (GUANGDONG,)
    )
    span = span_of(incident, opened_at + lasted)
    assert (span.first, span.until, span.step) == (
        step.begin(opened_at - before),
        opened_at + lasted,
        step,
    )
    later = span_of(replace(incident, cleared_at=opened_at + lasted), opened_at + 30 * 24 * HOUR)
    assert opened_at + lasted < later.until <= opened_at + lasted + HOUR
