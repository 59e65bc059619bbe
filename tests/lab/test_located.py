"""The proof of what is located: its faults lie where they should, and what it tells is counted right."""

from ipaddress import IPv4Network

import pytest

from lab.network.addresses import place_of
from lab.network.truth import Count
from lab.proofs.located import (
    BLOCKS,
    CASES,
    ROUNDS,
    TROUBLES,
    Result,
    Tally,
    _live_loss,
    _Look,
    add,
    cases_of,
)
from lab.proofs.located_tables import table


def test_each_trouble_is_there_alone_and_with_each_other_and_most_provinces_have_none():
    turns = [cases_of(turn) for turn in range(ROUNDS)]
    assert sorted(case.name for turn in turns for case in turn.values()) == sorted(
        case.name for case in CASES
    )
    assert len(CASES) == len(TROUBLES) + 28
    assert all(len(turn) < 31 / 2 for turn in turns)


@pytest.mark.parametrize("turn", range(ROUNDS))
def test_each_prefix_is_within_the_targets_of_its_province_and_apart_from_others(turn):
    for slug, case in cases_of(turn).items():
        networks = list(case.networks(slug).values())
        for network in networks:
            place = place_of(network)
            assert place.province == slug
            assert int(network.broadcast_address) - int(place.prefix[0]) < BLOCKS << 8
        assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)


def test_loss_of_two_kinds_adds_up_as_chances_do():
    two = next(case for case in CASES if case.name == "2 % of all and 5 % of all")
    assert two.loss == pytest.approx(1 - 0.997 * 0.98 * 0.95, abs=1e-4)


def count(**kinds):
    return Count("a", "cu", "beijing", **{"seen": 1000, "dead": 300, "flapping": 50} | kinds)


def test_users_lose_what_is_neither_dead_in_quiet_nor_in_its_silence():
    assert _live_loss(count(loss=13), count()) == 13 / 650
    assert _live_loss(count(loss=13, dead=365), count()) == pytest.approx(78 / 650)


def row(live_loss, loss, *prefixes, again=None):
    rest = {"lost_again_ratio": again} if again is not None else None
    parts = [{"prefix": prefix} for prefix in prefixes]
    return {"live_loss_ratio": live_loss, "loss_ratio": loss, "prefixes": parts, "rest": rest}


def tally_of(case, *named):
    """Of sweeps in which these prefixes were named."""
    tally = Tally()
    quiet = _Look({"beijing": row(0.0, 0.35)}, {"beijing": count()})
    for prefixes in named:
        look = _Look(
            {"beijing": row(0.11, 0.42, *map(str, prefixes), again=0.1)},
            {"beijing": count(loss=65)},
        )
        add(tally, "beijing", case, look, quiet)
    return tally


def test_a_sweep_is_held_against_what_was_set_and_what_was_counted():
    case = next(case for case in CASES if case.name == "/22 at 100 %")
    [prefix] = case.networks("beijing").values()
    other = IPv4Network("10.0.0.0/22")
    tally = tally_of(case, [prefix], [prefix, other], [other], [])
    assert (tally.sweeps, tally.found, tally.besides) == (4, {"/22 at 100 %": 2}, 2)
    assert tally.errors == [pytest.approx(1)] * 4
    assert tally.true_rises == [pytest.approx(10)] * 4
    assert tally.rises == [pytest.approx(7)] * 4
    result = Result({each.name: tally for each in CASES}, tally_of(None, []), repeated=3)
    lines = table(0.3, result).splitlines()
    assert lines[0] == (
        "30 % of the addresses dead, 5 % flapping (3 sweeps do not count, since the host was too slow):"
    )
    assert "| /22 at 100 % | 2 of 4 | 2 of 4 | +10.00 | +7.00 | +11.00 | 1.00 | 10 % |" in lines
    assert "| none |  | 0 of 1 | +10.00 | +7.00 | +11.00 | 1.00 | 10 % |" in lines


def test_of_pairs_each_one_that_is_not_right_is_told():
    tallies = {}
    for case in CASES:
        prefixes = list(case.networks("beijing").values())
        named = [p for p in prefixes if p.prefixlen < 24]
        tallies[case.name] = tally_of(case, prefixes, named)
    lines = table(0.03, Result(tallies, tally_of(None, []))).splitlines()
    # 4 x 4 pairs of a prefix with something else, 6 of two prefixes: of 28 with two sweeps each.
    assert "| two at once (28 pairs) | 49 of 56 | 0 of 56 |  |  |  | 1.00 |  |" in lines
    told = [line for line in lines if line.startswith("- ")]
    missed = [line for line in told if "found in" in line]
    assert missed[0] == "- 2 % of all and /24 at 100 %: /24 at 100 % found in 1 of 2"
    assert len(missed) == 7
    off = [line for line in told if line not in missed]
    assert off[0] == "- 2 % of all and 5 % of all: live loss off by up to 1.00"
    assert len(off) == 28
