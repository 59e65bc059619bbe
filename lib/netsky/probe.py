"""The probe's one job: sweep, sum up, deliver. What cannot be delivered never stops the rest."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from netsky.aggregate import ProvinceQuality, Total, aggregate, total_of
from netsky.database import Database
from netsky.errors import DeliveryError
from netsky.library import AddressLibrary
from netsky.metrics import PROBE_JOB, ProbeMetrics
from netsky.places import Egress
from netsky.pushgateway import Pushgateway, write_textfile
from netsky.sweep import Engine, ProbePlan, Progress, Sweep

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the figures of a sweep go; None is nowhere."""

    database: Database | None = None
    pushgateway: Pushgateway | None = None
    textfile: Path | None = None


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
    outlets: Outlets,
    progress: Progress,
) -> ProbeReport:
    """One sweep, delivered. Raises EngineError when nothing could be measured."""
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
    return ProbeReport(sweep, qualities, tuple(_deliver(sweep, qualities, outlets)))


def _deliver(sweep: Sweep, qualities: list[ProvinceQuality], outlets: Outlets) -> list[str]:
    """What was not delivered."""
    isp, egress = sweep.library.isp, sweep.egress.name
    metrics = ProbeMetrics(sweep, qualities)
    deliveries: dict[str, Callable[[], None]] = {}
    if outlets.database:
        store = outlets.database.store_sweep
        deliveries["database"] = partial(store, isp, egress, sweep.started_at, qualities)
    if outlets.pushgateway:
        push = outlets.pushgateway.push
        deliveries["Pushgateway"] = partial(push, metrics, job=PROBE_JOB, egress=egress, isp=isp)
    if outlets.textfile:
        deliveries["textfile"] = partial(write_textfile, outlets.textfile, metrics)
    failed = []
    for outlet, deliver in deliveries.items():
        try:
            deliver()
        except DeliveryError as error:
            failed.append(str(error))
        except Exception as error:  # noqa: BLE001 - a driver may raise anything at a bad answer
            # Not the error's own text, which may hold a password.
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            failed.append(f"{outlet}: unexpected {type(error).__name__} at {where}")
        else:
            continue
        log.error("not delivered: %s", failed[-1])
    return failed
