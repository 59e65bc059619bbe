"""The documents say what is: today's --help, options and files that exist, today's output."""

import os
import re
import shlex
from itertools import chain, groupby
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from netsky import console
from netsky.console.alert import AlertView
from netsky.console.probe import ProbeView
from netsky.jobs.probe import ProbeReport
from netsky.places import BUILTIN_ISPS
from testing.samples import make_alert_report, make_quality, make_sweep
from tools import options
from tools.options import ROOT, TOOLS

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
IN_CHINESE = [file for file in DOCUMENTS if file.name.endswith(".zh-CN.md")]
READMES = [file for file in DOCUMENTS if file.name.startswith("README.")]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
SETUP = ROOT / "docs" / "setup.md"
CRONTAB = ROOT / "crontab.example"

SPANNING = re.DOTALL | re.MULTILINE
FENCED = re.compile(r"^```\w*\n(.*?)^```$", SPANNING)
IN_THE_SHELL = re.compile(r"^```(?:sh|console)\n(.*?)^```$", SPANNING)
INLINE = re.compile(r"`([^`\n]+)`")
SCRIPT = re.compile(r"\bnetsky_\w+\.py\b")
LINK = re.compile(r"\]\(([^()\s]+)\)")
END_OF_COMMAND = re.compile(r"[();<>|&]+$")

OF_OTHER_PROGRAMS = {
    *("--offline", "--strict"),  # programs that look for known holes
    "--persistence.file",  # Pushgateway
    "--storage.tsdb.retention.time",  # Prometheus
    "--wait",  # masscan
}

# With which a help text may begin.
VERBS = {
    "Accept",
    "Average",
    "Delete",
    "Drop",
    "Keep",
    "Leave",
    "Let",
    "Look",
    "Log",
    "Make",
    "Print",
    "Probe",
    "Push",
    "Read",
    "Say",
    "Send",
    "Show",
    "Spread",
    "Start",
    "Wait",
    "Work",
    "Write",
}

in_documents = pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)


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


def tool_calls_in(line):
    """The tools that a line for the shell, cron or systemd calls, each with its arguments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands = [list(words) for end, words in groupby(lexer, key=END_OF_COMMAND.match) if not end]
    calls = []
    for words in commands:
        scripts = [index for index, word in enumerate(words) if SCRIPT.search(word)]
        if scripts and len(words) > 1:
            calls.append((Path(words[scripts[0]]).stem, words[scripts[0] + 1 :]))
    return calls


def check_call(tool, arguments):
    """Fail unless the tool takes these arguments. Nothing runs, and no settings are read."""
    if "--config" in arguments:
        place = arguments.index("--config")
        arguments = arguments[:place] + arguments[place + 2 :]
    try:
        command = TOOLS[tool]
        if isinstance(command, click.Group):
            verb, *arguments = arguments
            command = command.commands[verb]
        command.make_context(tool, list(arguments))
    except click.exceptions.Exit:  # --help
        pass
    except click.ClickException as error:
        pytest.fail(f"{tool}.py {shlex.join(arguments)}: {error.format_message()}")


def commands_in(file):
    """Every call of a tool in a document's code; within a sentence it may lack the ISP."""
    lines = [
        line
        for block in IN_THE_SHELL.findall(text_of(file))
        for line in block.replace("\\\n", " ").splitlines()
        if SCRIPT.search(line)
    ]
    inline = [code for code in inline_code(file) if SCRIPT.search(code) and " " in code]
    calls = [call for line in lines for call in tool_calls_in(line)]
    for tool, arguments in chain.from_iterable(map(tool_calls_in, inline)):
        has_verb = isinstance(TOOLS[tool], click.Group)
        complete = arguments if "--isp" in arguments or has_verb else ["--isp", "cu", *arguments]
        calls.append((tool, complete))
    return calls


@pytest.fixture(autouse=True)
def without_settings(tmp_path, monkeypatch):
    """A netsky.toml or environment of the developer's must not matter."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("NETSKY_"):
            monkeypatch.delenv(name)


def test_the_page_of_options_shows_todays_help():
    assert text_of(options.DOCUMENT) == options.document(), "run `make docs`"


@pytest.mark.parametrize("words", options.COMMANDS)
def test_the_page_of_options_shows_what_the_tool_prints(words):
    tool, *verb = words.split()
    printed = CliRunner().invoke(
        TOOLS[tool], [*verb, "--help"], prog_name=f"{tool}.py", terminal_width=options.COLUMNS
    )
    assert printed.output in code_blocks(options.DOCUMENT)


@pytest.mark.parametrize("words", options.COMMANDS)
def test_every_help_text_is_a_sentence_that_can_be_read_alone(words):
    for option in options.COMMANDS[words].params:
        text = re.sub(r"  \[default: .+\]$", "", option.help)
        first, *others = text.split()
        assert text.endswith("."), f"{option.name}: no full stop: {text}"
        assert len(others) > 1, f"{option.name}: too short: {text}"
        assert first in VERBS or {"is", "are", "counts"} & set(others), (
            f"{option.name}: begin with a verb, and add a new one to VERBS: {text}"
        )


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


def every_option():
    return [option for command in options.COMMANDS.values() for option in command.params]


@in_documents
def test_options_mentioned_exist(file):
    of_tools = {name for option in every_option() for name in option.opts} | {"--help"}
    sources = "".join(map(text_of, (ROOT / "lab").rglob("*.py")))
    known = of_tools | set(re.findall(r'"(--[a-z-]+)"', sources)) | OF_OTHER_PROGRAMS
    mentioned = {
        word
        for code in inline_code(file)
        for word in code.split()
        if word.startswith("--") and code.startswith(("--", "netsky_"))
    }
    assert mentioned <= known


@in_documents
def test_environment_variables_mentioned_exist(file):
    known = {f"NETSKY_{str(option.name).upper()}" for option in every_option()}
    assert set(re.findall(r"NETSKY_[A-Z_]+", text_of(file))) <= known


@in_documents
def test_commands_are_taken_by_the_tool(file):
    for tool, arguments in commands_in(file):
        check_call(tool, arguments)


@in_documents
def test_targets_of_make_mentioned_exist(file):
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    code = "\n".join([*code_blocks(file), *inline_code(file)])
    assert set(re.findall(r"^make ([a-z-]+)", code, re.MULTILINE)) <= targets


def test_the_documents_mention_what_these_tests_hold():
    """Else a test would hold nothing, should a form of writing change."""
    assert sum(len(commands_in(file)) for file in DOCUMENTS) > 20
    everything = "\n".join(map(text_of, DOCUMENTS))
    assert re.search(r"`--\w", everything)
    assert "NETSKY_" in everything
    for readme in READMES:
        assert {"make demo", "make drill"} <= set(re.findall("make [a-z]+", text_of(readme)))


@pytest.mark.parametrize("file", READMES, ids=lambda file: file.name)
def test_a_readme_is_a_front_door(file):
    text = text_of(file)
    assert len(text.splitlines()) <= 200
    assert set(TOOLS) <= set(re.findall(r"^\| `(netsky_\w+)\.py` \|", text, re.MULTILINE))


def test_the_rooms_that_are_told_of_are_there_and_no_others():
    section = re.search(r"^## Rooms$(.*?)^## ", text_of(CONTRIBUTING), SPANNING)[1]
    told = set(
        re.findall(r"`([\w/]+)`", "".join(re.findall(r"^\| (.+?) \|", section, re.MULTILINE)))
    )
    library = ROOT / "lib" / "netsky"
    there = {file.stem for file in library.glob("*.py")} - {"__init__"}
    rooms = {f"{folder.parent.name}/" for folder in library.glob("*/__init__.py")}
    assert told == there | rooms


def english_of(file):
    return file.with_name(file.name.replace(".zh-CN", ""))


def without_comments(block):
    """The code alone, as comments differ by language."""
    lines = (re.sub(r"(?:^|\s+)#(?!\d).*$", "", line) for line in block.splitlines())
    return [line for line in lines if line]


@pytest.mark.parametrize("file", IN_CHINESE, ids=lambda file: file.name)
def test_both_languages_show_the_same_code(file):
    def shown(document):
        code = re.findall(r"^```(\w+)\n(.*?)^```$", text_of(document), SPANNING)
        return [without_comments(block) for language, block in code if language != "text"]

    assert shown(file) == shown(english_of(file))


@pytest.mark.parametrize("file", IN_CHINESE, ids=lambda file: file.name)
def test_both_languages_have_the_same_sections(file):
    def levels(document):
        return re.findall(r"^(#+) ", FENCED.sub("", text_of(document)), re.MULTILINE)

    assert levels(file) == levels(english_of(file))


def shown_with(word):
    """All output in the documents that has the word in it."""
    blocks = [block for file in DOCUMENTS for block in code_blocks(file) if word in block]
    assert blocks
    return blocks


def test_the_sweeps_shown_look_like_todays(capsys):
    qualities = (make_quality("beijing"), make_quality("hunan"))
    report = ProbeReport(make_sweep({"beijing": [0.01], "hunan": [0.01]}), qualities, ())
    console.show(ProbeView(report, BUILTIN_ISPS["cu"]), "table")
    today = shape_of(capsys.readouterr().out)
    for output in shown_with("异常率"):
        assert shape_of(output) == today


def test_the_alerts_shown_look_like_todays(capsys):
    console.show(
        AlertView(make_alert_report({"beijing": 24.1, "hunan": 6, "hebei": None})), "table"
    )
    today = shape_of(capsys.readouterr().out)
    for output in shown_with("升幅"):
        assert shape_of(output) == today


def shape_of(output):
    """The header cells of a table, its lines, and the summary below it without its figures."""
    [header] = [line for line in output.splitlines() if "省份" in line]
    summary = re.findall(r"^(?:\d+ 省|丢包率).+，.+$", output, re.MULTILINE)
    figures_as_n = [re.sub(r"\d[\d,.]*", "N", line) for line in summary]
    return header.split(), set(re.findall("[─-╿]", output)), figures_as_n


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
    }
    for tool, arguments in calls:
        assert arguments[:2] == ["--isp", "cu"]
        check_call(tool, arguments)


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
    ("tool", "log", "a_minute"),
    [
        ("netsky_probe", "probe", 1),
        ("netsky_get_avg_lossrate", "avg", 1),
        ("netsky_alert", "alert", 2),
    ],
)
def test_the_crontab_runs_each_tool_for_all_lines_with_a_log_of_its_own(tool, log, a_minute):
    lines = [line for line in active_crontab_lines() if f"{tool}.py" in line]
    assert len(lines) == a_minute
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
