"""Both languages say the same, and figures are written so that they promise nothing."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from netsky.page.overview_words import HEADLINES, PAGE
from netsky.page.words import LANGUAGES, Words, beijing, milliseconds, percent, points
from netsky.places import BUILTIN_ISPS, PROVINCES

ZH, EN = (Words(language, HEADLINES, PAGE) for language in LANGUAGES)
NOW = datetime(2026, 11, 24, 19, 12, 20, tzinfo=UTC)


def test_a_table_whose_languages_name_other_values_is_refused():
    with pytest.raises(ValueError, match="broken"):
        Words("zh", {"broken": ("{count} 省", "provinces")})


def test_every_sentence_has_chinese_and_english_in_its_place():
    chinese = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
    for name, (first, second) in (HEADLINES | PAGE).items():
        assert not chinese.search(second), name
        assert first, name
        assert second, name


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "0 秒", "0 s"),
        (59, "59 秒", "59 s"),
        (60, "1 分钟", "1 min"),
        (3600, "1 小时", "1 h"),
        (3661, "1 小时 1 分钟", "1 h 1 min"),
        (90_000, "1 天 1 小时", "1 d 1 h"),
        (-5, "0 秒", "0 s"),
    ],
)
def test_durations_are_in_the_two_largest_units(seconds, chinese, english):
    assert ZH.duration(timedelta(seconds=seconds)) == chinese
    assert EN.duration(timedelta(seconds=seconds)) == english


def test_an_age_of_a_time_to_come_says_so():
    assert ZH.age(NOW - timedelta(seconds=15), NOW) == "15 秒前"
    assert ZH.age(NOW + timedelta(minutes=2), NOW) == "2 分钟后"
    assert EN.age(NOW + timedelta(minutes=2), NOW) == "in 2 min"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (None, "–"),
        (0, "0.0%"),
        (0.0004, "<0.1%"),
        (0.241, "24.1%"),
        (0.9999, ">99.9%"),
        (1, "100.0%"),
    ],
)
def test_a_ratio_is_not_rounded_to_none_or_all(ratio, text):
    assert percent(ratio) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0499, "+4.9"),
        (0.05, "+5.0"),
        (0.0999, "+9.9"),
        (0.1, "+10.0"),
        (-0.22, "−22.0"),
        (0, "+0.0"),
    ],
)
def test_a_rise_is_cut_so_that_a_threshold_is_said_only_when_it_is_reached(ratio, text):
    assert points(ratio) == text


def test_times_are_of_beijing():
    assert beijing(NOW) == "2026-11-25 03:12:20"


def test_latency_has_two_or_three_digits():
    assert [milliseconds(each) for each in (None, 0.0005, 0.0123, 0.3)] == [
        "–",
        "0.50 ms",
        "12.3 ms",
        "300 ms",
    ]


def test_names_of_places_are_in_the_language():
    assert ZH.isp(BUILTIN_ISPS["cu"]) == "中国联通"
    assert EN.isp_short(BUILTIN_ISPS["cu"]) == "Unicom"
    assert len({EN.province(province) for province in PROVINCES}) == 31
