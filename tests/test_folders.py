"""A folder put in the place of another: whoever reads it sees the one or the other, whole."""

import os
import shutil
import threading

import pytest

from netsky import folders
from netsky.folders import put_in_place

FILES = 5


def write(folder, text):
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(text)
    return folder


@pytest.fixture(params=["exchange", "two renames"])
def way(request, monkeypatch):
    if request.param == "two renames":
        monkeypatch.setattr(folders, "_exchange", lambda _one, _other: False)
    return request.param


def test_the_new_one_is_there_and_the_old_one_kept(tmp_path, way):
    live, former = tmp_path / "live", tmp_path / "former"
    put_in_place(write(tmp_path / "new", "1"), live, former)
    assert not former.exists()
    put_in_place(write(tmp_path / "new", "2"), live, former)
    assert {file.read_text() for file in live.iterdir()} == {"2"}
    assert {file.read_text() for file in former.iterdir()} == {"1"}
    assert not (tmp_path / "new").exists()


def test_when_it_cannot_be_done_the_old_one_stays(tmp_path, way):
    live = write(tmp_path / "live", "1")
    with pytest.raises(OSError):
        put_in_place(tmp_path / "none", live, tmp_path / "former")
    assert {file.read_text() for file in live.iterdir()} == {"1"}


def looks_while_it_is_replaced(tmp_path):
    """Whether the folder was there, look by look, while it was replaced again and again."""
    live, former = write(tmp_path / "live", "0"), tmp_path / "former"
    looks, done = [], threading.Event()

    def watch():
        while not done.is_set():
            looks.append(os.path.exists(live / "0.txt"))  # noqa: PTH110

    watcher = threading.Thread(target=watch)
    watcher.start()
    for turn in range(40):
        put_in_place(write(tmp_path / "new", str(turn)), live, former)
        shutil.rmtree(former)
    done.set()
    watcher.join()
    return looks


def test_it_is_there_at_every_moment_where_the_kernel_can_exchange(tmp_path):
    looks = looks_while_it_is_replaced(tmp_path)
    assert all(looks)
    assert len(looks) > 100


def test_two_renames_hide_it_for_moments_only(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "_exchange", lambda _one, _other: False)
    looks = looks_while_it_is_replaced(tmp_path)
    assert sum(looks) > len(looks) / 2
