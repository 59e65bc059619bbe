"""From what is known of addresses to what is published of them, province by province."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.errors import InputError
from netsky.places import ISP, PROVINCES, Province
from netsky.targets import publishing
from netsky.targets.blocks import Rows, find
from netsky.targets.candidates import Candidates
from netsky.targets.cities import cities_text
from netsky.targets.geo.join import row_at
from netsky.targets.library_state import LibraryState
from netsky.targets.permission import Permission
from netsky.targets.pool import LOOKS, PROVED_SECONDS, Indices, Pool, by_province, renew, spread

log = logging.getLogger(__name__)

# In a window of 10 s these are 0.4 packets a second, and carriers limit a /24 near one.
MOST_PER_BLOCK = 4
MOST_CHANGED = 0.05
MOST_SHRUNK = 0.20
# So many for each proved one may still be undecided when a province is taken to be proved.
MOST_UNDECIDED = 0.25

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the library of an ISP is published, and what may be done to what is there.

    `quota` is how many addresses a province should have. `replace`: what a person wrote may be
    replaced; `accept_change`: a province may become far smaller.
    """

    directory: Path
    isp: ISP
    quota: int
    replace: bool = False
    accept_change: bool = False

    @property
    def reserve(self) -> int:
        """How many proved addresses of a province are kept beside the published ones."""
        return self.quota // 2


@dataclass(frozen=True, slots=True)
class Changes:
    """What a turn changed in the published addresses, by province: int64[31] each."""

    added: Counts
    removed: Counts
    published: bool


def city_of(candidates: Candidates, addresses: Addresses) -> Indices:
    """The number of each address's city, 0 where it is not known or no candidate."""
    row = row_at((candidates.first, candidates.last), addresses)
    return _picked(candidates.city, row, 0)


def province_of(candidates: Candidates, addresses: Addresses) -> Indices:
    """The index of each address's province, -1 for what is no candidate."""
    row = row_at((candidates.first, candidates.last), addresses)
    return _picked(candidates.province, row, -1)


def _picked(values: Indices, row: npt.NDArray[np.int32], otherwise: int) -> Indices:
    if not len(values):
        return np.full(len(row), otherwise, np.int32)
    return np.where(row >= 0, values[row], otherwise).astype(np.int32)


def follow_published(state: LibraryState, place: Place, now: float) -> Counts:
    """Let the members be what is really published; how many each province has: int64[31].

    So it is right after a `--rollback`, and after a crash between publishing and saving. Those that
    are not known (any more) are looked at like the others from now on.
    """
    live = publishing.read_published(place.directory, place.isp.slug)
    addresses = np.concatenate([np.empty(0, np.uint32), *live.values()])
    index = [PROVINCES.index(province) for province in live]
    provinces = np.repeat(np.array(index, np.int32), [len(part) for part in live.values()])
    unknown = Pool.found(addresses, provinces, now)
    unknown.turns[:] = 0
    unknown.looks[:] = 0
    state.pool = state.pool.add(unknown)
    state.pool.member[:] = False
    known, at = find(state.pool.address, addresses)
    state.pool.member[at[known]] = True
    return state.pool.counts(state.pool.member)


def follow_candidates(
    state: LibraryState,
    place: Place,
    candidates: Candidates,
    permission: Permission,
    *,
    before: Counts,
) -> Counts:
    """Drop who may not be asked any more, let those go to their province who have moved; these by it.

    `before` is how many were published in each province. Raises InputError when a province would
    become empty or far smaller: before anything is sent, and what is known stays on the disk.
    """
    forget_forbidden(state, permission)
    province = province_of(candidates, state.pool.address)
    moved = province != state.pool.province
    for index in np.unique(province[moved]).tolist():
        log.info(
            "%s addresses of %s are of %s now",
            np.count_nonzero(moved & (province == index)),
            place.isp.slug,
            PROVINCES[index].slug,
        )
    state.pool.province[:] = province
    _check_size(state.pool, before, state.settled, place)
    return by_province(province[moved])


def forget_forbidden(state: LibraryState, permission: Permission) -> None:
    """Drop who is in exclude.txt or no candidate: exclude.txt may have changed a moment ago."""
    state.pool = state.pool.part(permission.allows(state.pool.address))


def renew_and_publish(
    state: LibraryState,
    place: Place,
    candidates: Candidates,
    *,
    judged: npt.NDArray[np.bool_],
    before: Counts,
    now: float,
) -> Changes:
    """Choose the members of the judged provinces, and publish them. The state is not saved.

    `before` is how many were published in each province. Raises InputError when a province would
    become empty or far smaller, and whatever publishing raises: nothing has changed then on disk.
    """
    pool = state.pool
    city = city_of(candidates, pool.address)
    former = pool.member.copy()
    changed = state.changed_today(now)
    settled = state.settled.copy()
    for index in np.flatnonzero(judged).tolist():
        rows = np.flatnonzero(pool.province == index)
        most = _most(int(before[index]), int(changed[index]))
        if state.settled[index] and before[index]:
            _renew_settled(pool, place, city, rows, most=most, now=now)
        else:
            state.settled[index] = _choose_anew(pool, place, city, rows, now=now)
    added = pool.counts(pool.member & ~former)
    removed = np.maximum(before - pool.counts(pool.member & former), 0)
    state.note_changes(np.where(settled > 0, np.maximum(added, removed), 0), now)
    kept = _reserve(state, place, city, now)
    _check_size(pool, before, settled, place)
    changes = bool(added.any() or removed.any()) and bool(pool.member.any())
    if changes:
        cities = cities_text(pool.address[pool.member], city[pool.member], candidates.cities)
        publishing.publish(
            place.directory,
            place.isp.slug,
            _targets(pool),
            cities=cities,
            replace=place.replace,
            now=now,
        )
    state.pool = pool.part(kept)
    return Changes(added, removed, published=changes)


def _most(published: int, changed: int) -> int:
    """How many addresses of a province may still change today."""
    return max(0, max(1, int(MOST_CHANGED * published)) - changed)


def _renew_settled(
    pool: Pool, place: Place, city: Indices, rows: Rows, *, most: int, now: float
) -> None:
    """Replace those members of a province that are gone."""
    renewal = renew(
        pool,
        city,
        rows,
        quota=place.quota,
        most_per_block=MOST_PER_BLOCK,
        most_changes=most,
        now=now,
    )
    pool.member[renewal.removed] = False
    pool.member[renewal.added] = True
    if not pool.member[rows].any():  # to have one that is not sure is better than to have none
        pool.member[renewal.removed] = True


def _choose_anew(pool: Pool, place: Place, city: Indices, rows: Rows, *, now: float) -> bool:
    """Choose all members of a province that has no proved ones; True when these now are.

    They are when as many are proved as are wanted, or only few may still become it: what is found on
    other days becomes it on other days, and once these are proved a province grows slowly.
    """
    proved = pool.proved(now)[rows]
    often = 2 * pool.answered()[rows] > np.minimum(pool.turns[rows], LOOKS)
    young = (
        often
        & ~proved
        & ((pool.turns[rows] < LOOKS) | (pool.found_at[rows] > now - PROVED_SECONDS))
    )
    enough = np.count_nonzero(proved)
    settles = enough >= place.quota or enough * MOST_UNDECIDED > np.count_nonzero(young)
    fit = rows[proved] if settles else rows[often & ~pool.gone(now)[rows]]
    chosen = spread(pool, city, fit, most_per_block=MOST_PER_BLOCK)[: place.quota]
    if not len(chosen):  # to have some that are not sure is better than to have none
        return False
    pool.member[rows] = False
    pool.member[chosen] = True
    return bool(settles)


def _reserve(state: LibraryState, place: Place, city: Indices, now: float) -> npt.NDArray[np.bool_]:
    """Which addresses are looked at further: of a settled province the reserve, and who is not proved yet."""
    pool = state.pool
    useless = ~pool.member & (pool.gone(now) | pool.unsteady())
    kept = ~useless
    proved = pool.proved(now) & ~pool.member & kept
    for index in np.flatnonzero(state.settled).tolist():
        rows = np.flatnonzero(proved & (pool.province == index))
        order = spread(pool, city, rows, most_per_block=MOST_PER_BLOCK)
        kept[rows] = False
        kept[order[: place.reserve]] = True
    return kept


def _check_size(pool: Pool, before: Counts, settled: Counts, place: Place) -> None:
    """Raise InputError when a province that was proved loses too much at once, or one all it has."""
    after = pool.counts(pool.member)
    # One address may always leave, but for the last.
    fewest = np.where(settled > 0, np.minimum((1 - MOST_SHRUNK) * before, before - 1), 0)
    small = np.flatnonzero(after < np.maximum(fewest, np.minimum(before, 1)))
    if len(small) and not place.accept_change:
        raise InputError(
            f"a province would lose more than {MOST_SHRUNK:.0%} of its published addresses at once: "
            "is exclude.txt right, and are the candidates? If so, say --accept-change. The library "
            "is as it was",
            lines=[
                f"{PROVINCES[index].slug}: {before[index]:,} would become {after[index]:,}"
                for index in small.tolist()
            ],
        )


def _targets(pool: Pool) -> Mapping[Province, Addresses]:
    return {
        province: pool.address[pool.member & (pool.province == index)]
        for index, province in enumerate(PROVINCES)
        if (pool.member & (pool.province == index)).any()
    }
