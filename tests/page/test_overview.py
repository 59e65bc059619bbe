"""The overview as a page: what it says, and that it stands alone; how it looks is in test_browser."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from netsky.jobs.report_overview import period_reports
from netsky.judging.notice import Notice
from netsky.page.headline import headline
from netsky.page.overview import overview_page
from netsky.page.overview_maps import best_maps
from netsky.page.overview_panels import probe_rows, probe_sayings
from netsky.page.overview_words import HEADLINES, PAGE
from netsky.page.words import Words
from netsky.period_report import BEIJING
from netsky.places import ISP, PROVINCES
from testing import overviews
from testing.pages import HOSTILE, check_page, text_of_page

WORDS = Words("zh", HEADLINES, PAGE)
ALL = {
    "night": overviews.night,
    "well": overviews.well,
    "away": overviews.away,
    "none": overviews.overview_of,
    "many": partial(overviews.many, exits=8),
}


def page(overview, language="zh", **options):
    return text_of_page(check_page(overview_page(overview, language, **options)))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", ALL)
def test_every_page_is_valid_and_stands_alone(name, language):
    text = overview_page(ALL[name](), language)
    check_page(text)
    assert len(text.encode()) < 300_000


def test_two_hundred_and_forty_lines_are_less_than_a_megabyte():
    assert len(overview_page(overviews.many(), "zh").encode()) < 1_000_000


def test_a_fault_is_told_in_words_with_its_age_and_whose_fault_it_is():
    said = page(overviews.night())
    assert "联通用户经 unicom-1 丢包，已 42 分钟" in said
    assert "广东 +23.5\u3000广西 +11.8\u3000海南 +7.4 个百分点" in said
    assert "问题在 unicom-1 线路或其上联，不在省网" in said
    assert "全部正常" not in said


def test_an_alert_without_an_incident_says_what_is_known_of_when_it_began():
    line = overviews.line_state(overviews.ISPS[0], "unicom-1", overviews.FAULT)
    assert "联通用户经 unicom-1 丢包，超过告警线，还不是故障事件" in page(
        overviews.overview_of(line)
    )
    since = overviews.AT - timedelta(minutes=3)
    known = replace(line, above_since=since)
    said = "丢包，11-25 03:09:20 那轮起超过告警线，还不是故障事件"
    assert said in page(overviews.overview_of(known))


def test_all_is_well_only_when_every_province_of_every_line_was_judged_and_nothing_is_tainted():
    assert headline(overviews.well(), WORDS).first.startswith("全部正常：9 组")
    first, *others = overviews.well().lines
    key = (first.isp, first.egress)
    for spoiled in (
        overviews.line_state(*key, age=200),
        overviews.line_state(*key, tainted=True),
        overviews.line_state(*key, without_baseline=["xizang"]),
        replace(first, verdict=None, trouble="away"),
        overviews.line_state(*key, {"hunan": 5.0}),
        overviews.line_state(*key, incidents=[overviews.incident("hunan")]),
    ):
        said = headline(overviews.overview_of(spoiled, *others), WORDS)
        assert said.tone != "ok"
        assert "全部正常" not in said.first


def test_a_fault_of_a_sweep_in_which_this_host_dropped_packets_says_so():
    line = overviews.line_state(overviews.ISPS[0], "a", {"hunan": 12.0}, tainted=True)
    said = headline(overviews.overview_of(line), WORDS)
    assert said.tone == "bad"
    assert any("本机自己也丢了包" in each for each in said.rest)


def test_a_database_that_is_away_is_told_and_nothing_looks_fresh():
    said = page(overviews.away())
    assert "无法判断：数据库读不到" in said
    assert "is the server running?" in said
    assert "✓" not in said
    assert "***" in said


def test_a_line_without_a_baseline_has_data_that_is_not_old():
    every = [province.slug for province in PROVINCES]
    new = overviews.line_state(overviews.ISPS[0], "new", without_baseline=every)
    [said] = probe_sayings(overviews.overview_of(new), WORDS)
    assert (said.badge, said.text) == ("未判定", "联通×new：还没有平时水平可比。")
    [row] = probe_rows(overviews.overview_of(new), WORDS)
    assert not row.is_old
    assert "数据旧" not in page(overviews.overview_of(new))
    old = overviews.line_state(overviews.ISPS[0], "old", age=200)
    assert [each.badge for each in probe_sayings(overviews.overview_of(old), WORDS)] == ["数据旧"]
    [row] = probe_rows(overviews.overview_of(old), WORDS)
    assert row.is_old


def test_small_rises_that_stand_are_told_and_the_line_is_still_fine():
    [line, *_] = overviews.well().lines
    judgements = list(line.verdict.judgements)
    judgements[:2] = (replace(each, notice=Notice(0.02, 700.0)) for each in judgements[:2])
    noticed = replace(line, verdict=replace(line.verdict, judgements=tuple(judgements)))
    overview = overviews.overview_of(noticed)
    assert "✓ 正常 留意 2 省" in page(overview)
    assert "✓ fine, small rises: 2" in page(overview, "en")
    assert headline(overview, WORDS) == headline(overviews.overview_of(line), WORDS)


def test_the_share_that_seldom_answers_is_that_of_each_line():
    lines = [
        replace(line, sweep=replace(line.sweep, live_targets=live))
        for line, live in zip(overviews.well().lines[:3], (62_000, 31_000, None), strict=True)
    ]
    rows = probe_rows(overviews.overview_of(*lines), WORDS)
    assert [row.dead for row in rows] == ["0%", "50%", "–"]


def test_a_stale_exit_in_use_looks_stale_and_no_other_becomes_the_one_in_use():
    old, other = (
        overviews.line_state(overviews.ISPS[0], each, age=age)
        for each, age in (("own", 900), ("b", 15))
    )
    isp = replace(overviews.ISPS[0], home="own")
    lines = [replace(line, isp=isp) for line in (old, other)]
    [svg] = best_maps(overviews.overview_of(*lines), WORDS).maps
    assert "■ 常用出口不可信" in svg
    assert "常用出口 own" in svg
    assert 'class="tile sn"' in svg
    assert not {"s0", "go", "s1"} & {
        part.partition('"')[0] for part in svg.split('class="tile ')[1:]
    }


def test_a_province_moves_for_latency_where_the_losses_are_alike():
    isp = replace(overviews.ISPS[0], home="own")
    lines = []
    for egress, seconds in (("own", 0.05), ("telecom-1", 0.02)):
        line = overviews.line_state(isp, egress)
        latency = dict.fromkeys(PROVINCES, seconds)
        lines.append(replace(line, sweep=replace(line.sweep, latency_seconds=latency)))
    [svg] = best_maps(overviews.overview_of(*lines), WORDS).maps
    assert "▲ 31 省宜改走" in svg
    assert svg.count("T1 30ms") == 31


def test_nothing_measured_yet_is_told():
    assert "还没有任何探测数据" in page(overviews.overview_of())


def test_a_province_that_is_not_in_the_library_looks_unlike_one_that_is_not_judged():
    line = overviews.well().lines[0]
    few = replace(line.verdict, judgements=line.verdict.judgements[:5])
    text = overview_page(overviews.overview_of(replace(line, verdict=few)), "zh")
    assert text.count('class="tile sx"') == 1
    assert "sn" not in {part.partition('"')[0] for part in text.split('class="tile ')[1:]}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_and_errors_stay_text(text):
    isp = ISP("cu", text)
    overview = overviews.overview_of(
        overviews.line_state(isp, text, {"hunan": 12.0}, incidents=[overviews.incident("hunan")]),
        overviews.line_state(isp, f"{text}2"),
        replace(overviews.line_state(isp, "c"), verdict=None, trouble=text),
    )
    tree = check_page(overview_page(overview, "zh"))
    assert not [each for each in tree.iter() if each.tag in ("img", "iframe")]
    assert len(list(tree.iter("script"))) == 1


def test_the_report_of_an_incident_is_linked_when_it_is_there():
    name = "incident-cu-unicom-1-17.html"
    assert f'href="{name}"' in overview_page(overviews.night(), "zh", reports=[name])
    assert 'href="incident' not in overview_page(overviews.night(), "zh")


def test_so_is_that_of_one_that_is_over():
    name = "incident-ct-telecom-1-17.html"
    text = overview_page(overviews.night(), "zh", reports={name})
    assert text.count(f'<a href="{name}">') == 1
    assert "重庆、四川" in text.partition(f'<a href="{name}">')[2].partition("</a>")[0]
    assert f'<a href="{name}">' not in overview_page(overviews.night(), "zh")


@pytest.mark.parametrize(("language", "said"), [("zh", "■ 已放弃"), ("en", "■ given up")])
def test_one_that_was_given_up_stays_in_the_list_and_is_not_said_to_be_over(language, said):
    gone = overviews.incident("hunan", opened_minutes=1100, cleared_minutes=800)
    line = overviews.line_state(
        overviews.ISPS[0], "unicom-1", incidents=[replace(gone, given_up=True)]
    )
    name = "incident-cu-unicom-1-17.html"
    text = overview_page(overviews.overview_of(line), language, reports={name})
    check_page(text)
    before, _, after = text.partition(f'<a href="{name}">')
    assert before.rstrip().endswith(f'<span class="badge doubt">{said}</span>')
    assert gone.cleared_at.astimezone(BEIJING).strftime("%H:%M") in after.partition("</a>")[0]
    assert said not in overview_page(overviews.night(), language)


def test_its_foot_links_the_newest_day_and_month_beside_it(tmp_path):
    for name in (
        *("day-2026-11-27.html", "day-2026-11-09.html", "day-2026-11-28.txt", "day-x.html"),
        *("month-2026-10.html", "month-2025-12.html", "index.html"),
    ):
        (tmp_path / name).touch()
    periods = period_reports(tmp_path)
    text = overview_page(overviews.well(), "zh", periods=periods)
    check_page(text)
    foot = text.partition("<footer")[2]
    assert '<a href="day-2026-11-27.html">日报 2026-11-27</a>' in foot
    assert '<a href="month-2026-10.html">月报 2026-10</a>' in foot
    assert foot.count("<a ") == 2
    assert "<a " not in overview_page(overviews.well(), "zh").partition("<footer")[2]


def test_of_many_lines_those_that_are_fine_are_folded_and_the_others_are_shown():
    tree = check_page(overview_page(overviews.many(isps=1, exits=12), "zh"))
    maps = [each for each in tree.iter("svg") if each.get("class") == "map"]
    folded = [svg for details in tree.iter("details") for svg in details.iter("svg")]
    assert len(folded) == 10  # all but one that is bad and one without new data
    assert len(maps) == 12 + 1  # and that of the best exits


@pytest.mark.parametrize("egresses", [1, 2, 3, 4, 7])
def test_no_map_covers_another(egresses):
    lines = [
        overviews.line_state(isp, f"exit-{number}", {"hunan": 12.0})
        for isp in overviews.ISPS
        for number in range(egresses)
    ]
    tree = check_page(overview_page(overviews.overview_of(*lines), "zh"))
    places = [f.get("style") for f in tree.iter("figure") if "map-panel" in f.get("class", "")]
    assert len(places) == len(set(places)) == 3 * egresses


def test_the_day_has_a_cell_for_each_third_of_an_hour_and_the_last_is_now():
    overview = overviews.well()
    assert overview.at - overview.day_begins < timedelta(hours=24)
    assert overview.at - overview.day_begins >= timedelta(hours=24) - timedelta(minutes=20)


def test_the_tiles_are_those_of_all_provinces():
    tree = check_page(overview_page(overviews.well(), "zh"))
    ids = {each.get("id") for each in tree.iter() if (each.get("id") or "").startswith("t-")}
    assert ids == {f"t-{province.slug}" for province in PROVINCES}
