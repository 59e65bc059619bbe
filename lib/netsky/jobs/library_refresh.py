"""A look at all addresses that are known: who stays, who is replaced, who has come with a new build."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.errors import StoppedError
from netsky.jobs.asking import Asker, Estimate, estimate
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
from netsky.places import PROVINCES
from netsky.targets import library_state, publishing
from netsky.targets.candidates import Candidates
from netsky.targets.library_state import DAY, LibraryState
from netsky.targets.pool import LOOKS, Pool, by_province

# An outage must not empty the library: when so many more miss at once than should, it is no news
# of single addresses. After a day of that it is.
MOST_MISSING = 0.05
LONGEST_WAIT = DAY
FEWEST_TO_COMPARE = 3
CONFIRMED = 2  # looks: a discovery finds an address and confirms it
# New /24s get so many packets in a turn; the rest waits for the next one.
MOST_NEW = 200_000

Flags = npt.NDArray[np.bool_]
Ratios = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the looks of a turn count in each province, and which share of it missed: [31] each.

    The share is of those that nearly always answer, NaN where there are none. `outage`: too many
    missed at once; after a day of that it is judged all the same.
    """

    judged: Flags
    outage: Flags
    missing: Ratios


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a turn saw and changed, by province ([31] each).

    `published` counts addresses, `response` is the share of the published ones that answered (NaN:
    none were). `looks` is how many looks the longest known address has had, of the 24 that it
    needs. `moved` are addresses whose province is another now, `found` are new
    ones in all provinces.
    """

    place: Place
    judgement: Judgement
    published: Counts
    response: Ratios
    looks: Counts
    provisional: Flags
    moved: Counts
    found: int
    packets: int
    changes: Changes

    @property
    def complete(self) -> bool:
        """All provinces with addresses were judged."""
        return bool(self.judgement.judged.all())

    def figures(self) -> Sequence[LibraryFigures]:
        """What is published now, by province."""
        return [
            LibraryFigures(
                province,
                int(self.published[index]),
                None if math.isnan(self.response[index]) else float(self.response[index]),
                bool(self.provisional[index]),
            )
            for index, province in enumerate(PROVINCES)
        ]


def judge(
    pool: Pool, answered: Flags, settled: Counts, waiting_since: Counts, now: float
) -> Judgement:
    """Decide by province whether a look at the whole pool counts.

    Where members are proved, 5 % of these may miss, and of those that answered their newest look: after
    a long outage none are proved for some days. Elsewhere, of the addresses that have answered
    all looks so far, 5 points more than in the median province may (and two standard deviations of chance).
    With one or two such provinces it is 5 points more than in the province itself at the look before.
    """
    proved = pool.proved(now)
    steady = np.where(
        settled[pool.province] > 0,
        pool.member & (proved | (pool.looks & np.uint32(1) > 0)),
        (pool.answered() == np.minimum(pool.turns, LOOKS)) & (pool.turns > 0),
    )
    asked = pool.counts(steady)
    missed = pool.counts(steady & ~answered)
    with np.errstate(invalid="ignore"):
        missing = missed / asked
    young = (asked > 0) & (settled == 0)
    usual = np.full(len(PROVINCES), np.median(missing[young]) if young.any() else 0.0)
    if np.count_nonzero(young) < FEWEST_TO_COMPARE:
        usual = _missed_before(pool)
    chance = 2 * np.sqrt(np.maximum(usual, 0.01) * (1 - usual) / np.maximum(asked, 1))
    most = np.where(settled > 0, MOST_MISSING, usual + MOST_MISSING + chance)
    late = (waiting_since > 0) & (now - waiting_since >= LONGEST_WAIT)
    with np.errstate(invalid="ignore"):
        outage = missing > most
    return Judgement(~outage | late, outage, missing)


def _missed_before(pool: Pool) -> Ratios:
    """Of those that had answered all looks, the share that missed the newest one on record, by province.

    Right after a discovery that says nothing, as both looks were at the same hour: it is 1 then.
    """
    turns = np.minimum(pool.turns, LOOKS).astype(np.int64) - 1
    answered = pool.looks & np.uint32(1) > 0
    steady = (turns > 0) & (pool.answered().astype(np.int64) - answered == turns)
    steady &= pool.turns > CONFIRMED
    with np.errstate(invalid="ignore"):
        missed: Ratios = pool.counts(steady & ~answered) / pool.counts(steady)
    return np.nan_to_num(missed, nan=1.0)


@dataclass(slots=True)
class Refresh:
    """One turn, over the state of an ISP that it changes, and saves at its end.

    `candidates` are those of the ISP alone, with cities.
    """

    state: LibraryState
    candidates: Candidates
    place: Place
    library_directory: Path
    most_packets: int
    now: Callable[[], float]

    def estimate(self, rate: int) -> Estimate:
        """What it would send, but for new /24s."""
        blocks, in_block = np.unique(self.state.pool.address >> 8, return_counts=True)
        return estimate(
            packets=len(self.state.pool),
            blocks=len(blocks),
            rounds=int(in_block.max(initial=0)),
            rate=rate,
            left=self.state.left_today(self.most_packets, self.now()),
        )

    def run(self, asker: Asker) -> RefreshReport:
        """Look at all, judge, renew, publish. Raises EngineError, StoppedError, InputError.

        When it raises, nothing has changed but the number of packets sent, and perhaps what was
        published: the next turn finds that.
        """
        state, place = self.state, self.place
        if not place.replace:
            publishing.check_ours(place.directory, place.isp.slug)
        started_at = self.now()
        before = follow_published(state, place, started_at)
        state.blocks = state.blocks.follow(self.candidates)
        moved = follow_candidates(state, place, self.candidates, asker.permission, before=before)
        answered = self._look(asker)
        judgement = judge(state.pool, answered, state.settled, state.waiting_since, started_at)
        response = _response(state.pool, answered)
        self._record(answered, judgement, started_at)
        self._save()
        known = len(state.pool)
        self._sample_new(asker)
        found = len(state.pool) - known
        forget_forbidden(state, asker.permission)
        changes = renew_and_publish(
            state,
            place,
            self.candidates,
            judged=judgement.judged,
            before=before,
            now=started_at,
        )
        self._save()
        looks = np.zeros(len(PROVINCES), np.int64)
        np.maximum.at(looks, state.pool.province, state.pool.turns)
        return RefreshReport(
            place=place,
            judgement=judgement,
            published=state.pool.counts(state.pool.member),
            response=response,
            looks=looks,
            provisional=state.provisional(),
            moved=moved,
            found=found,
            packets=asker.done,
            changes=changes,
        )

    def _look(self, asker: Asker) -> Flags:
        """Who of the pool answers. Raises StoppedError, too, when the day has too few packets left."""
        state, pool = self.state, self.state.pool
        left = state.left_today(self.most_packets, self.now())
        if left < len(pool):
            raise StoppedError(
                f"{len(pool):,} addresses are to be looked at, and only {left:,} packets of "
                "the day are left: wait, or give more --max-packets"
            )
        # Noted before they are sent: killed or stopped in the middle, the day has that many less.
        state.facts.sent += len(pool)
        self._save()
        answered = np.zeros(len(pool), np.bool_)
        # A province that is away is no reason to stop: it is expected to answer as it did so far.
        wanted, came = np.zeros(len(PROVINCES)), np.zeros(len(PROVINCES))
        for portion in asker.batches(pool.address):
            rows = portion[asker.permission.allows(pool.address[portion])]
            if not len(rows):
                continue
            province = pool.province[rows]
            expected = np.bincount(province, pool.expected(rows), minlength=len(PROVINCES))
            share = np.where(wanted > 0, came / np.maximum(wanted, 1e-9), 1.0)
            answered[rows] = asker.ask(
                pool.address[rows], province, float((expected * share).sum())
            )
            wanted += expected
            came += np.bincount(province, answered[rows], minlength=len(PROVINCES))
        return answered

    def _record(self, answered: Flags, judgement: Judgement, now: float) -> None:
        """Write the looks down where they count, and since when they do not."""
        state = self.state
        rows = np.flatnonzero(judgement.judged[state.pool.province])
        state.pool.record(rows, answered[rows], now)
        waiting = np.where(state.waiting_since > 0, state.waiting_since, int(now))
        state.waiting_since[:] = np.where(judgement.outage, waiting, 0)
        state.facts.turns += 1
        state.facts.looked_at = now

    def _sample_new(self, asker: Asker) -> None:
        """Ask a few addresses of each /24 that is new, in provinces in which there was a discovery."""
        state = self.state
        sampler = Sampler(state, self.candidates, self.most_packets, self._save, self.now)
        discovered = by_province(state.pool.province) > 0
        first = province_of(self.candidates, state.blocks.first_candidates(self.candidates))
        rows = np.flatnonzero(state.blocks.new & discovered[first])[: MOST_NEW // FIRST_LOOKS]
        for _ in range(FIRST_LOOKS):
            rows = rows[state.blocks.may_be_asked(int(self.now() // DAY))[rows]]
            if not sampler.ask_round(asker, rows, np.full(len(rows), Kind.FIRST, np.int64)):
                return

    def _save(self) -> None:
        library_state.save(self.library_directory, self.place.isp.slug, self.state)


def _response(pool: Pool, answered: Flags) -> Ratios:
    """The share of the members that answered, by province; NaN for none."""
    with np.errstate(invalid="ignore"):
        ratios: Ratios = pool.counts(pool.member & answered) / pool.counts(pool.member)
    return ratios
