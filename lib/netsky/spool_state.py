"""How much of what was measured has not reached the database."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpoolState:
    """How many sweeps wait; how many were dropped and rows refused since the file was made."""

    sweeps: int
    dropped_sweeps: int
    quarantined_rows: int
