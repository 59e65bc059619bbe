"""Which lines `--isp` and `--egress` stand for."""

from pathlib import Path

import pytest

from netsky.cli.lines import Lines, StoredLines, several
from netsky.cli.probing import LibraryOptions
from netsky.cli.settings import Settings, read
from netsky.errors import InputError


@pytest.fixture
def settings(tmp_path):
    file = tmp_path / "netsky.toml"
    file.write_text(
        "[egress.unicom-1]\n[egress.telecom-1]\n[egress.spare]\nin_all = false\n"
        "[isp.edu]\nname = '教育网'\n[isp.cm]\nin_all = false\n",
        encoding="utf-8",
    )
    return read(file)


def named(lines):
    return [(isp.slug, egress.name) for isp, egress in lines]


def test_all_are_each_isp_through_each_exit_but_what_is_left_out(settings):
    assert named(Lines("all", "all", settings).each()) == [
        *((isp, "unicom-1") for isp in ("cu", "ct", "edu")),
        *((isp, "telecom-1") for isp in ("cu", "ct", "edu")),
    ]


def test_without_settings_all_are_the_three_carriers_through_the_default_exit():
    lines = Lines("all", "all", Settings()).each()
    assert named(lines) == [(isp, "default") for isp in ("cu", "cm", "ct")]


def test_several_are_named_with_commas_and_count_once(settings):
    lines = Lines("cu, cm,cu", "spare", settings).each()
    assert named(lines) == [("cu", "spare"), ("cm", "spare")]
    assert several(lines) == ["isp"]


def test_an_isp_that_is_left_out_of_all_keeps_its_name(settings):
    [(isp, _)] = Lines("cm", "spare", settings).each()
    assert isp.name == "中国移动"


@pytest.mark.parametrize(
    ("isp", "egress", "message"),
    [("cu,xx", "spare", "unknown ISP 'xx'"), ("cu", "spare,b", "unknown egress 'b'")],
)
def test_each_of_several_names_must_be_known(settings, isp, egress, message):
    with pytest.raises(InputError, match=message):
        Lines(isp, egress, settings).each()


@pytest.mark.parametrize("names", ["", ",", " ，"])
def test_a_list_without_a_name_is_refused_and_stands_neither_for_all_nor_for_none(settings, names):
    with pytest.raises(InputError, match="names no ISP"):
        Lines(names, "spare", settings).each()
    with pytest.raises(InputError, match="names no egress"):
        Lines("cu", names, settings).each()
    with pytest.raises(InputError, match="names no province"):
        LibraryOptions(Path("ipdata"), (names,)).provinces()


def test_all_of_which_each_is_left_out_is_refused(tmp_path):
    file = tmp_path / "netsky.toml"
    isps = "".join(f"[isp.{name}]\nin_all = false\n" for name in ("cu", "cm", "ct"))
    file.write_text(f"[egress.spare]\nin_all = false\n{isps}", encoding="utf-8")
    with pytest.raises(InputError, match="each ISP has in_all = false"):
        Lines("all", "spare", read(file)).each()
    with pytest.raises(InputError, match="each egress has in_all = false"):
        Lines("cu", "all", read(file)).each()


def test_what_is_stored_is_asked_for_all_exits_at_once_where_one_database_has_them(settings):
    lines = StoredLines("cu,ct", "all", settings)
    assert [(isp.slug, egress) for isp, egress in lines.each(by_egress=False)] == [
        ("cu", None),
        ("ct", None),
    ]
    assert [egress for _, egress in StoredLines("cu", "all", settings).each(by_egress=True)] == [
        "unicom-1",
        "telecom-1",
    ]
    assert [egress for _, egress in StoredLines("cu", "spare", settings).each(by_egress=False)] == [
        "spare"
    ]
