"""What the dashboards call things, and from which figures they colour them: all of it netsky's own."""

from __future__ import annotations

from datetime import timedelta

# The same words as on the terminal.
from netsky.console.alert import REASONS as REASON_NAMES
from netsky.console.incidents import SEVERITY_NAMES
from netsky.judging.grading import NotJudged, Severity, Thresholds
from netsky.places import BUILTIN_ISPS, PROVINCES

__all__ = [
    "BASELINE_LATE",
    "ISP_NAMES",
    "LIBRARY_LATE",
    "LIBRARY_STALE",
    "PROVINCE_NAMES",
    "REASON_NAMES",
    "RULES",
    "SEVERITY_NAMES",
    "STALE_AFTER",
    "STALE_MINUTES",
    "NotJudged",
    "Severity",
    "seconds",
]

RULES = Thresholds()

STALE_AFTER = timedelta(minutes=5)
"""The Pushgateway keeps values for ever: older ones are no longer drawn."""

BASELINE_LATE = timedelta(hours=2)
"""Means are computed every hour: older than this, a run is missing."""

LIBRARY_LATE, LIBRARY_STALE = timedelta(hours=7), timedelta(hours=12)
"""Libraries are refreshed every three hours: two times missed, four times missed."""

PROVINCE_NAMES = [province.name for province in PROVINCES]
ISP_NAMES = {isp.slug: isp.name for isp in BUILTIN_ISPS.values()}


def seconds(span: timedelta) -> int:
    return int(span.total_seconds())


STALE_MINUTES = seconds(STALE_AFTER) // 60
