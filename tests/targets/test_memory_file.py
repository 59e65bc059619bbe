"""The file of the memory: what is written is read again; what is not whole is not."""

import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from netsky.targets import memory_file
from netsky.targets.memory import Memory, ProvinceMemory
from testing.faults.disk import mount_disk
from testing.netns import needs_root
from testing.samples import STARTED_AT

SIZE = 1001  # no whole number of bytes of bits


@pytest.fixture
def memory():
    rng = np.random.default_rng(1)
    return Memory(
        rng.permutation(SIZE).astype(np.uint32) + np.uint32(0xFFFF0000),
        rng.integers(0, 1 << 16, SIZE).astype(np.uint16),
        rng.integers(0, 1 << 8, SIZE).astype(np.uint8),
        rng.random(SIZE) < 0.5,
        {
            "hunan": ProvinceMemory(7, 0.01, 0.3, 60.5, 3.5, ("10.0.0.0/22",), 1.5),
            "hubei": ProvinceMemory(),
        },
        STARTED_AT,
        12,
    )


def same(one, other):
    arrays = ("addresses", "answered", "silent_days", "lost")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays) and (
        one.provinces,
        one.swept_at,
        one.days,
    ) == (other.provinces, other.swept_at, other.days)


def test_what_is_written_is_read_again(tmp_path, memory):
    file = tmp_path / "made" / "x.memory"
    memory_file.write(file, memory, mode=0o640)
    assert same(memory_file.read(file), memory)
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.stat().st_size < 8 * SIZE + 500
    assert [each.name for each in file.parent.iterdir()] == ["x.memory"]


def test_any_byte_that_is_changed_or_missing_is_noticed(tmp_path, memory):
    file = tmp_path / "x.memory"
    memory_file.write(file, memory, mode=0o600)
    whole = file.read_bytes()
    for at in range(0, len(whole), 7):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ValueError, match=r"netsky's|version|check sum"):
            memory_file.read(file)
        file.write_bytes(whole[:at])
        with pytest.raises(ValueError, match=r"netsky's|version|check sum"):
            memory_file.read(file)


def test_a_file_of_another_version_is_told_from_a_damaged_one(tmp_path, memory):
    file = tmp_path / "x.memory"
    memory_file.write(file, memory, mode=0o600)
    file.write_bytes(file.read_bytes().replace(b"netsky memory 1", b"netsky memory 2", 1))
    with pytest.raises(ValueError, match="its form is of version 2, not 1"):
        memory_file.read(file)


def test_a_header_that_lacks_something_is_no_crash(tmp_path, memory, monkeypatch):
    file = tmp_path / "x.memory"
    with monkeypatch.context() as patched:
        patched.setattr(memory_file, "asdict", lambda _province: {"weeks": 1})
        memory_file.write(file, memory, mode=0o600)
    with pytest.raises(ValueError, match="its content is not as it should be"):
        memory_file.read(file)


@needs_root
def test_on_a_full_disk_the_old_one_stays(tmp_path, memory):
    (tmp_path / "disk").mkdir()
    with mount_disk(tmp_path / "disk") as disk:
        file = disk.path("x.memory")
        memory_file.write(file, memory, mode=0o600)
        disk.fill()
        with pytest.raises(OSError, match="No space"):
            memory_file.write(file, replace(memory, answered=memory.silent_days * 2), mode=0o600)
        assert same(memory_file.read(file), memory)
        assert len(list(file.parent.iterdir())) == 2, "and nothing is left beside it and the filler"


WRITE_FOR_EVER = """
import sys, numpy as np
from pathlib import Path
from netsky.targets import memory_file
from netsky.targets.memory import nothing_of
memory = nothing_of(np.arange(200_000, dtype=np.uint32))
while True:
    for share in range(1, 1000):
        memory.answered[:] = share
        memory_file.write(Path(sys.argv[1]), memory, mode=0o600)
"""


def test_killed_at_any_moment_it_is_the_old_one_or_the_new_one(tmp_path):
    file = tmp_path / "x.memory"
    seen = set()
    for kill in range(8):
        with subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, str(file)]) as writer:
            former = file.stat().st_ino if file.exists() else None
            while not file.exists() or file.stat().st_ino == former:
                time.sleep(0.001)
                assert writer.poll() is None
            time.sleep(0.0037 * kill)
            writer.kill()
        shares = set(memory_file.read(file).answered.tolist())
        assert len(shares) == 1, "of one write"
        seen |= shares
    assert len(seen) > 1
    assert file.stat().st_size > 1_400_000


def test_the_memories_of_all_exits_of_an_isp_are_read_and_bad_ones_told(tmp_path, memory, caplog):
    for name in ("netsky_cu.a.memory", "netsky_cu.b.memory", "netsky_ct.a.memory"):
        memory_file.write(tmp_path / name, memory, mode=0o600)
    (tmp_path / "netsky_cu.c.memory").write_bytes(b"nonsense")
    assert len(memory_file.read_lines(tmp_path, "cu")) == 2
    assert "netsky_cu.c.memory cannot be used: it is no memory of netsky's" in caplog.text
    assert memory_file.read_lines(tmp_path / "nowhere", "cu") == []
