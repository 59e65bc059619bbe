"""What the icmp engine makes of faults of its own host: each is real, in a namespace."""

from __future__ import annotations

import os
import resource
import select
import subprocess
import time
from dataclasses import replace

import numpy as np
import pytest

from netsky.aggregate import aggregate
from netsky.engines import icmp_receiver, libc
from netsky.engines.icmp import IcmpEngine
from netsky.engines.icmp_socket import open_sockets
from netsky.errors import EngineError
from netsky.places import PROVINCES, Egress
from netsky.sweep import ProbePlan
from netsky.targets.library import load
from testing.farside import Network, far_prefix, network, write_far_library
from testing.netns import make_namespace, needs_root
from testing.samples import load_library

pytestmark = needs_root

__all__ = ["network"]

NOBODY = 65534
PLAN = ProbePlan(window=0.2)


@pytest.fixture
def directory(tmp_path):
    """600 targets in three provinces; of the others a warning says that there are none."""
    return write_far_library(tmp_path / "library", targets=200, provinces=PROVINCES[:3])


def received(sweep):
    return [quality.packets_received for quality in aggregate(sweep, abnormal_rtt=0.3)]


def test_a_full_receive_buffer_is_told_from_loss_of_the_network(network, tmp_path):
    directory = write_far_library(tmp_path / "large", targets=1000)
    engine = IcmpEngine(receive_buffer=4096)  # a handful of packets
    sweep = network.sweep(engine, directory, ProbePlan(window=0, rate=1_000_000))
    assert sweep.local_drops > 0
    assert sweep.tainted
    assert sweep.packets_sent - sweep.packets_received == sweep.local_drops


def test_a_full_send_queue_slows_the_sweep_down_and_loses_nothing(network, directory):
    network.probe.run(
        *("tc", "qdisc", "add", "dev", "exit0", "root"),
        *("tbf", "rate", "2mbit", "burst", "2kb", "limit", "4kb"),
    )
    sweep = network.sweep(IcmpEngine(), directory, ProbePlan(window=0, rate=1_000_000))
    assert received(sweep) == [200, 200, 200]
    assert sweep.local_drops == 0
    assert sweep.duration_seconds > 0.15  # 600 packets of 98 bytes do not fit into 2 Mbit/s sooner


def test_a_send_queue_that_stays_full_ends_in_packets_not_measured(network, directory):
    network.probe.run(
        "ip", "neigh", "replace", "192.0.2.2", "lladdr", "02:00:00:00:00:01", "dev", "exit0"
    )
    network.probe.run("tc", "qdisc", "add", "dev", "exit0", "root", "pfifo", "limit", "0")
    with pytest.raises(EngineError, match="send queue stayed full"):
        network.sweep(IcmpEngine(), directory, PLAN)


def test_a_firewall_of_this_host_makes_targets_not_measured(network, directory):
    network.probe.add_rule("output", f"ip daddr {far_prefix(1)} drop")
    sweep = network.sweep(IcmpEngine(), directory, PLAN)
    [failure] = sweep.failures
    assert failure.province == PROVINCES[1]
    assert failure.targets == 200
    assert "local firewall" in failure.reason
    assert received(sweep) == [200, 200]


def test_a_firewall_that_lets_nothing_out_is_an_error(network, directory):
    network.probe.add_rule("output", "meta l4proto icmp drop")
    with pytest.raises(EngineError, match=r"local firewall refuses the packets.*nft list ruleset"):
        network.sweep(IcmpEngine(), directory, PLAN)


def test_a_packet_too_large_for_the_line_is_an_error_that_says_so(network, directory):
    network.probe.run("ip", "link", "set", "exit0", "mtu", "576")
    with pytest.raises(EngineError, match=r"larger than the line's MTU: lower --size"):
        network.sweep(IcmpEngine(), directory, ProbePlan(window=0.2, size=1400))


@pytest.mark.parametrize(
    ("egress", "message"),
    [
        (Egress("x", source="10.255.255.1"), r"egress 'x': cannot send from 10\.255\.255\.1"),
        (Egress("x", interface="nosuch0"), "egress 'x': cannot use interface 'nosuch0'"),
    ],
)
def test_an_egress_that_this_host_does_not_have_is_an_error(network, directory, egress, message):
    with pytest.raises(EngineError, match=message):
        network.sweep(IcmpEngine(), directory, PLAN, egress)


def test_an_ordinary_user_sweeps_through_a_ping_socket_where_the_kernel_allows(network, directory):
    network.probe.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    plan = ProbePlan(window=1.0, count=2)
    sweep = network.sweep(IcmpEngine(), directory, plan, user=NOBODY)
    assert received(sweep) == [400, 400, 400]
    assert np.nanmax(sweep.rtt_seconds) < 0.5
    assert sweep.local_drops == 0


def test_without_any_permission_the_error_names_both_ways_to_give_it(network, directory):
    with pytest.raises(EngineError, match=r"ping_group_range.*setcap cap_net_raw"):
        network.sweep(IcmpEngine(), directory, PLAN, user=NOBODY)


def test_an_ordinary_user_may_not_set_an_fwmark_and_is_told_so(directory):
    with make_namespace() as probe:
        probe.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
        with pytest.raises(EngineError, match="fwmark needs root or CAP_NET_ADMIN"):
            Network(probe).sweep(IcmpEngine(), directory, PLAN, Egress("x", fwmark=1), user=NOBODY)


def test_packets_of_others_from_before_the_filter_was_set_are_thrown_away(monkeypatch):
    flood = ["fping", "-q", "-c", "20", "-p", "1", "-i", "1", "127.0.0.1"]
    attach = libc.attach_filter

    def attach_late(sock, instructions):
        subprocess.run(flood, check=True, capture_output=True, timeout=20)
        assert select.select([sock], [], [], 0)[0]
        attach(sock, instructions)

    monkeypatch.setattr(libc, "attach_filter", attach_late)
    with open_sockets(Egress(), ident=1, receive_buffer=1 << 20) as sockets:
        assert not select.select([sockets.receiver], [], [], 0)[0]


def test_a_line_that_is_stuck_does_not_hang_the_sweep(network, directory):
    network.probe.run(
        *("tc", "qdisc", "add", "dev", "exit0", "root"),
        *("tbf", "rate", "8bit", "burst", "2kb", "limit", "10mb"),
    )
    # More packets than the send buffer has room for.
    sweep = network.sweep(IcmpEngine(), directory, ProbePlan(window=0.3, count=5))
    assert sum(failure.targets for failure in sweep.failures) > 0
    assert sweep.local_drops > 0


def test_a_target_of_which_one_packet_is_refused_is_not_measured_at_all(network, directory):
    network.probe.add_rule("output", "icmp type echo-request numgen random mod 2 0 drop")
    sweep = network.sweep(IcmpEngine(), directory, ProbePlan(window=0.3, count=3))
    measured = sum(quality.targets for quality in aggregate(sweep, abnormal_rtt=0.3))
    assert 0 < measured < 600
    assert measured + sum(failure.targets for failure in sweep.failures) == 600
    assert sweep.packets_sent == sweep.packets_received == 3 * measured


def test_a_receiver_that_fails_is_an_error_and_not_loss(monkeypatch, directory):
    def fail(*_packets, **_options):
        raise MemoryError

    monkeypatch.setattr(icmp_receiver, "parse_replies", fail)
    library = load(directory, "demo")
    loopback = replace(library, addresses=library.addresses - 0x0A000000 + 0x7F000000)
    with pytest.raises(EngineError, match="cannot receive replies: MemoryError"):
        IcmpEngine().sweep(loopback, Egress(), PLAN, lambda _packets: None)


def test_a_socket_that_cannot_be_opened_for_another_reason_is_an_error():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        with pytest.raises(EngineError, match="cannot open an ICMP socket: Too many open files"):
            IcmpEngine().check(Egress())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_host_too_slow_to_send_ends_in_time_and_says_what_was_not_measured(tmp_path, monkeypatch):
    send = libc.Messages.send

    def send_slowly(messages, descriptor, first, count):
        time.sleep(0.1)
        return send(messages, descriptor, first, count)

    monkeypatch.setattr(libc.Messages, "send", send_slowly)
    library = load_library(tmp_path, targets=100)
    sweep = IcmpEngine().sweep(library, Egress(), PLAN, lambda _packets: None)
    assert sweep.duration_seconds < 2 * PLAN.window + 1 + PLAN.timeout + 0.5
    assert 0 < sweep.packets_sent == sweep.packets_received < 3100
    assert sweep.packets_sent + sum(failure.targets for failure in sweep.failures) == 3100
    assert {failure.reason for failure in sweep.failures} == {
        "this host was too slow to send in time: is it busy with other work?"
    }
    assert sweep.tainted
