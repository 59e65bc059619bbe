"""The commands of `python -m lab`, as other shells run them."""

import json
import sys

import pytest

from lab.addresses import PLACES
from netns import needs_root

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
    "9 limit --egress a --hop 1 ten": "neither messages",
    "9 delay --prefix 10.0.0.0/24 5": "not within one province",
    "9 delay --prefix 10.16.0.0/24 5 --jitter 6": "no more jitter",
}


def test_all_mistakes_in_a_schedule_show_before_its_start(user, run_lab):
    file = user.folder / "schedule"
    file.write_text("\n".join(["0 loss 100%", *MISTAKES, "9 delay --prefix 10.16.0.0/24 5"]))
    done = run_lab("schedule", "--name", user.lab.name, file)
    assert (done.returncode, done.stdout) == (2, "")
    head, *lines = done.stderr.splitlines()
    assert head == f"{file}: nothing was changed:"
    for number, message in enumerate(MISTAKES.values(), 2):
        (line,) = [line for line in lines if line.startswith(f"line {number}: ")]
        assert message in line
    assert len([line for line in lines if line.startswith("line ")]) == len(MISTAKES)
    assert user.ping(ADDRESS)[0]
