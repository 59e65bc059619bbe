"""A library is replaced at once, only where it was written here, and there is a way back."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from netsky.errors import InputError, LibraryError
from netsky.places import find_province
from netsky.targets import library, publishing
from netsky.targets.cities import CITIES_FILE, read_cities
from testing.faults.disk import mount_disk
from testing.netns import needs_root

HUNAN, HUBEI = find_province("hunan"), find_province("hubei")


DEFAULTS = {"cities": "", "replace": False, "now": 0.0}
CITIES = "1.0.0.0-1.0.3.255  # 长沙市\n"


def addresses(first, count):
    return np.arange(first, first + count).astype(np.uint32)


def publish(folder, first=1 << 24, count=10, **options):
    targets = {HUNAN: addresses(first, count), HUBEI: addresses(first + 1000, count)}
    publishing.publish(folder, "cu", targets, **DEFAULTS | options)


def test_what_is_published_is_what_the_probe_reads(tmp_path):
    publish(tmp_path)
    found = library.load(tmp_path, "cu")
    assert [province.slug for province in found.provinces] == ["hubei", "hunan"]
    assert found.addresses[found.slice_of(1)].tolist() == addresses(1 << 24, 10).tolist()
    assert publishing.read_published(tmp_path, "cu").keys() == {HUNAN, HUBEI}
    assert publishing.published_at(tmp_path, "cu").timestamp() == 0


def test_cities_are_beside_it_and_go_where_it_goes(tmp_path):
    file = tmp_path / "cu" / CITIES_FILE
    publish(tmp_path)
    assert not file.exists()
    publish(tmp_path, cities=CITIES)
    assert library.load(tmp_path, "cu").targets == 20
    assert read_cities(file).of(addresses(1 << 24, 10)) == ("长沙市",)
    publish(tmp_path)
    assert not file.exists()
    publishing.roll_back(tmp_path, "cu")
    assert file.exists()
    file.write_text(CITIES)
    with pytest.raises(InputError, match="was changed since"):
        publish(tmp_path)


def test_the_one_before_comes_back_and_forth(tmp_path):
    publish(tmp_path, count=10)
    publish(tmp_path, count=20)
    for count in (10, 20, 10):
        publishing.roll_back(tmp_path, "cu")
        assert library.load(tmp_path, "cu").targets == 2 * count


def test_without_one_before_there_is_no_way_back(tmp_path):
    publish(tmp_path)
    with pytest.raises(LibraryError, match="no library before"):
        publishing.roll_back(tmp_path, "cu")


@pytest.mark.parametrize(
    "write",
    [
        lambda folder: (folder / "hunan.txt").write_text("1.0.0.1\n"),
        lambda folder: (folder / "jilin.txt").write_text("1.2.0.1\n"),
        lambda folder: (folder / "note").write_text("hands off"),
        lambda folder: os.truncate(folder / "hunan.txt", 100),
    ],
)
def test_what_a_person_wrote_is_only_replaced_when_told_to(tmp_path, write):
    publish(tmp_path)
    write(tmp_path / "cu")
    with pytest.raises(InputError, match="say --replace"):
        publish(tmp_path, count=20)
    assert publishing.read_published(tmp_path, "cu") == {}
    publish(tmp_path, count=20, replace=True)
    assert library.load(tmp_path, "cu").targets == 40


def test_what_a_person_wrote_is_put_away_and_never_deleted(tmp_path):
    (tmp_path / "cu").mkdir()
    (tmp_path / "cu/hunan.txt").write_text("1.0.0.1\n")
    publish(tmp_path, replace=True)
    assert (tmp_path / ".cu.former/hunan.txt").read_text() == "1.0.0.1\n"
    for count in (20, 30, 40):
        publish(tmp_path, count=count)
    (kept,) = tmp_path.glob(".cu.by-hand-*")
    assert (kept / "hunan.txt").read_text() == "1.0.0.1\n"
    assert library.load(tmp_path, "cu").targets == 80
    publishing.roll_back(tmp_path, "cu")
    assert library.load(tmp_path, "cu").targets == 60


def test_a_folder_that_cannot_be_written_leaves_the_library_as_it_was(tmp_path, monkeypatch):
    publish(tmp_path)

    def full(_folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publishing, "sync", full)
    with pytest.raises(LibraryError, match="No space left on device; it is as it was before"):
        publish(tmp_path, count=20)
    assert library.load(tmp_path, "cu").targets == 20
    monkeypatch.undo()
    publish(tmp_path, count=20)
    assert library.load(tmp_path, "cu").targets == 40


@needs_root
def test_on_a_full_disk_the_library_stays_and_so_does_the_one_before(tmp_path):
    (tmp_path / "disk").mkdir()
    with mount_disk(tmp_path / "disk") as disk:
        folder = disk.path("ipdata")
        for count in (10, 20):
            publish(folder, count=count)
        disk.fill(leave=4096)
        with pytest.raises(LibraryError, match="No space left on device; it is as it was before"):
            publish(folder, count=900)
        assert library.load(folder, "cu").targets == 40
        disk.free()
        publishing.roll_back(folder, "cu")
        assert library.load(folder, "cu").targets == 20


KILLED = """
import sys
from pathlib import Path
import numpy as np
from netsky.places import find_province
from netsky.targets import publishing
count = 10
while True:
    count = 30 - count
    first = 1 << (24 if count == 10 else 25)
    targets = {
        find_province(name): np.arange(first + 1000 * n, first + 1000 * n + count).astype(np.uint32)
        for n, name in enumerate(("hunan", "hubei", "jilin", "hebei", "henan"))
    }
    publishing.publish(Path(sys.argv[1]), "cu", targets, cities="", replace=False, now=0.0)
    print(count, flush=True)
"""


def published_in_a_loop(folder):
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
    )


def test_a_reader_never_sees_parts_of_two_libraries(tmp_path):
    with published_in_a_loop(tmp_path) as publisher:
        try:
            publisher.stdout.readline()
            reads = threading.Thread(target=publisher.stdout.read)
            reads.start()
            seen = set()
            for _ in range(300):
                found = library.load(tmp_path, "cu")
                first = int(found.addresses.min()) >> 24
                assert found.targets == {1: 50, 2: 100}[first]
                assert ((found.addresses >> 24) == first).all()
                seen.add(first)
        finally:
            publisher.kill()
            reads.join()
    assert seen == {1, 2}


def test_killed_at_any_moment_it_is_the_old_or_the_new_one(tmp_path):
    for number in range(6):
        with published_in_a_loop(tmp_path) as publisher:
            for _ in range(2 + number):
                publisher.stdout.readline()
            publisher.kill()
            publisher.stdout.read()
        assert library.load(tmp_path, "cu").targets in {50, 100}
        assert publishing.published_at(tmp_path, "cu") is not None
