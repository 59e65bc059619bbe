"""A network of our own: the probe's namespace and, behind a wire, a far side that answers for 10/8."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.network.delay import RESPONDER
from lab.proofs.whole_sweep import sweep_there
from netsky.places import PROVINCES, Egress, Province
from netsky.sweep import Engine, ProbePlan, Sweep
from testing.netns import Namespace, make_namespace
from testing.servers import program

FAR_PREFIX = "10.0.0.0/8"


@dataclass(frozen=True)
class Wire:
    """A point-to-point link: `interface` with `source` on our end, a far side on the other."""

    interface: str
    source: str
    far: Namespace

    @contextmanager
    def drop(self, *rules: str) -> Iterator[None]:
        """Let the far side drop what the rules match; `dropped` counts."""
        lines = "\n".join(f"icmp type echo-request {rule} counter drop" for rule in rules)
        self.far.run(
            program("nft"),
            "-f",
            "-",
            stdin=f"table ip loss {{ chain loss {{ type filter hook prerouting priority 0\n{lines}\n}}\n}}",
        )
        try:
            yield
        finally:
            self.far.run(program("nft"), "delete", "table", "ip", "loss")

    def dropped(self) -> list[int]:
        """Packets dropped, by rule."""
        ruleset = json.loads(self.far.run(program("nft"), "-j", "list", "table", "ip", "loss"))
        rules = [item["rule"]["expr"] for item in ruleset["nftables"] if "rule" in item]
        return [part["counter"]["packets"] for rule in rules for part in rule if "counter" in part]

    def heard(self) -> int:
        """Echo requests that have reached the far side."""
        statistics = self.far.run("cat", "/proc/net/snmp").split("\n")
        names, values = (line.split() for line in statistics if line.startswith("Icmp:"))
        return int(values[names.index("InEchos")])


@dataclass
class Network:
    """The probe's namespace and the wires that leave it; the first is the default route.

    `log` is what the newest sweep wrote to standard error.
    """

    probe: Namespace
    wires: tuple[Wire, ...] = ()
    log: str = ""

    def sweep(
        self,
        engine: Engine,
        directory: Path,
        plan: ProbePlan,
        egress: Egress | None = None,
        *,
        user: int = 0,
    ) -> Sweep:
        """Sweep the library `demo` of `directory` from the probe's namespace, as that user.

        An EngineError there is raised here.
        """
        sweep, self.log = sweep_there(
            self.probe.command,
            directory,
            "demo",
            engine,
            egress=egress or Egress(),
            plan=plan,
            user=user,
        )
        return sweep


@contextmanager
def make_network(*, wires: int = 1) -> Iterator[Network]:
    with ExitStack() as stack:
        probe = stack.enter_context(make_namespace())
        made = []
        for number in range(wires):
            far = stack.enter_context(make_namespace())
            ip = [program("ip"), "-n"]
            ours, theirs = f"exit{number}", "wire"
            commands = (
                [
                    *ip,
                    probe.name,
                    "link",
                    "add",
                    ours,
                    "type",
                    "veth",
                    "peer",
                    theirs,
                    "netns",
                    far.name,
                ],
                [*ip, probe.name, "address", "add", f"192.0.2.{4 * number + 1}/30", "dev", ours],
                [*ip, far.name, "address", "add", f"192.0.2.{4 * number + 2}/30", "dev", theirs],
                [*ip, probe.name, "link", "set", ours, "up"],
                [*ip, far.name, "link", "set", theirs, "up"],
                [*ip, far.name, "route", "add", "local", FAR_PREFIX, "dev", "lo"],
                [*ip, far.name, "route", "add", "default", "via", f"192.0.2.{4 * number + 1}"],
            )
            for command in commands:
                subprocess.run(command, check=True)
            made.append(Wire(ours, f"192.0.2.{4 * number + 1}", far))
        gateway = "192.0.2.2"
        subprocess.run(
            [program("ip"), "-n", probe.name, "route", "add", FAR_PREFIX, "via", gateway],
            check=True,
        )
        yield Network(probe, tuple(made))


@pytest.fixture
def network() -> Iterator[Network]:
    with make_network() as made:
        yield made


def far_prefix(index: int) -> str:
    """The addresses of the province with that index, as nft writes them."""
    return f"10.{16 + index}.0.0/16"


def write_far_library(
    directory: Path, *, targets: int, isp: str = "demo", provinces: Sequence[Province] = PROVINCES
) -> Path:
    """A library of `targets` addresses in each province's prefix of the far side."""
    folder = directory / isp
    folder.mkdir(parents=True)
    for index, province in enumerate(provinces):
        last = targets - 1
        first = f"10.{16 + index}.0.0"
        text = f"{first}-10.{16 + index}.{last >> 8}.{last & 255}\n"
        (folder / f"{province.slug}.txt").write_text(text)
    return directory


@contextmanager
def tun_responder(probe: Namespace, behaviours: dict[str, list[object]]) -> Iterator[None]:
    """Put the prefixes of `behaviours` behind a TUN device whose far side behaves like that."""
    with _running(probe, "respond", "tun0", json.dumps(behaviours)):
        probe.run("ip", "address", "add", "192.0.2.129/32", "dev", "tun0")
        probe.run("ip", "link", "set", "tun0", "txqueuelen", "10000", "up")
        for prefix in behaviours:
            probe.run("ip", "route", "add", f"{prefix}0.0/16", "dev", "tun0", "src", "192.0.2.129")
        yield


@contextmanager
def tun_observer(probe: Namespace, file: Path) -> Iterator[None]:
    """Write the RTTs that the kernel saw on the TUN device into `file`, by address, as JSON."""
    with _running(probe, "observe", "tun0", str(file)):
        yield


@contextmanager
def _running(probe: Namespace, *arguments: str) -> Iterator[None]:
    process = subprocess.Popen(
        ["nice", "-n", "-20", *probe.command(sys.executable, str(RESPONDER), *arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield
    finally:
        process.communicate(timeout=20)  # ends its standard input, and so the process
