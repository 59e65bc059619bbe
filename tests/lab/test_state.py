"""A lab is found by others while it runs, and goes without a trace, however its owner ends."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.network import state
from lab.network.addresses import PLACES
from lab.network.making import find_lab, make_lab, running_labs
from netsky.errors import InputError
from testing import ROOT
from testing.netns import needs_root
from testing.processes import processes_where
from testing.servers import wait_until

pytestmark = needs_root


@pytest.fixture
def name():
    return f"test-{os.getpid()}"


@pytest.fixture
def owner(name):
    """`python -m lab up` in a process of its own, killed at the end at the latest."""
    command = [sys.executable, "-m", "lab", "up", "--name", name]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline().startswith(f"lab {name} is up")
        yield process
        process.kill()


def processes_in(namespaces):
    """Processes that live in network namespaces with these inodes, or keep them open."""

    def lives_there(process):
        links = [process.folder / "ns" / "net", *(process.folder / "fd").iterdir()]
        return any(link.stat().st_ino in namespaces for link in links)

    return processes_where(lives_there)


def inodes(lab):
    return {Path(lab.holder.path(name)).stat().st_ino for name in lab.holder.descriptors}


def test_other_shells_find_a_lab_by_its_name_while_it_runs(name):
    with make_lab(name=name, egresses=("x", "y"), hops=2) as lab:
        assert find_lab(name) == lab
        with pytest.raises(LabError, match="runs already"), make_lab(name=name):
            pass
        assert find_lab(name) == lab
    with pytest.raises(LabError, match="no lab"):
        find_lab(name)


def test_a_name_is_no_path():
    with pytest.raises(InputError), make_lab(name="../lab"):
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_owner_ends(owner, name, number, run_lab):
    lab = find_lab(name)
    sample = next(PLACES[0].prefix.subnets(new_prefix=24))
    lab.set_delay(sample, 0.02)  # a process that is nobody's child
    namespaces = inodes(lab)
    assert len(namespaces) == 9
    assert len(processes_in(namespaces)) >= 3
    before = set(Path("/sys/class/net").iterdir())
    owner.send_signal(number)
    owner.wait(10)
    wait_until(lambda: not processes_in(namespaces), what="all processes of the lab gone")
    assert set(Path("/sys/class/net").iterdir()) == before
    assert not lab.holder.alive
    stale = [file for file in state._folder().iterdir() if name in file.name]
    assert len(stale) == (number == signal.SIGKILL)
    assert name not in run_lab("status").stdout
    assert not [file for file in state._folder().iterdir() if name in file.name]


def test_a_detached_lab_stays_until_it_is_taken_down(name, run_lab):
    up = run_lab("up", "--detach", "--name", name)
    try:
        assert up.returncode == 0, up.stderr
        lab = find_lab(name)
        namespaces = inodes(lab)
        status = json.loads(run_lab("status", "--format", "json").stdout)
        assert [each["egresses"] for each in status if each["name"] == name] == [
            {"a": "198.18.0.1", "b": "198.18.1.1"}
        ]
    finally:
        down = run_lab("down", "--name", name)
    assert down.returncode == 0
    wait_until(lambda: not processes_in(namespaces), what="all processes of the lab gone")
    again = run_lab("down", "--name", name)
    assert (again.returncode, again.stdout) == (1, "")
    assert f"no lab '{name}' runs" in again.stderr


@pytest.mark.parametrize("how", ["owner killed", "down"])
def test_all_that_was_started_in_the_lab_ends_with_it(owner, name, how, run_lab):
    inside = ["sh", "-c", "sleep 60 & (setsid sleep 60 &); sleep 60"]
    command = [sys.executable, "-m", "lab", "exec", "--name", name, "--", *inside]
    with subprocess.Popen(command, cwd=ROOT) as sleeping:
        namespaces = inodes(find_lab(name))
        wait_until(lambda: len(processes_in(namespaces)) == 5, what="holder, shell, three sleeps")
        if how == "down":
            assert run_lab("down", "--name", name).returncode == 0
        else:
            owner.kill()
        assert sleeping.wait(20) == 128 + signal.SIGKILL
    wait_until(lambda: not processes_in(namespaces), what="all processes of the lab gone")


def holders(name):
    """The pids of holders of a lab of that name."""
    return processes_where(
        lambda each: (
            name in each.arguments and any(word.endswith("keeper.py") for word in each.arguments)
        )
    )


@pytest.mark.parametrize("ticks", range(1, 11))
def test_a_lab_whose_start_is_killed_is_either_whole_or_gone(name, ticks, run_lab):
    command = [sys.executable, "-m", "lab", "up", "--detach", "--name", name]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as starting:
        try:
            starting.wait(0.03 * ticks)
        except subprocess.TimeoutExpired:
            starting.kill()
    if run_lab("down", "--name", name).returncode == 0:
        assert not holders(name)
    wait_until(lambda: not holders(name), what="its holder gone")


def test_a_foreground_lab_ends_when_another_shell_takes_it_down(owner, name, run_lab):
    assert run_lab("down", "--name", name).returncode == 0
    assert owner.wait(10) == 0


def test_the_state_of_another_process_with_that_pid_is_stale(name):
    with make_lab(name=name) as lab:
        file = state._file(name)
        document = json.loads(file.read_text())
        document["holder"]["started"] -= 1
        file.write_text(json.dumps(document))
        with pytest.raises(LabError, match="no lab"):
            find_lab(name)
        assert not file.exists()
        assert lab.holder.alive


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"holder": {}, "egresses": []}', "广"])
def test_a_broken_file_is_named_and_spoils_no_other_lab(name, tmp_path, monkeypatch, caplog, text):
    monkeypatch.setattr(state, "_folder", lambda: tmp_path)
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")
    broken = f"{tmp_path}/bad.json is broken and tells of no lab: remove it"
    with make_lab(name=name) as lab:
        assert find_lab(name) == lab
        assert caplog.messages == []
        assert running_labs() == [lab]
        assert caplog.messages == [broken]
    with pytest.raises(LabError, match=f"^{re.escape(broken)}$"):
        find_lab("bad")
    with pytest.raises(LabError, match=f"^{re.escape(broken)}$"), make_lab(name="bad"):
        pass
