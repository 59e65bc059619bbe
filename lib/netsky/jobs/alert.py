"""The alert's one job: newest loss and baseline from the database, judged, and delivered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from netsky.clock import CLOCK_TOLERANCE, IgnoredRows
from netsky.errors import DatabaseError, NoDataError
from netsky.jobs.history import StoredHistory
from netsky.jobs.ignored import ignore_rows_ahead
from netsky.judging.controls import Comparisons
from netsky.judging.grading import Grade, NotJudged, Thresholds, Verdict
from netsky.judging.incidents import Incident, Watch
from netsky.judging.rule import Rule
from netsky.loss import Baseline
from netsky.outlets.delivery import Outlets, Step, deliver
from netsky.outlets.metrics import alert_metrics
from netsky.places import ISP
from netsky.store.database import Database
from netsky.store.incidents import Line, record_verdict

log = logging.getLogger(__name__)

Compare = Callable[[Verdict, datetime], Comparisons]


@dataclass(frozen=True, slots=True)
class AlertReport:
    """A verdict on one ISP through one egress, and what could not be delivered of it.

    `incident` is the open one, or that which this verdict has cleared. `comparisons` tell what other lines
    see of the provinces in alert.
    """

    isp: ISP
    egress: str
    thresholds: Thresholds
    verdict: Verdict
    not_delivered: tuple[str, ...]
    ignored: tuple[IgnoredRows, ...] = ()
    incident: Incident | None = None
    comparisons: Comparisons = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Every province was judged and everything delivered."""
        return not self.verdict.not_judged and not self.not_delivered


def alert(
    database: Database,
    isp: ISP,
    egress: str,
    *,
    rule: Rule[Any],
    outlets: Outlets,
    compare: Compare = lambda _verdict, _now: {},
) -> AlertReport:
    """Judge now; `compare` tells what other lines see of an alert.

    Raises DatabaseError, or NoDataError when there is nothing to judge at all.
    """
    now = datetime.now(UTC)
    with database.connector.kept_open():
        newest = database.newest_loss(isp.slug, egress, now=now)
        baselines = _baselines(database, isp, egress, rule, now=now)
        ignored = ignore_rows_ahead(database, isp, [egress], now=now)
        recent = rule.recent(StoredHistory(database, isp.slug, egress), now=now)
        verdict = rule.judge(newest, baselines, now=now, recent=recent)
        watch, not_recorded = _record(database, Line(isp.slug, egress), verdict)
    # This is pushed also when there is nothing, or the figures of an earlier push would stand for now.
    metrics = alert_metrics(isp, egress, verdict, watch)
    not_delivered = not_recorded + deliver(outlets.deliveries([metrics]))
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
    incident, comparisons = watch.incident if watch else None, compare(verdict, now)
    return AlertReport(
        isp, egress, rule.thresholds, verdict, not_delivered, ignored, incident, comparisons
    )


def _record(
    database: Database, line: Line, verdict: Verdict
) -> tuple[Watch | None, tuple[str, ...]]:
    """Record the verdict; what is known then, or None with what kept it from being recorded.

    The next run goes on from what was recorded last, so that no alert waits for that.
    """
    known: list[Watch] = []
    record = Step(
        lambda: known.append(record_verdict(database.connector, line, verdict)),
        database.connector.limit,
    )
    failed = deliver({"incident": record}, done="recorded")
    return (known[-1] if known else None), failed


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
    computed = rule.baselines(StoredHistory(database, isp.slug, egress), now=now)
    renewed = {
        new.province: new.stored(now) for new in computed.baselines if new.loss_ratio is not None
    }
    return [
        renewed.get(entry.province, entry) if entry.province in ahead else entry for entry in stored
    ]
