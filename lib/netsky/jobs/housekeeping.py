"""What the averaging does beside averaging: sums of hours and days, days to come, an end to old history
and to incidents that nobody judges any more.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from netsky.clock import CLOCK_TOLERANCE, IgnoredRows
from netsky.errors import DatabaseError
from netsky.judging.incidents import GIVEN_UP_AFTER
from netsky.outlets.delivery import Step, deliver
from netsky.store.database import Database
from netsky.store.incidents import give_up
from netsky.store.pruning import Prunable, server_time
from netsky.store.usual import prune_buckets

log = logging.getLogger(__name__)

# The next run deletes what is left then. In an hour 80 lines write 2.7 million narrow rows at a sweep every
# 10 s, and a server deletes some 15,000 a second.
PRUNE_SECONDS = 300.0
ROLLUP_SECONDS = 60.0  # and sums up what is left


@dataclass(frozen=True, slots=True)
class Keep:
    """How long sweeps are kept, and the sums of their hours and days."""

    sweeps: timedelta = timedelta(days=30)
    rollups: timedelta = timedelta(days=3650)


@dataclass
class Housekeeping:
    """One run of it for an ISP through an egress (None: all of them), at that time (aware, UTC).

    `pruned` counts deleted rows by table, `held_back` is what only a clock makes old.
    """

    database: Database
    isp: str
    egress: str | None
    now: datetime
    keep: Keep
    pruned: Counter[str] = field(default_factory=Counter)
    held_back: list[IgnoredRows] = field(default_factory=list)
    _rolled_up: bool = False

    def run(self, *, can_prune: bool) -> tuple[str, ...]:
        """What failed, a line each. Nothing is pruned that is not summed up."""
        limit = self.database.connector.limit
        step = Step(self._roll_up, ROLLUP_SECONDS + limit)
        failed = deliver({"sums of hours and days": step}, done="rolled up")
        failed += deliver({"incidents": Step(self._give_up, limit)}, done="looked through")
        if not can_prune:  # if the clock is wrong, everything may look old
            log.warning("nothing is pruned: no baseline could be computed")
        elif self._rolled_up:
            step = Step(self._prune, PRUNE_SECONDS + limit)
            failed += deliver({"pruning": step}, done="pruned")
        return failed

    def _roll_up(self) -> None:
        deadline = time.monotonic() + ROLLUP_SECONDS
        with self.database.connector.kept_open():
            for _ in self.database.roll_up(self.isp, self.egress):
                if time.monotonic() > deadline:
                    log.warning("more hours are to be summed up: the next run goes on, then prunes")
                    return
        self._rolled_up = True

    def _give_up(self) -> None:
        """Nobody else ends the incident of an exit that is not probed and judged any more."""
        connector = self.database.connector
        with connector.transaction() as connection:
            told = server_time(connection) or self.now
        for each in give_up(connector, self.isp, self.egress, min(self.now, told)):
            log.warning(
                "incident %s of ISP %s through egress %s is closed as given up: nothing was judged there "
                "since %s UTC, %g hours; what became of it is not known. Was that exit removed, or is its "
                "probe or its alert away?",
                each.incident.id,
                each.line.isp,
                each.line.egress,
                f"{each.incident.cleared_at:%Y-%m-%d %H:%M:%S}",
                GIVEN_UP_AFTER / timedelta(hours=1),
            )

    def _prune(self) -> None:
        """Delete for a while what is older than is kept, and count it as it goes."""
        prunable = self.database.prunable(now=self.now, keep=self.keep.sweeps)
        self._tell(prunable)
        now = self.now - prunable.ahead
        self._divide(now)
        rollups = self.database.prune_rollups(self.isp, now=now, keep=self.keep.rollups)
        if rollups:
            self.pruned["netsky_hourly and netsky_daily"] += rollups
        prune = partial(prune_buckets, isp=self.isp, now=now)
        if buckets := self.database.connector.run(prune, create=True):
            self.pruned["netsky_usual_bucket"] += buckets
        if prunable.before is None:
            return
        deadline = time.monotonic() + PRUNE_SECONDS
        for table, count in self.database.prune(before=prunable.before):
            if count:
                self.pruned[table] += count
            else:
                log.info("dropped a day of %s", table)
            if time.monotonic() > deadline:
                log.warning("more is to be pruned: the next run goes on")
                return

    def _tell(self, prunable: Prunable) -> None:
        if prunable.ahead > CLOCK_TOLERANCE:
            log.warning(
                "this host's clock is %s ahead of that of the database's host: what is old is told by "
                "the database's; set the one that is wrong (timedatectl set-ntp true)",
                prunable.ahead,
            )
        if rows := prunable.held_back:
            self.held_back.append(rows)
            log.warning(
                "not pruned: %s: older than %g days by the clock, but since then sweeps of less time "
                "were stored: the clock has jumped, or no sweeps were made for long. To remove them: %s",
                rows,
                self.keep.sweeps / timedelta(days=1),
                rows.remove,
            )

    def _divide(self, now: datetime) -> None:
        """Without it all goes on, only that deleting takes long."""
        try:
            self.database.divide_into_days(now=now, keep=self.keep.sweeps)
        except DatabaseError as error:
            log.warning(
                "netsky_sweep is not divided into days, so that old rows are deleted one by one: %s "
                "(it takes the rights ALTER, CREATE and DROP on this table)",
                error,
            )
