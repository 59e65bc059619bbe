"""What is to be copied for a set-up works: the list for the first half hour, crontab.example."""

import re

import pytest

from netsky.targets.address_line import parse_line
from testing.documents import (
    IN_THE_SHELL,
    SPANNING,
    check_call,
    code_blocks,
    text_of,
    tool_calls_in,
    without_settings,
)
from tools.options import ROOT, TOOLS

__all__ = ["without_settings"]

SETUP = ROOT / "docs" / "setup.md"
CRONTAB = ROOT / "crontab.example"

pytestmark = pytest.mark.usefixtures("without_settings")


def first_half_hour():
    """The commands of the list for the first half hour."""
    [block] = [block for block in IN_THE_SHELL.findall(text_of(SETUP)) if block.startswith("# 1 ")]
    return block


def test_the_first_half_hour_is_15_commands():
    numbers = re.findall(r"^# (\d+) ", first_half_hour(), re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 16)]


def test_the_first_half_hour_copies_files_that_exist():
    [copied] = re.findall(r"^cp (.+) /etc/prometheus/$", first_half_hour(), re.MULTILINE)
    assert all((ROOT / file).is_file() for file in copied.split())


def test_the_first_half_hour_makes_settings_that_load(tmp_path):
    [settings] = re.findall(r"^cat >netsky\.toml <<'END'\n(.+?)^END$", first_half_hour(), SPANNING)
    (tmp_path / "netsky.toml").write_text(settings)
    with TOOLS["netsky_probe"].make_context("netsky_probe", ["--isp", "cu"]) as context:
        assert context.params["database"].startswith("mysql+pymysql://")
        assert context.params["pushgateway"] == "http://127.0.0.1:9091"


def test_the_first_half_hour_makes_a_crontab_of_one_isp():
    assert "grep '^[^#]' crontab.example | sed 's/--isp all/--isp cu/'" in first_half_hour()
    entries = [line.replace("--isp all", "--isp cu") for line in active_crontab_lines()]
    calls = [call for entry in entries for call in tool_calls_in(entry.split(None, 5)[5])]
    assert {tool for tool, _ in calls} == {
        "netsky_probe",
        "netsky_get_avg_lossrate",
        "netsky_alert",
        "netsky_trace",
        "netsky_report",
    }
    for tool, arguments in calls:
        assert arguments[arguments.index("--isp") + 1] == "cu"
        check_call(tool, arguments)


@pytest.mark.parametrize("file", [SETUP, SETUP.with_name("setup.zh-CN.md")], ids=lambda f: f.name)
def test_the_lines_of_an_address_file_shown_are_understood(file):
    [shown] = [block for block in code_blocks(file) if block.startswith("192.0.2.1\n")]
    for line in shown.splitlines():
        assert parse_line(line), line


def crontab_lines():
    """The command of each entry of crontab.example, those in comments, too."""
    entry = re.compile(r"^#?(?:@reboot|(?:[\d*/,-]+ ){4}[\d*/,-]+) (.+)$", re.MULTILINE)
    return entry.findall(text_of(CRONTAB))


@pytest.mark.parametrize("command", crontab_lines())
def test_crontab_entries_run_scripts_that_exist_with_valid_options(command):
    place, rest = re.fullmatch(r"(?:sleep \d+; )?cd (\S+) && (.+)", command).groups()
    assert place == "/opt/netsky"
    python, script, *_ = rest.split()
    assert python == ".venv/bin/python"
    assert (ROOT / script).is_file()
    assert "%" not in command, "cron takes % for the end of the line"
    [(tool, arguments)] = tool_calls_in(rest)
    assert "--isp" in arguments
    check_call(tool, arguments)


@pytest.mark.parametrize(
    ("tool", "log", "count"),
    [
        ("netsky_probe", "probe", 1),
        ("netsky_get_avg_lossrate", "avg", 1),
        ("netsky_alert", "alert", 2),
        ("netsky_report", "report", 3),
    ],
)
def test_the_crontab_runs_each_tool_for_all_lines_with_a_log_of_its_own(tool, log, count):
    lines = [line for line in active_crontab_lines() if f"{tool}.py" in line]
    assert len(lines) == count
    for line in lines:
        assert "--isp all" in line
        assert line.endswith(f">>/var/log/netsky/{log}.log 2>&1")


def active_crontab_lines():
    return [line for line in text_of(CRONTAB).splitlines() if re.match(r"[\d*]", line)]


def test_every_other_line_of_the_crontab_is_a_comment_or_a_setting():
    lines = text_of(CRONTAB).splitlines()
    active = active_crontab_lines()
    other = [line for line in lines if line and line not in active and not line.startswith("#")]
    assert other == ['MAILTO=""']
