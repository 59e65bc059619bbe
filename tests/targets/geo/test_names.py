"""Names of sources: only what is an ISP and a province of ours, whole."""

import pytest

from netsky.places import PROVINCES
from netsky.targets.geo.names import isp_of, isp_of_list, province_of, province_of_list


@pytest.mark.parametrize(
    ("name", "isp"),
    [
        ("联通", "cu"),
        ("中国联通", "cu"),
        ("网通", "cu"),
        ("移动", "cm"),
        ("铁通", "cm"),
        ("中移铁通", "cm"),
        ("电信", "ct"),
        ("中国电信", "ct"),
    ],
)
def test_the_names_of_the_three_carriers(name, isp):
    assert isp_of(name) == isp


@pytest.mark.parametrize(
    "name",
    [
        "中华电信",
        "远传电信",
        "亚太电信",
        "澳大利亚电信",
        "电信数据中心",
        "电信IDC机房",
        "移动云",
        "联通云",
        "教育网",
        "",
    ],
)
def test_who_only_has_such_a_name_in_his_is_none_of_them(name):
    assert isp_of(name) is None


@pytest.mark.parametrize("province", PROVINCES, ids=lambda province: province.slug)
def test_each_province_is_known_short_and_long(province):
    assert province_of(province.name) is province
    assert province_of(f"{province.name}省") is province
    assert province_of(f"{province.name}市") is province
    assert province_of_list(province.slug) is province


def test_autonomous_regions_and_codes():
    assert province_of("新疆维吾尔自治区").slug == "xinjiang"
    assert province_of("广西壮族自治区").slug == "guangxi"
    assert province_of("宁夏回族自治区").slug == "ningxia"
    assert province_of("内蒙古自治区").slug == "neimenggu"
    assert province_of_list("440000").slug == "guangdong"
    assert province_of_list("610000").slug == "shaanxi"
    assert province_of_list("440100") is None
    assert province_of_list("810000") is None


@pytest.mark.parametrize("name", ["香港", "澳门", "台湾", "台湾省", "香港特别行政区", "0", ""])
def test_what_is_none_of_the_31_falls_out(name):
    assert province_of(name) is None


@pytest.mark.parametrize(
    ("stem", "isp"),
    [("chinanet", "ct"), ("unicom", "cu"), ("CMCC", "cm"), ("中国移动", "cm"), ("chinanet6", None)],
)
def test_lists_by_isp(stem, isp):
    assert isp_of_list(stem) == isp
