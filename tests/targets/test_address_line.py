"""The forms in which people write addresses: taken where there is one meaning, else a hint."""

import re
from ipaddress import IPv4Address

import pytest

from netsky.targets.address_line import parse_line


def read(line):
    return [(str(IPv4Address(first)), str(IPv4Address(last))) for first, last in parse_line(line)]


@pytest.mark.parametrize("line", ["", "  \t", "# 192.0.2.1", "\u3000＃ 北京"])
def test_a_line_without_an_entry_stands_for_nothing(line):
    assert read(line) == []


@pytest.mark.parametrize(
    "line",
    [
        "192.0.2.1\t广东 联通",
        "192.0.2.1 guangdong-1",
        "192.0.2.1,广东,联通,AS64500",
        "192.0.2.1；广东",
        "192.0.2.1\u3000广东",
        "192.0.2.1|广东|联通",
        "192.0.2.1 is alive",
        "192.0.2.1 广东 # 2024-05-06",
    ],
)
def test_text_behind_an_address_is_a_comment(line):
    assert read(line) == [("192.0.2.1", "192.0.2.1")]


@pytest.mark.parametrize(
    "line",
    [
        "192.0.2.0/255.255.255.0",
        "192.0.2.0 255.255.255.0",
        "192.0.2.0,255.255.255.0",
        "192.0.2.0\t255.255.255.0\t广东",
        "192.0.2.0/0.0.0.255",
        "192.0.2.0 0.0.0.255",
        "192.000.002.000 255.255.255.000",
        "192.0.2.0 /24",
        "192.0.2.0／２４",
        "192.0.2.0-255",
        "192.0.2.0 - 192.0.2.255",
        "192.0.2.0~192.0.2.255",
        "192.0.2.0～255",
        "192.0.2.0—192.0.2.255",
        "192.0.2.0－192.0.2.255 广东",
        "１９２．０．２．０－１９２．０．２．２５５",
        "192。0。2。0/24",
    ],
)
def test_a_block_may_be_written_in_many_ways(line):
    assert read(line) == [("192.0.2.0", "192.0.2.255")]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("192.000.002.001", "192.0.2.1"),
        ("192.0.2.01", "192.0.2.1"),
        ("058.020.099.001", "58.20.99.1"),  # 8 and 9 are in no octal number
    ],
)
def test_zeros_in_front_are_read_over_when_octal_is_no_other_address(line, address):
    assert read(line) == [(address, address)]


@pytest.mark.parametrize(
    ("line", "ranges"),
    [
        ("192.0.2.1 192.0.2.2", [("192.0.2.1",) * 2, ("192.0.2.2",) * 2]),
        ("192.0.2.1, 192.0.2.9, 192.0.2.5", [(f"192.0.2.{i}",) * 2 for i in (1, 9, 5)]),
        ("192.0.2.0/31、192.0.2.8-9", [("192.0.2.0", "192.0.2.1"), ("192.0.2.8", "192.0.2.9")]),
    ],
)
def test_several_entries_in_a_line_stand_for_each_of_them(line, ranges):
    assert read(line) == ranges


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("192.0.2.1 192.0.2.9", "Write 192.0.2.1-192.0.2.9, or each on a line of its own"),
        ("192.0.2.9,192.0.2.1", "Write 192.0.2.1-192.0.2.9, or each on a line of its own"),
        ("192.0.2.1\t192.0.2.9\t广东", "Write 192.0.2.1-192.0.2.9"),
        ("192.0.2.0|192.0.2.255|中国|广东省", "Write 192.0.2.0-192.0.2.255"),
        ("192.168.010.001", "may be octal: did you mean 192.168.10.1?"),
        ("192.0.2.5 255.255.255.0", "did you mean 192.0.2.0/24?"),
        ("192.0.2.*", "did you mean 192.0.2.0/24?"),
        ("192.0.2.0/24 255.255.255.0", "write ADDRESS/NETMASK"),
        ("192.0.2.5 255.255.255.0 192.0.2.1", "write ADDRESS/NETMASK"),
        ("192.0.2.1 24", "'24' stands behind the address: put a # before text"),
        ("192.0.2.1 to 192.0.2.9", "'to 192.0.2.9' stands behind the address"),
        ("192.0.2.1 (广东)", "put a # before text"),
        ("广东 192.0.2.1", "write the address first"),
        ("192.0.2.1:80", "write it without a port"),
        ("192.0.2.0/25, 2001:db8::1", "IPv6 is not supported"),
        ("10.0.0.0 254.0.0.0", "is it a range, or are they two addresses?"),
        ("10.0.0.0/0.0.0.0", "no prefix length of 0 to 32, and no netmask"),
    ],
)
def test_what_could_mean_two_things_is_refused_with_the_form_that_is_right(line, hint):
    with pytest.raises(ValueError, match=re.escape(hint)):
        parse_line(line)
