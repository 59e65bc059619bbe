"""What makes a command a tool: exits, the error boundary, repetition, numbers."""

import errno
import logging
import math
import os
import re
import signal
import sys
from contextlib import suppress

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from netsky import __version__
from netsky.cli import config
from netsky.cli.options import Number
from netsky.cli.running import repeat
from netsky.cli.tool import DONE, FAILED, INCOMPLETE, Tool
from netsky.errors import (
    DeliveryError,
    EngineError,
    InputError,
    LibraryError,
    LockedError,
    NetskyError,
)


@pytest.fixture(autouse=True)
def restored_process_state():
    """A tool is alone in its process: it sets the handler of SIGTERM and the root log level."""
    handler, level = signal.getsignal(signal.SIGTERM), logging.getLogger().level
    yield
    signal.signal(signal.SIGTERM, handler)
    logging.getLogger().setLevel(level)


def run(function, *arguments, charset="utf-8", **options):
    """Run a tool whose work is `function`."""

    @click.command("netsky_x", cls=Tool)
    @click.option("--rate", type=int, default=1, help="Speed.")
    def tool(rate):
        """Do x."""
        return function(rate)

    return CliRunner(charset=charset).invoke(tool, arguments, prog_name="netsky_x", **options)


def raising(error):
    def function(rate):
        raise error

    return function


@pytest.mark.parametrize("code", [DONE, INCOMPLETE])
def test_the_exit_code_is_what_the_tool_returns(code):
    assert run(lambda _rate: code).exit_code == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NetskyError, 1),
        (EngineError, 1),
        (InputError, 2),
        (LibraryError, 2),
        (DeliveryError, 3),
        (LockedError, 75),
    ],
)
def test_an_error_is_one_log_line_and_its_exit_code(error, code, caplog):
    result = run(raising(error("no good: 100%")))
    assert result.exit_code == code
    assert result.stdout == ""
    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "no good: 100%")
    assert record.exc_info is None


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ZeroDivisionError("geheim"), "ZeroDivisionError"),
        (MemoryError(), "MemoryError"),
        (OSError(errno.EMFILE, "geheim"), r"OSError \(Too many open files\)"),
    ],
)
def test_an_error_of_ours_is_one_line_that_says_where_and_no_traceback(error, name, caplog):
    result = run(raising(error))
    assert (result.exit_code, result.output) == (FAILED, "")
    [record] = caplog.records
    assert re.fullmatch(
        rf"unexpected {name} at test_tool\.py:\d+ \(run again with -vv for where\)",
        record.getMessage(),
    )


def test_at_vv_the_stack_of_an_error_of_ours_is_in_the_log(caplog):
    assert run(raising(KeyError("geheim")), "-vv").exit_code == FAILED
    *frames, record = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(r"unexpected KeyError at test_tool\.py:\d+", record)
    assert frames[-1].endswith(" in raising.<locals>.function")
    assert "geheim" not in caplog.text


def test_at_vv_so_is_that_of_an_error_while_netsky_toml_is_read(caplog, monkeypatch, tmp_path):
    def fail(_file):
        raise RecursionError

    monkeypatch.setattr(config, "read", fail)
    (tmp_path / "netsky.toml").write_text("")
    result = run(lambda _rate: DONE, "--config", str(tmp_path / "netsky.toml"), "-vv")
    assert result.exit_code == FAILED
    *frames, record = [record.getMessage() for record in caplog.records]
    assert re.fullmatch(r"unexpected RecursionError at test_tool\.py:\d+", record)
    assert frames[-1].endswith(".<locals>.fail")


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_reader_of_help_that_has_seen_enough_is_no_failure(option, monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    with suppress(BrokenPipeError), os.fdopen(writer, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        with pytest.raises(SystemExit) as ended:
            Tool("netsky_x").main([option], prog_name="netsky_x")
    assert ended.value.code == DONE


@pytest.mark.parametrize("arguments", [["--no-such"], ["--rate", "x"], ["argument"]])
def test_wrong_usage_is_2_with_a_hint_on_standard_error(arguments):
    result = run(lambda _rate: DONE, *arguments)
    assert result.exit_code == 2
    assert "Usage: netsky_x" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    "arguments", [["--no\x1b[2J\nError: forged"], ["--rate", "\x1b[2J\nx"], ["\x1b[2J\nx"]]
)
def test_wrong_usage_repeats_an_argument_in_one_line_that_prints(arguments):
    result = run(lambda _rate: DONE, *arguments)
    usage, hint, empty, error = result.stderr.splitlines()
    assert (hint, empty) == ("Try 'netsky_x -h' for help.", "")
    assert error.startswith("Error: ")
    assert "\\x1b[2J" in error
    assert (usage + error).isprintable()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_tool_in_order(signum, caplog):
    cleaned = []

    def work(rate):
        try:
            signal.raise_signal(signum)
        finally:
            cleaned.append(True)

    assert run(work).exit_code == FAILED
    assert cleaned
    assert [r.getMessage() for r in caplog.records] == ["interrupted"]


@pytest.mark.parametrize(
    ("arguments", "level"),
    [
        ([], logging.WARNING),
        (["-v"], logging.INFO),
        (["-vv"], logging.DEBUG),
        (["-vvvv"], logging.DEBUG),
        (["-q"], logging.ERROR),
        (["-q", "-v"], logging.ERROR),
    ],
)
def test_verbosity_sets_the_log_level(arguments, level):
    seen = []
    run(lambda _rate: seen.append(logging.getLogger().level) or DONE, *arguments)
    assert seen == [level]


def test_options_come_from_the_environment_unless_given():
    seen = []
    run(seen.append, env={"NETSKY_RATE": "7"})
    run(seen.append, "--rate", "8", env={"NETSKY_RATE": "7"})
    assert seen == [7, 8]


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_tells_options_defaults_and_exit_codes(option):
    result = run(raising(AssertionError()), option)
    assert result.exit_code == DONE
    own, _, rest = result.stdout.partition("Options of every tool:")
    common, _, exits = rest.partition("Exit codes:")
    assert "Do x." in own
    assert "--rate" in own
    assert "[default: 1]" in own
    assert "--verbose" in common
    assert [line.split()[0] for line in exits.strip().splitlines()] == ["0", "1", "2", "3", "75"]


def test_the_version_is_told():
    assert (
        run(raising(AssertionError()), "--version").stdout == f"netsky_x, version {__version__}\n"
    )


def test_chinese_text_does_not_fail_in_a_foreign_locale():
    def work(rate):
        sys.stdout.write("北京\n")
        return DONE

    result = run(work, charset="ascii")
    assert (result.exit_code, result.stdout) == (DONE, "\\u5317\\u4eac\n")


class Clock:
    """Time that passes only when a run takes it or somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        assert seconds >= 0
        self.now += seconds
        assert self.now < 100_000, "it never ends"


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("netsky.cli.running.time", clock)
    return clock


def starts(clock, durations, *, every):
    """When, from the first, each run started that took so long; the last is interrupted."""
    first, times, durations = clock.now, [], iter(durations)

    def run_once():
        times.append(clock.now - first)
        duration = next(durations, None)
        if duration is None:
            raise KeyboardInterrupt
        clock.now += duration
        return FAILED

    assert repeat(run_once, every=every) == DONE
    return times


def test_without_repetition_it_runs_once():
    codes = iter([INCOMPLETE])
    assert repeat(lambda: next(codes), every=None) == INCOMPLETE


def test_without_repetition_an_error_and_an_interrupt_get_out():
    for error in (NetskyError, KeyboardInterrupt):
        with pytest.raises(error):
            repeat(lambda error=error: raising(error())(1), every=None)


def test_starts_are_evenly_apart_however_long_a_run_takes(clock):
    assert starts(clock, [0, 3, 9.5, 1], every=10) == [0, 10, 20, 30, 40]


def test_starts_that_a_long_run_misses_are_left_out(clock):
    assert starts(clock, [25, 1, 11, 1], every=10) == [0, 30, 40, 60, 70]


@given(
    durations=st.lists(st.integers(0, 100).map(lambda n: n / 4), max_size=10),
    every=st.integers(1, 40).map(lambda n: n / 4),
)
def test_a_run_starts_at_the_first_beat_after_the_one_before_has_ended(durations, every):
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock()
        patch.setattr("netsky.cli.running.time", clock)
        times = starts(clock, durations, every=every)
    for start, duration, following in zip(times, durations, times[1:], strict=False):
        assert following % every == 0
        assert 0 <= following - (start + duration) <= every
        assert following > start


def test_in_repetition_an_error_ends_its_own_run_only(clock, caplog):
    errors = iter([EngineError("first"), InputError("second"), KeyboardInterrupt()])

    def fail():
        raise next(errors)

    assert repeat(fail, every=10) == DONE
    assert [r.getMessage() for r in caplog.records] == ["first", "second"]


def test_in_repetition_an_interrupted_sleep_ends_it_in_order(clock, monkeypatch):
    def interrupted_sleep(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(clock, "sleep", interrupted_sleep)
    assert repeat(lambda: INCOMPLETE, every=10) == DONE


def test_in_repetition_an_error_of_ours_ends_its_own_run_only(clock, caplog):
    errors = iter([ZeroDivisionError(), MemoryError(), KeyboardInterrupt()])

    def fail():
        raise next(errors)

    assert repeat(fail, every=10) == DONE
    messages = [r.getMessage() for r in caplog.records]
    assert [message.split(" at ")[0] for message in messages] == [
        "unexpected ZeroDivisionError",
        "unexpected MemoryError",
    ]


@given(value=st.floats())
def test_a_number_is_finite_and_in_its_range_or_refused(value):
    number = Number(-1, 86400)
    if math.isfinite(value) and -1 <= value <= 86400:
        assert number.convert(repr(value), None, None) == value
    else:
        with pytest.raises(click.BadParameter):
            number.convert(repr(value), None, None)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e999", "NaN", "Infinity", "x", ""])
@pytest.mark.parametrize("number", [Number(), Number(0), Number(0, 10)])
def test_what_is_not_a_finite_number_is_refused(number, text):
    with pytest.raises(click.BadParameter):
        number.convert(text, None, None)
