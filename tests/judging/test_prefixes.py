"""The prefixes that fail are found exactly, and where none stands out none is found."""

from ipaddress import IPv4Network

import numpy as np
import pytest

from netsky.judging.prefixes import failing_prefixes

PROVINCE = IPv4Network("10.25.0.0/17")
QUIET = 0.003


def lose(faults, *, uniform=0.0, dead=0.4, seed=1, usual=QUIET, province=PROVINCE):
    """Which prefixes are found: `faults` are chances of loss by prefix, above that of all."""
    rng = np.random.default_rng(seed)
    first, size = int(province.network_address), province.num_addresses
    addresses = np.arange(first, first + size, dtype=np.uint32)
    addresses = addresses[rng.random(size) >= dead]
    chance = np.full(len(addresses), QUIET + uniform)
    for prefix, loss in faults.items():
        network = IPv4Network(prefix)
        within = (addresses >= int(network[0])) & (addresses <= int(network[-1]))
        chance[within] = np.maximum(chance[within], loss)
    lost = (rng.random(len(addresses)) < chance).astype(np.float64)
    return [str(each) for each in failing_prefixes(addresses, lost, np.full(len(addresses), usual))]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "faults",
    [
        {"10.25.16.0/20": 1},
        {"10.25.16.0/20": 0.3},
        {"10.25.20.0/22": 1},
        {"10.25.21.0/24": 1},
        {"10.25.0.0/18": 0.5},
        {"10.25.16.0/20": 1, "10.25.64.0/22": 1},
        {"10.25.64.0/20": 0.3, "10.25.21.0/24": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("uniform", [0, 0.08])
def test_what_fails_is_found_exactly_also_when_all_lose_some(faults, uniform, seed):
    assert sorted(lose(faults, uniform=uniform, seed=seed)) == sorted(faults)


def test_the_one_that_explains_most_comes_first():
    assert lose({"10.25.21.0/24": 1, "10.25.64.0/20": 1}) == ["10.25.64.0/20", "10.25.21.0/24"]


@pytest.mark.parametrize("uniform", [0, 0.02, 0.08, 0.3, 1])
def test_loss_of_all_alike_is_of_no_prefix(uniform):
    assert [lose({}, uniform=uniform, seed=seed) for seed in range(30)] == [[]] * 30


def test_addresses_that_are_dead_by_hash_are_of_no_prefix():
    rng = np.random.default_rng(1)
    addresses = np.arange(0x0A190000, 0x0A198000, dtype=np.uint32)
    lost = (rng.random(len(addresses)) < 0.08).astype(np.float64)
    assert failing_prefixes(addresses, lost, np.zeros(len(addresses))) == []


def test_what_is_usually_as_bad_does_not_fail():
    assert lose({"10.25.16.0/20": 0.15}, usual=0.001) == ["10.25.16.0/20"]
    assert lose({"10.25.16.0/20": 0.15}, usual=0.09) == []


def test_of_prefixes_with_the_same_targets_the_longest_is_named():
    addresses = np.concatenate(
        [np.arange(0x0A000000, 0x0A000100), np.arange(0x0B000000, 0x0B001000)]
    )
    lost = np.repeat([1.0, 0.0], [0x100, 0x1000])
    found = failing_prefixes(addresses.astype(np.uint32), lost, np.zeros(len(lost)))
    assert [str(each) for each in found] == ["10.0.0.0/24"]


def test_a_few_lost_targets_are_no_prefix():
    lost = np.zeros(0x1000)
    lost[:15] = 1
    addresses = np.arange(0x0A000000, 0x0A001000, dtype=np.uint32)
    assert failing_prefixes(addresses, lost, np.zeros(0x1000)) == []


@pytest.mark.parametrize(("targets", "found"), [(15, []), (16, ["10.0.0.0/24"])])
def test_a_small_prefix_is_found_when_16_targets_are_lost(targets, found):
    """All of it is lost, so that nothing but their number speaks against it."""
    addresses = np.concatenate(
        [np.arange(0x0A000000, 0x0A000000 + targets), np.arange(0x0B000000, 0x0B001000)]
    )
    lost = (addresses < 0x0B000000).astype(np.float64)
    prefixes = failing_prefixes(addresses.astype(np.uint32), lost, np.zeros(len(lost)))
    assert [str(each) for each in prefixes] == found


def test_there_is_an_end_to_it():
    addresses = np.arange(0x0A000000, 0x0A010000, dtype=np.uint32)
    lost = np.repeat(np.arange(256) % 2, 256).astype(np.float64)
    assert 0 < len(failing_prefixes(addresses, lost, np.zeros(len(lost)))) <= 16
    assert failing_prefixes(addresses[:0], lost[:0], lost[:0]) == []
