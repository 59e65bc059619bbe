"""What sweeps teach, over days: faults are not learned, and what has changed for good is."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import numpy as np
import pytest

from netsky.judging.learning import (
    ProvinceLoss,
    frozen_targets,
    is_frozen,
    is_up,
    losses,
    provinces_after,
)
from netsky.targets.memory import ALWAYS, ProvinceMemory, learned, nothing_of
from testing.samples import STARTED_AT, make_sweep

ALIVE, DEAD = 600, 400
EVERY = timedelta(minutes=5)


class World:
    """Two provinces, each with targets that answer and targets that never do, and their memory."""

    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.template = make_sweep({"hunan": [0.1] * (ALIVE + DEAD), "hubei": [0.1] * 1000})
        self.chance = np.tile(np.repeat([0.99, 0.0], [ALIVE, DEAD]), 2)
        self.memory = nothing_of(self.template.library.addresses)
        self.at = STARTED_AT
        self.in_incident = ()

    def sweep(self, **fields):
        """A sweep in which each target answers with its chance; what it teaches is learned."""
        replied = self.rng.random(len(self.chance)) < self.chance
        rtts = np.where(replied, np.float32(0.1), np.float32("nan"))[:, None]
        self.at += EVERY
        sweep = replace(self.template, rtt_seconds=rtts, started_at=self.at, **fields)
        self.learn(sweep)

    def learn(self, sweep):
        loss = losses(sweep, self.memory)
        provinces = provinces_after(self.memory, sweep, loss, in_incident=self.in_incident)
        frozen = frozen_targets(sweep, provinces)
        self.memory = learned(self.memory, sweep, provinces, frozen=frozen)

    def sweeps(self, count):
        for _ in range(count):
            self.sweep()

    def hours(self, hours):
        self.sweeps(int(hours * 12))

    @property
    def hunan(self):
        return self.memory.provinces["hunan"]

    def live(self):
        """How many targets of Hunan and Hubei are usually alive."""
        return [int(part.sum()) for part in self.memory.live.reshape(2, 1000)]


@pytest.fixture
def world():
    world = World()
    world.hours(12)
    assert world.live() == [ALIVE, ALIVE]
    return world


def test_a_day_of_total_loss_leaves_the_targets_usually_alive(world):
    world.chance[:1000] = 0
    world.hours(24)
    assert world.live() == [ALIVE, ALIVE]
    assert world.hunan.live_loss == pytest.approx(0.01, abs=0.003)
    world.chance[:ALIVE] = 0.99
    world.sweep()
    assert world.hunan.up_seconds is None
    assert world.live() == [ALIVE, ALIVE]


def test_what_has_lasted_longer_than_a_day_is_the_new_usual(world):
    world.chance[:200] = 0  # a third of those that answered
    world.hours(24)
    assert world.live()[0] == ALIVE
    world.hours(3)
    assert world.live() == [ALIVE - 200, ALIVE]
    world.hours(3)
    assert world.hunan.live_loss == pytest.approx(0.01, abs=0.05)
    assert not is_frozen(world.hunan)


def test_a_province_whose_users_were_renumbered_is_relearned_within_a_day(world):
    world.chance[:1000] = np.roll(world.chance[:1000], DEAD)
    world.hours(24)
    assert world.live() == [ALIVE, ALIVE]
    assert world.memory.live[DEAD:1000].all()
    assert world.hunan.live_loss == pytest.approx(0.01, abs=0.02)


def test_so_it_is_though_the_old_addresses_open_an_incident(world):
    world.chance[:1000] = np.roll(world.chance[:1000], DEAD)
    world.sweeps(2)
    world.in_incident = ("hunan",)
    world.sweeps(6)  # and three that are judged end it, as these are not lost any more
    assert world.live() == [ALIVE - DEAD, ALIVE]
    world.in_incident = ()
    world.hours(23)
    assert world.live() == [ALIVE, ALIVE]
    assert world.memory.live[DEAD:1000].all()


def test_in_an_incident_the_return_of_others_does_not_have_the_fault_learned(world):
    world.chance[:100] = 0
    world.in_incident = ("hunan",)
    world.sweep()
    world.chance[ALIVE : ALIVE + 100] = 0.99  # who was away for long
    world.sweeps(40)
    assert world.live() == [ALIVE, ALIVE]


def test_users_that_moved_out_of_the_library_are_gone_after_two_days(world):
    world.chance[:1000] = 0
    world.hours(24)
    assert world.live()[0] == ALIVE
    world.hours(1)
    assert world.live()[0] == 0
    world.chance[:ALIVE] = 0.99
    world.hours(16)
    assert world.live()[0] == ALIVE
    assert world.hunan.live_loss == pytest.approx(0.01, abs=0.005), "of the fault nothing is left"


def test_a_fault_freezes_its_own_province_only(world):
    world.chance[:1000] = 0
    before = world.memory.answered.copy()
    world.sweep()
    changed = world.memory.answered != before
    assert (changed[:1000].any(), changed[1000:].any()) == (False, True)


def test_a_clock_that_jumps_does_not_end_a_freeze(world):
    world.chance[:1000] = 0
    world.sweeps(3)
    world.at += timedelta(days=400)
    world.sweeps(3)
    world.at -= timedelta(days=400)
    world.sweeps(3)
    assert is_frozen(world.hunan)
    assert world.live()[0] == ALIVE


def test_in_an_open_incident_even_a_rise_that_chance_explains_is_not_learned(world):
    world.chance[:ALIVE] = 0.985  # half as much again as usual: not up
    world.in_incident = ("hunan",)
    before, usual = world.memory.answered.copy(), world.hunan.live_loss
    world.sweeps(10)
    assert world.hunan.up_seconds is None
    changed = world.memory.answered != before
    assert (changed[:1000].any(), changed[1000:].any()) == (False, True)
    assert world.hunan.live_loss == usual
    world.in_incident = ()
    world.sweep()
    assert (world.memory.answered != before)[:1000].any()
    assert world.hunan.incident_seconds is None


def test_an_incident_of_more_than_a_day_is_learned_and_a_new_fault_in_it_is_not(world):
    world.chance[:6] = 0  # a hundredth of those that answered
    world.in_incident = ("hunan",)
    world.hours(24)
    assert world.live() == [ALIVE, ALIVE]
    world.hours(4)
    assert world.live() == [ALIVE - 6, ALIVE]
    world.chance[:1000] = 0
    world.hours(23)
    assert world.live() == [ALIVE - 6, ALIVE]


def test_a_rise_that_lasted_a_day_is_not_frozen_for_another_by_its_incident(world):
    world.chance[:200] = 0
    world.hours(2)
    world.in_incident = ("hunan",)
    world.hours(22)
    assert world.live()[0] == ALIVE
    world.hours(3)
    assert world.live()[0] == ALIVE - 200


def test_while_it_cannot_be_asked_an_incident_is_still_open(world):
    before = world.memory.answered.copy()
    for world.in_incident in (("hunan",), None, None):
        world.sweep()
    assert is_frozen(world.hunan)
    changed = world.memory.answered != before
    assert (changed[:1000].any(), changed[1000:].any()) == (False, True)
    world.in_incident = ()
    world.sweep()
    assert not is_frozen(world.hunan)


def test_targets_that_were_not_sent_to_teach_nothing(world):
    before = world.memory.answered.copy()
    nobody = np.zeros((2000, 1), np.bool_)
    world.learn(replace(world.template, sent=nobody, rtt_seconds=np.full((2000, 1), np.nan, "f4")))
    assert np.array_equal(world.memory.answered, before)


USUAL = ProvinceMemory(100, 0.01, 0.02)


@pytest.mark.parametrize(
    ("lost", "silent_answers", "up"),
    [
        (10, 8, False),  # as usual
        (22, 8, False),  # by chance it may be twice as many
        (29, 8, True),
        (60, 8, True),
        (60, 20, True),
        (60, 40, False),  # as many others answer now
        (1000, 0, True),
    ],
)
def test_a_province_is_up_when_it_loses_more_than_chance_and_no_others_answer(
    lost, silent_answers, up
):
    assert is_up(USUAL, ProvinceLoss(1000, lost, 400, silent_answers)) is up


def test_nothing_is_up_before_it_is_known_what_is_usual():
    loss = ProvinceLoss(1000, 1000, 1000, 0)
    assert not is_up(ProvinceMemory(2, 0.01), loss)
    assert not is_up(USUAL, ProvinceLoss(0, 0, 1000, 0))


def test_what_is_usual_is_the_mean_of_the_sweeps_that_were_not_up(world):
    known = ProvinceMemory()
    memory = replace(world.memory, provinces={"hunan": known})
    for lost in (10, 20, 12, 500, 14):
        loss = {"hunan": ProvinceLoss(1000, lost, 200, 2)}
        memory = replace(
            memory, provinces=provinces_after(memory, world.template, loss, in_incident=())
        )
    after = memory.provinces["hunan"]
    assert after.sweeps == 4
    assert after.live_loss == pytest.approx(0.014)
    assert after.silent_answers == pytest.approx(0.01)


def test_what_is_usual_follows_the_loss_within_half_a_day_of_sweeps(world):
    memory = replace(world.memory, provinces={"hunan": ProvinceMemory(5000, 0.01, 0.02)})
    loss = {"hunan": ProvinceLoss(1000, 20, 200, 4)}
    after = provinces_after(memory, world.template, loss, in_incident=())["hunan"]
    assert (after.sweeps, after.live_loss) == (720, pytest.approx(0.01 + 0.01 / 720))


def test_of_provinces_that_are_swept_in_turns_each_is_frozen_for_its_own_time(world):
    memory = replace(world.memory, provinces={"hunan": USUAL, "hubei": USUAL})
    for minute, (slug, second) in product(range(3), (("hunan", 0), ("hubei", 30))):
        at = world.at + timedelta(minutes=minute, seconds=second)
        sweep, loss = replace(world.template, started_at=at), ProvinceLoss(1000, 500, 0, 0)
        provinces = provinces_after(memory, sweep, {slug: loss}, in_incident=())
        memory = replace(memory, provinces=provinces, swept_at=at)
    assert [each.up_seconds for each in memory.provinces.values()] == [120, 120]


def test_losses_are_counted_by_packet_province_and_how_often_the_target_answers():
    template = make_sweep({"hunan": [0.1] * 4, "hubei": [0.1]})
    nan = np.nan
    rtts = np.array([[0.1, nan], [nan, nan], [0.1, 0.1], [nan, 0.1], [nan, nan]], np.float32)
    sent = np.array([[1, 1], [1, 0], [1, 1], [1, 1], [0, 0]], np.bool_)
    sweep = replace(template, rtt_seconds=rtts, sent=sent)
    quarter = ALWAYS // 4
    shares = np.array([ALWAYS, ALWAYS, quarter, quarter - 1, ALWAYS], np.uint16)
    memory = replace(nothing_of(template.library.addresses), answered=shares)
    assert losses(sweep, memory) == {
        "hunan": ProvinceLoss(live_sent=3, live_lost=2, silent_sent=2, silent_answered=1),
        "hubei": ProvinceLoss(0, 0, 0, 0),
    }


def test_targets_that_flap_together_do_not_hide_a_fault():
    world = World()
    flapping = slice(ALIVE - 200, ALIVE)

    def sweeps(count):
        for number in range(count):
            world.chance[flapping] = number // 4 % 2
            world.sweep()

    sweeps(200)
    assert world.live()[0] == ALIVE - 200
    world.chance[:30] = 0
    sweeps(40)
    assert world.live()[0] == ALIVE - 200
