"""What is known of an ISP's addresses: which were asked, which answered when. One file, renamed into place.

<directory>/state-<isp>.npz
"""

from __future__ import annotations

import io
import json
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from netsky.errors import LibraryError
from netsky.files import read_file, replace_file
from netsky.places import PROVINCES
from netsky.targets.blocks import Blocks
from netsky.targets.candidates import Candidates
from netsky.targets.pool import Pool

VERSION = 2
DAY = 86_400
# Changes are counted by the hour, so that no day has too many, wherever it begins: the hours that
# a day touches.
_HOUR, _HOURS = 3600, 25

_MOST_BYTES = 1 << 30
_BROKEN = (KeyError, TypeError, ValueError, EOFError, OSError, zipfile.BadZipFile)


def _nothing() -> npt.NDArray[np.int64]:
    return np.zeros(len(PROVINCES), np.int64)


def _no_changes() -> npt.NDArray[np.int64]:
    return np.zeros((len(PROVINCES), _HOURS), np.int64)


@dataclass(slots=True)
class Facts:
    """What is known of the ISP as a whole; times are seconds since 1970, 0 for never.

    `seed` decides the order in which the addresses of a /24 are asked. `turns` counts the refreshes,
    `looked_at` is when the newest began. `discovery_at` is when the newest discovery began, and
    `finished` whether it has come to its end. `sent` packets have been sent since `sent_since`, which
    begins anew after a day. `changes_at` is what the newest hour of the changes belongs to.
    """

    seed: int
    turns: int = 0
    looked_at: float = 0.0
    discovery_at: float = 0.0
    finished: bool = True
    sent: int = 0
    sent_since: float = 0.0
    changes_at: float = 0.0


@dataclass(slots=True)
class LibraryState:
    """All of it. By province (int64[31]): `settled` is 1 where proved addresses are published,
    `waiting_since` since when its looks have not been judged (0: they are). `changes` (int64[31, 25])
    counts the published addresses that have changed in each of the last hours, the newest first.
    """

    facts: Facts
    blocks: Blocks
    pool: Pool
    settled: npt.NDArray[np.int64] = field(default_factory=_nothing)
    waiting_since: npt.NDArray[np.int64] = field(default_factory=_nothing)
    changes: npt.NDArray[np.int64] = field(default_factory=_no_changes)

    @classmethod
    def begin(cls, candidates: Candidates) -> LibraryState:
        """Nothing asked, nobody found."""
        empty = Pool.found(np.empty(0, np.uint32), np.empty(0, np.int32), 0)
        return cls(Facts(seed=secrets.randbits(62)), Blocks.of(candidates), empty)

    @property
    def discovered(self) -> bool:
        return self.facts.discovery_at > 0

    def provisional(self) -> npt.NDArray[np.bool_]:
        """Provinces with published addresses that are not proved yet: bool[31]."""
        published = self.pool.counts(self.pool.member) > 0
        provisional: npt.NDArray[np.bool_] = published & (self.settled == 0)
        return provisional

    def follow_clock(self, now: float) -> None:
        """Where the clock was set back, let nothing be later than now: what is to end would not end.

        What counts for a day counts for a day from now on.
        """
        facts = self.facts
        facts.sent_since = min(facts.sent_since, now)
        facts.changes_at = min(facts.changes_at, now)
        for times in (self.pool.found_at, self.pool.missing_since, self.waiting_since):
            np.minimum(times, int(now), out=times)
        np.minimum(self.blocks.day, int(now // DAY), out=self.blocks.day, casting="unsafe")

    def left_today(self, most_packets: int, now: float) -> int:
        """How many packets may still be sent within the day that began with the first of them."""
        self.follow_clock(now)
        if now - self.facts.sent_since >= DAY:
            self.facts.sent, self.facts.sent_since = 0, now
        return max(0, most_packets - self.facts.sent)

    def changed_today(self, now: float) -> npt.NDArray[np.int64]:
        """How many published addresses of each province have changed within 24 hours: int64[31]."""
        self.follow_clock(now)
        passed = min(_HOURS, int(now // _HOUR) - int(self.facts.changes_at // _HOUR))
        self.changes[:] = np.roll(self.changes, passed, axis=1)
        self.changes[:, :passed] = 0
        self.facts.changes_at = now
        changed: npt.NDArray[np.int64] = self.changes.sum(axis=1)
        return changed

    def note_changes(self, changed: npt.NDArray[np.int64], now: float) -> None:
        """Count these, int64[31], as changes of now."""
        self.changed_today(now)
        self.changes[:, 0] += changed


def state_file(directory: Path, isp: str) -> Path:
    return directory / f"state-{isp}.npz"


def load(directory: Path, isp: str) -> LibraryState | None:
    """The state of an ISP, None when there is none yet. Raises LibraryError when it is broken."""
    file = state_file(directory, isp)
    try:
        data = read_file(file, limit=_MOST_BYTES).data
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LibraryError(f"cannot read {file}: {error.strerror}") from error
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return _from_arrays(arrays)
    except _BROKEN as error:
        raise LibraryError(
            f"{file} is broken or of another version: move it away and run `discover` again"
        ) from error


def save(directory: Path, isp: str, state: LibraryState) -> None:
    """Replace the state at once. Raises LibraryError: the one that was there is as it was."""
    file = state_file(directory, isp)
    target = io.BytesIO()
    np.savez(target, **_to_arrays(state))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        replace_file(file, target.getvalue(), mode=0o644)
    except OSError as error:
        raise LibraryError(
            f"cannot write {file}: {error.strerror}; it is as it was before"
        ) from error


def _to_arrays(state: LibraryState) -> dict[str, Any]:
    arrays = {f"blocks_{each.name}": getattr(state.blocks, each.name) for each in fields(Blocks)}
    arrays |= {f"pool_{each.name}": getattr(state.pool, each.name) for each in fields(Pool)}
    for name in ("settled", "waiting_since", "changes"):
        arrays[name] = getattr(state, name)
    facts = json.dumps({"version": VERSION, **asdict(state.facts)})
    return arrays | {"facts": np.frombuffer(facts.encode(), np.uint8)}


def _from_arrays(arrays: Mapping[str, Any]) -> LibraryState:
    """Raises one of _BROKEN."""
    facts = json.loads(arrays["facts"].tobytes())
    if facts.pop("version") != VERSION:
        raise ValueError("version")
    blocks = Blocks(*(arrays[f"blocks_{each.name}"] for each in fields(Blocks)))
    pool = Pool(*(arrays[f"pool_{each.name}"] for each in fields(Pool)))
    _check_lengths([getattr(blocks, each.name) for each in fields(Blocks)])
    _check_lengths([getattr(pool, each.name) for each in fields(Pool)])
    by_province = [arrays[name] for name in ("settled", "waiting_since", "changes")]
    _check_lengths([*by_province, _nothing()])
    if by_province[-1].shape != _no_changes().shape:
        raise ValueError("changes")
    return LibraryState(Facts(**facts), blocks, pool, *by_province)


def _check_lengths(arrays: Sequence[npt.NDArray[Any]]) -> None:
    if len({len(array) for array in arrays}) != 1:
        raise ValueError("arrays that belong together differ in length")
