"""Evidence by itself: of incidents, when it is due.

A taking is noted before its first packet leaves, so that runs that are killed again and again do not send
for ever; it is written when the traces are there, and once more with what mtr says.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from netsky.addresses import AddressLibrary
from netsky.cleared import CLEARED_WITHIN
from netsky.engines.mtr import DEADLINE_SECONDS, take_mtr
from netsky.engines.trace import check_traces
from netsky.errors import DatabaseError, DeliveryError, EngineError, LibraryError
from netsky.evidence import Evidence, IncidentThen, Reason, Taking
from netsky.jobs.trace import QuietTimes, look_and_choose, lossy_targets, trace_together
from netsky.jobs.trace_choice import Choice
from netsky.judging.incidents import Incident
from netsky.judging.schedule import due, may_try
from netsky.places import ISP, Egress, Province
from netsky.store.database import Database
from netsky.store.evidence_files import (
    failed_tries,
    forget_failed_tries,
    incident_folder,
    is_incident_folder,
    note_failed_try,
    read_evidence,
    remove_taking,
    taken_of_line,
    write_taking,
)
from netsky.store.incidents import Line, incidents
from netsky.store.traces import record_takings, recorded_takings
from netsky.trace import MtrReport, MtrState, TracePlan

log = logging.getLogger(__name__)

INCIDENTS = 5  # of a line, open ones first
OWN_SECONDS = 45.0  # for the looks and traces of a taking; mtr has what is left of the whole
WHOLE_SECONDS = 120.0
RECORDED_WITHIN = timedelta(days=1)  # rows of older takings are not missing, but pruned
STILL_READ = CLEARED_WITHIN + RECORDED_WITHIN
"""Of an incident that was cleared longer ago nothing is to be done, and its files are megabytes."""
LEAST_MTR_SECONDS = 5.0
MOST_IN_A_RUN = 8
"""So many takings are at an end, with mtr, before systemd ends the run; the next one goes on."""
# For so many targets of each province a router is asked in a round that all have in common, and for so many of all
# together each province's own: with six provinces and 15 routers on each way, ten rounds take 36 s.
NEAR_EACH, NEAR_OF_PLACES = 5, 40


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where evidence is kept; `mode` is that of files."""

    root: Path
    mode: int


@dataclass(frozen=True, slots=True)
class TracedLine:
    """An ISP through an exit, and what its evidence is taken with."""

    isp: ISP
    egress: Egress
    others: tuple[Egress, ...]
    database: Database
    choice: Choice

    @property
    def key(self) -> Line:
        return Line(self.isp.slug, self.egress.name)


@dataclass(frozen=True, slots=True)
class DueTaking:
    """Evidence that is due: of which incident, why, what there is of it already, and where that is."""

    line: TracedLine
    incident: Incident
    reason: Reason
    evidence: Evidence
    folder: str


@dataclass(frozen=True, slots=True)
class Found:
    """What is due of a line, and which provinces have an incident now.

    `waits`: nothing could be traced of it lately, and it is not tried again yet.
    """

    due: Sequence[DueTaking]
    provinces: Collection[Province]
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A taking that is kept, and what of that could not be recorded in the database."""

    line: TracedLine
    taking: Taking
    folder: str
    started: float  # by the clock that nobody sets
    not_recorded: str | None = None

    @property
    def complete(self) -> bool:
        return self.taking.complete and self.not_recorded is None


def find_due(line: TracedLine, keeping: Keeping, *, at_once: bool) -> Found:
    """What is due of a line; with `at_once` that of its open incident is.

    What was kept and could not be recorded is recorded now. Raises DatabaseError.
    """
    found, concerned, now, waits = [], set[Province](), datetime.now(UTC), False
    of_line = taken_of_line(keeping.root, line.isp.slug, line.egress.name)
    for incident in incidents(line.database.connector, line.key, limit=INCIDENTS):
        if incident.cleared_at is not None and now - incident.cleared_at > STILL_READ:
            continue
        folder = _folder(line, incident)
        concerned |= set(incident.provinces) if incident.is_open else set()
        evidence = read_evidence(keeping.root, folder)
        _record_missing(line, incident, evidence, folder)
        reason = due(
            incident,
            evidence.takings,
            of_line=of_line,
            now=now,
            cleared_within=CLEARED_WITHIN,
        )
        if at_once:
            reason = Reason.BY_HAND if incident.is_open else None
        elif reason and not _may_try(keeping.root, folder, now):
            reason, waits = None, True
        if reason is not None:
            found.append(DueTaking(line, incident, reason, evidence, folder))
            if reason is not Reason.BY_HAND:
                of_line.append(now)
    return Found(found, concerned, waits)


def _may_try(root: Path, folder: str, now: datetime) -> bool:
    failed = failed_tries(root, folder)
    return failed is None or may_try(failed.number, failed.last_at, now)


def _folder(line: TracedLine, incident: Incident) -> str:
    """Where its evidence is, or is to be; a clock that was ahead may have moved its opening since."""
    if incident.evidence is not None and is_incident_folder(incident.evidence):
        return incident.evidence
    return incident_folder(line.isp.slug, line.egress.name, incident.opened_at)


def take(each: DueTaking, keeping: Keeping, plan: TracePlan, quiet: QuietTimes) -> Taken:
    """Trace, keep and record; mtr is not in it yet.

    Raises EngineError or LibraryError when nothing can be traced, which is counted, and DeliveryError when it
    cannot be kept.
    """
    try:
        taken = _take(each, keeping, plan, quiet)
    except (EngineError, LibraryError):
        note_failed_try(keeping.root, each.folder, datetime.now(UTC), mode=keeping.mode)
        raise
    forget_failed_tries(keeping.root, each.folder)
    return taken


def _take(each: DueTaking, keeping: Keeping, plan: TracePlan, quiet: QuietTimes) -> Taken:
    line, started = each.line, time.monotonic()
    check_traces(line.egress)
    noted = _noted(each)
    _write(keeping, each.folder, noted)
    try:
        targets, missing = _targets(each, plan)
        reports = trace_together(
            targets,
            line.egress,
            line.others,
            plan_of_places(plan, len(targets.provinces)),
            seconds=started + OWN_SECONDS - time.monotonic(),  # looks have taken some of them
            quiet=quiet,
        )
    except (EngineError, LibraryError):  # nothing was sent: the next run may try again
        remove_taking(keeping.root, each.folder, noted)
        raise
    problems = tuple(f"{province.name}：地址库里没有这个省的目标" for province in missing)
    taking = replace(noted, reports=tuple(reports), problems=problems)
    _write(keeping, each.folder, taking)
    recorded = _record(line, each.incident, taking, each.folder)
    return Taken(line, taking, each.folder, started, recorded)


def plan_of_places(plan: TracePlan, provinces: int) -> TracePlan:
    """How the targets of so many provinces are traced at once within OWN_SECONDS, 20 of each."""
    return replace(
        plan,
        near_targets=max(plan.near_targets, NEAR_EACH * provinces),
        near_of_place=min(plan.near_of_place, NEAR_OF_PLACES // max(1, provinces)),
    )


def mtr_deadline(taken: Sequence[Taken]) -> float:
    """Until when mtr may run for these, of which there is one at least: the last of them is young still."""
    return max(each.started for each in taken) + WHOLE_SECONDS


def finish(taken: Taken, keeping: Keeping, *, targets: int, deadline: float) -> Taken:
    """The same with mtr to so many targets, one after the other. Raises DeliveryError."""
    reports = list(taken.taking.reports)
    for index, target in _mtr_targets(taken.taking, targets):
        left = min(DEADLINE_SECONDS, deadline - time.monotonic())
        if left >= LEAST_MTR_SECONDS:
            mtr = take_mtr(target, taken.line.egress, deadline=left)
        else:
            reason = f"the {WHOLE_SECONDS:g} s of this evidence were over"
            mtr = MtrReport(target, not_taken=reason, state=MtrState.HUNG)
        reports[index] = replace(reports[index], mtr=(*reports[index].mtr, mtr))
    taking = replace(taken.taking, reports=tuple(reports), finished=True)
    _write(keeping, taken.folder, taking)
    return replace(taken, taking=taking)


def _targets(each: DueTaking, plan: TracePlan) -> tuple[AddressLibrary, list[Province]]:
    line = each.line

    def look(place: AddressLibrary, number: int) -> AddressLibrary:
        return look_and_choose(place, line.egress, line.others, number=number, rate=plan.rate)[0]

    return line.choice.failing(each.incident, each.evidence, each.reason, look)


def _noted(each: DueTaking) -> Taking:
    incident = each.incident
    then = IncidentThen(
        incident.id or 0,
        incident.opened_at,
        incident.cleared_at,
        incident.peak_severity.value,
        incident.provinces,
        incident.prefixes,
    )
    now = datetime.now(UTC).replace(microsecond=0)
    key = each.line.key
    return Taking(key.isp, key.egress, each.reason, now, then, (), finished=False)


def _mtr_targets(taking: Taking, number: int) -> Sequence[tuple[int, str]]:
    """The targets that lose most, in turn of each province: the place of its report, and the target."""
    turns = []
    for index, report in enumerate(taking.reports):
        turns += [(turn, index, each) for turn, each in enumerate(lossy_targets(report))]
    return [(index, target) for _, index, target in sorted(turns)[:number]]


def _write(keeping: Keeping, folder: str, taking: Taking) -> None:
    try:
        write_taking(keeping.root, folder, taking, mode=keeping.mode)
    except OSError as error:
        raise not_written(keeping, folder, error) from error


def not_written(keeping: Keeping, folder: str, error: OSError) -> DeliveryError:
    """What to say when evidence cannot be kept."""
    return DeliveryError(
        f"evidence {keeping.root / folder} is not written: {error.strerror}: see to the disk and the "
        "rights of that folder (--evidence)"
    )


def _record(line: TracedLine, incident: Incident, taking: Taking, folder: str) -> str | None:
    try:
        record_takings(line.database.connector, incident.id or 0, [taking], folder=folder)
    except DatabaseError as error:
        log.error("evidence %s is kept, and recorded by the next run: %s", folder, error)
        return str(error)
    return None


def _record_missing(line: TracedLine, incident: Incident, evidence: Evidence, folder: str) -> None:
    """Record what an earlier run could not. Raises DatabaseError."""
    oldest = datetime.now(UTC) - RECORDED_WITHIN
    kept = [t for t in evidence.takings if t.reports and t.taken_at >= oldest]
    if not kept or incident.id is None:
        return
    connector = line.database.connector
    missing = {taking.taken_at for taking in kept} - recorded_takings(connector, incident.id)
    if missing:
        record_takings(
            connector, incident.id, [t for t in kept if t.taken_at in missing], folder=folder
        )
