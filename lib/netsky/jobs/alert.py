"""The alert's one job: newest loss and baseline from the database, judged, and delivered."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from netsky.clock import CLOCK_TOLERANCE, IgnoredRows
from netsky.errors import DatabaseError, NoDataError
from netsky.jobs.average import StoredHistory
from netsky.jobs.ignored import ignore_rows_ahead
from netsky.judging.grading import Grade, NotJudged, Thresholds, Verdict
from netsky.judging.rule import Rule
from netsky.loss import Baseline
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
    ignored: tuple[IgnoredRows, ...] = ()

    @property
    def complete(self) -> bool:
        """Every province was judged and everything delivered."""
        return not self.verdict.not_judged and not self.not_delivered


def alert(
    database: Database, isp: ISP, egress: str, *, rule: Rule[Any], outlets: Outlets
) -> AlertReport:
    """Judge now. Raises DatabaseError, or NoDataError when there is nothing to judge at all."""
    now = datetime.now(UTC)
    newest = database.newest_loss(isp.slug, egress, now=now)
    baselines = _baselines(database, isp, egress, rule, now=now)
    ignored = ignore_rows_ahead(database, isp, [egress], now=now)
    verdict = rule.judge(newest, baselines, now=now)
    # This is pushed also when there is nothing, or the figures of an earlier push would stand for now.
    not_delivered = deliver(outlets.deliveries([alert_metrics(isp, egress, verdict)]))
    if not verdict.judgements:
        raise NoDataError(
            f"no loss rate of ISP {isp.slug} through egress {egress} in {database}: has "
            "netsky_probe.py run with the same --isp, --egress and --database?"
        )
    without_baseline = verdict.not_judged_for(NotJudged.NO_BASELINE)
    if without_baseline:
        log.warning(
            "%s of %s provinces have no baseline yet and are not judged: run %s",
            len(without_baseline),
            len(verdict.judgements),
            averaging_command(isp),
        )
    _note_alarms(database, isp, egress, verdict)
    return AlertReport(isp, egress, rule.thresholds, verdict, not_delivered, ignored)


def _note_alarms(database: Database, isp: ISP, egress: str, verdict: Verdict) -> None:
    """For the sums of hours and days. No alert is late or lost for that."""
    graded = [each.province for each in verdict.judged if each.grade is not Grade.NONE]
    if not graded:
        return
    try:
        database.note_alarms(isp.slug, egress, graded, verdict.judged_at)
    except DatabaseError as error:
        log.warning("the minutes in alarm are not counted: %s", error)


def averaging_command(isp: ISP) -> str:
    """What computes the baselines of that ISP, through every egress."""
    return f"netsky_get_avg_lossrate.py --isp {isp.slug}"


def _baselines(
    database: Database, isp: ISP, egress: str, rule: Rule[Any], *, now: datetime
) -> list[Baseline]:
    """Those that are stored. One that is stamped later than now may be of any age: in its place comes
    what an averaging would store now, if it can tell.
    """
    stored = database.baselines(isp.slug, egress=egress)
    ahead = {entry.province for entry in stored if entry.computed_at - now > CLOCK_TOLERANCE}
    if not ahead:
        return stored
    log.warning(
        "egress %s: ignored are %s baselines that were computed later than now, so a clock was ahead; "
        "new ones are in their place. To store them: %s",
        egress,
        len(ahead),
        averaging_command(isp),
    )
    renewed = {
        new.province: Baseline(new.province, egress, new.loss_ratio, now, new.live_loss_ratio)
        for new in rule.baselines(StoredHistory(database, isp.slug, egress), now=now)
        if new.loss_ratio is not None
    }
    return [
        renewed.get(entry.province, entry) if entry.province in ahead else entry for entry in stored
    ]
