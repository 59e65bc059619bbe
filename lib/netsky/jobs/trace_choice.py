"""Which targets of which provinces are traced, by what the probe remembers of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path

import numpy as np

from netsky.addresses import Addresses, AddressLibrary
from netsky.errors import LibraryError
from netsky.evidence import Evidence, Reason
from netsky.judging.incidents import Incident
from netsky.places import Province
from netsky.targets import memory_file
from netsky.targets.library import load
from netsky.targets.memory import Memory, nothing_of
from netsky.targets.to_trace import (
    LEAST_TARGETS,
    MOST_PROVINCES,
    choose_failing,
    choose_quiet,
    live_loss,
    targets_each,
)

log = logging.getLogger(__name__)

QUIET_TARGETS = 3  # of a province, once an hour


@dataclass(frozen=True, slots=True)
class Choice:
    """The address library of a line, and its memory; `provinces` are those that may be traced."""

    library: Path
    isp: str
    memory: Path
    provinces: Collection[Province]

    def failing(
        self,
        incident: Incident,
        evidence: Evidence,
        reason: Reason,
        look: Callable[[AddressLibrary, int], AddressLibrary],
    ) -> tuple[AddressLibrary, list[Province]]:
        """The targets of an incident, by province, the worst first; which provinces have none.

        Later, and when it is over, they are those of before, as far as they are targets still. Of a
        province of which the memory knows too little, `look` chooses. Raises LibraryError.
        """
        wanted = [province for province in incident.provinces if province in self.provinces]
        places = _by_province(*self._read(wanted, missing=logging.WARNING))
        worst = sorted(places, key=lambda place: live_loss(places[place]), reverse=True)
        again = _again(evidence) if reason in (Reason.AFTER, Reason.CLEARED) else {}
        if again:
            worst = [province for province in worst if province in again]
        chosen = {}
        for province in worst[:MOST_PROVINCES]:
            of_place = places[province]
            number = targets_each(min(len(worst), MOST_PROVINCES))
            former = np.isin(of_place.addresses, again.get(province, ()))
            if np.count_nonzero(former) >= LEAST_TARGETS:
                targets = of_place.addresses[former]
            else:
                targets = choose_failing(of_place, incident.prefixes, number)
            if len(targets) < LEAST_TARGETS:
                targets = look(_library(self.isp, {province: of_place.addresses}), number).addresses
            chosen[province] = targets
        return _library(self.isp, chosen), [each for each in wanted if each not in places]

    def quiet(self, without: Collection[Province]) -> AddressLibrary:
        """A few targets of each province that usually answer. Raises LibraryError."""
        # Without a memory the probe has not run yet: nothing fails then that is known of.
        places = _by_province(*self._read(self.provinces, missing=logging.INFO))
        chosen = {
            province: choose_quiet(of_place, QUIET_TARGETS)
            for province, of_place in places.items()
            if province not in without
        }
        return _library(self.isp, {p: targets for p, targets in chosen.items() if len(targets)})

    def _read(
        self, provinces: Collection[Province], *, missing: int
    ) -> tuple[AddressLibrary, Memory]:
        """The targets and what is remembered of them; that there is no memory is told at level `missing`."""
        if not provinces:
            raise LibraryError("none of the provinces may be traced: see --province")
        library = load(self.library, self.isp, provinces=provinces)
        try:
            memory = memory_file.read(self.memory)
        except (OSError, ValueError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            log.log(
                missing if isinstance(error, FileNotFoundError) else logging.WARNING,
                "memory %s cannot be used, so that nobody knows which targets usually answer: %s "
                "(--memory: the folder of netsky_probe.py)",
                self.memory,
                reason,
            )
            memory = nothing_of(np.empty(0, np.uint32))
        return library, memory.of(library.addresses)


def _by_province(library: AddressLibrary, memory: Memory) -> dict[Province, Memory]:
    return {
        province: replace(
            memory,
            addresses=memory.addresses[rows],
            answered=memory.answered[rows],
            silent_days=memory.silent_days[rows],
            lost=memory.lost[rows],
        )
        for index, province in enumerate(library.provinces)
        for rows in [library.slice_of(index)]
    }


def _again(evidence: Evidence) -> Mapping[Province, Addresses]:
    """What was traced last when targets were chosen anew."""
    chosen = [
        taking
        for taking in evidence.takings
        if taking.reports and taking.reason not in (Reason.AFTER, Reason.CLEARED)
    ]
    return {
        report.province: np.array([int(IPv4Address(each)) for each in report.targets], np.uint32)
        for taking in chosen[-1:]
        for report in taking.reports
    }


def _library(isp: str, targets: Mapping[Province, Addresses]) -> AddressLibrary:
    sizes = [len(each) for each in targets.values()]
    addresses = np.concatenate([*targets.values(), np.empty(0, np.uint32)]).astype(np.uint32)
    return AddressLibrary(isp, tuple(targets), addresses, np.cumsum([0, *sizes]).astype(np.int64))
