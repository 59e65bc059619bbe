"""The documents say what is: today's --help, options and files that exist, today's output."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from netsky_probe import main as netsky_probe

from netsky import console
from netsky.places import BUILTIN_ISPS
from netsky.probe import ProbeReport
from samples import make_quality, make_sweep

ROOT = Path(__file__).parents[1]
READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CRONTAB = ROOT / "crontab.example"

FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^()\s]+)\)")
END_OF_COMMAND = (">", ">>", "|", "&", "&&", ";", "2>&1")

in_documents = pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
in_readmes = pytest.mark.parametrize("file", READMES, ids=lambda file: file.name)


def text_of(file):
    return file.read_text(encoding="utf-8")


def code_blocks(file):
    return FENCED.findall(text_of(file))


def inline_code(file):
    return INLINE.findall(FENCED.sub("", text_of(file)))


def anchors(file):
    """What GitHub lets links of this file's headings end in."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text_of(file)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def arguments_in(command):
    """The arguments of netsky_probe.py in a line for the shell, cron or systemd; None without it."""
    words = shlex.split(command, comments=True)
    scripts = [index for index, word in enumerate(words) if word.endswith("netsky_probe.py")]
    if not scripts or len(words) == 1:
        return None
    arguments = words[scripts[0] + 1 :]
    ends = [index for index, word in enumerate(arguments) if word.startswith(END_OF_COMMAND)]
    return arguments[: ends[0]] if ends else arguments


def check_options(arguments):
    """Fail unless the probe takes these arguments. Nothing runs."""
    try:
        netsky_probe.make_context("netsky_probe", list(arguments))
    except click.exceptions.Exit:  # --help
        pass
    except click.ClickException as error:
        pytest.fail(f"netsky_probe.py {shlex.join(arguments)}: {error.format_message()}")


def commands_in(file):
    """Every command line with netsky_probe.py in a document's code: its arguments."""
    lines = [
        line
        for block in code_blocks(file)
        if not block.startswith("Usage:")
        for line in block.replace("\\\n", " ").splitlines()
        if "netsky_probe.py" in line
    ]
    candidates = map(arguments_in, [*lines, *inline_code_with_probe(file)])
    return [arguments for arguments in candidates if arguments is not None]


def inline_code_with_probe(file):
    return [code for code in inline_code(file) if "netsky_probe.py" in code and " " in code]


@pytest.fixture(autouse=True)
def without_settings(tmp_path, monkeypatch):
    """A netsky.toml or environment of the developer's must not matter."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("NETSKY_"):
            monkeypatch.delenv(name)


def test_the_readme_shows_todays_help():
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    help_text = subprocess.run(
        [sys.executable, ROOT / "netsky_probe.py", "--help"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    [shown] = [block for block in code_blocks(ROOT / "README.md") if block.startswith("Usage:")]
    assert shown == help_text


@in_documents
def test_links_lead_to_files_and_headings_that_exist(file):
    broken = []
    for link in LINK.findall(FENCED.sub("", text_of(file))):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = file.parent / path if path else file
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


@in_readmes
def test_options_mentioned_exist(file):
    known = {name for option in netsky_probe.params for name in option.opts} | {"--help"}
    mentioned = {
        word for code in inline_code(file) for word in code.split() if code.startswith("--")
    }
    mentioned = {word for word in mentioned if word.startswith("--")}
    assert mentioned
    assert mentioned <= known


@in_readmes
def test_environment_variables_mentioned_exist(file):
    known = {f"NETSKY_{str(option.name).upper()}" for option in netsky_probe.params}
    mentioned = set(re.findall(r"NETSKY_[A-Z_]+", text_of(file)))
    assert mentioned
    assert mentioned <= known


@in_readmes
def test_commands_are_taken_by_the_tool(file):
    commands = commands_in(file)
    assert len(commands) > 5
    for arguments in commands:
        check_options(arguments)


@in_readmes
def test_targets_of_make_mentioned_exist(file):
    targets = set(re.findall(r"^([a-z]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    mentioned = set(re.findall(r"\bmake (demo|test|check|bench|lock)\b", text_of(file)))
    assert {"demo", "test"} <= mentioned <= targets


def test_the_readmes_show_the_same_commands():
    english, chinese = map(commands_in, READMES)
    assert sorted(english) == sorted(chinese)


@in_readmes
def test_the_output_shown_looks_like_todays(file, capsys):
    qualities = (make_quality("beijing"), make_quality("hunan"))
    console.show(
        ProbeReport(make_sweep({"beijing": [0.01], "hunan": [0.01]}), qualities, ()),
        BUILTIN_ISPS["cu"],
        "table",
    )
    today = shape_of(capsys.readouterr().out)
    outputs = [block for block in code_blocks(file) if "丢包率" in block]
    assert len(outputs) == 2
    for output in outputs:
        assert shape_of(output) == today


def shape_of(output):
    """The header cells of a table, its lines, and the summary below it without its figures."""
    [header] = [line for line in output.splitlines() if "省份" in line]
    summary = re.findall(r"^(?:\d+ 省|丢包率) .+，.+$", output, re.MULTILINE)
    figures_as_n = [re.sub(r"\d[\d,.]*", "N", line) for line in summary]
    return header.split(), set(re.findall("[─-╿]", output)), figures_as_n


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
    arguments = arguments_in(rest)
    assert "--isp" in arguments
    check_options(arguments)


def test_the_crontab_has_entries_for_the_three_isps_that_log_apart():
    active = [line for line in text_of(CRONTAB).splitlines() if line.startswith("* ")]
    isps = [re.search(r"--isp (\w+)", line)[1] for line in active]
    assert isps == ["cu", "cm", "ct"]
    for isp, line in zip(isps, active, strict=True):
        assert line.endswith(f">>/var/log/netsky/probe_{isp}.log 2>&1")


def test_every_other_line_of_the_crontab_is_a_comment_or_a_setting():
    lines = text_of(CRONTAB).splitlines()
    other = [line for line in lines if line and not line.startswith(("#", "* "))]
    assert other == ['MAILTO=""']
