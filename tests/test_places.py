"""The ISPs and provinces, and how they are asked for."""

import pytest

from netsky.errors import InputError
from netsky.places import BUILTIN_ISPS, ISP, PROVINCES, find_isp, find_province, find_provinces


def test_there_are_31_provinces_with_distinct_slugs_and_names():
    assert len(PROVINCES) == 31
    assert len({province.slug for province in PROVINCES}) == 31
    assert len({province.name for province in PROVINCES}) == 31


@pytest.mark.parametrize("name", ["shaanxi", "shannxi", "陕西"])
def test_a_province_is_found_by_slug_old_spelling_and_chinese_name(name):
    assert find_province(name).slug == "shaanxi"


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Guangdong", "guangdong"),
        ("广东省", "guangdong"),
        ("北京市", "beijing"),
        ("内蒙古自治区", "neimenggu"),
        ("广西壮族自治区", "guangxi"),
        ("广西自治区", "guangxi"),
        ("新疆维吾尔自治区", "xinjiang"),
    ],
)
def test_a_province_is_found_by_its_official_name_and_in_capitals(name, slug):
    assert find_province(name).slug == slug


def test_several_provinces_may_stand_in_one_text_and_count_once():
    found = find_provinces(["广东,湖南", "hunan、河北省，湖北"])
    assert [province.slug for province in found] == ["guangdong", "hunan", "hebei", "hubei"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("guandong", "guangdong"), ("Guangdon", "guangdong"), ("黑龙省", "黑龙江省")],
)
def test_a_slip_in_a_province_is_told_with_what_is_meant(name, meant):
    with pytest.raises(InputError, match=f"unknown province '{name}'; 是不是 {meant}？known"):
        find_province(name)


@pytest.mark.parametrize("name", ["cu", "CU", "联通", "中国联通"])
def test_an_isp_is_found_by_slug_in_any_case_and_by_its_names(name):
    assert find_isp(name, {}) is BUILTIN_ISPS["cu"]


def test_a_slip_in_an_isp_is_told_with_what_is_meant():
    with pytest.raises(InputError, match="unknown ISP '中国连通'; 是不是 中国联通？known ISPs"):
        find_isp("中国连通", {})


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
