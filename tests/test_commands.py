"""A tool run within this process does what it does in its own."""

import logging
import signal
from pathlib import Path

import pytest

from testing.commands import run_command, run_tool, run_verb, tool_command
from testing.samples import write_library


@pytest.mark.parametrize(
    ("arguments", "environment", "code"),
    [
        (["--version"], {}, 0),
        (["--no-such-option"], {}, 2),
        (["--province", "guandong"], {}, 2),
        ([], {"NETSKY_RATE": "fast"}, 2),
        (["-vv", "--flush"], {"NETSKY_DATABASE": "sqlite:///absent/netsky.db"}, 0),
    ],
)
def test_exit_code_and_both_streams_are_those_of_a_process(tmp_path, arguments, environment, code):
    write_library(tmp_path / "library", isp="cu", targets=1)
    tool = ("netsky_probe", "--library", "library", *arguments)
    within = run_tool(tmp_path, *tool, **environment)
    process = run_command(tmp_path, tool_command(*tool), **environment)
    assert within.returncode == process.returncode == code
    assert without_times(within.stdout) == without_times(process.stdout)
    assert without_times(within.stderr) == without_times(process.stderr)


def without_times(text):
    return [line.split(" ", 1)[-1] for line in text.splitlines()]


def test_the_settings_of_the_developer_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("NETSKY_RATE", "fast")
    assert "known ISPs" in run_tool(tmp_path, "netsky_probe", isp="xx").stderr


def test_nothing_of_it_is_left_behind(tmp_path):
    def state():
        root = logging.getLogger()
        return Path.cwd(), root.handlers[:], root.level, signal.getsignal(signal.SIGTERM)

    before = state()
    assert run_tool(tmp_path, "netsky_probe", "-vv", isp="xx").returncode == 2
    assert state() == before


def test_the_lock_of_a_tool_is_in_its_folder(tmp_path):
    """Else it would meet the same tool of another test at the same time."""
    assert run_verb(tmp_path, "netsky_library", "build", "--geo", "none").returncode == 2
    assert (tmp_path / "netsky_library.all.all.lock").exists()
