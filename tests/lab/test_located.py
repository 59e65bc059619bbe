"""The proof of what is located: its faults lie where they should, and what it tells is counted right."""

from ipaddress import IPv4Network

import pytest

from lab.network.addresses import place_of
from lab.network.truth import Count
from lab.proofs.located import CASE_OF, CASES, NOTHING, Tally, _add, _live_loss, _Look, table

TARGETS = 8192  # the fewest of a province


def test_each_fault_is_within_the_targets_of_its_province_and_most_provinces_have_none():
    assert [case.name for case in CASE_OF.values()] == [case.name for case in CASES]
    assert len(CASE_OF) < 31 / 2
    for slug, case in CASE_OF.items():
        networks = list(case.networks(slug))
        for network in networks:
            place = place_of(network)
            assert place.province == slug
            assert int(network.broadcast_address) - int(place.prefix[0]) < TARGETS
        assert not any(a.overlaps(b) for a in networks for b in networks if a is not b)


def count(**kinds):
    return Count("a", "cu", "beijing", **{"seen": 1000, "dead": 300, "flapping": 50} | kinds)


def test_users_lose_what_is_neither_dead_in_quiet_nor_in_its_silence():
    assert _live_loss(count(loss=13), count()) == 13 / 650
    assert _live_loss(count(loss=13, dead=365), count()) == pytest.approx(78 / 650)


def row(live_loss, loss, *prefixes, again=None):
    rest = {"lost_again_ratio": again} if again is not None else None
    parts = [{"prefix": prefix} for prefix in prefixes]
    return {"live_loss_ratio": live_loss, "loss_ratio": loss, "prefixes": parts, "rest": rest}


def test_a_sweep_is_held_against_what_was_set_and_what_was_counted():
    slug, case = next((s, c) for s, c in CASE_OF.items() if c.name == "/22 at 100 %")
    [prefix] = map(str, case.networks(slug))
    other = str(IPv4Network("10.0.0.0/22"))
    quiet = _Look({slug: row(0.0, 0.35)}, {slug: count()})
    tally = Tally()
    for named in ((prefix,), (prefix, other), (other,), ()):
        look = _Look({slug: row(0.11, 0.42, *named, again=0.1)}, {slug: count(loss=65)})
        _add(tally, slug, case, look, quiet)
    assert (tally.sweeps, tally.found, tally.besides) == (4, 2, 2)
    assert tally.errors == [pytest.approx(1)] * 4
    assert tally.true_rises == [pytest.approx(10)] * 4
    assert tally.rises == [pytest.approx(7)] * 4
    tallies = {NOTHING: tally, **{each.name: tally for each in CASES}}
    lines = table(0.3, tallies).splitlines()
    assert lines[0].startswith("30 % of the addresses dead")
    assert "| /22 at 100 % | 2 of 4 | 2 of 4 | +10.00 | +7.00 | +11.00 | 1.00 | 10 % |" in lines
    assert "| none |  | 2 of 4 | +10.00 | +7.00 | +11.00 | 1.00 | 10 % |" in lines
