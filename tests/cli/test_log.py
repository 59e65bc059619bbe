"""A record of the log is one line that prints, and nothing in it can pass for another record."""

import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from netsky.cli.log import LineFormatter
from netsky.errors import LibraryError

OUTSIDE = "bad \x1b[2J\n2026-01-01T00:00:00+0000 ERROR forged"


def logged(message, *arguments, exc_info=None):
    """The lines of a record, without the time in front of the first."""
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, message, arguments, exc_info=exc_info)
    time, _, text = LineFormatter().format(record).partition(" ")
    assert len(time) == len("2026-01-01T00:00:00+0000")
    return text.split("\n")


@pytest.mark.parametrize("argument", [OUTSIDE, Path(OUTSIDE), ValueError(OUTSIDE)])
def test_text_from_outside_is_one_line_that_prints(argument):
    assert logged("server says %s", argument) == [
        "ERROR server says bad \\x1b[2J 2026-01-01T00:00:00+0000 ERROR forged"
    ]


def test_numbers_are_formatted_as_ever():
    assert logged("%d of %.1f at %s", np.int64(3), 0.25, 7) == ["ERROR 3 of 0.2 at 7"]


def test_the_lines_that_we_wrote_stay_apart_and_are_no_records():
    error = LibraryError("2 bad lines", lines=["one \x1b", "two"])
    assert logged("%s\nprobing goes on", error) == [
        "ERROR one \\x1b",
        "    two",
        "    2 bad lines",
        "    probing goes on",
    ]


def test_a_traceback_of_whatever_library_prints_and_is_no_record():
    with pytest.raises(ValueError) as failure:
        int(OUTSIDE)
    first, *others = logged("failed", exc_info=failure._excinfo)
    assert first == "ERROR failed"
    assert all(line.startswith("    ") and line.isprintable() for line in others)


def test_an_interrupt_while_a_connection_is_closed_is_told_without_a_stack(tmp_path):
    program = (
        "import sqlalchemy as sa\n"
        "from netsky.cli import log\n"
        "log.set_up()\n"
        f"engine = sa.create_engine('sqlite:///{tmp_path}/x.db', poolclass=sa.NullPool)\n"
        "def interrupt(connection):\n"
        "    raise KeyboardInterrupt\n"
        "engine.dialect.do_close = interrupt\n"
        "try:\n"
        "    engine.connect().close()\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
