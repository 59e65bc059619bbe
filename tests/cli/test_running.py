"""Several lines in one process: each under its lock, and none disturbed by another."""

import logging
from functools import partial

import click
import pytest

from netsky.cli import lock
from netsky.cli.running import LineRun, Running
from netsky.cli.tool import DONE, INCOMPLETE
from netsky.errors import DatabaseError, LibraryError, LockedError

ISPS = ("cu", "cm", "ct")


@pytest.fixture
def run(tmp_path):
    """Run lines, given what the start of each does, by ISP; with `every` until KeyboardInterrupt."""

    def run_lines(starts, *, every=None):
        running = Running(every=every, format="line", show_all=False, lock_dir=tmp_path)
        with click.Context(click.Command("tool")):
            return running.run([LineRun(isp, "a", start) for isp, start in starts.items()])

    return run_lines


def giving(*codes):
    """What starts a line whose runs give these exit codes, or raise these errors."""
    outcomes = iter(codes)

    def once():
        outcome = next(outcomes)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return lambda: once


def failing(error):
    def start():
        raise error

    return start


@pytest.mark.parametrize(
    ("codes", "code"),
    [((DONE, DONE), DONE), ((INCOMPLETE, DONE), INCOMPLETE), ((INCOMPLETE,) * 2, INCOMPLETE)],
)
def test_the_exit_code_is_that_of_all_or_else_says_that_something_is_missing(run, codes, code):
    starts = {isp: giving(each) for isp, each in zip(ISPS, codes, strict=False)}
    assert run(starts) == code


def test_a_line_that_fails_is_named_and_keeps_no_other_from_running(run, caplog):
    starts = {"cu": failing(LibraryError("no file")), "cm": giving(DatabaseError("down"))}
    assert run(starts | {"ct": giving(DONE)}) == INCOMPLETE
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "ISP cu, egress a: no file",
        "ISP cm, egress a: down",
    ]


def test_an_error_of_ours_in_one_line_keeps_no_other_from_running(run, caplog):
    starts = {"cu": failing(MemoryError()), "cm": giving(KeyError("geheim"))}
    assert run(starts | {"ct": giving(DONE)}) == INCOMPLETE
    said = [record.message.partition(" at ")[0] for record in caplog.records]
    assert said == [
        "ISP cu, egress a: unexpected MemoryError",
        "ISP cm, egress a: unexpected KeyError",
    ]


def test_where_no_line_can_begin_the_first_error_is_raised(run):
    starts = {"cu": failing(LibraryError("first")), "cm": failing(LibraryError("second"))}
    with pytest.raises(LibraryError, match="first"):
        run(starts)


def test_a_line_that_another_process_holds_is_left_to_it(run, tmp_path, caplog):
    with lock.hold(tmp_path, "tool", egress="a", isp="cu"):
        assert run({"cu": giving(DONE), "cm": giving(DONE)}) == INCOMPLETE
        assert "already running for ISP cu" in caplog.text
        with pytest.raises(LockedError):
            run({"cu": giving(DONE)})
    assert run({"cu": giving(DONE), "cm": giving(DONE)}) == DONE


def test_a_line_that_could_not_begin_is_tried_again_in_the_next_round(run, monkeypatch):
    monkeypatch.setattr("netsky.cli.running.time.sleep", lambda _seconds: None)
    attempts = []

    def start():
        attempts.append(1)
        if len(attempts) < 4:
            raise LibraryError("not yet")
        return partial(next, iter([DONE, DONE]))

    starts = {"cu": start, "cm": giving(DONE, DONE, DONE, KeyboardInterrupt())}
    assert run(starts, every=2) == DONE
    assert len(attempts) == 4


def test_a_round_longer_than_its_interval_says_so(run, monkeypatch, caplog):
    times = iter([0.0, 7.0, 7.0, 8.0, 8.0])
    monkeypatch.setattr("netsky.cli.running.time.monotonic", lambda: next(times, 9.0))
    monkeypatch.setattr("netsky.cli.running.time.sleep", lambda _seconds: None)
    run({"cu": giving(DONE, KeyboardInterrupt())}, every=5)
    assert "longer than --every 5 s" in caplog.text
