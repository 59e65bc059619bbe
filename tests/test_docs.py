"""The documents say what is: commands that are taken, options and files that exist, in two languages."""

import re

import pytest

from testing.documents import (
    DOCUMENTS,
    FENCED,
    SPANNING,
    check_call,
    code_blocks,
    commands_in,
    inline_code,
    text_of,
    without_settings,
)
from tools.options import COMMANDS, ROOT, TOOLS

__all__ = ["without_settings"]

IN_CHINESE = [file for file in DOCUMENTS if file.name.endswith(".zh-CN.md")]
READMES = [file for file in DOCUMENTS if file.name.startswith("README.")]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
LINK = re.compile(r"\]\(([^()\s]+)\)")

pytestmark = pytest.mark.usefixtures("without_settings")

OF_OTHER_PROGRAMS = {
    *("--offline", "--strict"),  # programs that look for known holes
    "--persistence.file",  # Pushgateway
    "--push.disable-consistency-check",
    "--storage.tsdb.retention.time",  # Prometheus
    "--wait",  # masscan
}

# Translated word for word; each has a natural way to be said.
STIFF = (
    "以 75 退出",
    "退回 fping",
    "没有收下",
    "没收下",
    "持续不退",
    "全坏",
    "无可比",
    "几轮同时跑",
    "值少于",
    "受污染",
)

in_documents = pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)


def anchors(file):
    """What GitHub lets links of this file's headings end in."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", text_of(file)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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
    return [option for command in COMMANDS.values() for option in command.params]


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


def test_stiff_chinese_does_not_come_back():
    texts = [*DOCUMENTS, ROOT / "crontab.example", ROOT / "netsky.toml.example"]
    for folder, ending in (("lib", "py"), ("lab", "py"), ("deploy", "yml"), ("deploy", "py")):
        texts += (ROOT / folder).rglob(f"*.{ending}")
    found = [(file.name, word) for file in texts for word in STIFF if word in text_of(file)]
    assert not found
