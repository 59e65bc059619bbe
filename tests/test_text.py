"""Text from outside is one line, and a terminal only prints it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.errors import LibraryError, NetskyError
from netsky.text import one_line, printable


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("用户 netsky 没有权限", "用户 netsky 没有权限"),
        ("red \x1b[31malert\x1b[0m", "red \\x1b[31malert\\x1b[0m"),
        ("a\r\n2026-01-01 ERROR forged\n", "a 2026-01-01 ERROR forged"),
        ("one\ttwo \n\n three", "one two three"),
        ("a\u2028b\x85c\vd", "a b c d"),
        ("bell \a, back \b, CSI \x9b", "bell \\x07, back \\x08, CSI \\x9b"),
        ("backwards \u202e\u200b", "backwards \\u202e\\u200b"),
        ("a byte \udcff", "a byte \\udcff"),
        ("full\u3000width", "full\u3000width"),
        (ValueError("of\nanything"), "of anything"),
    ],
)
def test_what_does_not_print_is_written_out_and_line_breaks_are_spaces(text, line):
    assert one_line(text) == line


@given(text=st.text(), limit=st.integers(1, 50))
def test_whatever_the_text_it_is_one_line_that_prints_within_the_limit(text, limit):
    line = one_line(text, limit=limit)
    assert len(line) <= limit
    assert line.replace("\u3000", "").replace("\u00a0", "").isprintable()
    assert one_line(line) == line, "twice is once"


def test_a_cut_shows():
    assert one_line("1234567890", limit=5) == "1234…"
    assert one_line("12345", limit=5) == "12345"


@given(text=st.text(st.characters(exclude_categories=["C", "Z"])))
def test_text_that_prints_stays_as_it_is(text):
    assert printable(text) == text


def test_an_error_of_ours_is_one_line_whatever_it_repeats():
    assert str(NetskyError("server says \x1b[2J\nERROR forged")) == (
        "server says \\x1b[2J ERROR forged"
    )


def test_an_error_of_many_things_has_a_line_for_each():
    error = LibraryError("2 bad lines", lines=["x.txt:1: 'a\x1b'\nb", "x.txt:2: 'c'"])
    assert str(error) == "x.txt:1: 'a\\x1b' b\nx.txt:2: 'c'\n2 bad lines"
