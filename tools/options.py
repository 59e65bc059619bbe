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

_HEAD = """\
# Options

What `--help` of each tool says. `make docs` writes this page.

An option can also be set in the environment (`--rate` is `NETSKY_RATE`) or in `netsky.toml`, where
[netsky.toml.example](../netsky.toml.example) lists every key. The command line has precedence over the
environment, that over the file, that over the default.
"""


def help_of(name: str) -> str:
    """What `NAME.py --help` prints on a terminal of COLUMNS."""
    tool = TOOLS[name]
    context = click.Context(
        tool, info_name=f"{name}.py", terminal_width=COLUMNS, **tool.context_settings
    )
    return tool.get_help(context)


def document() -> str:
    sections = [f"\n## {name}.py\n\n```text\n{help_of(name)}\n```\n" for name in TOOLS]
    return _HEAD + "".join(sections)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
