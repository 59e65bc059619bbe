"""Each form of source: told by its content, read whole, and refused in one line when it is broken."""

from dataclasses import astuple
from ipaddress import IPv4Address

import pytest

from netsky.errors import SourceError
from netsky.targets.geo import read_source
from testing import geo

FORMS = {
    "text": (geo.ip2region_text().encode(), "ip2region text"),
    "text of 2026": (geo.ip2region_text(country_code=True).encode(), "ip2region text"),
    "text from Windows": (
        b"\xef\xbb\xbf" + geo.ip2region_text().replace("\n", "\r\n").encode(),
        "ip2region text",
    ),
    "xdb 2": (geo.xdb(), "ip2region xdb"),
    "xdb 3": (geo.xdb(version=3), "ip2region xdb"),
    "ipdb": (geo.ipdb(), "IPIP ipdb"),
    "csv": (geo.csv_text().encode(), "CSV"),
}
CHINA = [
    ("1.0.1.0", "1.0.3.255", ("福建省", "福州市", "电信")),
    ("1.0.8.0", "1.0.15.255", ("广东省", "广州市", "联通")),
    ("1.0.16.0", "1.0.16.255", ("广东省", "深圳市", "移动")),
    ("1.0.17.0", "1.0.17.127", ("广西", "", "铁通")),
    ("1.1.0.0", "1.1.0.255", ("台湾省", "台北市", "中华电信")),
    ("1.1.1.0", "1.1.1.255", ("香港", "", "电信")),
]


@pytest.fixture
def read(tmp_path):
    def read_bytes(data):
        file = tmp_path / "no name tells its form"
        file.write_bytes(data)
        return read_source(file)

    return read_bytes


def rows_of(table):
    """The rows that say something: first, last, label."""
    rows = zip(table.first.tolist(), table.last.tolist(), table.label.tolist(), strict=True)
    return [
        (str(IPv4Address(first)), str(IPv4Address(last)), astuple(table.labels[label]))
        for first, last, label in rows
        if any(astuple(table.labels[label]))
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_form_is_told_by_its_content_and_read_whole(read, form):
    data, kind = FORMS[form]
    source = read(data)
    table = source.table
    assert (table.kind, source.size, len(source.sha256)) == (kind, len(data), 64)
    assert rows_of(table) == CHINA


def test_the_day_on_which_it_was_made_is_told(read):
    assert read(geo.xdb(built=1709087558)).table.built == "2024-02-28"
    assert read(geo.ipdb()).table.built == "2024-02-28"
    assert read(geo.xdb()).table.built is None


def test_neighbours_of_one_label_are_one_row(read):
    label = "中国|0|福建省|福州市|电信"
    halves = [("1.0.2.0", "1.0.2.255", label), ("1.0.1.0", "1.0.1.255", label)]
    assert read(geo.xdb(halves)).table.rows == 1
    assert read(geo.ip2region_text(halves).encode()).table.rows == 1


LABEL = "中国|0|福建省|福州市|电信"
OVERLAPPING = [("1.0.2.0", "1.0.2.255", LABEL), ("1.0.0.0", "1.0.2.0", LABEL)]
BACKWARDS = [("1.0.2.0", "1.0.1.0", LABEL)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "it is of no form that is known: ip2region's text"),
        (b"1.0.0.0,1.0.0.255,x\n", "it is of no form that is known"),
        (b"\0\1\2\3" * 3000, "it is of no form that is known"),
        (geo.ip2region_text().encode("gb18030"), "line 1 is not UTF-8: save it as UTF-8 (iconv"),
        (geo.xdb()[:-1], "it is cut off: its table ends at byte"),
        (geo.xdb(version=3, family=6), "it is an xdb of IPv6: take the one of IPv4"),
        (geo.xdb([("1.0.0.0", "1.0.0.9", "中国|福建")]), "'中国|福建' has not 5 columns"),
        (geo.xdb(OVERLAPPING), "row 2 overlaps row 1: which is right?"),
        (geo.xdb(BACKWARDS), "row 1: the range ends before it starts"),
        (geo.ip2region_text(OVERLAPPING).encode(), "range 2 overlaps range 1: which is right?"),
        (geo.ip2region_text().encode() + b"1.0.0.1|x|0\n", "line 9: '1.0.0.1|x|0' does not begin"),
        (geo.ip2region_text().encode() + b"2.0.0.1|2.0.0.2|x|y\n", "'x|y' has not 5 columns"),
        (geo.csv_text().encode() + b"2.0.0.1,2.0.0\n", "line 8: '2.0.0' is not an IPv4 address"),
        (geo.csv_text().encode() + b"2.0.0.1,2.0.0.2\n", "line 8: "),
        (geo.ipdb()[:-1], "it is cut off: it should have"),
        (geo.ipdb(ip_version=2), "it is an ipdb of IPv6 only"),
        (geo.ipdb(languages={"EN": 0}), "it has no names in the language CN, but ['EN']"),
        (
            geo.ipdb(fields=["country_name", "region_name", "city_name"]),
            "the free file is not enough",
        ),
        (geo.ipdb(node_count="many"), "its description is broken (ValueError in the JSON)"),
        (geo.ip2region_text([]).encode(), "it is of no form that is known"),
        (geo.ipdb([]), "it has no IPv4 addresses"),
    ],
)
def test_what_is_broken_is_told_with_the_file_and_the_place(read, tmp_path, data, message):
    with pytest.raises(SourceError) as refusal:
        read(data)
    assert str(refusal.value).startswith(f"{tmp_path}/no name tells its form: ")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_source_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SourceError, match="none: No such file or directory"):
        read_source(tmp_path / "none")


# A folder of CIDR lists


@pytest.fixture
def lists(tmp_path):
    def write(**files):
        for name, text in files.items():
            file = tmp_path / "lists" / name.replace("__", "/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.with_suffix(".txt").write_text(text, encoding="utf-8")
        return tmp_path / "lists"

    return write


def test_lists_by_isp_and_by_province_have_in_common_what_is_where(lists):
    folder = lists(
        isp__chinanet="1.0.0.0/16\n",
        isp__unicom="2.0.0.0/16\n2.0.1.0/24\n",
        isp__other="9.0.0.0/8\n",
        cncity__440000="1.0.1.0/24\n2.0.0.0/15\n",
        cncity__450100="1.0.2.0/24\n",
        guangxi="1.0.3.0/24\n",
    )
    source = read_source(folder)
    assert (source.table.kind, source.sha256) == ("CIDR lists", None)
    assert rows_of(source.table) == [
        ("1.0.1.0", "1.0.1.255", ("广东", "", "电信")),
        ("1.0.3.0", "1.0.3.255", ("广西", "", "电信")),
        ("2.0.0.0", "2.0.255.255", ("广东", "", "联通")),
    ]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"chinanet": "1.0.0.0/16\n"}, "no list in it is named after a province"),
        ({"guangdong": "1.0.0.0/16\n"}, "no list in it is named after an ISP"),
        (
            {"chinanet": "1.0.0.0/16\n", "cmcc": "1.0.0.0/24\n", "hunan": "1.0.0.0/8\n"},
            "which is right?",
        ),
        ({"chinanet": "1.0.0.0/16\nx\n", "hunan": "1.0.0.0/8\n"}, "1 bad line(s) in "),
    ],
)
def test_lists_that_do_not_fit_are_refused(lists, files, message):
    with pytest.raises(SourceError, match=message.replace("(", r"\(").replace(")", r"\)")):
        read_source(lists(**files))
