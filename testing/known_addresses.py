"""What a discovery would have left: candidates of ISPs, and addresses that have answered twice."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from netsky.targets import candidate_files, library_state
from netsky.targets.candidate_files import BuildRecord
from netsky.targets.candidates import Candidates
from netsky.targets.geo.names import ISPS
from netsky.targets.library_state import LibraryState
from netsky.targets.pool import Pool

NETWORK = "1.0.0.0/8"
"""Where all of them are. To be asked in a network namespace only, in which all of it is the host's own."""

CONSENT = 'consent = "me, today"\ncontact = "noc@example.com"\n'


def write_known_addresses(directory: Path, isps: Sequence[str], targets: int = 4) -> None:
    """So many addresses of Beijing for each ISP, every one in a /24 of its own."""
    made = {isp: _candidates(isp, targets) for isp in isps}
    whole = Candidates(
        np.concatenate([one.first for one in made.values()]),
        np.concatenate([one.last for one in made.values()]),
        np.concatenate([one.isp for one in made.values()]),
        np.concatenate([one.province for one in made.values()]),
        np.concatenate([one.city for one in made.values()]),
        ("",),
    )
    candidate_files.save(directory, whole, BuildRecord("2026-11-28", []))
    for isp, own in made.items():
        state = LibraryState.begin(own)
        state.pool = Pool.found(own.first + np.uint32(1), own.province, time.time())
        state.facts.discovery_at = time.time()
        library_state.save(directory, isp, state)


def _candidates(isp: str, targets: int) -> Candidates:
    number = ISPS.index(isp)
    first = ((1 << 24) + (number << 16) + (np.arange(targets) << 8)).astype(np.uint32)
    none = np.zeros(targets, np.int32)
    return Candidates(first, first + np.uint32(255), none + number, none, none, ("",))
