"""A lab for each test, and netsky run inside of it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.network import files
from lab.network.lab import Lab
from lab.network.making import make_lab
from testing import ROOT


@dataclass(frozen=True)
class LabUser:
    """A lab, and what a person does in it."""

    lab: Lab
    folder: Path

    def write(self, *, targets):
        files.write(self.folder, self.lab.routes, targets=targets)

    def command(self, *options, isp="cu", egress="a"):
        """The command line that lets netsky probe an ISP through an egress."""
        return [
            *(sys.executable, str(ROOT / "netsky_probe.py"), "--isp", isp, "--egress", egress),
            *("--config", str(self.folder / "netsky.toml")),
            *("--no-store", "--format", "json", *options),
        ]

    def probe(self, *options, isp="cu", egress="a"):
        """What netsky measures, as its JSON."""
        done = self.lab.run(*self.command(*options, isp=isp, egress=egress))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def ping(self, *addresses, egress="a", ttl=64, flow=1):
        """Who answers for each address, and with which ICMP type; None where nobody does."""
        source = str(self.lab.route(egress).source)
        script = str(Path(__file__).with_name("pings.py"))
        command = [sys.executable, "-I", "-S", script, source, *map(str, (ttl, flow, *addresses))]
        done = self.lab.run(*command)
        assert done.returncode == 0, done.stderr
        return list(json.loads(done.stdout).values())


@pytest.fixture
def user(tmp_path):
    with make_lab() as lab:
        yield LabUser(lab, tmp_path)


@pytest.fixture
def run_lab():
    """`python -m lab …` as another shell would run it."""

    def run(*arguments, **options):
        command = [sys.executable, "-m", "lab", *map(str, arguments)]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60, **options
        )

    return run
