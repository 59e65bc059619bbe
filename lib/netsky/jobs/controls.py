"""Judging the other lines of an alert, to tell whose fault it is. No alert is late or lost for that."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from netsky.errors import DatabaseError, DeliveryError
from netsky.jobs.history import StoredHistory
from netsky.jobs.incidents import StoredLine
from netsky.judging.controls import Comparisons, compare
from netsky.judging.grading import Verdict
from netsky.judging.rule import Rule
from netsky.time_limit import time_limit

log = logging.getLogger(__name__)

CONTROL_SECONDS = 5.0  # for the lines that one alert is compared with
_FRESH_SECONDS = 30.0
_PAUSE_SECONDS = 300.0


@dataclass(slots=True)
class OtherLines:
    """What alerts are compared with; one for all lines of a run.

    In an outage each line asks for many others, so that a verdict is good for half a minute. When they take
    too long, no alert of the next minutes waits for them again.
    """

    rule: Rule[Any]
    _judged: dict[tuple[str, str], tuple[float, Verdict | None]] = field(default_factory=dict)
    _not_before: float = 0.0

    def compare(
        self,
        isp: str,
        egress: str,
        others: Sequence[StoredLine],
        verdict: Verdict,
        now: datetime,
    ) -> Comparisons:
        """What other lines see of the provinces in alert; lines that cannot be read are left out."""
        judged: list[tuple[str, str, Verdict]] = []
        if verdict.active and time.monotonic() >= self._not_before:
            try:
                with time_limit(CONTROL_SECONDS, "judging other lines", DeliveryError):
                    for line in others:
                        judged += self._judge(line, now)
            except DeliveryError as error:
                self._not_before = time.monotonic() + _PAUSE_SECONDS
                log.warning("other lines are not compared for a while: %s", error)
        return compare(isp, egress, verdict, judged, elevated=self.rule.thresholds.elevated)

    def _judge(self, line: StoredLine, now: datetime) -> list[tuple[str, str, Verdict]]:
        """The verdict on another line, with its names; nothing where it cannot be read."""
        key = (line.isp.slug, line.egress)
        at, verdict = self._judged.get(key, (0.0, None))
        if key not in self._judged or time.monotonic() - at > _FRESH_SECONDS:
            verdict = self._read(line, now)
            self._judged[key] = (time.monotonic(), verdict)
        return [(*key, verdict)] if verdict else []

    def _read(self, line: StoredLine, now: datetime) -> Verdict | None:
        isp, egress = line.isp.slug, line.egress
        try:
            since = now - self.rule.thresholds.max_age
            newest = line.database.newest_loss(isp, egress, now=now, since=since)
            if not newest:  # it was given up, or never was: an exit that this ISP does not use, say
                return None
            baselines = line.database.baselines(isp, egress=egress)
            recent = self.rule.recent(StoredHistory(line.database, isp, egress), now=now)
        except DatabaseError as error:  # an ISP that is not measured has no database, say
            log.info("ISP %s through egress %s is not compared: %s", isp, egress, error)
            return None
        return self.rule.judge(newest, baselines, now=now, recent=recent)
