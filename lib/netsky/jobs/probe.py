"""The probe's one job: sweep, sum up, deliver. What cannot be delivered never stops the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from netsky.addresses import AddressLibrary
from netsky.aggregate import ProvinceQuality, Total, aggregate, total_of
from netsky.errors import DatabaseError, NetskyError
from netsky.jobs.memory import Remembering
from netsky.outlets.delivery import Outlets, Step, deliver
from netsky.outlets.metrics import probe_metrics
from netsky.places import Egress
from netsky.spool_state import SpoolState
from netsky.store.database import Database
from netsky.store.incidents import Line, open_provinces
from netsky.store.rows import SweepRows, sweep_rows
from netsky.store.spool import FLUSH_SECONDS, Spool
from netsky.sweep import Engine, ProbePlan, Progress, ProvinceFailure, Sweep
from netsky.time_limit import time_limit

log = logging.getLogger(__name__)

INCIDENT_SECONDS = 2.0  # asking for open incidents must not keep the next sweep waiting


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """A sweep, its figures, and what could not be delivered of them (a line each)."""

    sweep: Sweep
    qualities: list[ProvinceQuality]
    not_delivered: tuple[str, ...]
    spool: SpoolState | None = None

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
    storage: Storage | None,
    memory: Remembering | None = None,
    outlets: Outlets,
    progress: Progress,
) -> ProbeReport:
    """One sweep, stored (unless `storage` is None), remembered and delivered.

    Raises EngineError when nothing could be measured.
    """
    sweep = engine.sweep(library, egress, plan, progress)
    _warn(sweep)
    known = memory.recall(sweep) if memory else None
    qualities = aggregate(
        sweep,
        abnormal_rtt=abnormal_rtt,
        live=known.memory.live if known else None,
        faults=known.faults if known else {},
        dead=known.memory.dead if known else None,
    )
    not_stored: tuple[str, ...] = ()
    spooled = in_incident = None
    if storage:
        not_stored, spooled = storage.store_sweep(sweep, qualities)
        if not not_stored:  # it answers: ask it now, and never wait for one that does not
            in_incident = storage.in_incident(library.isp, egress.name)
    if memory and known:
        memory.learn(sweep, known, in_incident=in_incident)
    not_pushed = deliver(outlets.deliveries([probe_metrics(sweep, qualities, spooled)]))
    return ProbeReport(sweep, qualities, not_stored + not_pushed, spooled)


def _warn(sweep: Sweep) -> None:
    """Tell the log of what is not the network's doing, or was not measured."""
    if sweep.tainted:
        log.warning(
            "this host itself dropped up to %s of the lost packets: the loss may not be the network's alone",
            sweep.local_drops,
        )
    discarded = [f"{count} {reason}" for reason, count in sweep.discarded.items() if count]
    if discarded:
        log.warning("replies that do not count: %s", ", ".join(discarded))
    by_reason: dict[str, list[ProvinceFailure]] = {}
    for failure in sweep.failures:
        by_reason.setdefault(failure.reason, []).append(failure)
    for reason, failures in by_reason.items():
        log.error(
            "%s: %s targets not measured: %s",
            ", ".join(failure.province.slug for failure in failures),
            sum(failure.targets for failure in failures),
            reason,
        )


@dataclass(frozen=True, slots=True)
class Storage:
    """A database, the spool through which sweeps go there, and whether the narrow tables get them, too."""

    database: Database
    spool: Spool
    narrow_tables: bool = True

    def store_sweep(
        self, sweep: Sweep, qualities: Sequence[ProvinceQuality]
    ) -> tuple[tuple[str, ...], SpoolState | None]:
        """What went wrong, a line each, and how full the spool is."""
        return self.store(
            sweep_rows(
                sweep.library.isp,
                sweep.egress.name,
                sweep.started_at,
                qualities,
                tainted=sweep.tainted,
                narrow=self.narrow_tables,
            )
        )

    def store(self, rows: SweepRows) -> tuple[tuple[str, ...], SpoolState | None]:
        """What went wrong, a line each, and how full the spool is."""
        return self._deliver(partial(self.spool.store, rows, self.database))

    def flush(self) -> tuple[tuple[str, ...], SpoolState | None]:
        """The same, only with what waits in the spool, for as long as it gets less."""
        waiting = None
        while True:
            failed, state = self._deliver(partial(self.spool.flush, self.database))
            if not failed or state is None or (waiting is not None and state.sweeps >= waiting):
                return failed, state
            waiting = state.sweeps

    def in_incident(self, isp: str, egress: str) -> set[str] | None:
        """The provinces, as slugs, with an open incident of this line; None: it is not known."""
        try:
            with time_limit(INCIDENT_SECONDS, f"database {self.database}"):
                found = open_provinces(self.database.connector, Line(isp, egress))
        except NetskyError as error:
            log.warning("%s: open incidents are not known; those known before still count", error)
            return None
        return {province.slug for province in found}

    def _deliver(self, run: Callable[[], None]) -> tuple[tuple[str, ...], SpoolState | None]:
        failed = deliver({"database": Step(run, self.database.connector.limit + FLUSH_SECONDS)})
        if other := self.database.other_host():
            mixed = (
                f"database {self.database}: host {other} stores sweeps of this ISP and exit in turns with "
                "this host, so that what is judged is a mix: give the exit of each a name of its own, "
                "[egress.NAME] in netsky.toml"
            )
            log.error("stored, but %s", mixed)
            failed += (mixed,)
        try:
            return failed, self.spool.state()
        except DatabaseError:  # the reason was logged before
            return failed, None
