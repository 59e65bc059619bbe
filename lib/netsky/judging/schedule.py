"""When evidence of an incident is due.

    opened    nothing was taken yet
    growth    more provinces are in it, or it is heavier, than when evidence was last taken
    after     five minutes after the first time
    cleared   once when all is well again, to compare with

At most 4 times in an hour for a line, 8 times for an incident, the last of which is kept for when
it is cleared. What a person has asked for changes nothing of that. Where nothing can be traced, because the exit is
down, say, it is tried again after 1, 2, 4, 8 minutes, and then each quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from netsky.clock import CLOCK_TOLERANCE
from netsky.evidence import IncidentThen, Reason, Taking
from netsky.judging.grading import Severity
from netsky.judging.incidents import Incident

AFTER = timedelta(minutes=5)
HOUR = timedelta(hours=1)
MOST_AN_HOUR, MOST_OF_INCIDENT = 4, 8
MINUTE = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)

_BY_WEIGHT = list(Severity)
_BY_URGENCY = (Reason.OPENED, Reason.GROWTH, Reason.AFTER, Reason.CLEARED, Reason.BY_HAND)


def due(
    incident: Incident,
    takings: Sequence[Taking],
    *,
    of_line: Sequence[datetime],
    now: datetime,
    cleared_within: timedelta,
) -> Reason | None:
    """Why evidence is to be taken now, None: it is not. `takings` are those of the incident, oldest first.

    `of_line` is when evidence was taken by itself of whichever incident of its line. What was cleared
    longer ago than `cleared_within` is past.
    """
    lately = [at for at in of_line if now - HOUR < at <= now + CLOCK_TOLERANCE]
    takings = [taking for taking in takings if taking.reason is not Reason.BY_HAND]
    if len(lately) >= MOST_AN_HOUR or len(takings) >= MOST_OF_INCIDENT:
        return None
    traced = [taking for taking in takings if taking.reports]
    if incident.cleared_at is not None:
        late = now - incident.cleared_at > cleared_within
        done = any(taking.reason is Reason.CLEARED for taking in takings)
        return Reason.CLEARED if traced and not late and not done else None
    if len(takings) == MOST_OF_INCIDENT - 1:
        return None
    if not traced:
        return Reason.OPENED
    if _has_grown(incident, traced[-1].incident):
        return Reason.GROWTH
    first, last = traced[0].taken_at, traced[-1].taken_at
    return Reason.AFTER if now - first >= AFTER > last - first else None


def urgency(reason: Reason) -> int:
    """Of several takings that are due the one with the least comes first."""
    return _BY_URGENCY.index(reason)


def may_try(failed: int, last_at: datetime, now: datetime) -> bool:
    """Whether to try again to trace when that has failed so many times in a row, last then."""
    wait = min(LONGEST_WAIT, MINUTE * 2 ** min(failed - 1, 10))
    # A run is started each minute, and not always at the same second.
    return not last_at <= now + CLOCK_TOLERANCE or now - last_at >= wait - MINUTE / 2


def _has_grown(incident: Incident, then: IncidentThen) -> bool:
    heavier = _BY_WEIGHT.index(incident.peak_severity) > _BY_WEIGHT.index(Severity(then.severity))
    return heavier or not set(incident.provinces) <= set(then.provinces)
