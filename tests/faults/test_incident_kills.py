"""Killed between any two steps, and run twice at once: no incident is lost, doubled or left open."""

import multiprocessing
import os
import signal
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest

from netsky.jobs.alert import alert
from netsky.judging.rule import MeanRule
from netsky.outlets.delivery import Outlets
from netsky.places import BUILTIN_ISPS
from netsky.store import incidents
from testing.stores import Loss

SECOND = timedelta(seconds=1)
QUIET = {"beijing": 1, "hunan": 1}
ALERT = {"beijing": 1, "hunan": 45}
WIDER = {"beijing": 8, "hunan": 81}
# Two incidents: opened, changed and cleared, and opened again.
SWEEPS = [ALERT, ALERT, WIDER, QUIET, QUIET, QUIET, ALERT, ALERT]
MOST_SECONDS = 60

in_process = multiprocessing.get_context("fork")  # a start of Python costs a second


def die(*_arguments, **_keywords):
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(function):
    def call(*arguments, **keywords):
        function(*arguments, **keywords)
        die()

    return call


POINTS = {
    "before anything is written": {"netsky.store.incidents.ignore_existing": die},
    "while the line is locked": {"netsky.store.incidents._recent": die},
    "when the verdict is written, and the incident not": {"netsky.store.incidents._stored": die},
    "when both are written, and not committed": {
        "netsky.store.incidents._stored": then_die(incidents._stored)
    },
    "when it is committed, and not pushed": {"netsky.jobs.alert.alert_metrics": die},
}


def run(store, replaced=()):
    with ExitStack() as stack:
        for name, function in dict(replaced).items():
            stack.enter_context(patch(name, function))
        alert(store.database, BUILTIN_ISPS["cu"], "default", rule=MeanRule(), outlets=Outlets())
    os._exit(0)


def exit_codes(*processes):
    for process in processes:
        process.start()
    for process in processes:
        process.join(MOST_SECONDS)
    return [process.exitcode for process in processes]


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_run_twice_at_once_each_outage_is_one_incident(store, point):
    start = datetime.now(UTC).replace(microsecond=0) - 100 * SECOND
    store.create_tables()
    for slug in QUIET:
        store.add_baseline(slug, 1, start)
    killed = 0
    for number, losses in enumerate(SWEEPS):
        at = start + number * SECOND
        store.add_losses(*(Loss(slug, loss, at) for slug, loss in losses.items()))
        [code] = exit_codes(in_process.Process(target=run, args=(store, POINTS[point])))
        killed += code == -signal.SIGKILL
        together = [in_process.Process(target=run, args=(store,)) for _ in range(2)]
        assert exit_codes(*together) == [0, 0]
    # Opened twice, changed and cleared: at these the incident is written.
    assert killed >= 4, point
    second, first = incidents.incidents(
        store.database.connector, incidents.Line("cu", "default"), limit=9
    )
    assert (first.opened_at, first.changed_at, first.cleared_at) == (
        start,
        start + 2 * SECOND,
        start + 3 * SECOND,
    )
    assert first.peak_increase_ratio == pytest.approx(0.80)
    assert first.peak_provinces == len(first.provinces) == 2
    assert (second.opened_at, second.cleared_at) == (start + 6 * SECOND, None)
