"""Traces by hand, in a lab whose faults are known, and whatever refuses them."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest

from lab.network.addresses import Place
from lab.network.faults import Loss
from lab.network.inside import run_inside
from lab.network.making import make_lab
from lab.proofs.site import Site
from netsky.addresses import AddressLibrary
from netsky.console import render_csv, render_json, render_line
from netsky.console.trace import TraceView
from netsky.engines.icmp_socket import HOW_TO_ALLOW
from netsky.errors import EngineError
from netsky.jobs.trace import (
    MOST_OTHERS,
    choose,
    look_and_choose,
    take_mtr_of,
    trace_place,
    trace_together,
)
from netsky.places import BUILTIN_ISPS, Egress, find_province
from netsky.targets.library import LibraryFiles
from netsky.trace import Finding, MtrReport, TracePlan
from testing import ROOT
from testing.commands import run_command, run_tool
from testing.netns import namespace, needs_root
from testing.servers import program, wait_until

__all__ = ["namespace"]

HOPS = 4
WIDER_BY_CHANCE = (3, 4)  # an interval that ends at hop 3: some are a hop wider
NOBODY = "65534"
PLAN = TracePlan(rounds=4, rate=2000)  # the pace of each round is the same


@pytest.fixture(scope="module")
def site():
    with TemporaryDirectory() as folder, make_lab(hops=HOPS) as lab:
        Path(folder).chmod(0o755)  # for users that may not see pytest's own folders
        made = Site(lab, Path(folder))
        made.set_up(targets=1000)
        (made.folder / "open").mkdir()
        (made.folder / "open").chmod(0o777)
        yield made


@pytest.fixture
def healthy(site):
    """The site without faults, again after the test."""
    yield site
    lab = site.lab
    lab.set_loss(Loss(0))
    lab.set_dead(0)
    for egress in ("a", "b"):
        for hop in range(1, HOPS + 1):
            lab.set_hop_loss(Loss(0), egress=egress, hop=hop)
            lab.set_limit(None, egress=egress, hop=hop)
        lab.set_link(egress=egress, up=True)


def exit_of(site, name):
    route = site.lab.route(name)
    return Egress(name, str(route.source), route.interface)


def trace(site, *, others=("a",), number=20, plan=PLAN):
    """Traces to Guangdong of cu through exit b, and through the others."""
    library = LibraryFiles(site.folder / "ipdata", "cu", (find_province("guangdong"),)).current()
    return run_inside(
        site.lab.holder.path("probe"),
        lambda: trace_place(
            library,
            exit_of(site, "b"),
            [exit_of(site, name) for name in others],
            plan,
            number=number,
        ),
    )


def view(report):
    return TraceView(report, BUILTIN_ISPS["cu"])


def tool(site, *options, before=()):
    """The process that a person starts on the probe's host."""
    return site.lab.run(*before, *tool_command(site, *options))


def tool_command(site, *options):
    script = str(ROOT / "netsky_trace.py")
    return [sys.executable, script, "--config", str(site.folder / "netsky.toml"), *options]


@needs_root
def test_the_exit_that_loses_is_told_from_the_one_that_does_not(healthy):
    healthy.lab.set_dead(0.3)
    healthy.lab.set_hop_loss(Loss(0.4), egress="b", hop=3)
    report = trace(healthy)
    verdict = report.located.verdict
    assert (verdict.after, verdict.at_latest in WIDER_BY_CHANCE) == (2, True)
    assert (report.candidates, len(report.targets)) == (100, 20)
    assert report.answering < 95, "the dead are candidates, too"
    assert report.located.end.loss_ratio < 0.7, "a dead address was traced"
    (other,) = report.compared
    assert other.egress == "a"
    assert other.located.verdict.finding is Finding.CLEAN
    assert report.complete


@needs_root
def test_targets_that_are_cut_off_are_compared_with_healthy_ones_of_the_province(healthy):
    province = Place("cu", "guangdong").prefix
    prefix = next(province.subnets(new_prefix=23))  # half of the thousand
    healthy.lab.set_prefix_loss(Loss(1), prefix, egress="b")
    try:
        report = trace(healthy)
    finally:
        healthy.lab.set_prefix_loss(Loss(0), prefix, egress="b")
    located = report.located
    assert (located.end.loss_ratio, located.verdict.after) == (1.0, HOPS)
    assert len(located.affected) == len(located.healthy) == 10
    assert {trace.end.lost for trace in located.healthy} == {0}
    assert report.compared[0].located.verdict.finding is Finding.CLEAN


@needs_root
def test_few_targets_are_all_traced_without_a_look(healthy):
    report = trace(healthy, number=1000, plan=TracePlan(rounds=1, rate=10_000), others=())
    assert (report.candidates, len(report.targets)) == (0, 1000)
    assert report.located.verdict.finding is Finding.CLEAN


@needs_root
def test_another_exit_that_cannot_be_traced_spoils_nothing(healthy):
    healthy.lab.set_link(egress="a", up=False)
    report = trace(healthy)
    assert report.located.verdict.finding is Finding.CLEAN
    assert "has no carrier" in report.compared[0].problem
    assert not report.complete
    assert "出口 a：未能对比：egress 'a': interface 'exit-a' has no carrier" in screen(report)


@needs_root
def test_an_exit_with_its_cable_out_is_one_clear_error(healthy):
    healthy.lab.set_link(egress="b", up=False)
    with pytest.raises(EngineError, match="'exit-b' has no carrier: is its cable out"):
        trace(healthy)


def screen(report):
    return "\n".join(str(part) for part in view(report).screen())


@needs_root
def test_what_is_shown_says_hops_verdict_flows_and_mtr(healthy):
    healthy.lab.set_hop_loss(Loss(0.3), egress="b", hop=2)
    healthy.lab.set_limit(1, egress="b", hop=1)
    # So many that no target is lost each time: where it is would not be known.
    found = trace(healthy, plan=TracePlan(rounds=8, rate=2000))
    targets = []

    def take(target, egress):
        targets.append((target, egress.name))
        if len(targets) == 1:
            return MtrReport(target, ("mtr", target), "Start\n  1.|-- \x1b[31m")
        return MtrReport(target, not_taken="no mtr here: install mtr-tiny")

    report = take_mtr_of(found, exit_of(healthy, "b"), 2, take)
    assert len(set(targets)) == 2
    assert {name for _, name in targets} == {"b"}
    assert not report.complete
    text = screen(report)
    near, *others = (str(wire.far) for wire in healthy.lab.route("b").wires[:-1])
    verdict = report.located.verdict
    # One in fifty of those that lose is said to limit its answers by chance, and the interval is wider by that.
    assert (verdict.after, verdict.at_latest in (2, 3), verdict.limited[0]) == (0, True, 1)
    far = others[verdict.at_latest - 2]
    assert f"始于本机之后，至迟到第 {verdict.at_latest} 跳（{far}）" in text
    limited = "、".join(map(str, verdict.limited))
    assert f"第 {limited} 跳限制自身应答，不是丢包，未用于判断" in text
    assert "出口 a：同样的目标，路径正常" in text
    assert "单向探测分不清丢在去程还是回程" in text
    assert f"到 {targets[1][0]} 的 mtr 未取得：no mtr here: install mtr-tiny" in text
    assert "Loss%   Snt   Last   Avg  Best  Wrst StDev" in text
    document = json.loads(render_json(view(report)))
    assert document["verdict"]["finding"] == "begins"
    assert document["verdict"]["after_hop"] == 0
    assert document["verdict"]["at_latest_hop"] == verdict.at_latest
    assert document["verdict"]["limited_hops"] == list(verdict.limited)
    assert [hop["hop"] for hop in document["hops"]] == [1, 2, 3, 4, None]
    assert document["hops"][0]["addresses"] == [near]
    assert len(document["targets"]) == len(document["paths"]) == 20
    assert document["compared"][0]["verdict"]["finding"] == "clean"
    assert [bool(mtr["text"]) for mtr in document["mtr"]] == [True, False]
    assert len(render_csv(view(report)).splitlines()) == 21
    assert "\x1b" not in render_json(view(report))
    line = render_line(view(report))
    assert f" verdict=begins after_hop=0 at_latest_hop={verdict.at_latest} " in line
    assert line.endswith(" other_exits=a:0.00% mtr=1/2")


@needs_root
def test_the_tool_traces_with_the_capabilities_of_the_probes_unit(healthy):
    setpriv = (
        *(program("setpriv"), "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"),
        *("--inh-caps", "-all,+net_raw,+net_admin", "--ambient-caps", "-all,+net_raw,+net_admin"),
        *("--bounding-set", "-all,+net_raw,+net_admin", "--no-new-privs", "--"),
    )
    options = ("--isp", "cu", "--egress", "b", "--province", "广东", "--rounds", "1")
    locks = ("--lock-dir", str(healthy.folder / "open"))
    done = tool(healthy, *options, *locks, "--mtr", "0", "--format", "json", before=setpriv)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["verdict"]["finding"] == "clean"
    assert [other["egress"] for other in document["compared"]] == ["a"]


ORDINARY = (program("setpriv"), "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--")


@needs_root
def test_an_ordinary_user_gets_one_clear_line(healthy):
    options = ("--isp", "cu", "--egress", "b", "--province", "广东")
    options += ("--lock-dir", str(healthy.folder / "open"))
    done = tool(healthy, *options, before=ORDINARY)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.endswith(HOW_TO_ALLOW)


@needs_root
def test_an_ordinary_user_who_may_open_ping_sockets_traces_all_the_same(healthy):
    healthy.lab.set_hop_loss(Loss(0.3), egress="b", hop=3)
    healthy.lab.set_limit(1, egress="b", hop=1)
    document = by_ping_sockets(healthy, "--rounds", "8")
    verdict = document["verdict"]
    assert (verdict["after_hop"], verdict["at_latest_hop"] in WIDER_BY_CHANCE) == (2, True)
    assert verdict["limited_hops"][0] == 1
    routers = [str(wire.far) for wire in healthy.lab.route("b").wires[:-1]]
    assert [hop["addresses"] for hop in document["hops"][:-1]] == [[name] for name in routers]
    assert document["hops"][1]["loss_ratio"] == 0
    (other,) = document["compared"]
    assert other["verdict"]["finding"] == "clean"
    assert document["trace"]["not_sent"] == {}


@needs_root
def test_a_flow_keeps_its_way_through_a_ping_socket_too(healthy):
    healthy.lab.set_branch(egress="b", hop=2, on=True)
    try:
        document = by_ping_sockets(healthy, "--rounds", "2")
    finally:
        healthy.lab.set_branch(egress="b", hop=2, on=False)
    ways = [path["hops"][1]["addresses"] for path in document["paths"]]
    assert {len(way) for way in ways} == {1}
    assert (
        len({(path["flow"], *way) for path, way in zip(document["paths"], ways, strict=True)}) == 6
    )


def by_ping_sockets(site, *options):
    """What an ordinary user sees whose group may open ping sockets."""
    options += ("--isp", "cu", "--egress", "b", "--province", "广东", "--mtr", "0")
    options += ("--lock-dir", str(site.folder / "open"), "--format", "json")
    allow = "sysctl -qw net.ipv4.ping_group_range='0 2147483647'"
    assert site.lab.run("sh", "-c", allow).returncode == 0
    try:
        done = tool(site, *options, before=ORDINARY)
    finally:
        site.lab.run("sh", "-c", allow.replace("2147483647", "0"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_root
def test_it_ends_soon_when_it_is_told_to_and_nothing_runs_on(healthy):
    options = ("--isp", "cu", "--egress", "b", "--province", "广东", "--rounds", "1000")
    command = healthy.lab.command(*tool_command(healthy, *options))
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        before = hop_packets(healthy)
        wait_until(lambda: hop_packets(healthy) > before + 300, what="the traces")
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 1
    assert said.splitlines()[-1].endswith("interrupted")


def hop_packets(site):
    """Echo requests that have reached the users of Guangdong through exit b."""
    return site.lab.truth().of("b", "cu")["guangdong"].seen


@needs_root
def test_a_host_without_a_route_of_ipv4_gets_one_clear_line(tmp_path, namespace):
    namespace.run("ip", "address", "add", "2001:db8::1/64", "dev", "lo")
    addresses = tmp_path / "list.txt"
    addresses.write_text("192.0.2.1\n")
    script = str(ROOT / "netsky_trace.py")
    options = ("--targets", str(addresses), "--lock-dir", str(tmp_path))
    command = namespace.command(sys.executable, script, *options)
    done = run_command(tmp_path, command)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "egress 'default': this host has no route to any target through it" in line


@needs_root
def test_a_list_is_traced_through_the_exit_and_a_missing_mtr_makes_exit_3(healthy, tmp_path):
    addresses = tmp_path / "list.txt"
    addresses.write_text("10.25.0.1\n10.25.0.2\n")
    empty = f"PATH={tmp_path}"
    options = ("--targets", str(addresses), "--egress", "b", "--rounds", "1", "--mtr", "1")
    done = tool(healthy, *options, "--format", "table", before=("/usr/bin/env", empty))
    assert done.returncode == 3, done.stderr
    assert "2 个目标、12 条流、每条 1 轮" in done.stdout
    assert "的 mtr 未取得：no mtr here: install mtr-tiny" in done.stdout


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--province", "广东,广西,海南,北京,天津,河北,山西"), "1 to 6, with --province"),
        (("--province", "广州"), "unknown province '广州'"),
        (("--province", "广东", "--egress", "z"), "unknown egress 'z'"),
        (("--province", "广东"), "no address library in "),
        (("--targets", "no-such-list"), "no-such-list"),
        (("--targets", "list", "--province", "广东"), "give one of the two"),
        (("--province", "广东", "--rounds", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_traced_is_refused_in_a_line(tmp_path, options, told):
    done = run_tool(tmp_path, "netsky_trace", *options)
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1]


def test_candidates_are_spread_over_the_whole_province():
    answered = np.ones((2, 100, 3), np.bool_)
    answered[0, ::2, 0] = False  # every second one loses through the exit asked for
    answered[:, 90:] = False  # nobody is there
    chosen = choose(answered, 20)
    assert len(chosen) == 20
    assert sum(index % 2 == 0 for index in chosen) == 10
    assert chosen.max() < 90
    assert {int(index) // 30 for index in chosen} == {0, 1, 2}


def test_all_other_exits_together_send_no_more_than_the_one_that_is_asked_for(monkeypatch):
    looks, traces = [], []

    def sweep(_engine, _targets, egress, plan, _note):
        looks.append((egress.name, plan.rate, plan.count, plan.window))
        lost = {"own": [0, 1, 1], "o1": [0] * plan.count}.get(egress.name, [1] * plan.count)
        rtts = np.where(lost, np.nan, 0.01)
        return SimpleNamespace(
            rtt_seconds=np.vstack([np.tile(rtts, (2, 1)), [[np.nan] * plan.count] * 6])
        )

    def traced(_targets, egress, plan, **_):
        traces.append((egress.name, plan.rate, plan.rounds))
        raise EngineError("enough")

    monkeypatch.setattr("netsky.jobs.trace.check_exit", lambda *_: None)
    monkeypatch.setattr("netsky.jobs.trace.IcmpEngine.sweep", sweep)
    monkeypatch.setattr("netsky.jobs.trace.trace_targets", traced)
    addresses = np.arange(0x7F000001, 0x7F000009, dtype=np.uint32)
    place = AddressLibrary("cu", (find_province("beijing"),), addresses, np.array([0, 8]))
    own, others = Egress("own"), [Egress(f"o{number}") for number in range(MOST_OTHERS)]
    targets, looked, answering = look_and_choose(place, own, others, number=2, rate=200)
    assert (looked, answering, list(targets.addresses)) == (8, 2, list(addresses[:2]))
    with pytest.raises(EngineError, match="enough"):
        trace_together(targets, own, others, TracePlan(), quiet={})
    assert sorted(looks) == [*((o.name, 66, 1, 8 / 66) for o in others), ("own", 200, 3, 24 / 200)]
    assert sorted(traces) == [*((o.name, 66, 4) for o in others), ("own", 200, 10)]


def test_without_a_way_through_the_exit_nothing_is_sent_through_the_others(monkeypatch):
    asked = []
    monkeypatch.setattr("netsky.jobs.trace.trace_targets", lambda *given, **_: asked.append(given))
    monkeypatch.setattr("netsky.jobs.trace.IcmpEngine.sweep", lambda *given: asked.append(given))
    addresses = np.arange(0x7F000001, 0x7F000009, dtype=np.uint32)
    place = AddressLibrary(
        BUILTIN_ISPS["cu"].slug, (find_province("beijing"),), addresses, np.array([0, 8])
    )
    gone, other = Egress("gone", interface="absent0"), Egress("other")
    with pytest.raises(EngineError, match="absent0"):
        trace_together(place, gone, [other], PLAN, quiet={})
    with pytest.raises(EngineError, match="absent0"):
        look_and_choose(place, gone, [other], number=2, rate=100)
    assert asked == []
