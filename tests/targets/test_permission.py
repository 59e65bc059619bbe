"""The last gate: what may be asked at all."""

import numpy as np
import pytest

from netsky.errors import LibraryError
from netsky.places import BUILTIN_ISPS
from netsky.targets.candidates import Candidates
from netsky.targets.permission import Permission
from testing.answering import candidates

CU = BUILTIN_ISPS["cu"]


def at(*texts):
    return np.array([int.from_bytes(map(int, text.split("."))) for text in texts], np.uint32)


def one_range(first, last):
    few = candidates(blocks=2, provinces=1)
    return Candidates(at(first), at(last), few.isp[:1], few.province[:1], few.city[:1], few.cities)


def test_candidates_may_be_asked_but_no_first_nor_last_address_of_a_block(tmp_path):
    permission = Permission(CU, one_range("1.0.0.0", "1.0.0.255"), tmp_path, lab=False)
    asked = at("0.255.255.255", "1.0.0.0", "1.0.0.1", "1.0.0.254", "1.0.0.255", "1.0.1.1")
    assert permission.allows(asked).tolist() == [False, False, True, True, False, False]
    permission.check(asked[2:4])
    with pytest.raises(LibraryError, match=r"1.0.1.1 the first.*nothing was sent"):
        permission.check(at("1.0.0.1", "1.0.1.1"))


def test_what_is_new_in_exclude_txt_counts_at_once(tmp_path):
    permission = Permission(CU, one_range("1.0.0.0", "1.0.255.255"), tmp_path, lab=False)
    asked = at("1.0.7.1", "1.0.8.1")
    assert permission.allows(asked).all()
    (tmp_path / "exclude.txt").write_text("1.0.8.0/24\n")
    assert permission.allows(asked).tolist() == [True, False]
    with pytest.raises(LibraryError):
        permission.check(asked)


def test_when_exclude_txt_has_vanished_nothing_may_be_asked(tmp_path):
    (tmp_path / "exclude.txt").write_text("1.0.8.0/24\n")
    permission = Permission(CU, one_range("1.0.0.0", "1.0.255.255"), tmp_path, lab=False)
    permission.allows(at("1.0.7.1"))
    (tmp_path / "exclude.txt").unlink()
    with pytest.raises(LibraryError, match="is gone"):
        permission.allows(at("1.0.7.1"))


def test_a_bad_line_in_exclude_txt_stops_all(tmp_path):
    (tmp_path / "exclude.txt").write_text("1.0.8.0/240\n")
    permission = Permission(CU, one_range("1.0.0.0", "1.0.255.255"), tmp_path, lab=False)
    with pytest.raises(LibraryError, match="1 bad line"):
        permission.allows(at("1.0.7.1"))


@pytest.mark.parametrize("reserved", ["10.0.0.0", "192.168.1.0", "127.0.0.0", "100.64.0.0"])
def test_reserved_candidates_are_refused_whole(tmp_path, reserved):
    last = reserved.removesuffix("0") + "255"
    with pytest.raises(LibraryError, match=r"is reserved; one of a lab\? Then say --lab"):
        Permission(CU, one_range(reserved, last), tmp_path, lab=False)


def test_a_range_that_runs_into_reserved_ones_is_not_asked_there(tmp_path):
    permission = Permission(CU, one_range("9.255.0.0", "10.0.255.255"), tmp_path, lab=False)
    assert permission.allows(at("9.255.0.1", "10.0.0.1")).tolist() == [True, False]


def test_with_lab_only_a_lab_may_be_asked(tmp_path):
    permission = Permission(CU, one_range("10.16.0.0", "10.16.0.255"), tmp_path, lab=True)
    assert permission.allows(at("10.16.0.1")).all()
    with pytest.raises(LibraryError, match="no address of a lab"):
        Permission(CU, one_range("1.0.0.0", "1.0.0.255"), tmp_path, lab=True)
