import pytest

from lab.network.addresses import PLACES, Place
from lab.network.faults import RESIDUES, Loss, set_flapping
from lab.network.shares import addresses_with, dead_residues, flapping_residues
from netsky.errors import InputError

BEIJING = Place("cu", "beijing")


@pytest.mark.parametrize(
    ("loss", "match"),
    [
        (Loss(0), None),
        (Loss(0.0001), "numgen random mod 10000 < 1"),
        (Loss(0.08), "numgen random mod 10000 < 800"),
        (Loss(1), ""),
        (Loss(every=10), "numgen inc mod 10 == 9"),
        (Loss(every=1), ""),
    ],
)
def test_loss_is_set_in_steps_of_a_ten_thousandth_or_by_every_nth_packet(loss, match):
    assert loss.match() == match


@pytest.mark.parametrize(
    "values",
    [{"ratio": 0.00005}, {"ratio": 1.01}, {"ratio": -0.1}, {"every": 0}, {"every": 1 << 32}],
)
def test_a_loss_that_cannot_be_set_exactly_is_an_error(values):
    with pytest.raises(InputError):
        Loss(**values)


def test_only_periods_that_the_kernel_can_tell_are_taken():
    with pytest.raises(InputError, match="possible are 2, 4, 8"):
        set_flapping([], period=60)


def test_the_dead_are_the_same_each_time_and_remain_when_more_die():
    few, more = (dead_residues(BEIJING, share, 7) for share in (0.05, 0.1))
    assert len(few) == round(0.05 * RESIDUES)
    assert few == dead_residues(BEIJING, 0.05, 7) == more[: len(few)]
    assert set(few) != set(dead_residues(BEIJING, 0.05, 8))
    assert set(few) != set(dead_residues(PLACES[1], 0.05, 7))


def test_no_address_is_both_dead_and_flapping():
    dead, flapping = dead_residues(BEIJING, 0.5, 1), flapping_residues(BEIJING, 0.5, 1)
    assert sorted(dead + flapping) == list(range(RESIDUES))
    assert flapping_residues(BEIJING, 0, 1) == []


def test_the_share_of_a_whole_province_is_exact():
    dead = addresses_with(BEIJING, dead_residues(BEIJING, 0.25, 1))
    assert len(set(dead)) == 32_768 // 4
    assert all(address in BEIJING.prefix for address in dead)
