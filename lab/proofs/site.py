"""A site in the lab: a folder with settings, address libraries and databases, and netsky's tools."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.network import files
from lab.network.lab import Lab

ROOT = Path(__file__).resolve().parents[2]
_CLOCK = Path(__file__).with_name("at_other_time.py")
INCOMPLETE = 3
MOST_SECONDS = 300.0
"""No tool takes so long, however busy this host is."""


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

    @property
    def whole(self) -> bool:
        """All was sent, and this host has dropped nothing itself, nor let a reply wait for too long."""
        sweep = self.document["sweep"]
        amiss = (self.document["not_measured"], sweep["local_drops"], sweep["discarded"]["late"])
        return not any(amiss)


@dataclass(frozen=True, slots=True)
class Site:
    """netsky, set up in `folder` for the probe's host of `lab`, whose clock is `ahead` of the true time."""

    lab: Lab
    folder: Path
    ahead: timedelta = timedelta(0)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.folder}/{files.DATABASE}"

    def set_up(self, *, targets: int) -> None:
        """Write settings and address libraries of `targets` targets a province."""
        files.write(self.folder, self.lab.routes, targets=targets)

    def command(self, tool: str, isp: str, *options: str) -> list[str]:
        """The command line of a tool, or of a verb of it: `netsky_report incident`."""
        name, *verb = tool.split()
        script, settings = [str(ROOT / f"{name}.py"), *verb], str(self.folder / "netsky.toml")
        clock = [str(_CLOCK), str(self.ahead.total_seconds())] if self.ahead else []
        return [sys.executable, *clock, *script, "--config", settings, "--isp", isp, *options]

    def run(self, tool: str, isp: str, *options: str) -> str:
        """What a tool prints; LabError with what it logged when it failed."""
        done = self.lab.run(*self.command(tool, isp, *options), timeout=MOST_SECONDS)
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
