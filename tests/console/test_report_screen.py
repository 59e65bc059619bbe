"""The overview on a terminal of 80 columns and 24 lines: it fits, whatever there is to say."""

import io
from dataclasses import replace
from functools import partial

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from netsky.console.report_overview import OverviewView
from testing import overviews

COLUMNS, LINES = 80, 24


def everything_is_wrong():
    """Each line has an incident of all provinces, a long name and a long story."""
    every = {province.slug: 90.0 for province in overviews.PROVINCES}
    return overviews.overview_of(
        *(
            overviews.line_state(
                isp, "w" * 39 + str(number), every, incidents=[overviews.incident(*every)]
            )
            for isp in overviews.ISPS
            for number in range(3)
        ),
        overviews.LineState(overviews.ISPS[0], "x" * 40, trouble="y" * 500),
    )


ALL = {
    "night": overviews.night,
    "well": overviews.well,
    "away": overviews.away,
    "none": overviews.overview_of,
    "many": partial(overviews.many, exits=30),
    "one": lambda: overviews.overview_of(*overviews.night().lines[:1]),
    "all": everything_is_wrong,
}


def shown(overview):
    """The lines of the terminal."""
    console = Console(width=COLUMNS, height=LINES, file=io.StringIO(), highlight=False)
    for part in OverviewView(overview).screen():
        console.print(part, soft_wrap=isinstance(part, Text))
    return [row for line in console.file.getvalue().splitlines() for row in wrapped(line)]


def wrapped(line):
    """As a terminal breaks it: a wide character does not begin in the last column."""
    rows = [""]
    for each in line:
        if cell_len(rows[-1] + each) > COLUMNS:
            rows.append("")
        rows[-1] += each
    return rows


def north(lines):
    """The row of seven tiles that begins with Xinjiang."""
    return next(line for line in lines if line.startswith("新疆"))


@pytest.mark.parametrize("name", ALL)
def test_it_fits_with_a_line_for_the_prompt(name):
    lines = shown(ALL[name]())
    assert len(lines) < LINES, "\n".join(lines)
    assert name == "none" or sum("新疆" in line for line in lines) == 1


def test_a_fault_is_there_with_its_incident_the_exit_to_use_and_what_is_not_to_be_trusted():
    text = "\n".join(shown(overviews.night()))
    for said in (
        "▲ 联通用户经 unicom-1 丢包，已 42 分钟",
        "▲ 联通×unicom-1 广东、广西、海南，已 42 分钟，最高 +23.5",
        "省宜改走：广东→mobile-1 −2",
        "■ 数据旧 电信×mobile-1：没有新数据，未判定。",
        "广东   23?",
        "海南  7.4?",
        "联通×unicom-1  ▲ 3 省升高",
    ):
        assert said in text, said


def test_a_tile_of_which_nothing_is_judged_says_why_and_one_that_is_judged_in_part_is_marked():
    fresh, stale = overviews.well().lines[0], overviews.line_state(overviews.ISPS[1], "b", age=900)
    assert "新疆    旧" in "\n".join(shown(overviews.overview_of(stale)))
    both = shown(overviews.overview_of(fresh, stale))
    assert north(both).count("?") == 7
    well = shown(overviews.overview_of(fresh))
    assert "?" not in north(well)
    tainted = shown(overviews.overview_of(replace(fresh, sweep=replace(fresh.sweep, tainted=True))))
    assert north(tainted).count("?") == 7
    unread = replace(stale, verdict=None, trouble="away")
    away = shown(overviews.overview_of(fresh, unread))
    assert north(away).count("?") == 7


def test_lines_that_have_no_room_are_counted():
    text = "\n".join(shown(overviews.many(exits=30)))
    assert "… 另有" in text
