"""What is remembered of each target, held against a plain computation, target by target."""

from dataclasses import replace
from datetime import timedelta
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.targets.memory import (
    ALWAYS,
    NEW,
    USUALLY,
    Memory,
    ProvinceMemory,
    learned,
    nothing_of,
    packets,
)
from testing.samples import STARTED_AT, make_sweep

ANSWERED, LOST, NOT_SENT = range(3)
shares = st.integers(0, ALWAYS)


def sweep_of(fates, *, days=0):
    """A sweep of one packet a target."""
    sweep = make_sweep({"hunan": [0.1 if fate == ANSWERED else nan for fate in fates]})
    sent = np.array([[fate != NOT_SENT] for fate in fates])
    return replace(sweep, sent=sent, started_at=STARTED_AT + timedelta(days=days))


def learn(memory, sweep, *, frozen=None, times=1):
    frozen = np.zeros(len(memory.addresses), np.bool_) if frozen is None else np.array(frozen)
    for _ in range(times):
        memory = learned(memory, sweep, memory.provinces, frozen=frozen)
    return memory


def memory_of(sweep, **fields):
    return replace(nothing_of(sweep.library.addresses), **fields)


def plain_share(share, fate, *, frozen):
    if frozen or fate == NOT_SENT:
        return share
    way = ALWAYS - share if fate == ANSWERED else share
    step = way // 64 + (way > 0)
    return share + step if fate == ANSWERED else share - step


@given(targets=st.lists(st.tuples(shares, st.integers(0, 2), st.booleans()), min_size=1))
def test_a_share_moves_a_64th_of_the_way_to_what_the_target_did(targets):
    before, fates, frozen = zip(*targets, strict=True)
    sweep = sweep_of(fates)
    memory = memory_of(sweep, answered=np.array(before, np.uint16))
    after = learn(memory, sweep, frozen=frozen)
    expected = [plain_share(s, fate, frozen=f) for s, fate, f in targets]
    assert after.answered.tolist() == expected
    assert memory.answered.tolist() == list(before), "what was known is not changed"
    assert after.lost.tolist() == [fate == LOST for fate in fates]


@pytest.mark.parametrize(("fate", "end"), [(ANSWERED, ALWAYS), (LOST, 0)])
def test_what_a_target_always_does_is_its_share_in_the_end(fate, end):
    sweep = sweep_of([fate])
    assert learn(memory_of(sweep), sweep, times=1000).answered.tolist() == [end]


def test_seven_losses_take_a_target_out_and_147_answers_bring_it_in():
    always = memory_of(sweep_of([LOST]), answered=np.array([ALWAYS], np.uint16))
    assert learn(always, sweep_of([LOST]), times=6).live.all()
    assert not learn(always, sweep_of([LOST]), times=7).live.any()
    never = memory_of(sweep_of([ANSWERED]), answered=np.array([0], np.uint16))
    assert not learn(never, sweep_of([ANSWERED]), times=145).live.any()
    assert learn(never, sweep_of([ANSWERED]), times=147).live.all()


def test_a_new_target_is_usually_alive_after_some_45_answers_and_one_of_two_never():
    rng = np.random.default_rng(1)
    memory = memory_of(sweep_of([ANSWERED] * 1000))
    assert not learn(memory, sweep_of([ANSWERED] * 1000), times=40).live.any()
    assert learn(memory, sweep_of([ANSWERED] * 1000), times=48).live.all()
    for _ in range(300):
        memory = learn(memory, sweep_of(rng.integers(0, 2, 1000)))
        assert not memory.live.any()


def test_a_target_answers_when_any_of_its_packets_is_answered():
    sweep = make_sweep({"hunan": [nan, nan, nan]})
    rtts = np.array([[nan, 0.1], [nan, nan], [nan, nan]], np.float32)
    were_sent = np.array([[True, True], [False, True], [False, False]])
    sweep = replace(sweep, rtt_seconds=rtts, sent=were_sent)
    sent, lost = packets(sweep)
    assert (sent.tolist(), lost.tolist()) == ([2, 1, 0], [1, 1, 0])
    memory = learn(memory_of(sweep), sweep)
    assert [int(np.sign(int(share) - NEW)) for share in memory.answered] == [1, -1, 0]
    assert memory.lost.tolist() == [False, True, False]


def test_days_of_silence_are_days_with_sweeps_not_days_of_the_calendar():
    memory = memory_of(sweep_of([LOST]))
    for day in (0, 0, 1, 1, 2):
        memory = learn(memory, sweep_of([LOST], days=day))
    assert memory.silent_days.tolist() == [2]
    memory = learn(memory, sweep_of([LOST], days=60))  # the probe was away for two months
    assert memory.silent_days.tolist() == [3]
    assert learn(memory, sweep_of([NOT_SENT], days=61)).silent_days.tolist() == [3]
    assert learn(memory, sweep_of([ANSWERED], days=61)).silent_days.tolist() == [0]


def test_a_target_is_dead_after_a_week_of_silence_and_stays_so():
    memory = memory_of(sweep_of([LOST, ANSWERED]))
    for day in range(8):
        memory = learn(memory, sweep_of([LOST, ANSWERED], days=day))
        assert memory.dead is None, "there was no week yet"
    for day in range(8, 300):
        memory = learn(memory, sweep_of([LOST, ANSWERED], days=day))
        assert memory.dead.tolist() == [True, False]
    new = memory.of(np.append(memory.addresses, np.uint32(1)))
    assert new.dead.tolist() == [True, False, False], "of a new one no week is known"


addresses = st.lists(st.integers(0, 2**32 - 1), unique=True)


@given(before=addresses, now=addresses, data=st.data())
def test_what_is_known_goes_with_the_address_when_the_library_changes(before, now, data):
    count = st.lists(st.integers(0, 255), min_size=len(before), max_size=len(before))
    values = data.draw(count)
    memory = Memory(
        np.array(before, np.uint32),
        np.array(values, np.uint16) * np.uint16(257),
        np.array(values, np.uint8),
        np.array(values, np.uint8) % 2 == 1,
        {"hunan": ProvinceMemory(5)},
        STARTED_AT,
    )
    taken = memory.of(np.array(now, np.uint32))
    known = dict(zip(before, values, strict=True))
    assert taken.addresses.tolist() == now
    assert taken.answered.tolist() == [257 * known[a] if a in known else NEW for a in now]
    assert taken.silent_days.tolist() == [known.get(a, 0) for a in now]
    assert taken.lost.tolist() == [known.get(a, 0) % 2 == 1 for a in now]
    assert (taken.provinces, taken.swept_at) == (memory.provinces, memory.swept_at)

    both = taken.with_others_of(memory)
    assert sorted(both.addresses.tolist()) == sorted({*before, *now})
    again = both.of(memory.addresses)
    for what in ("answered", "silent_days", "lost"):
        assert getattr(again, what).tolist() == getattr(memory, what).tolist()


def test_nine_in_ten_is_usually_alive():
    memory = memory_of(sweep_of([LOST] * 3), answered=np.array([0, USUALLY - 1, USUALLY], "u2"))
    assert memory.live.tolist() == [False, False, True]
    assert pytest.approx(0.9, abs=1e-5) == USUALLY / ALWAYS
