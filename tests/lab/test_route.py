"""What mtr shows of the lab's routes."""

import json

import pytest

from lab.network.addresses import PLACES
from lab.network.topology import table_of
from testing.netns import needs_root
from testing.servers import program

pytestmark = needs_root

TARGET = str(PLACES[0].prefix[1])
PINGS = 5
SILENT = "???"

each_mode = pytest.mark.parametrize("mode", [(), ("--udp",)], ids=["icmp", "udp"])
each_egress = pytest.mark.parametrize("egress", ["a", "b"])


def trace(user, egress, mode=()):
    """Who answers at each hop, and how many of its answers are missing."""
    route = user.lab.route(egress)
    # Up to 0.95, `-a` alone writes the source into the packets, but they leave by the default route.
    way = ("-a", str(route.source), "-M", str(table_of(route)))
    how = ("--json", "--no-dns", "-c", str(PINGS), "-i", "0.05", "-G", "0.5")
    done = user.lab.run(program("mtr"), *how, *way, *mode, TARGET)
    assert done.returncode == 0, done.stderr
    hops = json.loads(done.stdout)["report"]["hubs"]
    assert [hop["count"] for hop in hops] == list(range(1, len(hops) + 1))
    assert {hop["Snt"] for hop in hops} <= {PINGS}
    return [(hop["host"], round(PINGS * hop["Loss%"] / 100)) for hop in hops]


def routers_of(user, egress):
    return [str(wire.far) for wire in user.lab.route(egress).wires[:-1]]


def limited(user, egress):
    return [hop.limited for hop in user.lab.truth().hops if hop.egress == egress]


@each_egress
@each_mode
def test_mtr_shows_each_hop_by_its_own_address_and_then_the_target(user, egress, mode):
    routers = routers_of(user, egress)
    assert len(set(routers)) == 3
    assert trace(user, egress, mode) == [*((router, 0) for router in routers), (TARGET, 0)]


@each_egress
def test_gaps_at_a_router_that_limits_its_icmp_are_no_loss_of_the_target(user, egress):
    first, second, third = routers_of(user, egress)
    user.lab.set_limit(1, egress=egress, hop=2)
    hops = trace(user, egress)
    gaps = limited(user, egress)
    assert 0 < gaps[1] < PINGS
    assert gaps == [0, gaps[1], 0]
    assert hops == [(first, 0), (second, gaps[1]), (third, 0), (TARGET, 0)]


@pytest.mark.parametrize("hop", [1, 2, 3])
def test_nothing_answers_from_a_blackhole_on(user, hop):
    user.lab.set_blackhole(egress="b", hop=hop, on=True)
    hops = trace(user, "b")
    assert hops[: hop - 1] == [(router, 0) for router in routers_of(user, "b")[: hop - 1]]
    assert {host for host, _ in hops[hop - 1 :]} <= {SILENT}
    assert trace(user, "a")[-1] == (TARGET, 0)
