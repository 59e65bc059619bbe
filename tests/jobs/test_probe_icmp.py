"""netsky_probe.py with the icmp engine, as a command."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest

from netsky.places import PROVINCES
from testing.commands import run_command, run_tool, tool_command
from testing.farside import tun_responder, write_far_library
from testing.netns import make_namespace, needs_root
from testing.samples import write_library

pytestmark = needs_root


@pytest.fixture
def options(tmp_path):
    """A small library."""
    write_library(tmp_path / "library", targets=100)
    return ["--library", "library"]


def run(*options, cwd, prefix=()):
    if not prefix:
        return run_tool(cwd, "netsky_probe", *options, isp="demo")
    return run_command(cwd, [*prefix, *tool_command("netsky_probe", *options, isp="demo")])


def test_icmp_is_the_engine_where_the_process_may_open_a_socket(tmp_path, options):
    done = run(*options, "--window", "0.2", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    sweep = json.loads(done.stdout)["sweep"]
    assert sweep["engine"] == "icmp"
    assert sweep["packets_received"] == sweep["packets_sent"] == 3100
    assert sweep["discarded"] == {
        "malformed": 0,
        "wrong_cookie": 0,
        "wrong_source": 0,
        "duplicate": 0,
        "late": 0,
    }


def test_a_tainted_sweep_says_so_in_json_metrics_log_and_table(tmp_path, options):
    write_library(tmp_path / "large", targets=1000)
    options += ["--window", "0", "--rate", "1000000", "--receive-buffer", "4096"]
    options += ["--library", str(tmp_path / "large")]
    done = run(*options, "--format", "json", "--textfile", "netsky.prom", cwd=tmp_path)
    sweep = json.loads(done.stdout)["sweep"]
    assert sweep["tainted"] is True
    assert sweep["local_drops"] == sweep["packets_sent"] - sweep["packets_received"] > 0
    assert (
        f"this host itself dropped up to {sweep['local_drops']} of the lost packets" in done.stderr
    )
    drops = f'netsky_sweep_local_drops{{egress="default",isp="demo"}} {sweep["local_drops"]}.0'
    assert drops in (tmp_path / "netsky.prom").read_text()
    table = run(*options, "--format", "table", cwd=tmp_path).stdout
    assert "本机自身可能丢弃了数据包" in table


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_ends_the_sweep_and_leaves_nothing_half_written(
    tmp_path, options, number
):
    options += ["--window", "60", "--textfile", "netsky.prom", "-v"]
    command = tool_command("netsky_probe", *options, isp="demo")
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert any(line.endswith("INFO engine icmp\n") for line in process.stderr)  # it begins
    time.sleep(0.5)
    process.send_signal(number)
    _, log = process.communicate(timeout=10)
    assert process.returncode == 1
    assert log.rstrip().endswith("ERROR interrupted")
    assert not (tmp_path / "netsky.prom").exists()
    assert not (tmp_path / "netsky_demo.db").exists()


def test_replies_that_do_not_count_stand_by_name_in_log_and_json(tmp_path):
    kinds = ["wrong_cookie", "wrong_source", "twice", "cut_short"]
    behaviours = {f"10.{16 + index}.": [kind] for index, kind in enumerate(kinds)}
    behaviours["10.20."] = ["delayed", 0.3]
    library = write_far_library(tmp_path / "library", targets=20, provinces=PROVINCES[:5])
    options = ["--library", str(library), "--window", "1.5", "--timeout", "200", "--format", "json"]
    with make_namespace() as probe, tun_responder(probe, behaviours):
        done = run(*options, cwd=tmp_path, prefix=probe.command())
    discarded = json.loads(done.stdout)["sweep"]["discarded"]
    late = discarded.pop("late")
    assert discarded == {"malformed": 20, "wrong_cookie": 20, "wrong_source": 20, "duplicate": 20}
    assert 0 < late <= 20  # those that come while the sweep still runs
    counts = "20 malformed, 20 wrong_cookie, 20 wrong_source, 20 duplicate"
    assert f"replies that do not count: {counts}, {late} late" in done.stderr


def test_three_packets_a_target_are_all_counted(tmp_path, options):
    options += ["--window", "0.5", "--count", "3", "--format", "json"]
    report = json.loads(run(*options, cwd=tmp_path).stdout)
    assert report["sweep"]["packets_received"] == report["sweep"]["packets_sent"] == 9300
    with closing(sqlite3.connect(tmp_path / "netsky_demo.db")) as database:
        query = "select count(*), sum(value) from netsky_lossrate"
        assert database.execute(query).fetchall() == [(31, 0.0)]


def test_without_permission_auto_takes_fping_and_icmp_says_how_to_allow_it(tmp_path, options):
    fping = tmp_path / "fping"
    fping.write_text('#!/bin/sh\n[ "$1" = -v ] && echo "Version 5.1"\nexit 4\n')
    fping.chmod(0o755)
    options += ["--no-store", "--fping", str(fping)]
    with make_namespace() as probe:  # in a new namespace no group may open ping sockets
        prefix = probe.command("setpriv", "--bounding-set=-net_raw")
        auto = run(*options, "--engine", "auto", cwd=tmp_path, prefix=prefix)
        icmp = run(*options, "--engine", "icmp", cwd=tmp_path, prefix=prefix)
    assert auto.returncode == 1
    assert f"{fping} gets no reply" in auto.stderr  # so fping it was
    assert icmp.returncode == 1
    assert "net.ipv4.ping_group_range" in icmp.stderr
    assert "setcap cap_net_raw" in icmp.stderr
