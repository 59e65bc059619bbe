"""The fping engine with the real fping: on loopback, and in namespaces where packets are lost."""

import os
import shutil
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lab.proofs.whole_sweep import sweep_there
from netsky.aggregate import aggregate
from netsky.console.probe import ProbeView
from netsky.engines.fping import MAX_PACKETS_PER_PROCESS, FpingEngine
from netsky.engines.fping_output import TOO_LARGE, UNSENT
from netsky.errors import EngineError, EngineUnavailableError
from netsky.jobs.probe import ProbeReport
from netsky.places import BUILTIN_ISPS, PROVINCES, Egress, find_province
from netsky.sweep import ProbePlan
from testing.farside import (
    FAR_PREFIX,
    Network,
    far_prefix,
    network,
    tun_responder,
    write_far_library,
)
from testing.netns import needs_root
from testing.processes import processes_where
from testing.samples import load_library, write_library
from testing.servers import program, wait_until

__all__ = ["network"]

BEIJING = find_province("beijing")
PLAN = ProbePlan(window=1, timeout=3)


def sweep(library, plan=PLAN, *, fping="fping", egress=None):
    return FpingEngine(fping).sweep(library, egress or Egress(), plan, lambda _done: None)


def write_script(file, text):
    """A stand-in for fping, called with the real one's path in $FPING."""
    file.write_text(f"#!/bin/sh\nFPING={program('fping')}\n{text}\n")
    file.chmod(0o755)
    return str(file)


def children(*, name):
    """Processes of that name that we started and that are still there."""
    return processes_where(lambda each: each.name == name and each.parent == os.getpid())


def sweep_in(namespace, library, *source, fping="fping", drop=()):
    """The report on a sweep in a namespace, for which `drop` is put before the command."""
    result, _ = sweep_there(
        lambda *command: namespace.command(*drop, *command),
        library,
        "demo",
        FpingEngine(fping),
        egress=Egress("here", *source),
        plan=ProbePlan(window=0.8, count=2, timeout=0.7),
    )
    report = ProbeReport(result, aggregate(result, abnormal_rtt=0.3), ())
    return ProbeView(report, BUILTIN_ISPS["demo"]).document()


# What is measured


def test_31_provinces_are_measured_whole(tmp_path):
    library = load_library(tmp_path, targets=20)
    done = []
    result = FpingEngine().sweep(library, Egress(), PLAN, done.append)
    assert result.rtt_seconds.shape == (620, 1)
    assert result.packets_sent == result.packets_received == 620
    assert result.failures == ()
    assert 0 < result.rtt_seconds.min() <= result.rtt_seconds.max() < PLAN.timeout
    assert done == sorted(done)
    assert done[-1] == 620
    assert children(name="fping") == []


def test_each_packet_of_a_target_has_its_own_rtt(tmp_path):
    result = sweep(load_library(tmp_path, targets=3), replace(PLAN, count=3))
    assert result.rtt_seconds.shape == (93, 3)
    assert np.all(result.rtt_seconds > 0)
    assert np.any(result.rtt_seconds.min(axis=1) < result.rtt_seconds.max(axis=1))


def test_a_province_beyond_the_sequence_numbers_of_one_process_is_measured_whole(tmp_path):
    library = load_library(tmp_path, targets=2_100, provinces=[BEIJING])
    result = sweep(library, replace(PLAN, window=2, count=30))
    assert result.packets_sent == 63_000 > MAX_PACKETS_PER_PROCESS
    assert result.failures == ()
    # 31,500 replies a second are much for one process on a busy machine: what its buffer had no room
    # for is counted, and more than that is not lost.
    assert result.packets_received + result.local_drops >= 63_000


@needs_root
def test_lost_are_exactly_the_packets_that_were_dropped(namespace, tmp_path):
    to_targets = "icmp type echo-request ip daddr != 127.0.0.1"
    namespace.add_rule("input", f"{to_targets} numgen random mod 5 0 counter drop")
    report = sweep_in(namespace, write_library(tmp_path, targets=4))
    figures = report["sweep"]
    assert figures["packets_sent"] == 248
    assert figures["packets_sent"] - figures["packets_received"] == namespace.counted() > 0
    assert figures["local_drops"] == 0


@needs_root
def test_the_province_that_loses_is_the_one_that_is_told(namespace, tmp_path):
    namespace.add_rule("input", "icmp type echo-request ip daddr 127.17.0.0/16 counter drop")
    report = sweep_in(namespace, write_library(tmp_path, targets=4))
    losses = {province["province"]: province["loss_ratio"] for province in report["provinces"]}
    assert losses == {province.slug: float(province.slug == "tianjin") for province in PROVINCES}


@needs_root
def test_packets_leave_from_the_source_of_the_egress(namespace, tmp_path):
    other = "icmp type echo-request ip daddr != 127.0.0.1 ip saddr != 127.0.0.5"
    namespace.add_rule("input", f"{other} counter drop")
    library = write_library(tmp_path, targets=2)
    for source, received in (("127.0.0.5", 124), ("127.0.0.6", 0)):
        figures = sweep_in(namespace, library, source)["sweep"]
        assert (figures["packets_sent"], figures["packets_received"]) == (124, received)


# What is no loss of the network


@needs_root
def test_packets_that_the_local_firewall_refuses_are_not_measured(namespace, tmp_path):
    namespace.add_rule(
        "output",
        "icmp type echo-request ip daddr 127.16.0.0/16 counter drop\n"
        "icmp type echo-request ip daddr 127.17.0.1 numgen inc mod 2 1 counter reject",
    )
    report = sweep_in(namespace, write_library(tmp_path, targets=10))
    figures = report["sweep"]
    assert (figures["packets_sent"], figures["packets_received"]) == (2 * 299, 2 * 299)
    assert namespace.counted() == 21
    assert [
        (each["province"], each["targets"], each["reason"]) for each in report["not_measured"]
    ] == [("beijing", 10, UNSENT), ("tianjin", 1, UNSENT)]


@needs_root
def test_targets_without_a_route_are_not_measured(network: Network, tmp_path):
    network.probe.run("ip", "route", "add", "unreachable", far_prefix(0))
    library = write_far_library(tmp_path, targets=4, provinces=PROVINCES[:2])
    result = network.sweep(FpingEngine(), library, ProbePlan(window=0.5, timeout=0.5))
    (failure,) = result.failures
    assert (failure.province, failure.targets, failure.reason) == (PROVINCES[0], 4, UNSENT)
    assert (result.packets_sent, result.packets_received) == (4, 4)


@needs_root
def test_an_exit_without_any_route_is_told_before_the_sweep(network: Network, tmp_path):
    network.probe.run("ip", "route", "delete", FAR_PREFIX)
    library = write_far_library(tmp_path, targets=4, provinces=PROVINCES[:2])
    with pytest.raises(EngineError, match="this host has no route to any target"):
        network.sweep(FpingEngine(), library, ProbePlan(window=0.5, timeout=0.5))


@needs_root
def test_a_cable_that_is_pulled_in_the_middle_makes_no_loss(network: Network, tmp_path):
    (wire,) = network.wires
    library = write_far_library(tmp_path, targets=50, provinces=PROVINCES[:2])

    def pull_out():
        wait_until(wire.heard, what="the first packet")
        wire.far.run("ip", "link", "set", "wire", "down")

    plan = ProbePlan(window=3, timeout=0.5)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(pull_out)
        with pytest.raises(EngineError, match="during the sweep, nothing of which counts"):
            network.sweep(FpingEngine(), library, plan)


@needs_root
def test_what_a_full_send_queue_drops_taints_the_sweep(network: Network, tmp_path):
    """The kernel does not tell fping of it, but counts it."""
    queue = "qdisc add dev exit0 root tbf rate 80kbit burst 1540 limit 2000"
    network.probe.run(program("tc"), *queue.split())
    library = write_far_library(tmp_path, targets=200, provinces=PROVINCES[:1])
    result = network.sweep(FpingEngine(), library, ProbePlan(window=0.2, timeout=1))
    lost = result.packets_sent - result.packets_received
    assert result.packets_sent == 200
    assert result.local_drops == lost > 0


@needs_root
def test_packets_larger_than_the_mtu_of_their_path_are_not_measured(network: Network, tmp_path):
    far = network.wires[0].far
    for command in (
        "link add narrow type veth peer end",
        "link set end up",
        "link set narrow mtu 576 up",
        "address add 192.0.2.65/30 dev narrow",
        f"route add {far_prefix(0)} dev narrow",
    ):
        far.run("ip", *command.split())
    far.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0")
    library = write_far_library(tmp_path, targets=4, provinces=PROVINCES[:2])
    plan = ProbePlan(window=0.5, timeout=0.5, size=1400)
    result = network.sweep(FpingEngine(), library, plan)
    (failure,) = result.failures
    assert (failure.province, failure.targets, failure.reason) == (PROVINCES[0], 4, TOO_LARGE)
    assert (result.packets_sent, result.packets_received) == (4, 4)


@needs_root
def test_replies_from_another_address_than_the_targets_do_not_count(network: Network, tmp_path):
    library = write_far_library(tmp_path, targets=4, provinces=PROVINCES[:2])
    with tun_responder(network.probe, {"10.16.": ["wrong_source"], "10.17.": ["honest"]}):
        plan = ProbePlan(window=0.5, count=2, timeout=0.5)
        result = network.sweep(FpingEngine(), library, plan)
    first = result.library.slice_of(0)
    assert np.isnan(result.rtt_seconds[first]).all()
    assert (result.packets_sent, result.packets_received) == (16, 8)
    assert result.discarded["wrong_source"] == 8


# What fails


def test_a_province_that_fails_leaves_the_others_measured(tmp_path):
    script = """
case " $* " in *" -f "*) ;; *) exec "$FPING" "$@" ;; esac
list=$(cat)
case $list in *127.17.*) echo "fping: out of luck" >&2; exit 4 ;; esac
echo "$list" | exec "$FPING" "$@"
"""
    fping = write_script(tmp_path / "fping", script)
    result = sweep(load_library(tmp_path / "library", targets=4), fping=fping)
    (failure,) = result.failures
    assert (failure.province.slug, failure.targets) == ("tianjin", 4)
    assert failure.reason == "fping failed with 4: fping: out of luck"
    assert result.packets_sent == result.packets_received == 30 * 4
    assert not result.sent[result.library.slice_of(1)].any()


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo 'fping: out of luck' >&2; exit 3", "failed with 3: fping: out of luck"),
        ("cat > /dev/null", "0 results for 2 targets"),
        ("kill -9 $$", "failed with -9: it said nothing"),
        ('"$FPING" "$@" 2>&1 | head -6 >&2', "1 results for 2 targets"),
    ],
)
def test_when_every_province_fails_nothing_is_taken_for_loss(tmp_path, script, complaint):
    fping = write_script(tmp_path / "fping", script)
    with pytest.raises(EngineError, match=f"nothing could be measured: .*{complaint}"):
        sweep(load_library(tmp_path / "library", targets=2), fping=fping)


def test_an_fping_that_hangs_is_killed_with_its_children(tmp_path, monkeypatch):
    monkeypatch.setattr("netsky.engines.fping.GRACE_SECONDS", 0.5)
    fping = write_script(tmp_path / "fping", 'sleep 600 & echo $! > "$0.child"; wait')
    with pytest.raises(EngineError, match="did not end in time and was killed"):
        sweep(
            load_library(tmp_path / "library", targets=2, provinces=[BEIJING]),
            ProbePlan(window=0.1, timeout=0.1),
            fping=fping,
        )
    child = Path("/proc", Path(f"{fping}.child").read_text().strip(), "cmdline")
    # Its exit may still wait for somebody to ask for it; such a process has no command line.
    wait_until(lambda: not child.exists() or not child.read_text(), what="end of its child")


def test_an_interrupt_ends_the_sweep_and_all_its_processes(tmp_path):
    library, fping = load_library(tmp_path, targets=4), program("fping")

    def interrupt():
        wait_until(lambda: len(children(name="fping")) == 31, what="all fping processes")
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        wait_until(lambda: not children(name="fping"), what="end of all fping processes")

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        sweep(library, replace(PLAN, window=60), fping=fping)
    interrupter.join()


# What check() finds


def check_and_fail(program, egress=None) -> str:
    with pytest.raises(EngineError) as failure:
        FpingEngine(str(program)).check(egress or Egress())
    return str(failure.value)


def test_the_fping_here_is_fit():
    FpingEngine(program("fping")).check(Egress())


def test_without_fping_the_way_to_install_it_is_told(tmp_path):
    message = check_and_fail(tmp_path / "fping")
    assert f"no fping at '{tmp_path}/fping'" in message
    assert "apt-get install fping" in message


@pytest.mark.parametrize("version", ["3.16", "4.2", "4.10"])
def test_an_fping_that_is_too_old_is_refused(tmp_path, version):
    old = write_script(tmp_path / "fping", f"echo '{tmp_path}/fping: Version {version}'")
    message = check_and_fail(old)
    assert f"is fping {version}, netsky needs 5.0 or newer" in message


def test_an_fwmark_needs_a_newer_fping(tmp_path):
    versions = """
case $1 in -v) echo "fping: Version $VERSION" ;; *) exec "$FPING" "$@" ;; esac
"""
    marked = Egress("unicom-1", fwmark=7)
    old = write_script(tmp_path / "old", f"VERSION=5.1{versions}")
    assert "'unicom-1' has an fwmark, which fping knows from 5.2 on" in check_and_fail(old, marked)
    FpingEngine(write_script(tmp_path / "new", f"VERSION=5.2{versions}")).check(marked)


def test_a_program_that_is_not_fping_is_refused(tmp_path):
    message = check_and_fail(write_script(tmp_path / "fping", "echo something else"))
    assert message.endswith("is it fping?")


def test_a_file_that_cannot_be_run_is_refused(tmp_path):
    file = tmp_path / "fping"
    file.write_text("")
    assert "cannot run" in check_and_fail(file)


@needs_root
def test_without_privilege_setcap_is_advised(namespace, tmp_path):
    # A copy has no file capability; in a new namespace nobody may open ping sockets either.
    fping = shutil.copy(program("fping"), tmp_path / "fping")
    drop = [program("setpriv"), "--bounding-set=-net_raw", "--inh-caps=-net_raw"]
    with pytest.raises(EngineUnavailableError) as failure:
        sweep_in(namespace, write_library(tmp_path / "l"), fping=str(fping), drop=drop)
    assert f"setcap cap_net_raw+ep $(command -v {fping})" in str(failure.value)


def test_an_fping_that_can_check_the_source_of_replies_does(tmp_path):
    script = """
case " $* " in
*" --help "*) echo "   --check-source    discard replies from another address"; exit ;;
*" --check-source "*) touch "$0.checks"; for word; do shift
    [ "$word" = --check-source ] || set -- "$@" "$word"; done ;;
esac
exec "$FPING" "$@"
"""
    engine = FpingEngine(write_script(tmp_path / "fping", script))
    library = load_library(tmp_path / "library", targets=4, provinces=[BEIJING])
    engine.check(Egress())
    assert engine.sweep(library, Egress(), PLAN, lambda _done: None).packets_received == 4
    assert (tmp_path / "fping.checks").exists()


SILENT_HOST = {
    "by a sysctl": lambda host: host.run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1"),
    "by a firewall": lambda host: host.add_rule("input", "icmp type echo-request drop"),
}


@needs_root
@pytest.mark.parametrize("silence", SILENT_HOST.values(), ids=SILENT_HOST)
def test_a_host_that_answers_no_pings_is_no_lack_of_privilege(namespace, tmp_path, silence):
    silence(namespace)
    figures = sweep_in(namespace, write_library(tmp_path, targets=2))["sweep"]
    assert (figures["packets_sent"], figures["packets_received"]) == (124, 0)


@needs_root
def test_a_dead_exit_is_dead_beside_another_sweep_with_the_same_process_ids(
    network: Network, tmp_path
):
    """Two containers on the host's network, say: in each the fping processes have the same ids."""
    live = write_far_library(tmp_path / "live", targets=40)
    dead = write_far_library(tmp_path / "dead", targets=40)
    for file in (dead / "demo").iterdir():
        file.write_text(file.read_text().replace(".0.", ".1."))
    container = [program("unshare"), "--pid", "--fork", "--mount-proc"]
    plan = ProbePlan(window=2, count=2, timeout=0.5)

    def sweep_contained(library):
        there = lambda *command: network.probe.command(*container, *command)  # noqa: E731
        return sweep_there(there, library, "demo", FpingEngine(), egress=Egress(), plan=plan)[0]

    with (
        network.wires[0].drop("ip daddr & 0.0.255.0 == 0.0.1.0"),
        ThreadPoolExecutor(2) as pool,
    ):
        shown_live, shown_dead = pool.map(sweep_contained, (live, dead))
    gap = abs((shown_live.started_at - shown_dead.started_at).total_seconds())
    assert gap < plan.window, "they did not run side by side"
    assert (shown_dead.packets_sent, shown_dead.packets_received) == (2480, 0)
    assert (shown_live.packets_sent, shown_live.packets_received) == (2480, 2480)
