"""docs/options.md shows today's help, and every help text is a sentence."""

import re

import pytest
from click.testing import CliRunner

from testing.documents import code_blocks, text_of
from tools import options
from tools.options import TOOLS

# With which a help text may begin.
VERBS = {
    "Accept",
    "Ask",
    "Average",
    "Begin",
    "Compare",
    "Delete",
    "Drop",
    "Keep",
    "Leave",
    "Let",
    "Log",
    "Look",
    "Make",
    "Print",
    "Probe",
    "Publish",
    "Push",
    "Read",
    "Replace",
    "Run",
    "Say",
    "Send",
    "Show",
    "Spread",
    "Start",
    "Take",
    "Trace",
    "Wait",
    "Work",
    "Write",
}


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
