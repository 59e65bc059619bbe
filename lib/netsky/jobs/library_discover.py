"""Finding addresses that answer: candidates are sampled, the same in every /24, then where it pays.

What is to be sent is noted before it is sent: after a crash nothing is sent a second time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.errors import StoppedError
from netsky.jobs.asking import SPACING_SECONDS, Asker, Estimate, estimate
from netsky.jobs.library_renewal import (
    Changes,
    Counts,
    Place,
    follow_candidates,
    follow_published,
    forget_forbidden,
    province_of,
    renew_and_publish,
)
from netsky.jobs.sampling import FIRST_LOOKS, Kind, Sampler
from netsky.outlets.metrics import LibraryFigures
from netsky.places import PROVINCES, Province
from netsky.targets import library_state, publishing
from netsky.targets.blocks import HOSTS, Rows
from netsky.targets.candidates import Candidates
from netsky.targets.library_state import DAY, LibraryState
from netsky.targets.pool import by_province

# Of addresses that answer once some 18 % are there whenever one looks (a model; docs/library.md).
STEADY_SHARE = 0.18


@dataclass(frozen=True, slots=True)
class DiscoveryPlan:
    """What a discovery may do: in which provinces, until how many are found, how much it may send.

    `per_block` is how many packets a /24 gets at most; those of `thorough` provinces may be asked
    whole. `most_packets` are those of a day.
    """

    provinces: tuple[Province, ...]
    place: Place
    per_block: int
    thorough: tuple[Province, ...]
    most_packets: int

    @property
    def wanted(self) -> int:
        """How many addresses of a province must be found, so that enough of them are steady."""
        return math.ceil((self.place.quota + self.place.reserve) / STEADY_SHARE)

    def caps(self) -> Counts:
        """The most packets of a /24, by province: int64[31]; 0 where nothing is asked."""
        thorough = [2 * HOSTS if each in self.thorough else self.per_block for each in PROVINCES]
        asked = [each in self.provinces or each in self.thorough for each in PROVINCES]
        return np.where(asked, thorough, 0).astype(np.int64)


@dataclass(frozen=True, slots=True)
class DiscoveryReport:
    """What a discovery found, by province (int64[31]): packets sent, answers, addresses confirmed."""

    place: Place
    sent: Counts
    answered: Counts
    confirmed: Counts
    published: Counts
    blocks: Counts
    provisional: npt.NDArray[np.bool_]
    changes: Changes | None

    @property
    def complete(self) -> bool:
        """False when the day's packets are used up: it goes on when it is run again."""
        return self.changes is not None

    def figures(self) -> Sequence[LibraryFigures]:
        """What is published now, by province."""
        return [
            LibraryFigures(
                province, int(self.published[index]), None, bool(self.provisional[index])
            )
            for index, province in enumerate(PROVINCES)
        ]


@dataclass(slots=True)
class Discovery:
    """One run of a discovery, over the state of an ISP that it changes and saves as it goes.

    `candidates` are those of the ISP alone, with cities.
    """

    state: LibraryState
    candidates: Candidates
    plan: DiscoveryPlan
    library_directory: Path
    now: Callable[[], float]
    _province: npt.NDArray[np.int32] = field(init=False)

    def __post_init__(self) -> None:
        facts = self.state.facts
        self.state.blocks = self.state.blocks.follow(self.candidates)
        if facts.finished:
            self.state.blocks.begin()
            facts.finished, facts.discovery_at = False, self.now()
        # The province of a /24 is that of the first candidate in it; of an address it is its own.
        first = self.state.blocks.first_candidates(self.candidates)
        self._province = province_of(self.candidates, first)

    def estimate(self, rate: int) -> Estimate:
        """What it would send at most."""
        blocks = self.state.blocks
        open_ = self._open()
        left = np.minimum(
            self.plan.caps()[self._province] - blocks.asked - blocks.answered,
            np.where(blocks.tried < HOSTS, HOSTS - blocks.tried.astype(np.int64), HOSTS),
        )[open_]
        return estimate(
            packets=int(left.sum()),
            blocks=len(left),
            rounds=int(left.max(initial=0)),
            rate=rate,
            left=self.state.left_today(self.plan.most_packets, self.now()),
        )

    def run(self, asker: Asker) -> DiscoveryReport:
        """Find, confirm and publish. Raises EngineError, StoppedError, LibraryError: run it again."""
        if not self.plan.place.replace:
            publishing.check_ours(self.plan.place.directory, self.plan.place.isp.slug)
        before = follow_published(self.state, self.plan.place, self.now())
        follow_candidates(
            self.state, self.plan.place, self.candidates, asker.permission, before=before
        )
        changes = None
        if self._find(asker) and self._confirm(asker):
            forget_forbidden(self.state, asker.permission)
            changes = renew_and_publish(
                self.state,
                self.plan.place,
                self.candidates,
                judged=self.plan.caps() > 0,
                before=before,
                now=self.now(),
            )
            self.state.facts.finished = True
        self._save()
        return self._report(changes)

    def _find(self, asker: Asker) -> bool:
        """Ask until enough are found, or all is asked; False when the day's packets are used up."""
        sampler = Sampler(self.state, self.candidates, self.plan.most_packets, self._save, self.now)
        while True:
            rows, kinds = self._next_round(int(asker.rate * SPACING_SECONDS))
            if not len(rows):
                return True
            if not sampler.ask_round(asker, rows, kinds):
                return False

    def _open(self) -> npt.NDArray[np.bool_]:
        """The /24s that may be asked further, in provinces of which not enough are found: bool[n]."""
        blocks, pool = self.state.blocks, self.state.pool
        short = pool.counts(np.ones(len(pool), np.bool_)) < self.plan.wanted
        caps = np.where(short, self.plan.caps(), 0)
        # An answer costs a second packet, which confirms it.
        spent = blocks.asked.astype(np.int64) + blocks.answered
        return (spent + 2 <= caps[self._province]) & blocks.may_be_asked(int(self.now() // DAY))

    def _next_round(self, most: int) -> tuple[Rows, npt.NDArray[np.int64]]:
        """The /24s that are asked next, and of which Kind each is.

        First each a few times. Then those with answers, and as many others as may go with them: a
        round takes its time, however few there are. `most` packets are sent in that time.
        """
        blocks, open_ = self.state.blocks, self._open()
        first = np.flatnonzero(open_ & (blocks.asked < FIRST_LOOKS))
        if len(first):
            return first, np.full(len(first), Kind.FIRST, np.int64)
        answering = np.flatnonzero(open_ & (blocks.answered > 0))
        silent = np.flatnonzero(open_ & (blocks.answered == 0))
        silent = silent[np.argsort(blocks.asked[silent], kind="stable")]
        silent = silent[: max(0, most - len(answering))]
        kinds = np.repeat(
            np.array([Kind.ANSWERING, Kind.SILENT], np.int64), [len(answering), len(silent)]
        )
        return np.concatenate([answering, silent]), kinds

    def _confirm(self, asker: Asker) -> bool:
        """Look a second time at those that were found; False when the day's packets are used up."""
        pool = self.state.pool
        asked_here = self.plan.caps()[pool.province] > 0
        rows = np.flatnonzero((pool.turns == 1) & asked_here)
        for portion in asker.batches(pool.address[rows]):
            left = self.state.left_today(self.plan.most_packets, self.now())
            if not left:
                return False
            its = rows[portion][:left]
            its = its[asker.permission.allows(pool.address[its])]
            if not len(its):
                continue
            expected = float(pool.expected(its).sum())
            pool.record(its, np.zeros(len(its), np.bool_), self.now())
            self.state.facts.sent += len(its)
            self._save()
            pool.correct(its[asker.ask(pool.address[its], pool.province[its], expected)])
        return True

    def _save(self) -> None:
        library_state.save(self.library_directory, self.plan.place.isp.slug, self.state)

    def _report(self, changes: Changes | None) -> DiscoveryReport:
        blocks, pool = self.state.blocks, self.state.pool

        def by_block(values: npt.NDArray[np.integer]) -> Counts:
            return np.bincount(self._province, values, minlength=len(PROVINCES)).astype(np.int64)

        sent = by_block(blocks.asked)
        if not sent.any():
            raise StoppedError("nothing is left to ask: all is asked, or found in enough number")
        return DiscoveryReport(
            place=self.plan.place,
            sent=sent,
            answered=by_block(blocks.answered),
            confirmed=by_province(pool.province[pool.answered() >= 2]),
            published=pool.counts(pool.member),
            blocks=by_block((blocks.asked > 0).astype(np.int64)),
            provisional=self.state.provisional(),
            changes=changes,
        )
