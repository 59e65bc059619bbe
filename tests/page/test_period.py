"""Period reports of few and of many lines."""

from dataclasses import replace

import pytest

from netsky.page.incident_text import MOST_BYTES
from netsky.page.period import MOST_DETAILED, period_page
from netsky.page.period_figures import availability, figures
from netsky.page.period_sheet import HEADINGS, period_sheet
from netsky.page.period_text import period_text
from netsky.page.period_words import period_words
from netsky.period_report import Totals
from netsky.places import PROVINCES
from testing.pages import check_page, text_of_page
from testing.period_reports import TOTALS, make_line, make_report


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("lines", [1, 9, MOST_DETAILED, MOST_DETAILED + 1, 240])
def test_a_page_of_few_or_many_lines_is_valid_and_usable(language, lines):
    page = period_page(make_report(lines), language)
    tree = check_page(page)
    assert len(page.encode()) < (300_000 if lines <= 9 else 1_000_000)
    shown = text_of_page(tree)
    assert f"unicom-{lines - 1}" in shown
    is_short = period_words(language)("too_many", most=MOST_DETAILED) in shown
    assert is_short == (lines > MOST_DETAILED)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("lines", [1, 9, 240])
def test_a_text_of_many_lines_fits_and_counts_those_left_out(language, lines):
    text = period_text(make_report(lines), period_words(language))
    assert len(text.encode()) <= MOST_BYTES
    shown = sum("unicom-" in line and "%" in line for line in text.splitlines()[2:])
    left = lines - shown
    assert (period_words(language)("t_more", count=left) in text) == (left > 0)


@pytest.mark.parametrize(
    ("language", "live", "of_all"),
    [
        ("zh", "，常在线丢包率 0.43%，", "，丢包率 2.31%，"),
        ("en", ", loss of the usually alive 0.43%, ", ", loss 2.31%, "),
    ],
)
def test_the_text_names_the_loss_that_it_tells(language, live, of_all):
    unknown = replace(TOTALS, live_sent=0, live_lost=0)
    for totals, said in ((TOTALS, live), (unknown, of_all)):
        known = dict.fromkeys(PROVINCES, totals)
        line = replace(make_line(1), provinces=known, before=known)
        report = replace(make_report(1), lines=(line,))
        assert said in period_text(report, period_words(language))


def test_a_sheet_has_a_row_for_each_line_and_each_of_its_provinces():
    lines = period_sheet(make_report(2)).splitlines()
    assert lines[0] == ",".join(HEADINGS)
    assert len(lines) == 1 + 2 * 32
    assert len({line.count(",") for line in lines}) == 1


def test_a_hundred_percent_is_said_only_when_all_was_judged_and_no_sweep_was_bad():
    assert availability(Totals(sweeps=10**6, judged_sweeps=10**6)) == "100%"
    assert availability(Totals(judged_sweeps=10**6, bad_sweeps=1)) == "99.99%"
    assert availability(Totals(judged_sweeps=60, bad_sweeps=60)) == "0.00%"
    assert availability(Totals(sweeps=60, sent=10, lost=0)) == "–"


def test_without_a_judged_sweep_the_page_says_so_and_not_100_percent():
    unknown = replace(TOTALS, judged_sweeps=0, bad_sweeps=0)
    line = replace(make_line(1), provinces=dict.fromkeys(PROVINCES, unknown))
    report = replace(make_report(1), lines=(line,))
    shown = text_of_page(check_page(period_page(report, "zh")))
    assert "1 条线路：可用率未判定（还不知道哪些目标常在线）；没有事件。" in shown
    assert "本机丢包 3 轮，未判定 259,197 轮" in shown
    assert "100%" not in shown
    assert "可用率 –" in period_text(report, period_words("zh"))


def test_what_has_become_worse_is_marked_and_what_is_the_same_is_not():
    before = Totals(judged_sweeps=60, sent=1000, lost=10, rtt_sum=30_000, replies=1000)
    now = replace(before, lost=25, rtt_sum=29_000, bad_sweeps=6)
    alive, loss, live, latency, _ = figures(now, before)
    assert (alive.change, alive.is_worse) == ("−10.0", True)
    assert (loss.change, loss.is_worse) == ("+1.5", True)
    assert (latency.change, latency.is_worse) == ("−1.0 ms", False)
    assert live.value == "–"
    assert [figure.change for figure in figures(now, now)] == [""] * 5
    assert [figure.change for figure in figures(now, Totals())] == [""] * 5


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "30 天中只有 4 天有数据"), ("en", "data of 4 of 30 days only")]
)
def test_a_period_of_which_a_part_is_not_known_says_so(language, said):
    report = make_report(2)
    whole, part = report.lines
    report = replace(report, lines=(whole, replace(part, steps=part.steps[:4])))
    assert text_of_page(check_page(period_page(report, language))).count(said) == 1
    assert period_text(report, period_words(language)).count(said) == 1
    assert said not in text_of_page(check_page(period_page(make_report(2), language)))
