"""The averaging's one job: baselines from the loss of the past hours, stored for the alert, delivered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from netsky.clock import IgnoredRows, is_set
from netsky.errors import ClockError, NoDataError
from netsky.jobs.history import StoredHistory
from netsky.jobs.housekeeping import Housekeeping, Keep
from netsky.jobs.ignored import ignore_rows_ahead
from netsky.judging.rule import Rule
from netsky.loss import Baseline, NewBaseline
from netsky.outlets.delivery import Outlets, deliver
from netsky.outlets.metrics import baseline_metrics
from netsky.places import ISP, PROVINCES, Province
from netsky.store.baselines import store_computed
from netsky.store.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Averaged:
    """One province through one egress after the averaging.

    `baseline` is what is stored now, None if nothing is; `samples` sweeps of the past hours had a
    value; `renewed`: they were enough, so that the baseline was made of them.
    """

    province: Province
    egress: str
    baseline: Baseline | None
    samples: int
    renewed: bool


@dataclass(frozen=True, slots=True)
class BaselineReport:
    """An averaging: by egress and province, how many rows were pruned by table, what failed."""

    isp: ISP
    hours: float
    computed_at: datetime
    averaged: tuple[Averaged, ...]
    pruned: dict[str, int]
    not_delivered: tuple[str, ...]
    ignored: tuple[IgnoredRows, ...] = ()

    @property
    def left_alone(self) -> list[Averaged]:
        return [entry for entry in self.averaged if not entry.renewed]

    @property
    def complete(self) -> bool:
        """Every baseline was renewed and everything delivered."""
        return not self.left_alone and not self.not_delivered


def average(
    database: Database,
    isp: ISP,
    egress: str | None,
    *,
    hours: float,
    rule: Rule[Any],
    keep: Keep,
    outlets: Outlets,
) -> BaselineReport:
    """Average the past hours of each province and egress (None: of all egresses), and prune.

    A province to which `rule` gives no baseline keeps the one that it has.
    Raises DatabaseError, NoDataError when there is nothing to average at all, or ClockError when
    this host's clock has not been set, so that what are the past hours cannot be told.
    """
    now = _now()
    computed = _compute(database, isp, egress, rule, now)
    enough = [baseline for baseline in computed if baseline.loss_ratio is not None]
    baselines = database.baselines(isp.slug, egress=egress)
    if not computed and not baselines:
        raise NoDataError(
            f"no loss rate of ISP {isp.slug}"
            f"{'' if egress is None else f' through egress {egress}'} of the past {hours:g} hours in "
            f"{database}: has netsky_probe.py run with the same --isp and --database?"
        )
    averaged = _combine(computed, baselines, renewed=enough)
    _warn(averaged, hours)
    egresses = sorted({entry.egress for entry in averaged})
    groups = [
        baseline_metrics(isp.slug, name, [b for b in baselines if b.egress == name], at=now)
        for name in egresses
    ]
    not_delivered = deliver(outlets.deliveries(groups))
    housekeeping = Housekeeping(database, isp.slug, egress, now, keep)
    with database.connector.kept_open():
        ignored = list(ignore_rows_ahead(database, isp, egresses, now=now))
    not_delivered += housekeeping.run(can_prune=bool(enough))
    return BaselineReport(
        isp,
        hours,
        now,
        tuple(averaged),
        dict(housekeeping.pruned),
        not_delivered,
        (*ignored, *housekeeping.held_back),
    )


def _compute(
    database: Database, isp: ISP, egress: str | None, rule: Rule[Any], now: datetime
) -> list[NewBaseline]:
    """Compute and store, exit by exit, so that a run that ends early has done some."""
    computed: list[NewBaseline] = []
    with database.connector.kept_open():
        for name in database.egresses(isp.slug) if egress is None else [egress]:
            of_exit = rule.baselines(StoredHistory(database, isp.slug, name), now=now)
            if of_exit.baselines:
                store_computed(database.connector, isp.slug, name, of_exit, now)
            computed += of_exit.baselines
    return computed


def _now() -> datetime:
    now = datetime.now(UTC).replace(microsecond=0)
    if not is_set(now):
        raise ClockError(
            f"the clock of this host says {now:%Y-%m-%d %H:%M:%S} UTC, which cannot be: nothing is "
            "averaged or deleted; set it (timedatectl set-ntp true) and run this again"
        )
    return now


def _warn(averaged: Sequence[Averaged], hours: float) -> None:
    for egress, entries in groupby(averaged, key=lambda entry: entry.egress):
        few = [f"{entry.province.slug} ({entry.samples})" for entry in entries if not entry.renewed]
        if few:
            log.warning(
                "egress %s: too few values in the past %g hours, baselines left as they were: %s",
                egress,
                hours,
                ", ".join(few),
            )


def _combine(
    computed: Sequence[NewBaseline],
    baselines: Sequence[Baseline],
    *,
    renewed: Sequence[NewBaseline],
) -> list[Averaged]:
    """The baselines sorted by egress, and then in the order of the provinces."""
    samples = {(new.egress, new.province): new.samples for new in computed}
    stored = {(baseline.egress, baseline.province): baseline for baseline in baselines}
    new = {(baseline.egress, baseline.province) for baseline in renewed}
    return [
        Averaged(province, egress, stored.get(key), samples.get(key, 0), renewed=key in new)
        for egress in sorted({name for name, _ in samples.keys() | stored.keys()})
        for province in PROVINCES
        if (key := (egress, province)) in samples or key in stored
    ]
