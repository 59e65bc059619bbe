"""The probe's one job: sweep, sum up, deliver. What cannot be delivered never stops the rest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from netsky.aggregate import ProvinceQuality, Total, aggregate, total_of
from netsky.database import Database
from netsky.delivery import Deliveries, Outlets, deliver
from netsky.library import AddressLibrary
from netsky.metrics import probe_metrics
from netsky.places import Egress
from netsky.sweep import Engine, ProbePlan, Progress, Sweep

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """A sweep, its figures, and what could not be delivered of them (a line each)."""

    sweep: Sweep
    qualities: list[ProvinceQuality]
    not_delivered: tuple[str, ...]

    @property
    def total(self) -> Total:
        return total_of(self.qualities)

    @property
    def complete(self) -> bool:
        """Everything was measured and everything delivered."""
        return not self.sweep.failures and not self.not_delivered


def probe(
    engine: Engine,
    library: AddressLibrary,
    egress: Egress,
    plan: ProbePlan,
    *,
    abnormal_rtt: float,
    database: Database | None,
    outlets: Outlets,
    progress: Progress,
) -> ProbeReport:
    """One sweep, stored (unless `database` is None) and delivered.

    Raises EngineError when nothing could be measured.
    """
    sweep = engine.sweep(library, egress, plan, progress)
    if sweep.tainted:
        log.warning(
            "%s packets were dropped by this host itself: the loss is not the network's alone",
            sweep.local_drops,
        )
    discarded = [f"{count} {reason}" for reason, count in sweep.discarded.items() if count]
    if discarded:
        log.warning("replies that do not count: %s", ", ".join(discarded))
    for failure in sweep.failures:
        log.error(
            "%s: %s targets not measured: %s",
            failure.province.slug,
            failure.targets,
            failure.reason,
        )
    qualities = aggregate(sweep, abnormal_rtt=abnormal_rtt)
    deliveries: Deliveries = outlets.deliveries([probe_metrics(sweep, qualities)])
    if database:
        store = partial(database.store_sweep, library.isp, egress.name, sweep.started_at, qualities)
        deliveries = {"database": store, **deliveries}
    return ProbeReport(sweep, qualities, deliver(deliveries))
