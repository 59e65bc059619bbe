"""What anybody may have put in a file's place is read within bounds, or refused."""

import os
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from netsky import files
from netsky.files import FileContent, read_file, replace_file
from testing.netns import needs_root


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(files, "STREAM_SECONDS", 0.3)


@pytest.fixture
def fifo(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


@contextmanager
def written(fifo, *parts):
    """Somebody opens it, writes these and closes it; None waits."""
    go_on = threading.Event()

    def write():
        with fifo.open("wb", buffering=0) as opened:
            for part in parts:
                go_on.wait(10) if part is None else opened.write(part)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        go_on.set()
        os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))  # should it still wait to open it
        thread.join()


def test_a_file_is_read_and_tells_whose_it_is(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"\xef\xbb\xbfa = 1\n")
    content = read_file(file)
    assert content.data == b"\xef\xbb\xbfa = 1\n"
    assert content.text() == "a = 1\n", "the mark in front is no text"
    assert content.status.st_uid == os.getuid()


def test_a_file_may_have_as_much_as_the_limit_and_no_more(tmp_path):
    file = tmp_path / "x"
    file.write_bytes(b"x" * 2048)
    assert len(read_file(file, limit=2048).data) == 2048
    with pytest.raises(OSError, match="it has more than 1 KiB"):
        read_file(file, limit=2047)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "x"
    with file.open("wb") as opened:
        opened.truncate(1 << 40)
    with pytest.raises(OSError, match="it has more than 1 MiB"):
        read_file(file)


def test_a_file_without_a_size_is_bounded_too():
    status = Path("/proc/self/status")
    assert read_file(status).status.st_size == 0
    assert b"Name:" in read_file(status).data
    with pytest.raises(OSError, match="it has more than 0 KiB"):
        read_file(status, limit=100)


@pytest.mark.parametrize(
    ("file", "reason"), [("/", "a folder"), ("/dev/zero", "a device"), ("/dev/null", "a device")]
)
def test_what_is_no_file_is_refused(file, reason):
    with pytest.raises(OSError, match=f"it is {reason} and not a file"):
        read_file(Path(file))


def test_a_fifo_in_place_of_a_file_is_refused_at_once(fifo):
    with pytest.raises(OSError, match=r"it is a pipe \(FIFO\) and not a file"):
        read_file(fifo)


def test_what_is_not_there_is_the_systems_own_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "x")


# Streams, where they are welcome


def test_a_pipe_of_the_shell_is_read_to_its_end():
    reading, writing = os.pipe()
    os.write(writing, b"a = 1\n")
    os.close(writing)
    assert read_file(Path(f"/dev/fd/{reading}"), streams=True).data == b"a = 1\n"
    os.close(reading)


@pytest.mark.parametrize("parts", [[b"a", b"b" * 100_000], []], ids=["some", "nothing"])
def test_a_fifo_is_read_when_somebody_writes_to_it(fifo, parts):
    with written(fifo, *parts):
        assert read_file(fifo, streams=True).data == b"".join(parts)


def test_a_fifo_that_nobody_opens_is_given_up(fifo):
    with pytest.raises(OSError, match=r"no end of it within 0\.3 s"):
        read_file(fifo, streams=True)


def test_a_fifo_that_stays_open_is_given_up(fifo):
    with written(fifo, b"a", None), pytest.raises(OSError, match=r"no end of it within 0\.3 s"):
        read_file(fifo, streams=True)


def test_a_device_without_an_end_is_given_up():
    with pytest.raises(OSError, match="it has more than 1 MiB"):
        read_file(Path("/dev/zero"), streams=True)


def test_the_null_device_is_an_empty_file():
    assert read_file(Path("/dev/null"), streams=True).data == b""


# Text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("password".encode("utf-16"), "it is UTF-16: save it as UTF-8"),
        ("a\n密码".encode("gbk"), "line 2 is not UTF-8: save it as UTF-8"),
    ],
)
def test_text_that_is_not_utf_8_says_so_and_repeats_nothing(data, reason):
    with pytest.raises(ValueError) as refusal:
        FileContent(data, Path("/").stat()).text()
    assert str(refusal.value) == reason


# Replacing


def make_a_device(path):
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(make_a_device, "a device", marks=needs_root),
        (os.mkfifo, r"a pipe \(FIFO\)"),
        (Path.mkdir, "a folder"),
        (lambda path: path.symlink_to("/proc/self/fd/1"), "a link"),
        (lambda path: path.symlink_to("nowhere"), "a link"),
    ],
)
def test_what_is_no_file_is_not_replaced_by_one(tmp_path, make, kind):
    path = tmp_path / "null"
    make(path)
    before = path.lstat()
    with pytest.raises(OSError, match=f"it is {kind} and not a file"):
        replace_file(path, b"a", mode=0o644)
    assert path.lstat() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_whole_and_has_the_mode_asked_for(tmp_path):
    path = tmp_path / "file"
    for data in (b"long ago", b"now"):
        replace_file(path, data, mode=0o640)
        assert path.read_bytes() == data
        assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]
