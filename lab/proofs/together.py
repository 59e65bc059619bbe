"""Several sweeps at once on one host, as cron would start them, each against its own truth."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from lab.errors import LabError
from lab.proofs.accuracy import set_levels
from lab.proofs.site import INCOMPLETE, Measured, Site

Line = tuple[str, str]  # ISP and egress

CASES: tuple[tuple[Line, ...], ...] = (
    (("cu", "a"),),
    (("cu", "a"), ("cu", "b")),
    (("cu", "a"), ("cm", "a"), ("ct", "a")),
)


@dataclass(frozen=True, slots=True)
class Run:
    """A whole `netsky_probe.py`; `wrong` is how many of its provinces are not exact.

    `seconds` are of its sweep; `cpu_seconds` of the process, with what the kernel did in its name.
    """

    isp: str
    egress: str
    packets_sent: int
    seconds: float
    cpu_seconds: float
    truth: int
    lost: int
    wrong: int
    local_drops: int


def sweep_together(site: Site, lines: Sequence[Line], *options: str) -> list[Run]:
    """Sweep all lines at once, each with losses of its own."""
    for number, (isp, egress) in enumerate(lines):
        set_levels(site.lab, egress=egress, isp=isp, shift=number)
    before = site.lab.truth()
    started = [_start(site, line, *options) for line in lines]
    ended = [_wait(*each) for each in started]
    truth = site.lab.truth().since(before)
    return [
        _compare(
            line, {slug: c.dropped for slug, c in truth.of(line[1], line[0]).items()}, *outcome
        )
        for line, outcome in zip(lines, ended, strict=True)
    ]


def _start(site: Site, line: Line, *options: str) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """The process, and the file that it prints into."""
    isp, egress = line
    how = ("--egress", egress, "--no-store", "--format", "json", *options)
    command = site.lab.command(*site.command("netsky_probe", isp, *how))
    printed = tempfile.TemporaryFile()  # noqa: SIM115  _wait closes it
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=printed), printed


def _wait(process: subprocess.Popen[bytes], printed: IO[bytes]) -> tuple[dict[str, Any], float]:
    """What it printed, and its CPU seconds."""
    with printed:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, INCOMPLETE):
            raise LabError(f"netsky_probe ended with {process.returncode}")
        printed.seek(0)
        return json.load(printed), usage.ru_utime + usage.ru_stime


def _compare(
    line: Line, dropped: Mapping[str, int], document: dict[str, Any], cpu_seconds: float
) -> Run:
    isp, egress = line
    sweep = document["sweep"]
    lost = Measured.of(document).lost
    return Run(
        isp,
        egress,
        packets_sent=sweep["packets_sent"],
        seconds=sweep["duration_seconds"],
        cpu_seconds=cpu_seconds,
        truth=sum(dropped.values()),
        lost=sum(lost.values()),
        wrong=sum(lost[slug] != dropped[slug] for slug in dropped),
        local_drops=sweep["local_drops"],
    )


def table(cases: Sequence[Sequence[Run]]) -> str:
    """What was measured, as Markdown."""
    rows = [
        f"| {len(runs)} | {run.isp} through {run.egress} | {run.seconds:.1f} s | "
        f"{run.cpu_seconds:.1f} s | {run.packets_sent:,} | {run.truth:,} | {run.lost:,} | "
        f"{run.wrong} | {run.local_drops} |"
        for runs in cases
        for run in runs
    ]
    heads = ("at once", "sweep", "took", "CPU", "packets sent", "truly lost", "measured as lost")
    head = f"| {' | '.join((*heads, 'not exact', 'local drops'))} |"
    return "\n".join([head, "|" + "---|" * (len(heads) + 2), *rows, ""])
