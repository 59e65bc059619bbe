"""Judging the other lines of an alert, to tell whose fault it is. No alert is late or lost for that."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from netsky.errors import DatabaseError, DeliveryError
from netsky.jobs.incidents import StoredLine
from netsky.judging.controls import Comparisons, compare
from netsky.judging.grading import Verdict
from netsky.judging.rule import Rule
from netsky.time_limit import time_limit

log = logging.getLogger(__name__)

CONTROL_SECONDS = 5.0  # for all of them: other lines of this run wait to be judged


def compare_lines(
    isp: str,
    egress: str,
    verdict: Verdict,
    others: Sequence[StoredLine],
    *,
    rule: Rule[Any],
    now: datetime,
) -> Comparisons:
    """What other lines see of the provinces in alert; lines that cannot be read are left out."""
    judged: list[tuple[str, str, Verdict]] = []
    if verdict.active:
        try:
            with time_limit(CONTROL_SECONDS, "judging other lines", DeliveryError):
                for line in others:
                    judged += _judge(line, rule, now)
        except DeliveryError as error:
            log.warning("not all other lines are compared: %s", error)
    return compare(isp, egress, verdict, judged, elevated=rule.thresholds.elevated)


def _judge(line: StoredLine, rule: Rule[Any], now: datetime) -> list[tuple[str, str, Verdict]]:
    """The verdict on another line, with its names; nothing where it cannot be read."""
    try:
        newest = line.database.newest_loss(line.isp.slug, line.egress, now=now)
        baselines = line.database.baselines(line.isp.slug, egress=line.egress)
    except DatabaseError as error:  # an ISP that is not measured has no database, say
        log.info("ISP %s through egress %s is not compared: %s", line.isp.slug, line.egress, error)
        return []
    return [(line.isp.slug, line.egress, rule.judge(newest, baselines, now=now))]
