"""The commands of `python -m lab`, as other shells run them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.network.addresses import PLACES
from testing import ROOT
from testing.netns import needs_root
from testing.servers import program

pytestmark = needs_root

ADDRESS = PLACES[0].prefix[1]


@pytest.fixture
def shell(user, run_lab):
    """Run a command on the test's lab; what it prints."""

    def run(command, *arguments):
        done = run_lab(command, *arguments, "--name", user.lab.name)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_every_fault_is_one_command(user, shell):
    shell("loss", "--egress", "b", "--isp", "cu", "--province", "北京", "100%")
    assert user.ping(ADDRESS, egress="b") == [None]
    assert user.ping(ADDRESS, egress="a")[0]
    shell("loss", "--egress", "b", "0")
    shell("loss", "--egress", "a", "--prefix", f"{ADDRESS}/32", "--every", "1")
    shell("dead", "--egress", "b", "100%")
    assert [user.ping(ADDRESS, egress=egress)[0] for egress in ("a", "b")] == [None, None]
    shell("dead", "0")
    shell("loss", "--egress", "a", "--prefix", f"{ADDRESS}/32", "0")
    shell("blackhole", "--egress", "a", "--hop", "1", "on")
    assert user.ping(ADDRESS) == [None]
    shell("blackhole", "--egress", "a", "--hop", "1", "off")
    shell("hop-loss", "--egress", "a", "--hop", "2", "100%")
    assert user.ping(ADDRESS) == [None]
    shell("hop-loss", "--egress", "a", "--hop", "2", "0")
    shell("police", "--egress", "a", "--hop", "2", "20")
    shell("police", "--egress", "a", "--hop", "2", "off")
    shell("silent", "--egress", "a", "--hop", "1", "on")
    assert user.ping(ADDRESS, ttl=1) == [None]
    shell("silent", "--egress", "a", "--hop", "1", "off")
    shell("branch", "--egress", "a", "--hop", "2", "on")
    assert user.ping(ADDRESS)[0]
    shell("branch", "--egress", "a", "--hop", "2", "off")
    shell("link", "b", "down")
    shell("limit", "--egress", "a", "--hop", "3", "1")
    shell("flap", "--isp", "ct", "--period", "2", "100%")
    shell("delay", "--prefix", f"{ADDRESS}/32", "100", "--egress", "a")
    assert user.ping(ADDRESS)[0]
    assert user.ping(ADDRESS, egress="b") == [None]


def test_the_counters_are_a_table_and_json(user, shell):
    user.lab.set_dead(1, egress="b", isp="cu", province="beijing")
    user.ping(ADDRESS, egress="b")
    (line,) = shell("counters").splitlines()[1:]
    assert line.split() == ["b", "cu", "beijing", "1", "1", "100.0000", "1", "0"]
    document = json.loads(shell("counters", "--format", "json"))
    assert len(document["counts"]) == 2 * len(PLACES)
    (count,) = [count for count in document["counts"] if count["seen"]]
    assert count == {
        "egress": "b",
        "isp": "cu",
        "province": "beijing",
        "seen": 1,
        "loss": 0,
        "dead": 1,
        "flapping": 0,
        "dropped": 1,
        "loss_ratio": 1.0,
    }
    assert len(document["hops"]) == 6


def test_a_command_runs_on_the_probes_host_and_its_exit_code_comes_back(user, run_lab):
    program = "import os; print(sorted(os.listdir('/proc/sys/net/ipv4/conf'))); raise SystemExit(7)"
    command = ["exec", "--name", user.lab.name, "--", sys.executable, "-c", program]
    done = run_lab(*command)
    assert done.returncode == 7
    assert "exit-a" in done.stdout
    done = run_lab("exec", "--at", "b.2", *command[1:])
    assert "exit-a" not in done.stdout
    assert "'out'" in done.stdout


def test_netsky_can_use_what_is_written(user, shell):
    shell("write", user.folder / "new", "--targets", "3")
    settings = user.folder / "new" / "netsky.toml"
    measured = user.probe("--config", str(settings), "--window", "0.2", isp="ct", egress="b")
    assert measured["sweep"]["packets_received"] == 31 * 3


def test_a_schedule_is_followed(user, shell):
    file = user.folder / "schedule"
    file.write_text("0 loss --isp cu 100%  # all of it\n0.3 loss --isp cu 0\n")
    assert shell("schedule", file).splitlines() == [
        "     0.0 s  loss --isp cu 100%",
        "     0.3 s  loss --isp cu 0",
    ]
    assert user.ping(ADDRESS)[0]


MISTAKES = {
    "9 loss": "give either",
    "9 loss 8": "no percentage",
    "9 loss 0.001%": "steps of 0.01 %",
    "9 loss --province gd 8%": "unknown province",
    "9 loss --egress z 8%": "no egress 'z'",
    "9 flap --period 60 8%": "60",
    "9 flop": "after the seconds one of: loss",
    "9 down": "after the seconds one of: loss",
    "9": "after the seconds one of: loss",
    "9 blackhole --egress a --hop 4 on": "no hop 4",
    "9 link z down": "no egress 'z'",
    "9 hop-loss --egress a --hop 4 8%": "no hop 4",
    "9 branch --egress a --hop 1 on": "hop 2 to 3 only",
    "9 limit --egress a --hop 1 ten": "neither a number",
    "9 delay --prefix 10.0.0.0/24 5": "not within one province",
    "9 delay --prefix 10.16.0.0/24 5 --jitter 6": "no more jitter",
    "9 delay --prefix 10.25.0.0/17 5 --by responder": "a /20 or narrower",
    "9 loss --every 99999999999": "to 4294967295",
    "9 limit --egress a --hop 1 0": "from 1 to 4294967295",
    "9 limit --egress a --hop 1 99999999999999999999": "from 1 to 4294967295",
    "9 loss --name two 8%": "--name is for the whole schedule",
    "9 loss --help": "--help",
    "99999999999999 loss 8%": "a year",
}


def test_all_mistakes_in_a_schedule_show_before_its_start(user, run_lab):
    file = user.folder / "schedule"
    file.write_text("\n".join(["0 loss 100%", *MISTAKES, "9 delay --prefix 10.16.0.0/24 5"]))
    done = run_lab("schedule", "--name", user.lab.name, file)
    assert (done.returncode, done.stdout) == (2, "")
    *lines, end = done.stderr.splitlines()
    assert end == f"{file}: nothing was changed: mend these lines"
    for number, message in enumerate(MISTAKES.values(), 2):
        (line,) = [line for line in lines if line.startswith(f"line {number}: ")]
        assert message in line
    assert len([line for line in lines if line.startswith("line ")]) == len(MISTAKES)
    assert user.ping(ADDRESS)[0]


def test_a_line_that_fails_at_its_time_keeps_no_later_one_from_being_done(user, run_lab):
    file = user.folder / "schedule"
    lines = ["0 loss --prefix 10.16.0.0/24 100%", "0 loss --prefix 10.16.0.0/25 8%"]
    file.write_text("\n".join([*lines, "0.1 loss --prefix 10.16.0.0/24 0"]))
    done = run_lab("schedule", "--name", user.lab.name, file)
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 2)
    (line,) = done.stderr.splitlines()
    assert line.startswith("line 2: loss --prefix 10.16.0.0/25 8%: 10.16.0.0/25 overlaps another")
    assert user.ping(ADDRESS)[0]


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("/proc/x", "[Errno 2] No such file or directory"),
        ("/dev/full/x", "[Errno 20] Not a directory"),
    ],
)
def test_a_folder_that_cannot_be_made_is_named_in_one_line(user, run_lab, folder, why):
    done = run_lab("write", "--name", user.lab.name, folder)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{why}: '{folder}'\n")


@pytest.mark.parametrize("options", [[], ["--format", "json"]])
def test_output_that_is_not_taken_is_said_once(user, options):
    command = [sys.executable, "-m", "lab", "counters", "--name", user.lab.name, *options]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (1, "[Errno 28] No space left on device\n")


READ_ONLY = "mount -t tmpfs -o ro none /run"
FULL = (
    "mkdir -p /run/netsky-lab; mount -t tmpfs -o size=4k none /run/netsky-lab; "
    "head -c 4096 /dev/zero >/run/netsky-lab/full"
)


@pytest.mark.parametrize(
    ("beforehand", "command", "message"),
    [
        (READ_ONLY, "counters", "[Errno 30] Read-only file system: '/run/netsky-lab'\n"),
        (READ_ONLY, "up", "[Errno 30] Read-only file system: '/run/netsky-lab'\n"),
        (FULL, "up", "cannot write /run/netsky-lab/lab.json: No space left on device\n"),
    ],
    ids=["read-only-counters", "read-only-up", "full-up"],
)
def test_a_place_for_the_labs_that_takes_nothing_is_named_in_one_line(beforehand, command, message):
    shell = [program("unshare"), "--mount", "sh", "-ec", f'{beforehand}; exec "$@"', "sh"]
    lab = [sys.executable, "-m", "lab", command]
    done = subprocess.run(
        [*shell, *lab], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", message)


def test_the_python_of_the_document_does_what_it_says(tmp_path):
    text = (ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1].replace("/tmp/site", str(tmp_path))
    file = tmp_path / "sample.py"
    file.write_text(code)
    path = re.search(r"With `PYTHONPATH=(\S+)`, from the project's folder", text)[1]
    environment = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, file],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^[a-z]+ \d+ \d+$", done.stdout, re.MULTILINE)) == 31
