"""The report on an incident as a page, a text and a sheet, from the least to the most that there may be."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.evidence import Evidence, Reason
from netsky.incident_loss import Level
from netsky.incident_report import State
from netsky.page.incident import incident_page, standing
from netsky.page.incident_age import HEAD_BYTES, Standing, age_of, old_words
from netsky.page.incident_findings import findings, headline
from netsky.page.incident_sheet import HEADINGS, incident_sheet
from netsky.page.incident_text import MOST_BYTES, incident_text
from netsky.page.incident_traces import blocks, marked
from netsky.page.incident_words import incident_words
from netsky.page.sheet import sheet
from netsky.page.words import beijing
from netsky.places import BUILTIN_ISPS, PROVINCES, Egress
from netsky.trace import Finding, Verdict
from testing.evidence import make_report, make_taking
from testing.incident_reports import (
    NOW,
    hostile_outage,
    make_incident_report,
    most_of_all,
    mtr_text,
    outage,
)
from testing.pages import HOSTILE, check_page, text_of_page

LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])
CHINESE = incident_words("zh")


# The text to paste


@LANGUAGES
@pytest.mark.parametrize("provinces", [1, 3, 7, 31])
def test_a_text_of_few_or_many_provinces_fits_and_ends_with_its_number(language, provinces):
    text = incident_text(make_incident_report(provinces), incident_words(language))
    assert len(text.encode()) <= MOST_BYTES < 2048
    assert text.rstrip().endswith("cu-b-20261124T1830Z-7")


@LANGUAGES
def test_one_given_up_is_nowhere_said_to_be_over(language):
    report = make_incident_report()
    incident = report.incident
    ended = replace(incident, cleared_at=incident.opened_at + timedelta(hours=1), given_up=True)
    report, words = replace(report, incident=ended), incident_words(language)
    page, text = incident_page(report, language), incident_text(report, words)
    assert f'<span class="badge now doubt">■ {words("given_up")}</span>' in page
    assert {"zh": "结局不明", "en": "not known"}[language] in text.splitlines()[1]
    header = page[page.index("<header") : page.index("</header>")]
    for told in (header, text):
        assert words("cleared") not in told


@LANGUAGES
@pytest.mark.parametrize("newest", [timedelta(minutes=42), None])
def test_one_that_is_open_without_new_data_says_until_when_that_is_known(language, newest):
    """25 minutes after the newest sweep; None: no sweep of it is stored."""
    report, words = make_incident_report(), incident_words(language)
    opened_at = report.incident.opened_at
    known = opened_at + newest if newest else opened_at
    report = replace(
        report,
        made_at=opened_at + timedelta(minutes=67),
        data_until=known if newest else None,
    )
    page, text = incident_page(report, language), incident_text(report, words)
    shown = text_of_page(check_page(page))
    for told in (shown, text):
        assert words("open") not in told
        assert words.duration(report.made_at - opened_at) not in text
    at = beijing(known, "%m-%d %H:%M")
    assert ' class="is-stale"' in page
    assert old_words(known, report.made_at, words) in shown
    assert words("then", at=at) in shown
    assert at in text.splitlines()[1]
    assert words("old") in text.splitlines()[0]


@LANGUAGES
def test_the_beginning_of_a_page_tells_its_age_whatever_is_in_it(language):
    report = hostile_outage("".join(HOSTILE))
    age = age_of(incident_page(report, language).encode()[:HEAD_BYTES].decode(errors="replace"))
    assert (age.standing, age.as_of) == (Standing.OPEN, report.made_at)


def test_a_page_as_young_as_a_sweep_may_be_is_of_now():
    report = make_incident_report()
    at = report.data_until
    fresh = replace(report, made_at=at + report.thresholds.max_age)
    assert fresh.state is State.OPEN
    assert replace(fresh, made_at=fresh.made_at + timedelta(seconds=1)).state is State.OLD


@LANGUAGES
def test_a_text_of_an_open_incident_says_as_of_when(language):
    line = incident_text(make_incident_report(), incident_words(language)).splitlines()[1]
    assert {"zh": "截至 11-25 03:12 已持续 42 分钟", "en": "42 min as of 11-25 03:12"}[
        language
    ] in line


@LANGUAGES
def test_the_longest_text_fits_and_its_lines_are_whole(language):
    """Each line of it is one that a report without any limit would have, or a list of fewer names."""
    words = incident_words(language)
    text = incident_text(most_of_all(), words)
    assert len(text.encode()) <= MOST_BYTES
    assert len(text) <= 2000
    assert text.endswith("\n")
    lines = text.splitlines()
    must = ["title", "began", "loss", "ask", "number"]
    for name in must:
        begin = words(f"t_{name}", **dict.fromkeys(_fields(words, name), "\0")).partition("\0")[0]
        assert any(line.startswith(begin) for line in lines), begin
    assert "\n\n" not in text


def _fields(words, name):
    import string

    return [
        field for _, field, _, _ in string.Formatter().parse(words._texts[f"t_{name}"]) if field
    ]


# What netsky.toml takes: names of exits, and beside them any text of so many characters.
SAID = st.text(st.characters(codec="utf-8"), min_size=1, max_size=100)
MADE = {
    "open": lambda report: report,
    "old": lambda report: replace(report, made_at=report.made_at + timedelta(days=400)),
    "over": lambda report: replace(
        report, incident=replace(report.incident, cleared_at=report.made_at)
    ),
    "given up": lambda report: replace(
        report, incident=replace(report.incident, cleared_at=report.made_at, given_up=True)
    ),
    "spoilt": lambda report: replace(report, only_tainted=True, tainted=10**9),
}


EGRESSES = st.builds(
    Egress,
    name=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=40),
    source=st.none() | st.ip_addresses().map(str),
    circuit=st.none() | SAID,
    contact=st.none() | SAID,
)
REPORTS = [*map(make_incident_report, (1, 2, 7, 31)), most_of_all(), outage()]


@given(
    report=st.sampled_from(REPORTS), egress=EGRESSES, isp=SAID, how=st.sampled_from(sorted(MADE))
)
def test_whatever_the_names_are_the_text_fits(report, egress, isp, how):
    report = MADE[how](replace(report, isp=replace(report.isp, name=isp), egress=egress))
    for language in ("zh", "en"):
        text = incident_text(report, incident_words(language))
        assert len(text.encode()) <= MOST_BYTES
        assert len(text) <= 2000
        assert text.endswith("\n")


def test_what_there_is_room_for_is_not_left_out():
    text = incident_text(make_incident_report(3), CHINESE)
    assert "北京、天津、河北用户经 b 丢包（持续中）" in text
    assert "北京最高 25.0%（平时 0.6%）、天津最高 25.0%（平时 0.6%）、河北" in text


# Whose trouble it is


@pytest.mark.parametrize(
    ("exits", "isps", "said"),
    [
        ([], [], "尚不能判断是线路还是省网"),
        ([0.0], [], "问题在 b 这条线路到中国联通这些省份的路上，不在省网。"),
        ([0.0, 0.02], [0.0], "问题在 b 这条线路"),
        ([0.0], [0.3], "问题在 b 出口或其上联"),
        ([0.3, 0.3], [], "各出口都丢：问题在中国联通一侧"),
        ([0.3, 0.0], [], "部分出口也丢"),
        ([0.03], [], "尚不能判断"),
        ([None], [], "尚不能判断"),
    ],
)
def test_other_lines_tell_whose_trouble_it_is(exits, isps, said):
    report = make_incident_report()
    own, other = report.lines
    [province] = own.provinces

    def risen(rise, **changed):
        usual = None if rise is None else 0.006
        level = Level(0.006 + (rise or 0.0), usual)
        return replace(other, provinces={province: level}, **changed)

    lines = [risen(rise, egress=f"e{number}") for number, rise in enumerate(exits)]
    lines += [risen(rise, isp=BUILTIN_ISPS["ct"], egress="b") for rise in isps]
    assert headline(replace(report, lines=(own, *lines)), CHINESE).startswith(said)


# mtr


@pytest.mark.parametrize(
    ("verdict", "marks"),
    [
        (Verdict(Finding.BEGINS, 1, 3, (2,)), ["", "limited", "first", "behind"]),
        (Verdict(Finding.BEGINS, 0, 1), ["first", "behind", "behind", "behind"]),
        (Verdict(Finding.BEGINS, 2, None), ["", "", "", "first"]),
        (Verdict(Finding.UNKNOWN, limited=(2,)), ["", "limited", "", ""]),
        (Verdict(Finding.CLEAN), ["", "", "", ""]),
    ],
)
def test_the_lines_of_mtr_are_marked_as_all_traces_say_together(verdict, marks):
    report = make_report()
    report = replace(report, located=replace(report.located, verdict=verdict))
    lines = marked(mtr_text(4), report, is_failing=True)
    assert [line.mark for line in lines] == ["", "", *marks]
    assert "".join(f"{line.text}\n" for line in lines) == mtr_text(4)
    after = marked(mtr_text(4), report, is_failing=False)
    assert "first" not in [line.mark for line in after]


def test_four_reports_of_mtr_are_shown_and_those_with_room_printed():
    """On paper the one of when all was well comes before the third of the fault."""
    report = most_of_all()
    shown = blocks(report)
    assert [block.reason.value for block in shown] == ["opened", "opened", "opened", "cleared"]
    assert [block.on_paper for block in shown] == [True, True, False, True]
    [opened, cleared] = report.evidence.takings

    def of_hops(hops):
        mtr = replace(opened.reports[0].mtr[0], text=mtr_text(hops))
        reports = tuple(replace(each, mtr=(mtr,)) for each in opened.reports)
        evidence = replace(report.evidence, takings=(replace(opened, reports=reports), cleared))
        return [block.on_paper for block in blocks(replace(report, evidence=evidence))]

    assert of_hops(30) == [True, False, False, True]
    assert of_hops(6) == [True, True, True, True]


# What is thought


def test_provinces_that_see_the_same_are_said_together():
    found = findings(outage(), CHINESE)
    assert found.where == (
        "丢包始于第 1 跳 198.18.1.2 之后，至迟到第 3 跳 198.18.1.10、198.18.1.11（广东、广西、海南，2 个目标）。",
    )
    assert found.changed == (
        "路径有变：到广东、广西、海南的第 3 跳原为 198.18.1.10，现为 198.18.1.11。",
    )
    assert len(set(found.reasons)) == len(found.reasons)


def test_whether_paths_have_changed_is_told_in_any_case():
    report = outage()
    [taking] = report.evidence.takings
    for quiet, said in ((taking.reports[0].quiet, "no_changes"), ((), "changes_unknown")):
        reports = tuple(replace(each, changes=(), quiet=quiet) for each in taking.reports)
        evidence = replace(report.evidence, takings=(replace(taking, reports=reports),))
        found = findings(replace(report, evidence=evidence), CHINESE)
        assert found.changed == ()
        assert CHINESE(said) in found.reasons
    assert findings(replace(report, evidence=None), CHINESE).changed == ()


def test_all_provinces_are_named_however_many():
    shown = text_of_page(check_page(incident_page(make_incident_report(31), "zh")))
    assert all(province.name in shown for province in PROVINCES)


@LANGUAGES
@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_outside_stays_text(language, text):
    page = incident_page(hostile_outage(text), language)
    shown = text_of_page(check_page(page))
    assert shown.count(text.splitlines()[0][:6].strip("\x1b\u202e")) >= 5


# The page


def test_the_table_over_time_has_each_minute_with_what_was_sent_and_lost_newest_first():
    tree = check_page(incident_page(outage(), "zh"))
    [details] = tree.iter("details")
    rows = [["".join(cell.itertext()) for cell in row] for row in details.iter("tr")]
    assert rows[0] == ["时间（UTC+8）", "广东", "广西", "海南"]
    assert [row[0] for row in rows[1:3]] == ["11-25 03:11", "11-25 03:10"]
    assert len(rows) == 1 + 84
    for row, sums in zip(rows[1:], reversed(outage().provinces[0].series), strict=True):
        assert row[1].endswith(f" ({sums[1].live_lost:,}/800)")
    assert rows[1][1].startswith("24.")


def test_a_peak_in_the_minute_in_which_it_opened_is_not_drawn_before_its_beginning():
    report = make_incident_report()
    opened_at = report.incident.opened_at + timedelta(seconds=40)
    page = incident_page(
        replace(report, incident=replace(report.incident, opened_at=opened_at)), "zh"
    )
    dot = float(re.search(r'<circle cx="([\d.]+)"', page)[1])
    begin = float(re.search(r'd="M([\d.]+) \d+V\d+" class="begin"', page)[1])
    assert dot == begin


def test_the_chart_has_the_loss_the_usual_level_its_band_and_the_thresholds():
    page = incident_page(outage(), "zh")
    chart = page[page.index('<svg viewBox="0 0 440 190"') :].partition("</svg>")[0]
    for drawn in ('class="loss"', 'class="level usual"', 'class="band"', 'class="during"'):
        assert chart.count(drawn) == 1, drawn
    for said in ("平时 0.6%", "+5 升高", "+10 剧升", "开始", "峰值 24.4%"):
        assert f">{said}</text>" in chart, said


@LANGUAGES
@pytest.mark.parametrize("make", [make_incident_report, most_of_all])
def test_a_page_is_valid_and_small_with_little_or_much_in_it(language, make):
    page = incident_page(make(), language)
    check_page(page)
    assert len(page.encode()) < 300_000


def test_a_report_without_any_figures_says_so_and_is_valid():
    report = make_incident_report(2)
    bare = [
        replace(each, series=(), peak_at=None, peak_ratio=None, newest_ratio=None, usual_ratio=None)
        for each in report.provinces
    ]
    own = replace(report.own, provinces={})
    report = replace(
        report,
        provinces=tuple(bare),
        lines=(own,),
        moment=None,
        data_until=None,
        made_at=report.made_at,
    )
    for language in ("zh", "en"):
        shown = text_of_page(check_page(incident_page(report, language)))
        assert incident_words(language)("no_series") in shown
        assert incident_words(language)("no_lines") in shown


def test_what_has_fallen_below_the_threshold_is_not_told_as_rising():
    report = make_incident_report()
    assert "丢包率由平时的 0.6% 升到 25.0%（北京）" in incident_page(report, "zh")
    calm = replace(report, moment=report.incident.opened_at)
    assert "最近已低于告警门限" in incident_page(calm, "zh")


# Sheets


def test_no_cell_of_a_sheet_is_a_formula():
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", *HOSTILE]
    for cell in cells:
        line = sheet(["x"], [[cell]]).splitlines()[1]
        assert line.lstrip('"')[0] not in "=+-@\t\r"
        assert line.isprintable()
    assert sheet(["x", "y"], [[-1.5, None]]) == "x,y\n-1.5,\n"


def test_a_sheet_has_a_row_for_each_province_and_step():
    lines = incident_sheet(make_incident_report(3)).splitlines()
    assert lines[0] == ",".join(HEADINGS)
    assert len(lines) == 1 + 3 * 84
    assert lines[1] == (
        "2026-11-25 01:48:00,2026-11-24 17:48:00,60,cu,b,beijing,北京,1,1000,400,40.0,800,5,0.625,live,0.6,0"
    )


@pytest.mark.parametrize(
    ("minutes", "reasons", "final"),
    [
        (90, (Reason.OPENED,), False),
        (90, (Reason.OPENED, Reason.CLEARED), True),
        (121, (Reason.OPENED,), True),
        (90, (), True),
    ],
)
def test_a_report_waits_for_the_evidence_that_is_taken_when_all_is_well_again(
    minutes, reasons, final
):
    report = make_incident_report()
    over = replace(report.incident, cleared_at=NOW)
    taken = Evidence(tuple(make_taking(reason=reason) for reason in reasons))
    made_at = NOW + timedelta(minutes=minutes)
    report = replace(report, incident=over, made_at=made_at, evidence=taken)
    assert (standing(report) is Standing.FINAL) is final
