"""A site in the lab: a folder with settings, address libraries and databases, and netsky's tools."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.network import files
from lab.network.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
INCOMPLETE = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """A sweep as `netsky_probe.py` told it: packets lost and sent, by province."""

    sent: dict[str, int]
    lost: dict[str, int]
    document: dict[str, Any]

    @classmethod
    def of(cls, document: dict[str, Any]) -> Measured:
        rows = document["provinces"]
        return cls(
            {row["province"]: row["packets_sent"] for row in rows},
            {row["province"]: row["packets_sent"] - row["packets_received"] for row in rows},
            document,
        )

    def ratio(self, province: str) -> float:
        """The loss of a province."""
        return self.lost[province] / self.sent[province]


@dataclass(frozen=True, slots=True)
class Site:
    """netsky, set up in `folder` for the probe's host of `lab`."""

    lab: Lab
    folder: Path

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.folder}/{files.DATABASE}"

    def set_up(self, *, targets: int) -> None:
        """Write settings and address libraries of `targets` targets a province."""
        files.write(self.folder, self.lab.routes, targets=targets)

    def command(self, tool: str, isp: str, *options: str) -> list[str]:
        script, settings = str(ROOT / f"{tool}.py"), str(self.folder / "netsky.toml")
        return [sys.executable, script, "--config", settings, "--isp", isp, *options]

    def run(self, tool: str, isp: str, *options: str) -> str:
        """What a tool prints; LabError with what it logged when it failed."""
        return self._run(tool, self.command(tool, isp, *options))

    def report(self, verb: str, *options: str) -> str:
        """What a verb of netsky_report.py prints."""
        tool, settings = "netsky_report", str(self.folder / "netsky.toml")
        command = [sys.executable, str(ROOT / f"{tool}.py"), verb, "--config", settings, *options]
        return self._run(tool, command)

    def _run(self, tool: str, command: list[str]) -> str:
        done = self.lab.run(*command)
        if done.returncode not in (0, INCOMPLETE):
            raise LabError(f"{tool} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def probe(self, isp: str, egress: str, *options: str) -> Measured:
        """Sweep an ISP through an egress."""
        printed = self.run("netsky_probe", isp, "--egress", egress, "--format", "json", *options)
        return Measured.of(json.loads(printed))

    def alert(self, isp: str, egress: str) -> dict[str, Any]:
        """The verdict as `netsky_alert.py` tells it."""
        printed = self.run("netsky_alert", isp, "--egress", egress, "--format", "json")
        verdict: dict[str, Any] = json.loads(printed)
        return verdict
