"""A look by hand: a list of addresses one by one, and the silent addresses of a sweep."""

import csv
import io
import json
import subprocess
import sys
from math import nan

import pytest

from netsky.errors import DeliveryError
from netsky.jobs.targets import dump_silent, worst_first
from testing import ROOT
from testing.commands import run_tool, run_verb, tool_environment
from testing.samples import make_sweep, write_library

QUICK = ("--window", "0.2", "--timeout", "2000")


@pytest.fixture
def run(tmp_path):
    def run_list(*arguments, **environment):
        return run_verb(tmp_path, "netsky_probe", *QUICK, *arguments, **environment)

    (tmp_path / "list").write_text("127.0.0.9 广东\n127.0.0.1-2\n127.0.0.1\n", encoding="utf-8")
    return run_list


def test_each_address_of_a_list_has_a_line_and_nothing_is_touched(run, tmp_path):
    nowhere = ("--lock-dir", "/nonexistent", "--spool", "/nonexistent", "--database", "mysql://")
    done = run("--targets", "list", "--count", "5", "--format", "json", *nowhere)
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["sweep"]["packets_sent"] == 15
    assert {t["address"] for t in document["targets"]} == {"127.0.0.1", "127.0.0.2", "127.0.0.9"}
    for target in document["targets"]:
        assert (target["packets_sent"], target["packets_received"]) == (5, 5)
        assert 0 < target["latency_mean_seconds"] <= target["latency_max_seconds"] < 2
    means = [t["latency_mean_seconds"] for t in document["targets"]]
    assert means == sorted(means, reverse=True)
    assert [file.name for file in tmp_path.iterdir()] == ["list"]


def test_a_list_far_beyond_the_window_is_refused_without_large(run):
    slow = ("--targets", "list", "--rate", "4", "--timeout", "100", "--format", "json")
    refused = run(*slow)
    assert refused.returncode == 2
    assert "far more than --window 0.2" in refused.stderr
    assert run(*slow, "--large").returncode == 0


def test_csv_has_the_same_as_json(run):
    done = run("--targets", "list", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [*rows[0]] == [
        *("address", "packets_sent", "packets_received", "loss_ratio"),
        *("latency_mean_seconds", "latency_max_seconds"),
    ]
    assert len(rows) == 3


def test_a_list_may_come_from_a_pipe(tmp_path):
    command = [sys.executable, str(ROOT / "netsky_probe.py"), "--targets", "-", *QUICK]
    done = subprocess.run(
        [*command, "--format", "table"],
        cwd=tmp_path,
        env=tool_environment(),
        input="127.0.0.1\n127.0.0.7\n",
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "127.0.0.7" in done.stdout
    assert "2 个地址：0 个有丢包" in done.stdout


def test_what_must_not_be_probed_is_left_out_of_a_list_too(run, tmp_path):
    (tmp_path / "ipdata").mkdir()
    (tmp_path / "ipdata/exclude.txt").write_text("127.0.0.9\n")
    done = run("--targets", "list", "--format", "json")
    assert json.loads(done.stdout)["sweep"]["targets"] == 2
    assert "1 left out, as ipdata/exclude.txt says" in done.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("127.0.0.1\nx\n", "list:2: 'x': not an IPv4 address"),
        ("# none\n", "no targets in list"),
        ("127.0.0.0/15\n", "100,000 are the most of a list"),
    ],
)
def test_a_list_that_is_none_is_refused(run, tmp_path, content, complaint):
    (tmp_path / "list").write_text(content)
    done = run("--targets", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_without_a_list_an_isp_is_needed(run):
    done = run()
    assert done.returncode == 2
    assert "Missing option '--isp'" in done.stderr


def test_addresses_are_worst_first_and_silence_is_no_zero():
    sweep = make_sweep({"beijing": [0.1, nan, 0.3], "hebei": [nan]})
    found = worst_first(sweep)
    assert [t.address for t in found] == ["127.16.0.1", "127.16.0.3", "127.16.0.2", "127.16.0.0"]
    assert [t.loss_ratio for t in found] == [1, 1, 0, 0]
    assert (found[0].latency_mean_seconds, found[0].latency_max_seconds) == (None, None)
    assert found[2].latency_max_seconds == pytest.approx(0.3)


def test_the_silent_addresses_of_a_sweep_are_dumped_as_a_list_with_their_province(tmp_path):
    sweep = make_sweep({"beijing": [0.1, nan, 0.3], "hebei": [nan]}, egress="a")
    dump_silent(tmp_path / "{isp}-{egress}", sweep, {"isp": "cu", "egress": "a"})
    [file] = tmp_path.iterdir()
    assert file.name == "cu-a"
    assert file.read_text(encoding="utf-8") == (
        "127.16.0.1\tbeijing\t北京\n127.16.0.3\thebei\t河北\n"
    )


def test_a_target_that_was_not_probed_is_not_silent(tmp_path):
    sweep = make_sweep({"beijing": [nan, nan]})
    sweep.sent[0] = False
    dump_silent(tmp_path / "silent", sweep, {})
    assert (tmp_path / "silent").read_text(encoding="utf-8").startswith("127.16.0.1\t")


def test_a_dump_that_cannot_be_written_leaves_what_was_there(tmp_path):
    with pytest.raises(DeliveryError, match=r"cannot write .*/none/silent: No such file"):
        dump_silent(tmp_path / "none/silent", make_sweep({"beijing": [nan]}), {})


def test_a_dump_is_written_after_a_sweep_and_can_be_probed(run, tmp_path):
    write_library(tmp_path / "library", targets=4)
    done = run_tool(
        tmp_path,
        "netsky_probe",
        *("--library", "library", "--no-store", "--no-push", "--dump", "silent-{isp}", *QUICK),
        isp="demo",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "silent-demo").read_text() == ""


def test_one_dump_for_several_lines_is_refused(run, tmp_path):
    done = run_tool(tmp_path, "netsky_probe", "--dump", "silent", isp="cu,cm")
    assert done.returncode == 2
    assert "more than one isp: write {isp} in the name" in done.stderr


def test_a_list_and_a_dry_run_do_not_go_together(run):
    done = run("--targets", "list", "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert "leave out --targets" in done.stderr
