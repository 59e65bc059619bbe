"""Which cities targets are in: written by the /24, read again, and told by how many are there."""

import numpy as np
import pytest

from netsky.targets.cities import Cities, cities_text, read_cities

FIRST = 0x0A190000  # 10.25.0.0
NAMES = ("", "深圳市", "东莞市", "广州市")


def at(*offsets):
    return (FIRST + np.array(offsets)).astype(np.uint32)


def text(offsets, city):
    return cities_text(at(*offsets), np.array(city, np.int32), NAMES)


def test_neighbouring_blocks_of_one_city_are_one_line():
    offsets = [0x001, 0x002, 0x101, 0x201, 0x301, 0x501]
    assert text(offsets, [1, 1, 1, 2, 2, 2]).splitlines() == [
        "10.25.0.0-10.25.1.255  # 深圳市",
        "10.25.2.0-10.25.3.255  # 东莞市",
        "10.25.5.0-10.25.5.255  # 东莞市",
    ]


def test_a_block_is_where_most_of_its_targets_are_and_those_of_no_known_city_do_not_count():
    assert text([1, 2, 3, 4, 5], [2, 1, 2, 0, 0]) == "10.25.0.0-10.25.0.255  # 东莞市\n"
    assert text([1, 2], [0, 0]) == ""
    assert text([], []) == ""


def test_what_is_written_is_read_again(tmp_path):
    file = tmp_path / "cities"
    offsets = [0x001, 0x101, 0x201, 0x501]
    file.write_text("# a head\n" + text(offsets, [1, 2, 2, 3]))
    cities = read_cities(file)
    assert cities.of(at(0x001, 0x0FF)) == ("深圳市",)
    assert cities.of(at(0x001, 0x101, 0x201)) == ("东莞市", "深圳市")
    assert cities.of(at(0x001, 0x101, 0x201, 0x501)) == ("东莞市", "深圳市", "广州市")
    assert cities.of(at(0x400)) == cities.of(at()) == ()
    file.write_text("")
    assert read_cities(file).of(at(1)) == ()


def test_few_targets_are_not_worth_the_name_of_their_city_nor_a_fourth_city_its_own():
    first = at(*range(0, 0x500, 0x100))
    cities = Cities(
        first, first + np.uint32(255), ["深圳市", "东莞市", "广州市", "佛山市", "中山市"]
    )
    many = at(*range(200))
    assert cities.of(np.append(many, at(0x101))) == ("深圳市",)
    assert len(cities.of(first)) == 3


def test_a_name_cannot_break_a_line_nor_reach_the_terminal(tmp_path):
    file = tmp_path / "cities"
    file.write_text(cities_text(at(1), np.array([1], np.int32), ("", "深\n圳\x1b[2J")))
    [name] = read_cities(file).of(at(1))
    assert name.isprintable()
    file.write_text("10.25.0.0-10.25.0.255  # " + "\x1b" + 1000 * "长" + "\n")
    [name] = read_cities(file).of(at(1))
    assert (name.isprintable(), len(name)) == (True, 40)


@pytest.mark.parametrize(
    "line",
    [
        "10.25.0.0/24  # 深圳市",
        "10.25.0.0-10.25.0.255",
        "10.25.0.0-nonsense  # 深圳市",
        "10.25.1.0-10.25.0.255  # 深圳市",
        "10.25.0.0-10.25.0.255  # 深圳市\n10.25.0.0-10.25.0.255  # 深圳市",
    ],
)
def test_what_is_not_as_it_was_written_is_refused(tmp_path, line):
    (tmp_path / "cities").write_text(line + "\n")
    with pytest.raises(ValueError, match="range"):
        read_cities(tmp_path / "cities")
