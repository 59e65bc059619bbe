"""mtr through the exit that is asked for, and what is said where it gives no report."""

import os
import resource
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.network.inside import run_inside
from lab.network.making import make_lab
from netsky.engines.mtr import take_mtr
from netsky.places import Egress
from testing.netns import needs_root

TARGET = "10.25.0.1"
HERE = "127.0.0.1"
REPORT = "  1.|-- 192.0.2.1  0.0%     2    0.1   0.1   0.1   0.1   0.0"


@pytest.fixture(scope="module")
def lab():
    with make_lab() as made:
        yield made


def take(lab, egress):
    return run_inside(lab.holder.path("probe"), lambda: take_mtr(TARGET, egress, packets=2))


@needs_root
def test_the_exit_asked_for_is_taken_however_it_is_defined(lab):
    route = lab.route("b")
    source, interface = str(route.source), route.interface
    defined = [
        Egress("source", source=source),
        Egress("interface", interface=interface),
        Egress("mark", fwmark=101),
        Egress("both", source=source, interface=interface),
        Egress("all", source=source, interface=interface, fwmark=101),
    ]
    with ThreadPoolExecutor(len(defined)) as pool:
        reports = list(pool.map(lambda egress: take(lab, egress), defined))
    for egress, report in zip(defined, reports, strict=True):
        assert report.not_taken is None, egress.name
        hops = [line.split()[1] for line in report.text.splitlines()[2:]]
        assert hops == [*(str(wire.far) for wire in route.wires[:-1]), TARGET], egress.name
        assert "-n" in report.command
        assert "-z" not in report.command


CAPABILITIES = "-all,+net_raw,+net_admin"
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
UNIT = (
    *("--inh-caps", CAPABILITIES, "--ambient-caps", CAPABILITIES),
    *("--bounding-set", CAPABILITIES, "--no-new-privs"),
)


@needs_root
@pytest.mark.parametrize("options", [UNIT, ()], ids=["the unit's capabilities", "none"])
def test_it_needs_no_root(lab, options):
    """mtr-packet has a capability of its own, which lets it set a mark."""
    route = lab.route("b")
    code = (
        "from netsky.engines.mtr import take_mtr; from netsky.places import Egress; "
        f"report = take_mtr({TARGET!r}, Egress('b', source={str(route.source)!r}), packets=2); "
        "print(report.not_taken or report.text)"
    )
    done = lab.run(*NOBODY, *options, "--", sys.executable, "-c", code)
    hops = [line.split()[1] for line in done.stdout.strip().splitlines()[2:]]
    assert hops == [*(str(wire.far) for wire in route.wires[:-1]), TARGET], (
        done.stdout + done.stderr
    )


@needs_root
def test_an_exit_that_no_mark_leads_to_is_told(lab):
    for action, delete in (("delete", True), ("add", False)):
        rule = ("preference", "100", "fwmark", "101", "table", "101")
        assert lab.run("ip", "rule", action, *rule).returncode == 0
        if delete:
            report = take(lab, Egress("b", source=str(lab.route("b").source)))
    assert report.text is None
    assert report.not_taken.startswith("mtr chooses an exit by its firewall mark only, and no")
    assert "egress 'b'" in report.not_taken


@needs_root
def test_this_hosts_own_unreachable_is_no_report(lab):
    lab.set_link(egress="b", up=False)
    try:
        report = take(lab, Egress("b", source=str(lab.route("b").source), fwmark=101))
    finally:
        lab.set_link(egress="b", up=True)
    assert report.text is None
    assert report.not_taken == "mtr saw no hop but this host"


def program(folder, script):
    """A program that is called mtr and does what the script says."""
    file = folder / "mtr"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return str(file)


def fake(folder, script, **options):
    return take_mtr(HERE, Egress(), program=program(folder, script), **options)


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 0", "mtr saw no hop but this host"),
        ("echo '  1.|-- ???  100.0 2 0 0 0 0 0'", "mtr saw no hop but this host"),
        ("echo 'mtr-packet: Invalid argument' >&2; exit 1", "mtr failed with 1: mtr-packet: Inv"),
        ("exit 7", "mtr failed with 7: it said nothing"),
        (r"printf 'a\nb\033[31m\n' >&2; exit 2", r"mtr failed with 2: b\x1b[31m"),
    ],
)
def test_an_empty_or_refused_report_is_told_and_is_none(tmp_path, script, told):
    report = fake(tmp_path, script)
    assert report.text is None
    assert report.not_taken.startswith(told)


def test_a_missing_mtr_is_told_with_its_package():
    report = take_mtr(HERE, Egress(), program="no-such-mtr")
    assert report.not_taken == "no no-such-mtr here: install mtr-tiny"


def test_nothing_of_the_environment_reaches_it(tmp_path, monkeypatch):
    monkeypatch.setenv("MTR_OPTIONS", "-z")
    report = fake(tmp_path, f"echo '{REPORT}'; env; echo; printf '%s\\n' \"$@\"", packets=2)
    printed, _, arguments = report.text.partition("\n\n")
    names = {line.partition("=")[0] for line in printed.splitlines()[1:]}
    assert names <= {"PATH", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"}
    expected = ["-n", "-w", "-G", "1", "-c", "2", "-i", "1", "-a", HERE, HERE]
    assert arguments.split() == expected


def test_one_that_prints_without_end_is_ended_before_it_fills_the_memory(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = fake(tmp_path, f"exec yes '{REPORT}'", deadline=60.0)
    assert report.not_taken.startswith(f"mtr failed with -{signal.SIGXFSZ.value}: ")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000, "kB"


def test_one_that_hangs_is_killed_with_what_it_has_started(tmp_path):
    pids = tmp_path / "pids"
    started = time.monotonic()
    report = fake(tmp_path, f"sleep 300 & echo $$ $! > {pids}; wait", deadline=1.0)
    assert time.monotonic() - started < 5
    assert report.not_taken == "mtr did not end within 1 s and was killed"
    deadline = time.monotonic() + 5
    for pid in map(int, pids.read_text().split()):
        while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < deadline:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.01)
        else:
            if Path(f"/proc/{pid}").exists():
                os.kill(pid, signal.SIGKILL)
                pytest.fail(f"{pid} lives on")
