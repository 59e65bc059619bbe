"""The ISPs and provinces, and how they are asked for."""

import pytest

from netsky.errors import InputError
from netsky.places import BUILTIN_ISPS, ISP, PROVINCES, find_isp, find_province


def test_there_are_31_provinces_with_distinct_slugs_and_names():
    assert len(PROVINCES) == 31
    assert len({province.slug for province in PROVINCES}) == 31
    assert len({province.name for province in PROVINCES}) == 31


@pytest.mark.parametrize("name", ["shaanxi", "shannxi", "陕西"])
def test_a_province_is_found_by_slug_old_spelling_and_chinese_name(name):
    assert find_province(name).slug == "shaanxi"


def test_an_unknown_province_is_refused_with_the_list_of_known_ones():
    with pytest.raises(InputError, match=r"unknown province 'guandong'.*guangdong 广东"):
        find_province("guandong")


def test_an_isp_of_the_settings_stands_beside_those_built_in():
    edu = ISP("edu", "教育网")
    assert find_isp("edu", {"edu": edu}) is edu
    assert find_isp("cu", {"edu": edu}) == BUILTIN_ISPS["cu"]


def test_an_unknown_isp_is_refused_with_the_list_of_known_ones():
    with pytest.raises(InputError, match=r"unknown ISP 'xx'.*cu 中国联通.*edu 教育网"):
        find_isp("xx", {"edu": ISP("edu", "教育网")})
