"""A lab is what it says it is: who answers, by which way, what is lost, and that it was counted."""

import json
from ipaddress import IPv4Network

import pytest

from lab.network.addresses import PLACES
from lab.network.faults import Loss
from lab.network.making import make_lab
from lab.network.shares import addresses_with, dead_residues
from netsky.errors import InputError
from netsky.places import PROVINCES
from testing.netns import needs_root
from testing.servers import wait_until

pytestmark = needs_root

TARGETS = 200
QUICK = ("--window", "1", "--count", "2", "--timeout", "2000")


def lost(measured):
    return {
        row["province"]: row["packets_sent"] - row["packets_received"]
        for row in measured["provinces"]
    }


def dropped(truth, egress, isp):
    return {slug: count.dropped for slug, count in truth.of(egress, isp).items()}


def test_every_place_answers_through_every_egress(user):
    ends = [address for place in PLACES for address in (place.prefix[0], place.prefix[-1])]
    for egress in ("a", "b"):
        assert user.ping(*ends, egress=egress) == [[str(address), 0] for address in ends]
    truth = user.lab.truth()
    assert {count.seen for count in truth.counts} == {2}
    assert {count.dropped for count in truth.counts} == {0}
    assert len(truth.counts) == 2 * len(PLACES)


def test_an_address_of_no_province_is_silent_and_counted_apart(user):
    assert user.ping("10.31.128.1", "10.200.0.1") == [None, None]
    truth = user.lab.truth()
    assert {count.seen for count in truth.counts} == {0}
    assert truth.stray == 2


def test_netsky_loses_what_the_lab_has_dropped_packet_for_packet(user):
    user.write(targets=TARGETS)
    ratios = (0, 0.0001, 0.001, 0.01, 0.05, 0.5, 1)
    for province, ratio in zip(PROVINCES, ratios, strict=False):
        user.lab.set_loss(Loss(ratio), egress="b", isp="cu", province=province.slug)
    tenth, part = PROVINCES[len(ratios)].slug, PROVINCES[len(ratios) + 1].slug
    user.lab.set_loss(Loss(every=10), egress="b", isp="cu", province=tenth)
    prefix = next(place.prefix for place in PLACES if place.province == part)
    half = IPv4Network((prefix.network_address, 25))
    user.lab.set_prefix_loss(Loss(1), half, egress="b")
    measured = user.probe(*QUICK, egress="b")
    truth = user.lab.truth()
    assert lost(measured) == dropped(truth, "b", "cu")
    assert {count.seen for count in truth.of("b", "cu").values()} == {2 * TARGETS}
    assert {count.seen for count in truth.of("a", "cu").values()} == {0}
    assert lost(measured)[PROVINCES[0].slug] == 0
    assert lost(measured)[PROVINCES[6].slug] == 2 * TARGETS
    assert lost(measured)[tenth] == 2 * TARGETS // 10
    assert lost(measured)[part] == 2 * half.num_addresses
    assert 0.3 < lost(measured)[PROVINCES[5].slug] / (2 * TARGETS) < 0.7


def test_loss_changes_at_once_and_no_counter_is_reset(user):
    address = PLACES[0].prefix[5]
    assert user.ping(address)[0]
    user.lab.set_loss(Loss(1), egress="a", isp="cu", province="beijing")
    assert user.ping(address) == [None]
    user.lab.set_loss(Loss(0), egress="a", isp="cu", province="beijing")
    assert user.ping(address)[0]
    user.lab.set_prefix_loss(Loss(1), IPv4Network(f"{address}/32"))
    assert user.ping(address, PLACES[0].prefix[6])[0] is None
    user.lab.set_prefix_loss(Loss(0), IPv4Network(f"{address}/32"))
    before = user.lab.truth()
    assert user.ping(address)[0]
    count = user.lab.truth().of("a", "cu")["beijing"]
    assert (count.seen, count.loss, count.dead) == (6, 2, 0)
    assert user.lab.truth().since(before).of("a", "cu")["beijing"].seen == 1


def test_parts_of_a_province_that_overlap_are_an_error_until_one_has_no_loss(user):
    whole, half = IPv4Network("10.16.0.0/24"), IPv4Network("10.16.0.0/25")
    user.lab.set_prefix_loss(Loss(0.1), whole)
    user.lab.set_prefix_loss(Loss(0.2), whole)
    with pytest.raises(InputError, match="overlaps another"):
        user.lab.set_prefix_loss(Loss(1), half)
    user.lab.set_prefix_loss(Loss(0), whole)
    user.lab.set_prefix_loss(Loss(0), whole)
    user.lab.set_prefix_loss(Loss(1), half)
    assert user.ping(half[1], whole[-1]) == [None, [str(whole[-1]), 0]]


def test_a_part_that_overlaps_through_one_egress_is_changed_through_none(user):
    whole, half = IPv4Network("10.16.0.0/24"), IPv4Network("10.16.0.0/25")
    user.lab.set_prefix_loss(Loss(0.1), whole, egress="b")
    with pytest.raises(InputError, match="overlaps another"):
        user.lab.set_prefix_loss(Loss(1), half)
    assert user.ping(half[1])[0]
    user.lab.set_prefix_loss(Loss(1), half, egress="a")
    with pytest.raises(InputError, match="overlaps another"):
        user.lab.set_prefix_loss(Loss(0), half)
    assert user.ping(half[1]) == [None]


def test_each_source_leaves_through_its_own_egress(user):
    address = PLACES[40].prefix[7]
    for egress, other in (("a", "b"), ("b", "a")):
        before = user.lab.truth()
        assert user.ping(address, egress=egress)[0]
        seen = user.lab.truth().since(before)
        assert sum(count.seen for count in seen.counts if count.egress == egress) == 1
        assert sum(count.seen for count in seen.counts if count.egress == other) == 0


def test_every_hop_of_the_path_is_seen(user):
    address = PLACES[0].prefix[1]
    for egress in ("a", "b"):
        route = user.lab.route(egress)
        routers = [str(wire.far) for wire in route.wires[:-1]]
        answers = [user.ping(address, egress=egress, ttl=ttl)[0] for ttl in range(1, 5)]
        assert answers == [*([router, 11] for router in routers), [str(address), 0]]
        assert len(set(routers)) == 3


def test_the_share_of_dead_addresses_is_exact_and_the_same_each_time(user):
    user.lab.set_dead(0.25, isp="cm", province="hainan", seed=5)
    place = next(place for place in PLACES if str(place) == "cm_hainan")
    dead = set(addresses_with(place, dead_residues(place, 0.25, 5)))
    addresses = list(place.prefix)[:1024]
    assert len(dead.intersection(addresses)) == 256
    for egress in ("a", "b"):
        answers = user.ping(*addresses, egress=egress)
        assert {a for a, answer in zip(addresses, answers, strict=True) if answer is None} == (
            dead.intersection(addresses)
        )
        count = user.lab.truth().of(egress, "cm")["hainan"]
        assert (count.seen, count.dead, count.dropped) == (1024, 256, 256)


def test_flapping_addresses_go_and_come_back(user):
    user.lab.set_flapping(1, period=2, isp="ct", province="jilin")
    address = next(place.prefix[0] for place in PLACES if str(place) == "ct_jilin")
    answers = []

    def both():
        answers.append(user.ping(address)[0] is not None)
        return {True, False}.issubset(answers)

    wait_until(both, what="the address up and down")
    assert user.lab.truth().of("a", "ct")["jilin"].flapping == answers.count(False)


def test_a_blackhole_drops_everything_from_its_hop_on(user):
    address = PLACES[0].prefix[1]
    user.lab.set_blackhole(egress="b", hop=2, on=True)
    answers = [user.ping(address, egress="b", ttl=ttl)[0] for ttl in (1, 2, 3, 64)]
    assert answers == [[str(user.lab.route("b").wires[0].far), 11], None, None, None]
    assert user.ping(address, egress="a")[0]
    hop = next(hop for hop in user.lab.truth().hops if (hop.egress, hop.hop) == ("b", 2))
    assert hop.blackhole == 3
    user.lab.set_blackhole(egress="b", hop=2, on=False)
    assert user.ping(address, egress="b")[0]
    with pytest.raises(InputError, match="no hop 4"):
        user.lab.set_blackhole(egress="b", hop=4, on=True)


def test_a_router_that_limits_icmp_forwards_all_the_same(user):
    addresses = list(PLACES[0].prefix)[:20]
    user.lab.set_limit(1, egress="a", hop=2)
    assert None not in user.ping(*addresses)
    answers = user.ping(*addresses, ttl=2)
    assert 1 <= len(answers) - answers.count(None) <= 2
    hop = next(hop for hop in user.lab.truth().hops if (hop.egress, hop.hop) == ("a", 2))
    assert hop.limited == answers.count(None)
    user.lab.set_limit(None, egress="a", hop=2)
    assert None not in user.ping(*addresses, ttl=2)


def hop_count(user, egress, hop):
    return next(h for h in user.lab.truth().hops if (h.egress, h.hop) == (egress, hop))


def test_a_router_that_loses_forward_is_missed_itself_and_so_is_all_behind_it(user):
    address = PLACES[0].prefix[1]
    user.lab.set_hop_loss(Loss(1), egress="b", hop=2)
    answers = [user.ping(address, egress="b", ttl=ttl)[0] for ttl in (1, 2, 3, 64)]
    assert answers == [[str(user.lab.route("b").wires[0].far), 11], None, None, None]
    assert user.ping(address, egress="a")[0]
    assert (hop_count(user, "b", 2).forward, hop_count(user, "b", 2).back) == (3, 0)
    user.lab.set_hop_loss(Loss(0), egress="b", hop=2)
    assert user.ping(address, egress="b")[0]


def test_a_router_that_polices_passes_so_many_pings_a_second(user):
    targets = [f"10.16.0.{host}" for host in range(1, 101)]
    user.lab.set_policing(5, egress="b", hop=2)
    answered = [answer for answer in user.ping(*targets, egress="b") if answer]
    assert 5 <= len(answered) <= 30
    user.lab.set_policing(None, egress="b", hop=2)
    assert all(user.ping(*targets, egress="b"))


def test_a_router_that_loses_backward_answers_itself_and_nobody_behind_it_does(user):
    address = PLACES[0].prefix[1]
    user.lab.set_hop_loss(Loss(1), egress="b", hop=2, back=True)
    answers = [user.ping(address, egress="b", ttl=ttl)[0] for ttl in (1, 2, 3, 64)]
    route = user.lab.route("b")
    assert answers == [[str(wire.far), 11] for wire in route.wires[:2]] + [None, None]
    assert user.lab.truth().of("b", "cu")["beijing"].seen == 1
    assert (hop_count(user, "b", 2).forward, hop_count(user, "b", 2).back) == (0, 2)
    user.lab.set_hop_loss(Loss(0), egress="b", hop=2, back=True)
    assert user.ping(address, egress="b")[0]


def test_a_silent_router_forwards_all_and_says_nothing(user):
    address = PLACES[0].prefix[1]
    user.lab.set_silent(egress="b", hop=2, on=True)
    answers = [user.ping(address, egress="b", ttl=ttl)[0] for ttl in (1, 2, 3, 64)]
    assert [answer is None for answer in answers] == [False, True, False, False]
    assert hop_count(user, "b", 2).limited == 1
    user.lab.set_silent(egress="b", hop=2, on=False)
    assert user.ping(address, egress="b", ttl=2)[0]


def test_two_ways_lead_to_a_router_until_the_second_is_taken_away(user):
    address, route = PLACES[0].prefix[1], user.lab.route("b")
    first, second = str(route.wires[1].far), str(route.second_wire(2).far)

    def ways():
        answers = (user.ping(address, egress="b", ttl=2, flow=flow)[0] for flow in range(16))
        return {answer[0] if answer else None for answer in answers}

    user.lab.set_branch(egress="b", hop=2, on=True)
    assert ways() == {first, second}
    user.lab.set_hop_loss(Loss(1), egress="b", hop=2, branch=True)
    assert ways() == {first, None}
    user.lab.set_branch(egress="b", hop=2, on=False)
    assert ways() == {first}
    for hop in (1, 4):
        with pytest.raises(InputError, match="hop 2 to 3 only"):
            user.lab.set_branch(egress="b", hop=hop, on=True)
    with pytest.raises(InputError, match="give --back or --branch"):
        user.lab.set_hop_loss(Loss(1), egress="b", hop=2, back=True, branch=True)


def test_an_egress_whose_link_is_down_loses_everything_and_comes_back(user):
    address = PLACES[0].prefix[1]
    user.lab.set_link(egress="a", up=False)
    assert user.ping(address, egress="a") == [None]
    assert user.ping(address, egress="b")[0]
    assert "NO-CARRIER" in user.lab.run("ip", "link", "show", "exit-a").stdout
    user.lab.set_link(egress="a", up=True)
    wait_until(lambda: user.ping(address, egress="a")[0], what="the link up")
    assert user.lab.truth().of("b", "cu")["beijing"].seen == 1


def test_two_labs_side_by_side_know_nothing_of_each_other(user):
    address = PLACES[0].prefix[1]
    with make_lab(egresses=("a", "b", "third"), hops=5) as other:
        other.set_loss(Loss(1))
        assert user.ping(address)[0]
        assert sum(count.seen for count in user.lab.truth().counts) == 1
        assert sum(count.seen for count in other.truth().counts) == 0
        assert len(other.route("third").routers) == 5
    assert user.ping(address)[0]


def test_to_netsky_a_dead_line_is_loss_and_not_a_host_that_cannot_send(user):
    user.write(targets=1000)
    user.lab.set_blackhole(egress="a", hop=1, on=True)
    measured = user.probe("--engine", "icmp", "--window", "1", egress="a")
    assert measured["sweep"]["packets_sent"] == 31 * 1000
    assert measured["sweep"]["packets_received"] == 0
    assert measured["sweep"]["local_drops"] == 0
    assert measured["not_measured"] == []
    other = user.probe("--engine", "icmp", "--window", "1", egress="b")
    assert other["sweep"]["packets_received"] == 31 * 1000


def test_the_wires_need_no_neighbours_that_would_have_to_be_asked_for(user):
    user.lab.set_link(egress="a", up=False)
    user.lab.set_link(egress="a", up=True)
    for egress in ("a", "b"):
        wait_until(lambda e=egress: user.ping(PLACES[0].prefix[1], egress=e)[0], what="the link up")
    for route in user.lab.routes:
        for namespace in route.namespaces:
            shown = user.lab.run("ip", "-j", "link", "show", "type", "veth", namespace=namespace)
            links = json.loads(shown.stdout)
            assert all("NOARP" in link["flags"] for link in links), links
            all_of_them = ("ip", "-j", "neighbour", "show", "nud", "all")
            shown = user.lab.run(*all_of_them, namespace=namespace)
            known = [entry for entry in json.loads(shown.stdout) if entry["dev"] != "lo"]
            assert [entry["state"] for entry in known] == [["PERMANENT"]] * len(links)
