"""Write docs/options.md: what `--help` of each tool says today.

    python -m tools.options

A test compares the file with what this makes.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "options.md"
COLUMNS = 100

# The tools of netsky, by name: every script at the top that is called netsky_*.py.
TOOLS: dict[str, click.Command] = {
    path.stem: import_module(path.stem).main for path in sorted(ROOT.glob("netsky_*.py"))
}

# What may be called: the tools, and the verbs of those that have some.
COMMANDS: dict[str, click.Command] = {
    words: command
    for name, tool in TOOLS.items()
    for words, command in [
        (name, tool),
        *(
            (f"{name} {verb}", command)
            for verb, command in (tool.commands.items() if isinstance(tool, click.Group) else ())
        ),
    ]
}

_HEAD = """\
# Options

What `--help` of each tool says. `make docs` writes this page.

An option can also be set in the environment (`--rate` is `NETSKY_RATE`) or in `netsky.toml`, where
[netsky.toml.example](../netsky.toml.example) lists every key. The command line has precedence over the
environment, that over the file, that over the default.
"""


def shown(words: str) -> str:
    """How a tool, or a verb of one, is called."""
    name, _, verb = words.partition(" ")
    return f"{name}.py {verb}".rstrip()


def help_of(words: str) -> str:
    """What `NAME.py [VERB] --help` prints on a terminal of COLUMNS."""
    command = COMMANDS[words]
    context = click.Context(
        command, info_name=shown(words), terminal_width=COLUMNS, **command.context_settings
    )
    return command.get_help(context)


def document() -> str:
    sections = [f"\n## {shown(words)}\n\n```text\n{help_of(words)}\n```\n" for words in COMMANDS]
    return _HEAD + "".join(sections)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
