"""Sweep in a network namespace, by a process of its own, and keep every packet's RTT.

The tools do not print single RTTs. `sweep_there` starts this file over there and gives back what
the engine gave: arguments and outcome are pickled on standard input and output.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import numpy as np

from netsky.engines import open_engine
from netsky.errors import EngineError
from netsky.places import Egress
from netsky.sweep import Engine, ProbePlan, Sweep
from netsky.targets import library

SECONDS_BESIDE = 120  # time to start, to load the library, and to hand over a million RTTs


class CommandThere(Protocol):
    """Makes the command line that runs a command in a namespace."""

    def __call__(self, *command: str) -> list[str]: ...


def sweep_there(
    there: CommandThere,
    folder: Path,
    isp: str,
    engine: Engine | str,
    *,
    egress: Egress,
    plan: ProbePlan,
    user: int = 0,
) -> tuple[Sweep, str]:
    """The sweep of an ISP's library in `folder`, and what was written to standard error.

    `engine` may be a name. The sweep itself is that user's, the library is read before. EngineError
    is raised here as there; RuntimeError says what else went wrong.
    """
    done = subprocess.run(
        there(sys.executable, str(Path(__file__))),
        input=pickle.dumps((folder, isp, engine, egress, plan, user)),
        capture_output=True,
        timeout=plan.window + plan.timeout + SECONDS_BESIDE,
        check=False,
    )
    log = done.stderr.decode()
    if done.returncode != 0:
        raise RuntimeError(f"the sweep ended with {done.returncode}: {log.strip()}")
    outcome: Sweep | EngineError = pickle.loads(done.stdout)  # noqa: S301 - by ourselves
    if isinstance(outcome, EngineError):
        raise outcome
    return outcome, log


def _sweep_here() -> None:
    folder, isp, engine, egress, plan, user = pickle.load(sys.stdin.buffer)  # noqa: S301
    targets = library.load(folder, isp)
    # numpy would load it later, when an ordinary user may not read the file any more.
    np.random.default_rng()
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    outcome: Sweep | EngineError
    try:
        opened = open_engine(engine, egress) if isinstance(engine, str) else engine
        if opened is engine:
            opened.check(egress)
        outcome = opened.sweep(targets, egress, plan, lambda _packets: None)
    except EngineError as error:
        outcome = error
    sys.stdout.buffer.write(pickle.dumps(outcome))


if __name__ == "__main__":
    _sweep_here()
