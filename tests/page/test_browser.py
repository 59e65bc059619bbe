"""The pages in a real browser: nothing on the console, nothing asked for, nothing beyond the edge."""

from dataclasses import replace
from functools import partial

import pytest

from netsky.page.overview import overview_page
from netsky.places import ISP, PROVINCES
from testing import overviews
from testing.browser import Look, look_at


def long_names():
    """Names as long as they may be, and as wide."""
    isp = ISP("cu", "中国教育和科研计算机网" * 2, home="w" * 40)
    lines = [overviews.line_state(isp, egress, {}) for egress in ("w" * 40, "联通出口" * 10)]
    slow = replace(lines[0].sweep, latency_seconds=dict.fromkeys(PROVINCES, 0.9))
    lines[0] = replace(lines[0], sweep=slow)
    faulty = overviews.line_state(
        isp,
        "m" * 40,
        {"neimenggu": 88.8, "heilongjiang": 100.0},
        incidents=[overviews.incident("hunan")],
    )
    away = replace(overviews.line_state(isp, "x"), verdict=None, trouble="y" * 300)
    return overviews.overview_of(*lines, faulty, away)


NOW = overviews.AT.timestamp() + 13
PAGES = {
    "night": (overviews.night, "zh"),
    "night-en": (overviews.night, "en"),
    "well": (overviews.well, "zh"),
    "away": (overviews.away, "zh"),
    "none": (overviews.overview_of, "zh"),
    "many": (partial(overviews.many, exits=8), "zh"),
    "names": (long_names, "zh"),
}
SIZES = {"night": (390, 1440), "away": (390, 1440), "many": (390,), "names": (390,)}
AXE = {
    "night-1440-light",
    "night-1440-dark",
    "night-390-light",
    "night-390-dark",
    "away-390-dark",
}
# What no screenshot with anything on it is smaller than.
LEAST_BYTES = 15_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("pages")
    for name, (overview, language) in PAGES.items():
        (made / f"{name}.html").write_text(overview_page(overview(), language))
    return made


@pytest.fixture(scope="module")
def seen(folder):
    """All that is looked at, in one browser."""
    looks = [
        Look(
            f"{name}-{width}-{scheme}",
            str(folder / f"{name}.html"),
            width=width,
            dark=scheme == "dark",
            now=NOW,
            shot=str(folder / f"{name}-{width}-{scheme}.png"),
            axe=f"{name}-{width}-{scheme}" in AXE,
        )
        for name in PAGES
        for width in SIZES.get(name, (1440,))
        for scheme in ("light", "dark")
        if scheme == "light" or name in ("night", "away")
    ]
    night = str(folder / "night.html")
    looks += [
        Look(
            "stale",
            night,
            now=NOW + 1500,
            shot=str(folder / "stale.png"),
            pdf=str(folder / "stale.pdf"),
        ),
        Look("behind", night, now=NOW - 600),
        Look("no-script", night, script=False, shot=str(folder / "no-script.png")),
        Look("paper", night, now=NOW, pdf=str(folder / "night.pdf")),
    ]
    return look_at(looks)


def test_no_page_says_anything_on_the_console_nor_asks_for_anything(seen):
    assert {name: each.messages for name, each in seen.items() if each.messages} == {}
    assert {name: each.requests for name, each in seen.items() if each.requests} == {}


def test_nothing_reaches_beyond_the_width_of_the_page_nor_beyond_its_tile(seen):
    assert {name: each.overflow for name, each in seen.items() if each.overflow > 0} == {}
    assert {name: each.wide for name, each in seen.items() if each.wide} == {}


def test_axe_has_nothing_to_say_of_contrast_names_or_structure(seen):
    assert {name: seen[name].violations for name in AXE if seen[name].violations} == {}


def test_every_picture_has_something_on_it(seen, folder):
    pictures = list(folder.glob("*.png"))
    assert len(pictures) > 10
    assert [file.name for file in pictures if file.stat().st_size < LEAST_BYTES] == []


def test_a_fresh_page_tells_its_age_and_a_stale_one_cannot_be_overlooked(seen):
    fresh, stale = seen["night-1440-light"], seen["stale"]
    assert "13 秒前" in fresh.text
    assert not fresh.is_stale
    assert "画面停在" not in fresh.text
    assert stale.is_stale
    assert "■ 画面停在 25 分钟前（03:12:20）：下面不是现在的情况" in stale.text
    assert stale.title.startswith("■ 停在 25 分钟前")


def test_a_clock_that_is_behind_is_told(seen):
    assert "■ 您的时钟比本页慢 9 分钟" in seen["behind"].text
    assert not seen["behind"].is_stale


def test_on_paper_it_is_three_sheets_of_a4_and_says_when_it_has_stopped(seen):
    assert seen["paper"].pages <= 3
    assert seen["paper"].banner == ""
    assert seen["stale"].pages <= 3
    assert seen["stale"].banner.startswith("■ 画面停在 25 分钟前（03:12:20）")
