"""The documents as tests read them: their code, and the calls of tools in it."""

from __future__ import annotations

import os
import re
import shlex
from itertools import chain, groupby
from pathlib import Path

import click
import pytest

from netsky.cli.report import VERB_WITHOUT_ANY
from tools.options import ROOT, TOOLS

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

SPANNING = re.DOTALL | re.MULTILINE
FENCED = re.compile(r"^```\w*\n(.*?)^```$", SPANNING)
IN_THE_SHELL = re.compile(r"^```(?:sh|console)\n(.*?)^```$", SPANNING)
INLINE = re.compile(r"`([^`\n]+)`")
SCRIPT = re.compile(r"\bnetsky_\w+\.py\b")
END_OF_COMMAND = re.compile(r"[();<>|&]+$")

Call = tuple[str, list[str]]
"""A tool, and the arguments it is given."""


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def code_blocks(file: Path) -> list[str]:
    return FENCED.findall(text_of(file))


def inline_code(file: Path) -> list[str]:
    return INLINE.findall(FENCED.sub("", text_of(file)))


def tool_calls_in(line: str) -> list[Call]:
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


def check_call(tool: str, arguments: list[str]) -> None:
    """Fail unless the tool takes these arguments. Nothing runs, and no settings are read."""
    if "--config" in arguments:
        place = arguments.index("--config")
        arguments = arguments[:place] + arguments[place + 2 :]
    try:
        command = TOOLS[tool]
        if isinstance(command, click.Group):
            if not arguments or arguments[0].startswith("-"):
                arguments = [VERB_WITHOUT_ANY, *arguments]
            verb, *arguments = arguments
            command = command.commands[verb]
        command.make_context(tool, list(arguments))
    except click.exceptions.Exit:  # --help
        pass
    except click.ClickException as error:
        pytest.fail(f"{tool}.py {shlex.join(arguments)}: {error.format_message()}")


def commands_in(file: Path) -> list[Call]:
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


@pytest.fixture
def without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A netsky.toml or environment of the developer's must not matter."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("NETSKY_"):
            monkeypatch.delenv(name)
