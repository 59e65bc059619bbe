"""An error that nobody has thought of: one line, at -vv the stack, never its text."""

import errno
import logging
import re

import pytest

from netsky import unexpected

SECRET = "the password is geheim"


def fail(error):
    def inner():
        raise error

    inner()


def described(error, *, level):
    logging.getLogger("netsky").setLevel(level)
    with pytest.raises(type(error)) as failure:
        fail(error)
    return unexpected.describe(failure.value)


@pytest.fixture(autouse=True)
def _level():
    yield
    logging.getLogger("netsky").setLevel(logging.NOTSET)


def test_it_is_named_with_where_it_was_raised_and_how_to_know_more(caplog):
    line = described(ValueError(SECRET), level=logging.INFO)
    assert re.fullmatch(
        r"unexpected ValueError at test_unexpected\.py:\d+ \(run again with -vv for where\)", line
    )
    assert caplog.records == []


def test_at_debug_level_each_frame_is_a_record_without_the_errors_text(caplog):
    line = described(ValueError(SECRET), level=logging.DEBUG)
    assert re.fullmatch(r"unexpected ValueError at test_unexpected\.py:\d+", line)
    headline, *frames = [record.getMessage() for record in caplog.records]
    assert headline == f"stack of the {line}, the newest call last:"
    functions = [re.fullmatch(rf"  {__file__}:\d+ in (.+)", frame)[1] for frame in frames]
    assert functions == ["described", "fail", "fail.<locals>.inner"]
    assert SECRET not in caplog.text


def test_of_an_error_of_the_system_its_meaning_is_told_in_the_systems_words():
    error = OSError(errno.EMFILE, SECRET, "some\nfile")
    assert "unexpected OSError (Too many open files, some file) at " in described(
        error, level=logging.INFO
    )


def test_a_call_that_never_ends_does_not_flood_the_log(caplog):
    def recurse():
        recurse()

    logging.getLogger("netsky").setLevel(logging.DEBUG)
    with pytest.raises(RecursionError) as failure:
        recurse()
    unexpected.describe(failure.value)
    assert len(caplog.records) == 1 + unexpected.MOST_FRAMES


def test_without_a_stack_there_is_a_line_all_the_same():
    assert unexpected.describe(KeyError(SECRET)).startswith("unexpected KeyError at ?:0")
