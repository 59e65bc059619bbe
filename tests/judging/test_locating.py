"""Which part of a province fails, from sweeps and what is remembered of its targets."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Network

import numpy as np
import pytest

from netsky.judging.learning import losses, provinces_after
from netsky.judging.locating import locate
from netsky.targets.memory import ALWAYS, ProvinceMemory, nothing_of
from testing.samples import STARTED_AT, make_sweep

SIZE = 8192  # of each province, unless a test says otherwise
FIRST = 0x0A190000  # 10.25.0.0
QUIET = 0.005


class Province:
    """Hunan and Hubei from 10.25.0.0 on, after many quiet sweeps; two in five of Hunan are dead."""

    def __init__(self, size=SIZE):
        self.size = size
        self.rng = np.random.default_rng(1)
        sweep = make_sweep({"hunan": [0.1] * size, "hubei": [0.1] * size})
        addresses = np.arange(FIRST, FIRST + 2 * size, dtype=np.uint32)
        self.template = replace(sweep, library=replace(sweep.library, addresses=addresses))
        self.dead = np.arange(2 * size) % 5 < 2
        self.dead[size:] = False
        usual = ProvinceMemory(300, QUIET)
        self.memory = replace(
            nothing_of(addresses),
            answered=np.where(self.dead, 0, ALWAYS - 300).astype(np.uint16),
            provinces={"hunan": usual, "hubei": usual},
            swept_at=STARTED_AT,
        )

    def sweep(self, chances, *, uniform=0.0):
        """What is located in a sweep in which prefixes lose with these chances; it is remembered."""
        addresses = self.template.library.addresses
        chance = np.full(len(addresses), QUIET)
        chance[: self.size] += uniform
        for prefix, loss in chances.items():
            network = IPv4Network(prefix)
            chance[(addresses >= int(network[0])) & (addresses <= int(network[-1]))] = loss
        lost = self.dead | (self.rng.random(len(addresses)) < chance)
        return self.learn(np.where(lost, np.float32("nan"), np.float32(0.1))[:, None])

    def learn(self, rtts):
        started_at = self.memory.swept_at + timedelta(minutes=1)
        sweep = replace(self.template, rtt_seconds=rtts, started_at=started_at)
        loss = losses(sweep, self.memory)
        located = locate(sweep, self.memory, loss)
        provinces = {
            slug: replace(known, prefixes=located[slug].found if slug in located else ())
            for slug, known in provinces_after(self.memory, sweep, loss, in_incident=()).items()
        }
        lost = np.isnan(rtts[:, 0])
        self.memory = replace(
            self.memory, lost=lost, provinces=provinces, swept_at=sweep.started_at
        )
        return {slug: each.fault for slug, each in located.items()}


@pytest.fixture
def province():
    return Province()


def test_a_part_is_told_apart_from_the_rest(province):
    province.sweep({"10.25.8.0/22": 1})
    faults = province.sweep({"10.25.8.0/22": 1})
    assert faults.keys() == {"hunan"}
    [part] = faults["hunan"].prefixes
    rest = faults["hunan"].rest
    alive = int(np.count_nonzero(~province.dead[2048:3072]))
    assert (part.prefix, part.live_targets, part.packets_sent) == ("10.25.8.0/22", alive, alive)
    assert (part.packets_lost, part.loss_ratio) == (alive, 1)
    assert part.usual_loss_ratio == pytest.approx(300 / ALWAYS, rel=1e-3)
    assert (part.lost_again_ratio, part.excess_ratio) == (1, pytest.approx(1, abs=0.02))
    assert (rest.prefix, rest.live_targets) == (None, int((~province.dead[:SIZE]).sum()) - alive)
    assert rest.loss_ratio == pytest.approx(QUIET, abs=0.004)
    assert rest.excess_ratio < 0.02


@pytest.mark.parametrize(("sweeps", "known"), [(299, False), (300, True)])
def test_what_a_part_usually_loses_is_told_after_300_sweeps(province, sweeps, known):
    usual = ProvinceMemory(sweeps, QUIET)
    province.memory = replace(province.memory, provinces={"hunan": usual, "hubei": usual})
    fault = province.sweep({"10.25.8.0/22": 1})["hunan"]
    [part] = fault.prefixes
    assert [each.usual_loss_ratio is not None for each in (part, fault.rest)] == [known, known]


def test_loss_of_all_has_no_prefix_and_comes_by_chance(province):
    for _ in range(2):
        faults = province.sweep({}, uniform=0.3)
    assert faults["hunan"].prefixes == ()
    assert faults["hunan"].rest.loss_ratio == pytest.approx(0.3, abs=0.03)
    assert faults["hunan"].rest.lost_again_ratio == pytest.approx(0.3, abs=0.05)
    assert faults["hunan"].rest.excess_ratio == 1


def test_a_fixed_part_that_is_dead_is_lost_again(province):
    addresses = province.template.library.addresses
    gone = province.dead | ((addresses * np.uint32(2654435761) >> 20) % 100 < 8)
    rtts = np.where(gone, np.float32("nan"), np.float32(0.1))[:, None]
    province.learn(rtts)
    fault = province.learn(rtts)["hunan"]
    assert (fault.prefixes, fault.rest.lost_again_ratio) == ((), 1)


def test_in_quiet_sweeps_nothing_is_located(province):
    assert [province.sweep({}) for _ in range(60)] == [{}] * 60


def test_a_small_part_of_a_larger_fault_is_named_when_it_is_wide_and_fails_in_two_sweeps():
    province = Province(size=1 << 16)
    names = []
    for _ in range(3):
        fault = province.sweep({"10.25.8.0/22": 1, "10.25.64.0/24": 1}, uniform=0.3)["hunan"]
        names.append([part.prefix for part in fault.prefixes])
    assert names == [[], ["10.25.8.0/22"], ["10.25.8.0/22"]]
    assert fault.prefixes[0].excess_ratio == pytest.approx(0.05, abs=0.02)
    assert fault.rest.loss_ratio == pytest.approx(0.31, abs=0.02), "with the /24 in it"


def test_how_many_are_lost_again_is_not_told_of_a_few(province):
    fault = province.sweep({"10.25.12.0/24": 1})["hunan"]
    [part] = fault.prefixes
    assert part.lost_again_ratio is None


@pytest.mark.parametrize(("before", "again"), [(9, None), (10, 1)])
def test_it_is_told_of_ten_and_more(province, before, again):
    alive = 0xC00 + np.flatnonzero(~province.dead[0xC00:0xD00])  # of 10.25.12.0/24
    lost = np.zeros(2 * SIZE, np.bool_)
    lost[alive[:before]] = True
    province.memory = replace(province.memory, lost=lost)
    [part] = province.sweep({"10.25.12.0/24": 1})["hunan"].prefixes
    assert part.lost_again_ratio == again


def test_of_prefixes_the_one_that_loses_most_is_told_first(province):
    """Whichever stands out most, and so was found first."""
    faults = {"10.25.16.0/21": 0.3, "10.25.8.0/23": 1}
    parts = province.sweep(faults)["hunan"].prefixes
    assert [part.prefix for part in parts] == list(faults)
    assert province.memory.provinces["hunan"].prefixes == tuple(reversed(faults))


def test_targets_that_were_not_sent_to_are_of_no_part(province):
    nobody = replace(province.template, sent=np.zeros((2 * SIZE, 1), np.bool_))
    loss = losses(nobody, province.memory)
    assert locate(nobody, province.memory, loss) == {}
