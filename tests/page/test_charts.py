"""Charts: what is drawn where, by the thresholds of the alert, and nothing outside of its frame."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from netsky.judging.grading import Thresholds
from netsky.page.names import cut, exit_codes
from netsky.page.overview_words import HEADLINES, PAGE
from netsky.page.shades import shade
from netsky.page.strip import Frame, Tick, strip
from netsky.page.tile_map import PLACES, Caption, Tile, tile_map
from netsky.page.timeline import Level, Moment, scale_top, timeline
from netsky.page.words import Words
from netsky.places import PROVINCES, find_province

ZH = Words("zh", HEADLINES, PAGE)
BEGIN = datetime(2026, 11, 24, 18, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("increase", "name"),
    [
        (None, "sn"),
        (0, "s0"),
        (0.0099, "s0"),
        (0.01, "s1"),
        (0.0249, "s1"),
        (0.025, "s2"),
        (0.0499, "s2"),
        (0.05, "s3"),
        (0.123 - 0.073, "s3"),
        (0.0999, "s3"),
        (0.1, "s4"),
        (1, "s4"),
    ],
)
def test_the_shade_of_a_rise_changes_where_its_grade_does(increase, name):
    assert shade(increase, Thresholds()) == name


def test_thresholds_that_are_set_otherwise_move_the_shades():
    thresholds = Thresholds(elevated=0.02, severe=0.2)
    assert [shade(each, thresholds) for each in (0.019, 0.02, 0.05, 0.2)] == [
        "s0",
        "s3",
        "s3",
        "s4",
    ]


@pytest.mark.parametrize("number", range(0, 60, 3))
def test_the_peak_is_named_beside_its_dot_and_never_over_the_beginning(number):
    """Whenever it is between its beginning in the middle and its end."""
    points = [(BEGIN + minute * MINUTE, 0.2) for minute in range(-60, 61)]
    peak = (BEGIN + number * MINUTE, 0.2, "峰值 24.4%")
    drawn = str(timeline(points, top=0.3, begin=Moment(BEGIN, "开始"), peak=peak, label="x"))
    x, kind = re.search(
        r'<text [^>]*x="([\d.]+)"[^>]*class="(mark[a-z ]*)"[^>]*>峰值', drawn
    ).groups()
    dot = float(re.search(r'<circle cx="([\d.]+)"', drawn)[1])
    begin = float(re.search(r'd="M([\d.]+) \d+V\d+" class="begin"', drawn)[1])
    left, right = (float(x) - 74, float(x)) if kind == "mark end" else (float(x), float(x) + 74)
    assert begin <= left
    assert right <= 440 + 8
    assert min(abs(dot - left), abs(dot - right)) <= 8


@pytest.mark.parametrize("ratio", [0.001, 0.03, 0.07, 0.15, 0.29, 0.33, 0.45, 0.55, 0.7, 0.9])
def test_an_axis_is_divided_at_round_figures(ratio):
    points = [(BEGIN, ratio), (BEGIN + MINUTE, ratio)]
    drawn = str(timeline(points, top=scale_top([ratio]), label="x"))
    ticks = re.findall(r'class="axis end">([\d.]+)%<', drawn)
    steps = {round(float(b) - float(a), 6) for a, b in pairwise(ticks)}
    assert len(steps) == 1
    assert 3 <= len(ticks) <= 6


def test_the_band_of_what_is_usual_is_seen_however_narrow():
    points = [(BEGIN, 0.01), (BEGIN + MINUTE, 0.01)]
    for low, high, height in ((0.1, 0.2, "48"), (0.01, 0.01, "1")):
        drawn = str(timeline(points, top=0.3, band=(low, high), label="x"))
        assert f'height="{height}" class="band"' in drawn


def test_each_province_has_a_tile_of_its_own():
    assert set(PLACES) == set(PROVINCES)
    assert len(set(PLACES.values())) == 31


def test_a_map_shows_each_province_once_and_the_worst_last():
    bad = find_province("hunan")
    svg = tile_map(
        Caption("t", "b", "s", "ok"),
        lambda province: Tile("s4", "+12.0") if province == bad else Tile("s0", "+0.1"),
        label="l",
    )
    assert svg.count("<use ") == 31
    assert svg.index('class="tile s0"') < svg.index('class="tile s4"')
    assert svg.endswith("+12.0</text></g></svg>")


def test_a_day_joins_cells_that_are_alike_and_leaves_calm_ones_to_the_ground():
    worst = find_province("hunan")
    svg = strip(
        lambda province: ["s0"] * 70 + (["s4", "s4"] if province == worst else ["s0", "sn"]),
        frames=[Frame([worst], 70, 72, "now")],
        ticks=[Tick(3, "04:00")],
        label="l",
        words=ZH,
    )
    [severe] = re.findall(r'<path d="([^"]*)" class="cell s4"', svg)
    assert severe.count("M") == 1
    [hatched] = re.findall(r'<path d="([^"]*)" class="cell sn"', svg)
    assert hatched.count("M") == 30
    assert svg.count('class="frame"') == 1
    assert svg.count('class="row"') == 31
    assert ">now<" in svg


def test_frames_of_provinces_far_apart_are_several_and_labels_that_would_meet_are_left_out():
    frames = [
        Frame([PROVINCES[0], PROVINCES[-1]], 10, 12, "one"),
        Frame([PROVINCES[5]], 13, 14, "two"),
    ]
    svg = strip(lambda _: ["s0"] * 72, frames=frames, ticks=[], label="l", words=ZH)
    assert svg.count('class="frame"') == 3
    assert ">two<" in svg
    assert ">one<" not in svg  # the newer one has the room


def test_labels_of_frames_do_not_meet_whichever_way_they_are_written():
    """One that is written to the right, and one at the end of the day that is written to the left."""
    label = "23:53–23:57 湖南等 4 省"
    frames = [
        Frame([PROVINCES[0]], first, first + 1, f"{first} {label}") for first in (10, 20, 56, 71)
    ]
    svg = strip(lambda _: ["s0"] * 72, frames=frames, ticks=[], label="l", words=ZH)
    shown = re.findall(r'<text x="([\d.]+)" y="[\d.]+" class="(mark[^"]*)">(\d+) ', svg)
    assert [first for *_, first in shown] == ["71", "10"]
    (end, _, _), (begin, _, _) = shown
    assert float(end) - float(begin) > 2 * 26 * 6


def test_a_timeline_has_a_gap_where_nothing_was_measured_and_stays_in_its_frame():
    points = [(BEGIN + n * MINUTE, None if n == 5 else 0.3) for n in range(10)]
    svg = timeline(
        points,
        top=0.2,
        levels=[Level(0.01, "usual", "usual"), Level(0.06, "+5", "e3"), Level(0.11, "+10", "e4")],
        begin=Moment(BEGIN - MINUTE, "begin"),
        end=BEGIN + 60 * MINUTE,
        peak=(BEGIN, 0.3, "peak"),
        label="l",
    )
    [path] = re.findall(r'<path d="([^"]*)" class="loss"', svg)
    assert path.count("M") == 2
    heights = {float(each) for each in re.findall(r"[ML][\d.]+ ([\d.]+)", path)}
    assert heights == {22.0}
    assert svg.count('class="level ') == 3


@pytest.mark.parametrize(("most", "top"), [(0, 0.02), (0.02, 0.02), (0.021, 0.05), (0.95, 1.0)])
def test_the_axis_ends_at_a_round_figure_that_all_fit_below(most, top):
    assert scale_top([most]) == top
    assert scale_top([]) == 0.02


def test_codes_of_exits_tell_them_apart():
    assert exit_codes(["unicom-1", "telecom-1"]) == {"unicom-1": "U1", "telecom-1": "T1"}
    assert exit_codes(["unicom-1", "uni-1"]) == {"unicom-1": "A", "uni-1": "B"}
    assert exit_codes(["联通", "b"]) == {"联通": "A", "b": "B"}
    many = exit_codes([f"联通-{number}" for number in range(60)])
    assert len(set(many.values())) == 60


@pytest.mark.parametrize(
    ("text", "width", "cut_"), [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("联通一", 5, "联通…")]
)
def test_a_name_is_cut_to_its_room(text, width, cut_):
    assert cut(text, width) == cut_
