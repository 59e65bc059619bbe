"""A sweep that is looked at before it is made: nothing is sent, nothing stored, nothing locked."""

import json

import pytest
import sqlalchemy as sa

from netsky.console import render_line
from netsky.console.dry_run import DryRunView
from netsky.jobs.dry_run import dry_run
from netsky.places import BUILTIN_ISPS, Egress
from netsky.store.database import Database
from netsky.sweep import ProbePlan
from testing.commands import run_tool
from testing.netns import needs_root
from testing.samples import load_library, write_library
from testing.servers import MariaDB, free_port

NOTHING_OF_PRODUCTION = ("--lock-dir", "/nonexistent", "--spool", "/nonexistent")


@pytest.fixture
def run(tmp_path):
    def run_dry(*arguments, **environment):
        options = ("--library", "library", "--dry-run", *NOTHING_OF_PRODUCTION)
        return run_tool(tmp_path, "netsky_probe", *options, *arguments, isp="demo", **environment)

    write_library(tmp_path / "library", targets=300)
    return run_dry


def test_it_tells_what_would_be_sent_and_makes_no_file(run, tmp_path):
    (tmp_path / "library/exclude.txt").write_text("127.16.0.0/25\n")
    done = run("--format", "json", "--count", "2", "--window", "20")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    found = document["dry_run"]
    targets = 31 * 300 - 128
    assert (found["targets"], found["packets"], found["excluded"]) == (targets, 2 * targets, 128)
    assert (found["seconds"], found["packets_per_second"]) == (20, targets / 10)
    assert (found["networks_24"], found["most_targets_in_24"]) == (62, 256)
    assert (found["isp"], found["egress"]["name"]) == ("demo", "default")
    assert found["engine"] in ("icmp", "fping")
    assert found["database"] == {"url": "sqlite:///netsky_demo.db", "problem": None, "new": True}
    assert document["provinces"][0] == {
        "province": "beijing",
        "province_name": "北京",
        "targets": 172,
    }
    assert [file.name for file in tmp_path.iterdir()] == ["library"]


def test_the_table_tells_it_to_people_smallest_province_first(run, tmp_path):
    (tmp_path / "library/demo/xizang.txt").write_text("127.99.0.1\n")
    text = run("--format", "table", "--no-store").stdout
    assert text.splitlines()[3].split() == ["西藏", "xizang", "1"]
    for part in (
        "演练（不发包）",
        "9,001 个目标",
        "发送 10.0 s",
        "由系统路由决定",
        "数据库：不写入",
    ):
        assert part in text


def test_a_database_that_cannot_be_reached_is_told_with_exit_3(run):
    url = f"mysql://netsky@127.0.0.1:{free_port()}/netsky_{{isp}}"
    done = run("--format", "json", NETSKY_DATABASE=url)
    assert done.returncode == 3
    problem = json.loads(done.stdout)["dry_run"]["database"]["problem"]
    assert "is the server running and reachable?" in problem


def test_a_database_of_another_schema_is_told_and_a_right_one_is_reachable(
    mariadb_with_schema: MariaDB, tmp_path
):
    library = load_library(tmp_path, targets=2)
    for name, state in (("netsky_cu", "reachable"), ("mysql", "unreachable")):
        database = Database(sa.make_url(mariadb_with_schema.url(name)), timeout=5)
        found = dry_run(library, Egress(), ProbePlan(), engine="icmp", database=database)
        line = render_line(DryRunView(found, BUILTIN_ISPS["demo"]))
        assert line.endswith(f" database={state}")
        assert found.complete == (state == "reachable")


def test_a_library_that_a_sweep_would_refuse_is_refused(run):
    slow = ("--rate", "10")
    done = run(*slow)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--large" in done.stderr
    assert run(*slow, "--large").returncode == 0


def test_bad_lines_and_unknown_names_are_told(run, tmp_path):
    assert "unknown egress 'x'" in run("--egress", "x").stderr
    (tmp_path / "library/demo/hebei.txt").write_text("x\n")
    assert "hebei.txt:1: 'x'" in run().stderr


@needs_root
def test_no_packet_is_sent(run, namespace, tmp_path):
    from testing.commands import tool_command

    options = ("--library", "library", "--dry-run", "--no-store")
    command = tool_command("netsky_probe", *options, isp="demo")
    before = echoes_sent(namespace)
    namespace.run("sh", "-c", 'cd "$1" && shift && exec "$@"', "sh", str(tmp_path), *command)
    assert echoes_sent(namespace) == before


def echoes_sent(namespace):
    snmp = namespace.run("cat", "/proc/net/snmp")
    names, values = (line.split() for line in snmp.splitlines() if line.startswith("Icmp:"))
    return int(values[names.index("OutMsgs")])
