"""The alert's one job: newest loss and mean from the database, judged, and delivered."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from netsky.errors import NoDataError
from netsky.judging.grading import NotJudged, Thresholds, Verdict
from netsky.judging.rule import Rule
from netsky.outlets.delivery import Outlets, deliver
from netsky.outlets.metrics import alert_metrics
from netsky.places import ISP
from netsky.store.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AlertReport:
    """A verdict on one ISP through one egress, and what could not be delivered of it."""

    isp: ISP
    egress: str
    thresholds: Thresholds
    verdict: Verdict
    not_delivered: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Every province was judged and everything delivered."""
        return not self.verdict.not_judged and not self.not_delivered


def alert(
    database: Database, isp: ISP, egress: str, *, rule: Rule[Any], outlets: Outlets
) -> AlertReport:
    """Judge now. Raises DatabaseError, or NoDataError when there is nothing to judge at all."""
    now = datetime.now(UTC)
    newest = database.newest_loss(isp.slug, egress)
    baselines = database.baselines(isp.slug, egress=egress)
    verdict = rule.judge(newest, baselines, now=now)
    # Also when there is nothing: what was pushed before must not stand for now.
    not_delivered = deliver(outlets.deliveries([alert_metrics(isp, egress, verdict)]))
    if not verdict.judgements:
        raise NoDataError(
            f"no loss rate of ISP {isp.slug} through egress {egress} in {database}: has "
            "netsky_probe.py run with the same --isp, --egress and --database?"
        )
    without_mean = verdict.not_judged_for(NotJudged.NO_BASELINE)
    if without_mean:
        log.warning(
            "%s of %s provinces have no mean yet and are not judged: run %s",
            len(without_mean),
            len(verdict.judgements),
            averaging_command(isp),
        )
    return AlertReport(isp, egress, rule.thresholds, verdict, not_delivered)


def averaging_command(isp: ISP) -> str:
    """What computes the means of that ISP, through every egress."""
    return f"netsky_get_avg_lossrate.py --isp {isp.slug}"
