"""Traces through the lab, whose routers do what is known."""

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

import numpy as np
import pytest

from lab.network.addresses import Place
from lab.network.faults import Loss
from lab.network.inside import run_inside
from lab.network.making import make_lab
from netsky.addresses import AddressLibrary
from netsky.engines.trace import trace_targets
from netsky.errors import EngineError, InputError
from netsky.places import Egress, find_province
from netsky.trace import Finding, TracePlan
from netsky.trace_locate import locate, locate_all
from testing.netns import needs_root

pytestmark = needs_root

HOPS = 5
SHORT = TracePlan(rounds=2)
FIRST = int(Place("cu", "guangdong").prefix[1])


def targets(count):
    """So many of Guangdong, far from each other."""
    addresses = FIRST + np.arange(count) * (32_000 // count)
    province = find_province("guangdong")
    return AddressLibrary("cu", (province,), addresses.astype(np.uint32), np.array([0, count]))


def trace(lab, egress="a", *, count=20, plan=SHORT):
    exit_line = Egress(egress, source=str(lab.route(egress).source))
    return run_inside(
        lab.holder.path("probe"), lambda: trace_targets(targets(count), exit_line, plan)
    )


def routers(lab, egress):
    return [str(wire.far) for wire in lab.route(egress).wires[:-1]]


@pytest.fixture(scope="module")
def lab():
    with make_lab(egresses=("a", "b", "c", "d", "e", "f"), hops=HOPS) as made:
        yield made


def test_each_hop_is_its_router_and_the_end_is_the_target(lab):
    traced = trace(lab)
    assert [trace.target for trace in traced.traces] == [
        str(IPv4Address(int(address))) for address in targets(20).addresses
    ]
    for each in traced.traces:
        assert len(each.hops) == HOPS
        assert [hop.ttl for hop in each.hops] == [*range(1, HOPS + 1)]
        assert each.end.addresses == (each.target,)
        assert (each.end.sent, each.end.lost, each.unreachable) == (2, 0, ())
    located = locate_all(traced.traces)
    assert [hop.addresses for hop in located.hops] == [(name,) for name in routers(lab, "a")]
    assert located.verdict.finding is Finding.CLEAN
    assert all(0 <= rtt < 0.1 for hop in located.hops for rtt in hop.rtts)
    assert (traced.local_drops, traced.not_sent) == (0, {})


def test_a_router_that_all_ways_share_is_asked_for_ten_targets_a_round(lab):
    traced = trace(lab, "f", plan=TracePlan(rounds=4))
    assert [hop.sent for hop in locate_all(traced.traces).hops] == [4 * 10] * HOPS
    assert {each.hops[0].sent for each in traced.traces} == {2}, "not each is asked in its turn"


def test_a_thousand_targets_at_ten_thousand_a_second_miss_no_packet(lab):
    plan = TracePlan(rounds=2, rate=10_000, near_targets=1000, near_rate=10_000, timeout=3)
    traced = trace(lab, count=1000, plan=plan)
    assert traced.duration_seconds < 60, "not even a thousand a second"
    assert len(traced.traces) == 1000
    hops = [hop for each in traced.traces for hop in (*each.hops, each.end)]
    assert len(hops) == 1000 * (HOPS + 1)
    assert {(hop.sent, hop.lost) for hop in hops} == {(2, 0)}
    assert traced.local_drops == 0


FAULTS = {
    "a": (lambda lab: lab.set_hop_loss(Loss(0.3), egress="a", hop=3), (2, 3)),
    "b": (lambda lab: lab.set_hop_loss(Loss(0.3), egress="b", hop=3, back=True), (3, 4)),
    "c": (lambda lab: lab.set_hop_loss(Loss(0.3), egress="c", hop=1), (0, 1)),
    "d": (lambda lab: lab.set_blackhole(egress="d", hop=4, on=True), (3, None)),
    "e": (lambda lab: lab.set_loss(Loss(1), egress="e"), (HOPS, None)),
    "f": (lambda lab: limit_before_a_fault(lab, "f"), (1, 3)),
}


def limit_before_a_fault(lab, egress):
    """A router that answers four of five in the rounds, and loses less than the one behind it."""
    lab.set_limit(4, egress=egress, hop=2)
    lab.set_hop_loss(Loss(0.4), egress=egress, hop=3)


def test_loss_is_placed_where_the_lab_loses_it():
    with make_lab(egresses=FAULTS, hops=HOPS) as lab, ThreadPoolExecutor() as pool:
        for make_fault, _ in FAULTS.values():
            make_fault(lab)
        running = {name: pool.submit(trace, lab, name, plan=TracePlan()) for name in FAULTS}
        for egress, (_, (after, at_latest)) in FAULTS.items():
            verdict = locate_all(running[egress].result().traces).verdict
            assert verdict.finding is Finding.BEGINS, egress
            latest, told = at_latest or HOPS + 1, verdict.at_latest or HOPS + 1
            assert verdict.after <= after < latest <= told, f"{egress}: {verdict}"
            assert told - verdict.after <= latest - after + 2, f"{egress}: {verdict}"


def test_a_flow_keeps_its_way_and_the_lossy_one_of_two_is_named(lab):
    lab.set_branch(egress="b", hop=3, on=True)
    try:
        lab.set_hop_loss(Loss(0.5), egress="b", hop=3, branch=True)
        for _ in range(5):  # six flows take the same way once in 32 times
            traced = trace(lab, "b", plan=TracePlan(rounds=6))
            seen = {each.flow: set() for each in traced.traces}
            for each in traced.traces:
                seen[each.flow] |= set(each.hops[2].addresses)
            if len(set().union(*seen.values())) == 2:
                break
    finally:
        lab.set_branch(egress="b", hop=3, on=False)
    assert sorted(seen) == [*range(6)]
    assert all(len(addresses) == 1 for addresses in seen.values()), "a flow takes both ways"
    located = locate_all(traced.traces)
    second = str(lab.route("b").second_wire(3).far)
    assert located.branch == (3, second)
    assert {each.flow for each in located.affected} == {
        flow for flow, addresses in seen.items() if second in addresses
    }
    assert located.verdict.after < 3 <= located.verdict.at_latest


def test_few_targets_are_traced_in_several_flows(lab):
    traced = trace(lab, "c", count=1)
    assert [each.flow for each in traced.traces] == [*range(6)]
    assert len({each.target for each in traced.traces}) == 1


def test_twenty_targets_at_once_leave_a_router_of_twenty_messages_a_second_believable(lab):
    lab.set_limit(20, egress="d", hop=2)
    located = locate_all(trace(lab, "d", plan=TracePlan(rounds=3)).traces)
    hop = located.hops[1]
    # Asked by each of them it would answer every other time; a host that is busy may ask in bursts.
    assert hop.answered >= 0.9 * hop.sent
    assert located.verdict.finding is Finding.CLEAN


def test_where_nobody_answers_the_first_hops_are_asked_all_the_same(lab):
    lab.set_blackhole(egress="c", hop=1, on=True)
    located = locate_all(trace(lab, "c").traces)
    lab.set_blackhole(egress="c", hop=1, on=False)
    assert [hop.answered for hop in located.hops] == [0, 0, 0]
    assert located.verdict.finding is Finding.UNKNOWN
    quiet = locate_all(trace(lab, "c").traces).hops
    verdict = locate(located.hops, located.end, quiet=quiet)
    assert (verdict.after, verdict.at_latest) == (0, 1)


def test_a_router_that_says_unreachable_is_no_hop_that_answers(lab):
    prefix = str(Place("cu", "guangdong").prefix)
    assert lab.run("ip", "route", "add", "unreachable", prefix, namespace="e.3").returncode == 0
    try:
        traced = trace(lab, "e")
    finally:
        lab.run("ip", "route", "delete", "unreachable", prefix, namespace="e.3")
    for each in traced.traces:
        assert each.end.lost == each.end.sent > 0
    told = {router for each in traced.traces for router in each.unreachable}
    assert told == {routers(lab, "e")[2]}
    hops = locate_all(traced.traces).hops
    assert [hop.lost for hop in hops[:2]] == [0, 0]
    assert not any(hop.answered for hop in hops[2:])


def test_an_exit_with_its_cable_out_is_an_error_and_this_host_no_hop(lab):
    lab.set_link(egress="f", up=False)
    try:
        with pytest.raises(EngineError, match="'exit-f' has no carrier: is its cable out"):
            trace(lab, "f")
    finally:
        lab.set_link(egress="f", up=True)


def test_too_many_targets_or_rounds_are_refused(lab):
    with pytest.raises(InputError, match="1,001 targets to trace: 1,000 are the most"):
        trace(lab, count=1001)
    with pytest.raises(InputError, match="1 to 2047 rounds"):
        trace(lab, plan=TracePlan(rounds=2048))
