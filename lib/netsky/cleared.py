"""For how long an incident that is over has evidence taken of it; alone, so that a quick look loads nothing else."""

from __future__ import annotations

from datetime import timedelta

CLEARED_WITHIN = timedelta(hours=2)
"""So long after an incident was cleared it is still told what its paths look like now."""
