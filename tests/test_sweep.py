"""How long a sweep takes to send, and what it counts."""

from math import nan

import numpy as np
import pytest

from netsky.errors import InputError
from netsky.sweep import ProbePlan
from testing.samples import make_sweep


@pytest.mark.parametrize(
    ("plan", "targets", "seconds"),
    [
        (ProbePlan(window=10, rate=100_000), 1000, 10),
        (ProbePlan(window=10, rate=100_000), 2_000_000, 20),
        (ProbePlan(window=0, rate=100_000), 1000, 0.01),
        (ProbePlan(window=10, rate=1000, count=3), 5000, 15),
    ],
)
def test_packets_are_spread_over_the_window_but_never_faster_than_the_rate(plan, targets, seconds):
    assert plan.span(targets) == pytest.approx(seconds)


def test_packets_sent_and_received_are_counted():
    sweep = make_sweep({"beijing": [0.1, nan, nan], "hebei": [0.0]})
    sweep.sent[1] = False
    assert (sweep.packets_sent, sweep.packets_received) == (3, 2)
    assert np.count_nonzero(sweep.sent & np.isnan(sweep.rtt_seconds)) == 1


@pytest.mark.parametrize(("drops", "tainted"), [(0, False), (1, True)])
def test_a_sweep_is_tainted_by_local_drops(drops, tainted):
    assert make_sweep({"beijing": [0.1]}, local_drops=drops).tainted is tainted


@pytest.mark.parametrize(
    ("targets", "plan", "taken"),
    [
        (3_000_000, ProbePlan(), True),
        (3_000_001, ProbePlan(), False),
        (1_500_001, ProbePlan(count=2), False),
        (10_000_000, ProbePlan(window=0), True),  # as fast as the rate allows
    ],
)
def test_a_library_of_more_than_three_windows_is_refused(targets, plan, taken):
    if taken:
        plan.check_size(targets)
        return
    with pytest.raises(InputError, match="far more than --window 10"):
        plan.check_size(targets)
