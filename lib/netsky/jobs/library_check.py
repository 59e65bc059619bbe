"""A look at a published address library: how good it is to measure with, and what is wrong with it."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses, AddressLibrary, dotted
from netsky.places import ISP, PROVINCES, Province
from netsky.targets import candidate_files, library, library_state, memory_file
from netsky.targets.blocks import find
from netsky.targets.candidate_files import BuildRecord
from netsky.targets.candidates import RESERVED, Candidates
from netsky.targets.geo.join import row_at
from netsky.targets.geo.names import ISPS
from netsky.targets.library_state import LibraryState
from netsky.targets.pool import Pool

log = logging.getLogger(__name__)

# Carriers limit ICMP near one packet a second and /24: 4 targets in a window of 10 s are 0.4.
MOST_PER_BLOCK = 4
# With fewer a province's loss rate is known to 0.7 points at best.
FEW_TARGETS = 400
# How exact a number of targets is, is told for this loss rate, which is usual among users.
USUAL_LOSS_RATIO = 0.02
OLD_DAYS = 30
LATE_HOURS = 12


class Fault(StrEnum):
    """What may be wrong with a library."""

    EXCLUDED = "excluded"
    RESERVED = "reserved"
    OUTSIDE_CANDIDATES = "outside_candidates"
    DEAD = "dead"
    CROWDED_BLOCKS = "crowded_blocks"
    DUPLICATES = "duplicates"
    OLD = "old"
    NOT_REFRESHED = "not_refreshed"
    PROVISIONAL = "provisional"
    FEW_TARGETS = "few_targets"
    NO_TARGETS = "no_targets"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, of how many addresses (or /24s, days, hours, provinces), and a sample of where."""

    fault: Fault
    count: int
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProvinceSize:
    """How many targets a province has, in how many /24s, out of how many candidate addresses.

    `deviation_ratio` is the standard deviation that chance alone gives its loss rate in a sweep. Of a
    library that is refreshed, `response_ratio` is the share that answered the newest look, and
    `provisional` whether they are not proved yet; else None.
    """

    province: Province
    targets: int
    blocks: int
    deviation_ratio: float | None
    candidates: int | None
    response_ratio: float | None = None
    provisional: bool | None = None


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """The library of one ISP as it is on disk; `refreshed_at` is None for one that never was."""

    isp: ISP
    changed_at: datetime
    refreshed_at: datetime | None
    sizes: tuple[ProvinceSize, ...]
    findings: tuple[Finding, ...]
    record: BuildRecord | None

    @property
    def targets(self) -> int:
        return sum(size.targets for size in self.sizes)


def look_at(
    directory: Path,
    isp: ISP,
    candidates_directory: Path,
    *,
    memory: Path | None = None,
    now: datetime | None = None,
) -> LibraryReport:
    """Look at the library of `isp`. Nothing is sent. Raises LibraryError when it cannot be read.

    `memory` is the folder in which the probe remembers which targets answer.
    """
    found = library.load(directory, isp.slug)
    its_own = None
    if isp.slug in ISPS:
        its_own = candidate_files.load(candidates_directory, isps=[isp.slug])
    state = library_state.load(candidates_directory, isp.slug)
    changed_at, now = _changed_at(directory / isp.slug), now or datetime.now(UTC)
    sizes = tuple(_sizes(found, its_own, state))
    refreshed_at = None
    if state is not None and state.facts.looked_at:
        refreshed_at = datetime.fromtimestamp(state.facts.looked_at, UTC)
    findings = [
        *_counted(found, its_own),
        *(_dead(found, memory) if memory else []),
        *_old(changed_at, refreshed_at, now),
        *_short(sizes),
    ]
    record = candidate_files.load_record(candidates_directory)
    return LibraryReport(isp, changed_at, refreshed_at, sizes, tuple(findings), record)


def _old(changed_at: datetime, refreshed_at: datetime | None, now: datetime) -> Iterator[Finding]:
    if refreshed_at is None:
        days = (now - changed_at).days
        if days > OLD_DAYS:
            yield Finding(Fault.OLD, days)
        return
    hours = (now - refreshed_at) // timedelta(hours=1)
    if hours >= LATE_HOURS:
        yield Finding(Fault.NOT_REFRESHED, hours)


def _changed_at(folder: Path) -> datetime:
    newest = max(file.stat().st_mtime for file in (folder, *folder.iterdir()))
    return datetime.fromtimestamp(newest, UTC)


def _sizes(
    found: AddressLibrary, candidates: Candidates | None, state: LibraryState | None
) -> Iterator[ProvinceSize]:
    parts = {p: found.addresses[found.slice_of(i)] for i, p in enumerate(found.provinces)}
    for index, province in enumerate(PROVINCES):
        targets = parts.get(province, np.empty(0, np.uint32))
        available = None
        if candidates is not None:
            its = candidates.part(candidates.province == index)
            available = int((its.last.astype(np.int64) - its.first + 1).sum())
        yield ProvinceSize(
            province=province,
            targets=len(targets),
            blocks=len(np.unique(targets >> 8)),
            deviation_ratio=deviation_of(len(targets)),
            candidates=available,
            response_ratio=None if state is None else _response_of(targets, state.pool),
            provisional=None if state is None else bool(len(targets) and not state.settled[index]),
        )


def _response_of(targets: Addresses, pool: Pool) -> float | None:
    """The share of the targets that answered their newest look; None when none of them is known."""
    known, at = find(pool.address, targets)
    looks = pool.looks[at[known]]
    return float((looks & 1).mean()) if len(looks) else None


def deviation_of(targets: int) -> float | None:
    """The binomial standard deviation of the loss rate of so many targets, a packet each."""
    if not targets:
        return None
    return math.sqrt(USUAL_LOSS_RATIO * (1 - USUAL_LOSS_RATIO) / targets)


def _counted(found: AddressLibrary, candidates: Candidates | None) -> Iterator[Finding]:
    """What is counted in addresses and /24s."""
    if found.excluded:
        yield Finding(Fault.EXCLUDED, found.excluded)
    if found.duplicates:
        yield Finding(Fault.DUPLICATES, found.duplicates)
    first, last = np.array(RESERVED, np.uint32).T
    yield from _addresses(
        Fault.RESERVED, found.addresses[row_at((first, last), found.addresses) >= 0]
    )
    if candidates is not None:
        yield from _addresses(Fault.OUTSIDE_CANDIDATES, _outside(found, candidates))
    blocks, targets = np.unique(found.addresses >> 8, return_counts=True)
    crowded = blocks[targets > MOST_PER_BLOCK]
    if len(crowded):
        where = tuple(f"{dotted(int(block) << 8)}/24" for block in crowded[:3])
        yield Finding(Fault.CROWDED_BLOCKS, len(crowded), where)


def _dead(found: AddressLibrary, memory: Path) -> Iterator[Finding]:
    """The targets that have not answered for a week through any exit; a line of the log when nobody knows."""
    memories = [each.of(found.addresses) for each in memory_file.read_lines(memory, found.isp)]
    flags = [dead for each in memories if (dead := each.dead) is not None]
    if not flags:
        log.warning(
            "in %s there is no memory of %s that is a week old: which targets have not answered for a "
            "week is not known (--memory: the folder of netsky_probe.py)",
            memory,
            found.isp,
        )
    else:
        yield from _addresses(Fault.DEAD, found.addresses[np.logical_and.reduce(flags)])


def _outside(found: AddressLibrary, candidates: Candidates) -> Addresses:
    """The targets that are not candidates of their own province."""
    row = row_at((candidates.first, candidates.last), found.addresses)
    index = np.array([PROVINCES.index(province) for province in found.provinces])
    own: npt.NDArray[np.intp] = np.repeat(index, np.diff(found.bounds))
    theirs = candidates.province[row] if len(candidates.province) else np.full(len(row), -1)
    outside: Addresses = found.addresses[(row < 0) | (theirs != own)]
    return outside


def _addresses(fault: Fault, addresses: Addresses) -> Iterator[Finding]:
    if len(addresses):
        yield Finding(fault, len(addresses), tuple(dotted(int(a)) for a in addresses[:3]))


def _short(sizes: Sequence[ProvinceSize]) -> Iterator[Finding]:
    for fault, short in (
        (Fault.PROVISIONAL, [size for size in sizes if size.provisional]),
        (Fault.NO_TARGETS, [size for size in sizes if not size.targets]),
        (Fault.FEW_TARGETS, [size for size in sizes if 0 < size.targets < FEW_TARGETS]),
    ):
        if short:
            yield Finding(fault, len(short), tuple(size.province.slug for size in short))
