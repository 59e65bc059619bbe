"""A lab of an ordinary user, who is root in it."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from testing import ROOT
from testing.netns import needs_root
from testing.processes import processes_where
from testing.servers import program, wait_until

AS_NOBODY = Path(__file__).with_name("as_nobody.py")
NOBODY = 65534
TARGETS = 20
QUICK = ("--window", "0.5", "--count", "2", "--timeout", "2000")


@dataclass(frozen=True)
class Person:
    """An ordinary user: `nobody`, or whoever runs the tests without being root.

    Root does `beforehand`, in shell, before each command, and in a mount namespace of its own.
    """

    folder: Path
    beforehand: str = ""

    def command(self, *command):
        if os.geteuid() != 0:
            return command
        shell = ["sh", "-ec", f'{self.beforehand}\nexec "$@"', "sh"]
        folders = (sys.prefix, sys.base_prefix, str(self.folder))
        drop = [sys.executable, "-I", "-S", str(AS_NOBODY), *folders, "--"]
        return [program("unshare"), "--mount", *shell, *drop, *command]

    def start(self, *command):
        return subprocess.Popen(
            self.command(*command),
            cwd=ROOT,
            env=os.environ | {"XDG_RUNTIME_DIR": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command):
        """Exit code and what was printed, then what was said on standard error."""
        with self.start(*command) as process:
            output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def try_lab(self, *arguments):
        return self.run(sys.executable, "-m", "lab", *map(str, arguments))

    def lab(self, *arguments):
        """What a command of the lab prints that must not fail."""
        code, output, errors = self.try_lab(*arguments)
        assert (code, errors) == (0, "")
        return output

    def up(self):
        """Whether there is a lab now; where the kernel allows none, that must be said."""
        outcome = self.try_lab("up", "--detach")
        if self.run("unshare", "-Ur", "true")[0] != 0:
            assert_refused(outcome)
            return False
        assert (outcome[0], outcome[2]) == (0, "")
        self.lab("write", self.folder / "site", "--targets", TARGETS)
        return True

    def probe(self, *options):
        tool = (sys.executable, str(ROOT / "netsky_probe.py"), "--isp", "cu", "--egress", "b")
        own = ("--lock-dir", self.folder, "--spool", self.folder / "spool")
        settings = ("--config", self.folder / "site" / "netsky.toml", *own)
        how = ("--no-store", "--format", "json", *QUICK, *options)
        return json.loads(self.lab("exec", "--", *tool, *settings, *how))

    def counts(self):
        """Packets seen and dropped, by egress, ISP and province."""
        counts = json.loads(self.lab("counters", "--format", "json"))["counts"]
        return {
            (each["egress"], each["isp"], each["province"]): (each["seen"], each["dropped"])
            for each in counts
        }

    def processes(self, *command):
        """All that this person has started and what that has started, or those of that command."""
        return processes_where(
            lambda each: (
                f"XDG_RUNTIME_DIR={self.folder}" in each.environment
                and (not command or each.arguments == list(command))
            )
        )


def assert_refused(outcome):
    code, output, errors = outcome
    assert (code, output) == (1, "")
    (line,) = errors.splitlines()
    assert line.startswith("no namespaces for the lab: cannot make a user namespace: ")
    assert line.endswith("; be root, or make `unshare -Ur true` work")


@pytest.fixture
def person(tmp_path):
    if os.geteuid() == 0:
        os.chown(tmp_path, NOBODY, NOBODY)
    person = Person(tmp_path)
    yield person
    for pid in person.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("engine", ["icmp", "fping"])
def test_netsky_loses_what_the_lab_has_dropped_packet_for_packet(person, engine):
    if not person.up():
        return
    person.lab("loss", "--egress", "b", "--province", "guangdong", "30%")
    person.lab("loss", "--egress", "b", "--province", "hunan", "--every", "4")
    report = person.probe("--engine", engine)
    rows, local_drops = report["provinces"], report["sweep"]["local_drops"]
    assert len(rows) == 31
    measured = {row["province"]: row["packets_sent"] - row["packets_received"] for row in rows}
    counts = person.counts()
    assert {row["province"]: row["packets_sent"] for row in rows} == {
        province: counts["b", "cu", province][0] for province in measured
    }
    assert sum(seen for seen, _ in counts.values()) == 31 * 2 * TARGETS
    dropped = {province: counts["b", "cu", province][1] for province in measured}
    assert {lost for p, lost in dropped.items() if p not in ("guangdong", "hunan")} == {0}
    assert dropped["hunan"] == 2 * TARGETS // 4
    assert 0 < dropped["guangdong"] < 2 * TARGETS
    # Each of 31 processes of fping gets a copy of all replies, and an ordinary user's have a buffer
    # for some 270 of them only. On a busy machine it may run over: then the sweep must say so, and
    # at most so many packets may count as lost too many. Where nothing ran over, none.
    extra = {province: lost - dropped[province] for province, lost in measured.items()}
    assert min(extra.values()) >= 0
    assert sum(extra.values()) <= local_drops
    assert engine == "fping" or local_drops == 0


@needs_root
@pytest.mark.parametrize("mode", ["600", "666"])
def test_a_delay_takes_a_tun_device_that_this_user_may_use(person, mode):
    device = f"mount -t tmpfs none /dev/net; mknod -m {mode} /dev/net/tun c 10 200"
    person = replace(person, beforehand=device)
    if not person.up():
        return
    delay = ("delay", "--prefix", "10.16.0.0/24", "30", "--egress", "b", "--by", "responder")
    code, _, errors = person.try_lab(*delay)
    (row,) = person.probe("--province", "beijing")["provinces"]
    assert row["packets_received"] == 2 * TARGETS
    if mode == "666":
        assert (code, errors) == (0, "")
        assert row["latency_p50_seconds"] == pytest.approx(0.03, abs=0.005)
    else:
        refused = "/dev/net/tun: Permission denied; be root, or be allowed to use it\n"
        assert (code, errors) == (1, refused)
        assert row["latency_p50_seconds"] < 0.02


def test_a_folder_for_the_labs_that_is_not_there_is_named_in_one_line(person):
    lab = (sys.executable, "-m", "lab", "status")
    code, output, errors = person.run("env", "XDG_RUNTIME_DIR=/nope", *lab)
    assert (code, output) == (1, "")
    assert errors == "[Errno 2] No such file or directory: '/nope/netsky-lab'\n"


def test_down_leaves_nothing_that_the_user_has_started(person):
    if not person.up():
        return
    with person.start(sys.executable, "-m", "lab", "exec", "--", "sleep", "30") as sleeping:
        wait_until(lambda: person.processes("sleep", "30"), what="the sleep in the lab")
        assert len(person.processes()) == 3, "holder, `lab exec` and sleep"
        person.lab("down")
        sleeping.communicate(timeout=20)
    assert sleeping.returncode == 128 + signal.SIGKILL
    wait_until(lambda: not person.processes(), what="all processes gone")
    assert list((person.folder / "netsky-lab").iterdir()) == []
    assert person.try_lab("status") == (0, "", "no lab runs\n")


@needs_root
@pytest.mark.parametrize(
    "forbid",
    [
        'mount --rbind / {other}; set -- chroot {other} "$@"',  # where the kernel allows none
        "mount -o remount,bind,ro /proc",  # one can be made, but no root of it
    ],
    ids=["none", "no-root"],
)
def test_where_user_namespaces_are_forbidden_one_line_says_so(person, forbid, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    person = replace(person, beforehand=forbid.format(other=other))
    assert_refused(person.try_lab("up", "--detach"))
    assert person.processes() == []
    assert list(person.folder.rglob("*.json")) == []
