"""The command line of fping, and its environment."""

from __future__ import annotations

import os

from netsky.places import Egress
from netsky.sweep import ProbePlan


def fping_command(
    program: str,
    egress: Egress,
    plan: ProbePlan,
    *,
    targets: int,
    span: float,
    check_source: bool = False,
) -> list[str]:
    """The command that probes `targets` targets, evenly over `span` seconds, in `plan.count` rounds."""
    command = [program, "-f", "-", "-C", str(plan.count), "-b", str(plan.size)]
    command += ["-i", f"{1000 * span / (targets * plan.count):.3f}"]
    command += ["-p", f"{1000 * span / plan.count:.3f}", "-t", f"{1000 * plan.timeout:.3f}"]
    if check_source:
        command.append("--check-source")
    if egress.source is not None:
        command += ["-S", egress.source]
    if egress.interface is not None:
        command += ["-I", egress.interface]
    if egress.fwmark is not None:
        command += ["-k", str(egress.fwmark)]
    return command


def fping_environment() -> dict[str, str]:
    """What fping needs of ours, where a database's password may stand: nothing but the way to it."""
    return {name: value for name, value in os.environ.items() if name == "PATH"}
