"""Candidates on disk: always of one build, whatever happens while they are written."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from netsky.errors import LibraryError
from netsky.targets import candidate_files
from netsky.targets.candidate_files import BuildRecord, SourceRecord, load, load_record, save
from netsky.targets.candidates import build
from netsky.targets.geo import read_source
from testing import geo

RECORD = BuildRecord(
    built_at="2026-11-25T12:00:00+00:00",
    sources=[SourceRecord("/x", "CSV", 5, "2024-02-28", "ab" * 32, 7, "Apache-2.0")],
)


@pytest.fixture
def candidates(tmp_path):
    file = tmp_path / "geo"
    file.write_text(geo.ip2region_text(), encoding="utf-8")
    return build([read_source(file)], {}).candidates


def test_what_is_saved_is_loaded_again(tmp_path, candidates):
    assert (load(tmp_path / "library"), load_record(tmp_path / "library")) == (None, None)
    save(tmp_path / "library", candidates, RECORD)
    again = load(tmp_path / "library")
    for name in ("first", "last", "isp", "province"):
        np.testing.assert_array_equal(getattr(again, name), getattr(candidates, name))
    assert load_record(tmp_path / "library") == RECORD
    assert (
        tmp_path / "library/candidates/ct/fujian.txt"
    ).read_text() == "1.0.1.0-1.0.3.255  # 福州市\n"


def test_a_name_of_a_city_with_a_line_break_adds_no_range(tmp_path):
    file = tmp_path / "geo"
    file.write_text(
        "start,end,province,city,isp\n"
        '1.0.0.0,1.0.3.255,广东,"广州\n9.9.9.9-9.9.9.200  # x",联通\n'
        "1.0.4.0,1.0.7.255,广东,\x1b[31m深圳,移动\n",
        encoding="utf-8",
    )
    built = build([read_source(file)], {}).candidates
    save(tmp_path / "library", built, RECORD)
    again = load(tmp_path / "library", cities=True)
    assert again.last.tolist() == built.last.tolist()
    assert again.cities == ("", "广州 9.9.9.9-9.9.9.200  # x", "\\x1b[31m深圳")


def test_nothing_but_the_candidates_is_left_behind(tmp_path, candidates):
    for _ in range(2):
        save(tmp_path / "library", candidates, RECORD)
    assert [each.name for each in (tmp_path / "library").iterdir()] == ["candidates"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"sources": []}', '{"built_at": 1, "sources": [{}]}']
)
def test_a_record_that_is_broken_is_told(tmp_path, candidates, text):
    save(tmp_path, candidates, RECORD)
    (tmp_path / "candidates/sources.json").write_text(text)
    with pytest.raises(LibraryError, match=r"sources.json is broken: build the candidates anew"):
        load_record(tmp_path)


def test_a_line_that_is_broken_is_told(tmp_path, candidates):
    save(tmp_path, candidates, RECORD)
    (tmp_path / "candidates/ct/fujian.txt").write_text("1.2.3\n")
    with pytest.raises(LibraryError, match="1 bad line"):
        load(tmp_path)


SAVE_FOREVER = """
import pathlib, sys
from netsky.targets.candidate_files import load, load_record, save
directory = pathlib.Path(sys.argv[1])
candidates, record = load(directory), load_record(directory)
print("ready", flush=True)
while True:
    save(directory, candidates, record)
"""


def test_killed_at_any_moment_they_are_whole(tmp_path, candidates):
    save(tmp_path, candidates, RECORD)
    rng = np.random.default_rng(1)
    for seconds in rng.uniform(0, 0.05, 8):
        with subprocess.Popen(
            [sys.executable, "-c", SAVE_FOREVER, str(tmp_path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout.readline() == b"ready\n"
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(seconds)
            process.send_signal(signal.SIGKILL)
        assert load_record(tmp_path) == RECORD
        np.testing.assert_array_equal(load(tmp_path).first, candidates.first)
    save(tmp_path, candidates, RECORD)
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_on_a_full_disk_those_that_were_there_stay(tmp_path, candidates, monkeypatch):
    save(tmp_path, candidates, RECORD)

    def full(_path):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(candidate_files, "sync", full)
    with pytest.raises(LibraryError, match="No space left on device; those that were there"):
        save(tmp_path, candidates, RECORD)
    assert load_record(tmp_path) == RECORD
    monkeypatch.undo()
    save(tmp_path, candidates, RECORD)
