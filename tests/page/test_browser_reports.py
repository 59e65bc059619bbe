"""Reports in a real browser: nothing on the console, nothing asked for, two sheets of paper for the carrier."""

import pytest

from netsky.page.incident import incident_page
from netsky.page.period import period_page
from testing.browser import Look, look_at
from testing.incident_reports import make_incident_report, most_of_all
from testing.period_reports import make_report

PAGES = {
    "least": lambda: incident_page(make_incident_report(), "zh"),
    "most": lambda: incident_page(most_of_all(), "zh"),
    "most-en": lambda: incident_page(most_of_all(), "en"),
    "month": lambda: period_page(make_report(9), "zh"),
    "month-240": lambda: period_page(make_report(240), "en"),
}
AXE = {
    "least-1440-light",
    "most-1440-dark",
    "most-390-light",
    "most-390-dark",
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
        file = folder / f"{name}.html"
        file.write_text(make(), encoding="utf-8")
        looks.append(Look(f"{name}-paper", str(file), pdf=str(folder / f"{name}.pdf")))
        for width, scheme in ((1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")):
            look = f"{name}-{width}-{scheme}"
            if look not in AXE and look != f"{name}-390-light":
                continue  # what is too wide is so at 390 first
            looks.append(Look(look, str(file), width=width, dark=scheme == "dark", axe=look in AXE))
    return look_at(looks)


def test_no_report_says_anything_on_the_console_nor_asks_for_anything(seen):
    assert {name: each.messages for name, each in seen.items() if each.messages} == {}
    assert {name: each.requests for name, each in seen.items() if each.requests} == {}


def test_nothing_reaches_beyond_the_width_of_the_report(seen):
    assert {name: each.overflow for name, each in seen.items() if each.overflow > 0} == {}


def test_axe_has_nothing_to_say_of_contrast_names_or_structure(seen):
    assert {name: seen[name].violations for name in AXE if seen[name].violations} == {}


def test_the_carriers_report_is_two_sheets_of_a4_with_all_that_there_may_be(seen):
    pages = {name: seen[f"{name}-paper"].pages for name in ("least", "most", "most-en")}
    assert all(1 <= count <= 2 for count in pages.values()), pages


def test_a_month_of_nine_lines_is_two_sheets_at_most(seen):
    assert 1 <= seen["month-paper"].pages <= 2
