"""One run at a time for each tool, egress and ISP."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from netsky.cli import lock
from netsky.errors import InputError, LockedError
from testing.netns import needs_root

HOLDER = """\
import sys
from pathlib import Path
from netsky.cli.lock import hold
with hold(Path(sys.argv[1]), "netsky_probe", "default", "cu"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(directory, tool="netsky_probe", egress="default", isp="cu"):
    return lock.hold(directory, tool, egress, isp)


def try_to_hold(directory):
    with hold(directory):
        pass


def test_a_second_run_leaves_at_once_and_names_the_first(tmp_path):
    with hold(tmp_path), pytest.raises(LockedError) as refusal:
        try_to_hold(tmp_path)
    assert str(refusal.value) == (
        "netsky_probe is already running for ISP cu through egress default"
        f" (pid {os.getpid()}, {tmp_path}/netsky_probe.default.cu.lock)"
    )


@pytest.mark.parametrize("left", ["", "999999999\n"], ids=["nothing", "a dead process's"])
def test_the_pid_is_waited_for_where_the_holder_has_just_come(tmp_path, left):
    file = tmp_path / "netsky_probe.default.cu.lock"
    with hold(tmp_path):
        file.write_text(left)
        writer = threading.Timer(0.05, file.write_text, [f"{os.getpid()}\n"])
        writer.start()
        with pytest.raises(LockedError, match=f"pid {os.getpid()},"):
            try_to_hold(tmp_path)
        writer.join()
        file.write_text(left)
        with pytest.raises(LockedError, match="pid unknown,"):
            try_to_hold(tmp_path)


def test_the_lock_can_be_held_again_and_again(tmp_path):
    try_to_hold(tmp_path)
    with pytest.raises(RuntimeError), hold(tmp_path):
        raise RuntimeError
    try_to_hold(tmp_path)


@pytest.mark.parametrize("other", [{"tool": "netsky_alert"}, {"egress": "联通-1"}, {"isp": "cm"}])
def test_another_tool_egress_or_isp_is_not_locked_out(tmp_path, other):
    with hold(tmp_path), hold(tmp_path, **other):
        pass


def test_a_shorter_pid_leaves_nothing_of_a_longer_one(tmp_path):
    file = tmp_path / "netsky_probe.default.cu.lock"
    file.write_text("9" * 19 + "\n")
    with hold(tmp_path):
        assert file.read_text() == f"{os.getpid()}\n"


def test_the_lock_dies_with_its_process(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(LockedError, match=f"pid {holder.pid},"):
                try_to_hold(tmp_path)
        finally:
            holder.send_signal(signal.SIGKILL)
            holder.wait()
    try_to_hold(tmp_path)


def test_a_child_that_outlives_the_run_does_not_keep_the_lock(tmp_path):
    with hold(tmp_path):
        child = subprocess.Popen(["sleep", "600"], close_fds=False)
    try:
        try_to_hold(tmp_path)
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize("case", ["no folder", "link"])
def test_a_lock_file_that_cannot_be_opened_is_an_error_that_says_what_to_do(tmp_path, case):
    directory = tmp_path / "no" if case == "no folder" else tmp_path
    precious = tmp_path / "precious"
    precious.write_text("data")
    (tmp_path / "netsky_probe.default.cu.lock").symlink_to(precious)
    with pytest.raises(InputError, match=r"cannot use the lock file .*--lock-dir"):
        try_to_hold(directory)
    assert precious.read_text() == "data"


def test_a_fifo_in_its_place_is_told_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "netsky_probe.default.cu.lock")
    with pytest.raises(InputError, match="it is no plain file, so remove it"):
        try_to_hold(tmp_path)


@needs_root
def test_the_lock_file_of_another_user_is_refused_whether_he_holds_it_or_not(tmp_path):
    file = tmp_path / "netsky_probe.default.cu.lock"
    file.touch()
    os.chown(file, 65534, 65534)
    with file.open() as theirs:
        for _ in range(2):
            with pytest.raises(InputError, match=r"belongs to another user \(uid 65534\)"):
                try_to_hold(tmp_path)
            fcntl.flock(theirs, fcntl.LOCK_EX)


def test_another_name_of_a_file_is_refused_and_the_file_stays_as_it_is(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("data")
    (tmp_path / "netsky_probe.default.cu.lock").hardlink_to(precious)
    with pytest.raises(InputError, match="hard link"):
        try_to_hold(tmp_path)
    assert precious.read_text() == "data"


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(_descriptor, _operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(InputError, match="No locks available: give a folder"):
        try_to_hold(tmp_path)


@pytest.mark.parametrize(("writable", "expected"), [(True, "/run/lock"), (False, "/elsewhere")])
def test_locks_lie_in_run_lock_or_else_in_the_folder_for_temporary_files(
    monkeypatch, writable, expected
):
    monkeypatch.setattr("os.access", lambda path, _mode: writable and str(path) == "/run/lock")
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/elsewhere")
    assert str(lock.default_directory()) == expected
