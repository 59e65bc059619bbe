"""Sweep on the probe's host and keep every packet's RTT, which the tools do not print.

    python whole_sweep.py LIBRARY ISP ENGINE SOURCE WINDOW OUTPUT

OUTPUT is numpy's .npz: `addresses`, `bounds`, `rtt_seconds` (NaN: lost), `sent`, `local_drops`,
`duration`. Runs by itself, inside of the lab.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from netsky.engines import open_engine
from netsky.places import Egress
from netsky.sweep import ProbePlan
from netsky.targets import library


def main(*arguments: str) -> None:
    folder, isp, engine, source, window, output = arguments
    targets = library.load(Path(folder), isp)
    egress = Egress("lab", source=source)
    opened = open_engine(engine, egress)
    sweep = opened.sweep(targets, egress, ProbePlan(window=float(window)), lambda _done: None)
    np.savez(
        output,
        addresses=targets.addresses,
        bounds=targets.bounds,
        rtt_seconds=sweep.rtt_seconds[:, 0],
        sent=sweep.sent[:, 0],
        local_drops=np.array(sweep.local_drops),
        duration=np.array(sweep.duration_seconds),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
