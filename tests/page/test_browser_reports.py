"""Reports in a real browser: nothing on the console, nothing asked for, two sheets of paper for the carrier."""

from dataclasses import replace
from datetime import timedelta

import pytest

from netsky.page.incident import incident_page
from netsky.page.incident_age import marked_old, old_words
from netsky.page.incident_words import incident_words
from netsky.page.period import period_page
from testing.browser import Look, look_at
from testing.incident_reports import (
    NOW,
    hostile_outage,
    longest_outage,
    make_incident_report,
    most_of_all,
    outage,
)
from testing.pages import HOSTILE
from testing.period_reports import make_report

LATER = NOW + timedelta(minutes=25)


def over(report):
    return replace(report, incident=replace(report.incident, cleared_at=NOW), made_at=LATER)


def marked():
    """An open one whose database is away; nobody ran its script."""
    words = incident_words("zh")
    return marked_old(incident_page(outage(), "zh"), old_words(NOW, LATER, words))


PAGES = {
    "least": lambda: incident_page(make_incident_report(), "zh"),
    "outage": lambda: incident_page(outage(), "zh"),
    "over": lambda: incident_page(over(outage()), "zh"),
    "longest": lambda: incident_page(longest_outage(), "zh"),
    "most": lambda: incident_page(most_of_all(), "zh"),
    "most-en": lambda: incident_page(most_of_all(), "en"),
    "markup": lambda: incident_page(hostile_outage("".join(HOSTILE[:4])), "zh"),
    "signs": lambda: incident_page(hostile_outage("".join(HOSTILE[4:])), "en"),
    "old": lambda: incident_page(replace(outage(), made_at=LATER), "zh"),
    "marked": marked,
    "month": lambda: period_page(make_report(9), "zh"),
    "month-240": lambda: period_page(make_report(240), "en"),
}
OF_INCIDENTS = [name for name in PAGES if not name.startswith("month")]
STALE = ("old", "marked", "outage-later")

# The looks beside that on paper: names end with width and scheme. What is too wide is so at 390 first.
AT_390_LIGHT = {
    f"{name}-390-light"
    for name in ("least", "longest", "most", "markup", "signs", "month", "month-240")
}
AXE = {
    "least-1440-light",
    "outage-1440-light",
    "outage-1440-dark",
    "outage-390-dark",
    "most-390-light",
    "old-390-dark",
    "old-1440-light",
    "over-1440-dark",
    "month-1440-light",
    "month-1440-dark",
    "month-390-dark",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """All that is looked at, in one browser."""
    folder = tmp_path_factory.mktemp("pages")
    looks = []
    for name, make in PAGES.items():
        at = LATER if name == "old" else NOW
        file = folder / f"{name}.html"
        file.write_text(make(), encoding="utf-8")
        pdf, now = str(folder / f"{name}.pdf"), at.timestamp() + 5
        # Where scripts are off nothing but the page itself says how old it is.
        looks.append(Look(f"{name}-paper", str(file), now=now, pdf=pdf, script=name != "marked"))
    for name in sorted(AT_390_LIGHT | AXE):
        page, width, scheme = name.rsplit("-", 2)
        file, is_dark = str(folder / f"{page}.html"), scheme == "dark"
        at = LATER if page == "old" else NOW
        looks.append(
            Look(name, file, width=int(width), dark=is_dark, now=at.timestamp(), axe=name in AXE)
        )
    file, pdf = str(folder / "outage.html"), str(folder / "later.pdf")
    looks.append(Look("outage-later-paper", file, now=LATER.timestamp(), pdf=pdf))
    return look_at(looks)


def test_no_report_says_anything_on_the_console_nor_asks_for_anything(seen):
    assert {name: each.messages for name, each in seen.items() if each.messages} == {}
    assert {name: each.requests for name, each in seen.items() if each.requests} == {}


def test_nothing_reaches_beyond_the_width_of_the_report(seen):
    assert {name: each.overflow for name, each in seen.items() if each.overflow > 0} == {}


def test_axe_has_nothing_to_say_of_contrast_names_or_structure(seen):
    assert {name: seen[name].violations for name in AXE if seen[name].violations} == {}


def test_the_carriers_report_is_two_sheets_of_a4_with_all_that_there_may_be(seen):
    pages = {name: seen[f"{name}-paper"].pages for name in (*OF_INCIDENTS, "outage-later")}
    assert all(1 <= count <= 2 for count in pages.values()), pages


def test_nothing_of_it_is_cut_on_paper_nor_made_smaller_to_fit(seen):
    assert {name: cut for name in OF_INCIDENTS if (cut := seen[f"{name}-paper"].cut)} == {}


@pytest.mark.parametrize("name", STALE)
def test_an_old_page_says_so_on_screens_and_on_paper(seen, name):
    """With its script an hour later, without one where it was marked, and as it was made."""
    look = seen[f"{name}-paper"]
    assert look.is_stale
    assert "■ 停在 2026-11-25 03:12:00，已过 25 分钟" in look.text
    assert "■ 11-25 03:12 时未恢复" in look.text
    assert "持续中" not in look.text.partition("粘贴到")[0]


@pytest.mark.parametrize("name", ["outage", "over"])
def test_one_of_now_or_one_that_is_over_is_not_called_old(seen, name):
    look = seen[f"{name}-paper"]
    assert not look.is_stale
    assert "停在" not in look.text
    assert ("持续中" if name == "outage" else "已恢复") in look.text
    assert "时未恢复" not in look.text


def test_a_month_of_nine_lines_is_two_sheets_at_most(seen):
    assert 1 <= seen["month-paper"].pages <= 2
