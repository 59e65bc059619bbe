"""What this host does to packets on their way out is told as such, and is no loss of the network."""

import errno
import threading
import time

import numpy as np
import pytest

from netsky.engines import exit_check
from netsky.engines.exit_check import NEIGHBOURS_FULL, parse_table_fulls
from netsky.engines.fping import FpingEngine
from netsky.engines.icmp import IcmpEngine, _unmeasured
from netsky.errors import EngineError
from netsky.places import PROVINCES, Egress
from netsky.sweep import ProbePlan
from testing.farside import Network, make_network, network, write_far_library
from testing.netns import needs_root
from testing.samples import load_library, make_sweep
from testing.servers import wait_until

__all__ = ["network"]

pytestmark = needs_root
PLAN = ProbePlan(window=0.2)


@pytest.fixture
def directory(tmp_path):
    return write_far_library(tmp_path, targets=50, provinces=PROVINCES[:3])


def refused(network: Network, directory, egress=None, plan=PLAN):
    """The one line of a sweep that is refused; no target has heard of it."""
    before = network.wires[0].heard()
    with pytest.raises(EngineError) as refusal:
        network.sweep(IcmpEngine(), directory, plan, egress)
    assert network.wires[0].heard() == before
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_an_exit_without_a_route_to_any_target_is_refused(network, directory):
    network.probe.run("ip", "route", "delete", "10.0.0.0/8")
    line = refused(network, directory, Egress("a", source="192.0.2.1"))
    assert line.startswith("egress 'a': this host has no route to any target through it")


def test_targets_without_a_route_are_not_measured_and_the_others_are(network, directory):
    network.probe.run("ip", "route", "delete", "10.0.0.0/8")
    network.probe.run("ip", "route", "add", "10.16.0.0/15", "via", "192.0.2.2")
    sweep = network.sweep(IcmpEngine(), directory, PLAN)
    assert sweep.packets_sent == sweep.packets_received == 100
    [failure] = sweep.failures
    assert (failure.province, failure.targets) == (PROVINCES[2], 50)
    assert failure.reason.startswith("this host has no route there")


def pull_out(network):
    """The cable of the first exit; the kernel takes a moment to see it."""
    network.wires[0].far.run("ip", "link", "set", "wire", "down")
    wait_until(
        lambda: "NO-CARRIER" in network.probe.run("ip", "link", "show", "exit0"),
        what="the kernel to see it",
    )


def test_an_exit_whose_cable_is_out_is_told_before_the_sweep(network, directory):
    pull_out(network)
    line = refused(network, directory, Egress("a", interface="exit0"))
    assert line == "egress 'a': interface 'exit0' has no carrier: is its cable out?"


def test_so_is_an_interface_that_is_down(network, directory):
    network.probe.run("ip", "link", "set", "exit0", "down")
    line = refused(network, directory, Egress("a", interface="exit0"))
    assert line == "egress 'a': interface 'exit0' is down: `ip link set … up`"


def test_a_cable_that_is_pulled_in_the_middle_makes_no_loss(network, directory):
    def pull():
        time.sleep(1.5)
        pull_out(network)

    puller = threading.Thread(target=pull)
    puller.start()
    with pytest.raises(EngineError, match="during the sweep, nothing of which counts"):
        network.sweep(IcmpEngine(), directory, ProbePlan(window=4))
    puller.join()


@pytest.mark.parametrize("engine", [IcmpEngine(), FpingEngine()], ids=["icmp", "fping"])
def test_nor_does_one_that_is_pulled_and_plugged_in_again(network, directory, engine):
    def pull():
        wait_until(lambda: network.wires[0].heard() > before, what="the sweep to send")
        pull_out(network)
        network.wires[0].far.run("ip", "link", "set", "wire", "up")

    before = network.wires[0].heard()

    puller = threading.Thread(target=pull)
    puller.start()
    with pytest.raises(EngineError, match="nothing of which counts, and has it again") as failure:
        network.sweep(engine, directory, ProbePlan(window=4))
    puller.join()
    assert "interface 'exit0' lost its carrier during the sweep" in str(failure.value)


def test_an_exit_by_interface_without_a_route_by_it_asks_nobody(directory):
    with make_network(wires=2) as network:
        line = refused(network, directory, Egress("b", interface="exit1"))
        assert "no route leads to the targets by interface 'exit1'" in line
        network.probe.run(
            "ip", "route", "add", "default", "via", "192.0.2.6", "dev", "exit1", "table", "7"
        )
        network.probe.run("ip", "rule", "add", "oif", "exit1", "table", "7")
        sweep = network.sweep(IcmpEngine(), directory, PLAN, Egress("b", interface="exit1"))
        assert sweep.packets_received == 150
        assert network.wires[1].heard() == 150


# A full table of neighbours

FULL = """entries  allocs   unresolved_discards table_fulls
00000400 000022b7 000159f7            0000000a
00000400 00001cc9 00001b7b            00000010
"""


def test_how_often_the_table_was_full_is_read_of_all_processors():
    assert parse_table_fulls(FULL) == 26
    assert parse_table_fulls("entries allocs\n1 2\n") == 0


def test_a_full_table_is_told_as_the_reason_and_not_the_queue():
    errors = np.array([[0], [errno.ENOBUFS]], np.uint8)
    library = make_sweep({"hunan": [0.1, 0.1]}).library
    [full] = _unmeasured(errors, overflows=3).failures(library)
    assert full.reason == NEIGHBOURS_FULL
    [queue] = _unmeasured(errors, overflows=0).failures(library)
    assert queue.reason == "this host's send queue stayed full"


def test_packets_that_a_full_table_may_have_cost_are_this_hosts(tmp_path, monkeypatch):
    counts = iter([5, 9])
    monkeypatch.setattr(exit_check, "_overflows", lambda: next(counts))
    library = load_library(tmp_path, targets=3, provinces=PROVINCES[:1])
    with exit_check.watch_exit(library, Egress()) as watch:
        pass
    assert watch.overflows == 4
