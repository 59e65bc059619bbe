"""Which targets are traced: the lost in the failing prefixes first, healthy ones beside them."""

from dataclasses import replace

import numpy as np
import pytest

from netsky.targets.memory import ALWAYS, nothing_of
from netsky.targets.to_trace import choose_failing, choose_quiet, live_loss, targets_each

FIRST = (10 << 24) + (25 << 16)  # 10.25.0.0
PREFIX = "10.25.1.0/24"
INSIDE = range(FIRST + 256, FIRST + 512)


def memory(lost=(), dead=()):
    """A thousand targets that usually answer, but for the dead."""
    new = nothing_of(np.arange(FIRST, FIRST + 1000, dtype=np.uint32))
    known = replace(new, answered=np.full_like(new.answered, ALWAYS))
    known.lost[np.isin(known.addresses, list(lost))] = True
    known.answered[np.isin(known.addresses, list(dead))] = 0
    return known


def test_half_are_lost_ones_of_the_prefix_the_others_answer_half_of_them_in_it():
    chosen = choose_failing(memory(lost=INSIDE[:128]), [PREFIX], 20).tolist()
    lost = [each for each in chosen if each in INSIDE[:128]]
    healthy_inside = [each for each in chosen if each in INSIDE[128:]]
    assert (len(chosen), len(lost), len(healthy_inside)) == (20, 10, 5)
    assert chosen == sorted(set(chosen))


def test_the_lost_elsewhere_come_when_the_prefix_has_too_few():
    elsewhere = range(FIRST, FIRST + 100)
    chosen = choose_failing(memory(lost=[*INSIDE[:3], *elsewhere]), [PREFIX], 20).tolist()
    assert sum(each in INSIDE[:3] for each in chosen) in (2, 3)
    assert sum(each in elsewhere for each in chosen) >= 7


def test_what_never_answers_is_not_chosen():
    dead = range(FIRST, FIRST + 990)
    chosen = choose_failing(memory(lost=dead, dead=dead), [], 20)
    assert chosen.tolist() == list(range(FIRST + 990, FIRST + 1000))


def test_where_all_are_lost_all_chosen_are():
    everything = range(FIRST, FIRST + 1000)
    assert len(choose_failing(memory(lost=everything), [PREFIX], 20)) == 20


def test_where_only_the_prefix_answers_the_healthy_are_in_it():
    lost = [each for each in range(FIRST, FIRST + 1000) if each not in INSIDE]
    chosen = choose_failing(memory(lost=lost), [PREFIX], 20).tolist()
    assert len(chosen) == 20
    assert sum(each in INSIDE for each in chosen) == 10


def test_in_quiet_times_a_few_from_all_over_that_answered():
    chosen = choose_quiet(memory(lost=range(FIRST, FIRST + 500)), 3).tolist()
    assert len(chosen) == 3
    assert min(chosen) >= FIRST + 500
    assert max(chosen) - min(chosen) > 300


def test_the_loss_of_the_usually_alive_tells_which_province_is_worst():
    assert live_loss(memory(lost=INSIDE)) == 0.256
    assert live_loss(memory(lost=INSIDE, dead=INSIDE)) == 0
    assert live_loss(nothing_of(np.empty(0, np.uint32))) == 0


@pytest.mark.parametrize(("provinces", "each"), [(1, 20), (2, 20), (3, 20), (6, 20), (31, 5)])
def test_more_provinces_have_fewer_targets_each(provinces, each):
    assert targets_each(provinces) == each
