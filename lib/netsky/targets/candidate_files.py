"""Candidates on disk: a folder that is replaced as a whole, so that it is always of one build."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from netsky.addresses import Addresses, dotted
from netsky.errors import LibraryError
from netsky.files import read_file
from netsky.folders import put_in_place, sync
from netsky.places import PROVINCES
from netsky.targets.address_text import MOST_BYTES_PER_FILE, BadLines, read_intervals
from netsky.targets.candidates import Candidates, Indices
from netsky.targets.geo.names import ISPS
from netsky.text import one_line

FOLDER = "candidates"
_SOURCES = "sources.json"
_NEW, _FORMER = ".candidates.new", ".candidates.former"


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source that candidates were built from; `built` says when it was made itself, if known."""

    path: str
    kind: str
    rows: int
    built: str | None
    sha256: str | None
    size: int | None
    licence: str | None


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """When candidates were built (UTC), and what from."""

    built_at: str
    sources: Sequence[SourceRecord]
    announced: str | None = None


def save(directory: Path, candidates: Candidates, record: BuildRecord) -> None:
    """Replace the candidates in `directory` by these, at once; LibraryError: nothing has changed."""
    new, live, former = (directory / name for name in (_NEW, FOLDER, _FORMER))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for leftover in (new, former):
            with suppress(FileNotFoundError):
                shutil.rmtree(leftover)
        _write(new, candidates, record)
        sync(new)
        put_in_place(new, live, former)
        with suppress(FileNotFoundError):
            shutil.rmtree(former)
    except OSError as error:
        raise LibraryError(
            f"cannot write the candidates to {directory}: {error.strerror}; those that were there "
            "are as they were"
        ) from error


def _write(folder: Path, candidates: Candidates, record: BuildRecord) -> None:
    group = candidates.isp * len(PROVINCES) + candidates.province
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(ISPS) * len(PROVINCES) + 1))
    for index in range(len(ISPS) * len(PROVINCES)):
        rows = order[starts[index] : starts[index + 1]]
        file = (
            folder / ISPS[index // len(PROVINCES)] / f"{PROVINCES[index % len(PROVINCES)].slug}.txt"
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        if len(rows):
            file.write_text(_lines(candidates, rows), encoding="utf-8")
    text = json.dumps(asdict(record), ensure_ascii=False, indent=2)
    (folder / _SOURCES).write_text(text + "\n", encoding="utf-8")


def _lines(candidates: Candidates, rows: np.ndarray[Any, Any]) -> str:
    # A line break in the name of a city would make the rest of it a range of its own.
    cities = [one_line(city) for city in candidates.cities]
    return "".join(
        f"{dotted(first)}-{dotted(last)}  # {cities[city]}\n"
        if cities[city]
        else f"{dotted(first)}-{dotted(last)}\n"
        for first, last, city in zip(
            candidates.first[rows].tolist(),
            candidates.last[rows].tolist(),
            candidates.city[rows].tolist(),
            strict=True,
        )
    )


def load(directory: Path, *, isps: Sequence[str] = ISPS, cities: bool = False) -> Candidates | None:
    """The candidates of these ISPs in `directory`, None if there are none at all; LibraryError.

    Their cities are read only if asked for.
    """
    folder = directory / FOLDER
    if not folder.exists():
        return None
    bad = BadLines()
    number_of = {"": 0}
    parts = []
    for isp, slug in enumerate(ISPS):
        for province, each in enumerate(PROVINCES if slug in isps else ()):
            file = folder / slug / f"{each.slug}.txt"
            if file.exists():
                intervals = read_intervals(file, bad, targets=False)
                city = np.zeros(len(intervals.first), np.int32)
                if cities:
                    city = _cities(file, len(city), number_of)
                parts.append((intervals.first, intervals.last, isp, province, city))
    if bad.count:
        raise LibraryError(
            f"{bad.count:,} bad line(s) in {folder}: build it anew", lines=bad.lines()
        )
    return _assemble(parts, tuple(number_of))


def _cities(file: Path, entries: int, number_of: dict[str, int]) -> Indices:
    """The number of the city of each entry; new ones are added. 0 for all in a file not written here."""
    names = [
        line.partition("#")[2].strip()
        for line in read_file(file, limit=MOST_BYTES_PER_FILE).text().split("\n")
    ]
    if len(names) != entries + 1:
        return np.zeros(entries, np.int32)
    return np.array([number_of.setdefault(n, len(number_of)) for n in names[:-1]], np.int32)


def _assemble(
    parts: Sequence[tuple[Addresses, Addresses, int, int, Indices]], cities: tuple[str, ...]
) -> Candidates:
    first, last = (
        np.concatenate([np.empty(0, np.uint32), *(part[end] for part in parts)]) for end in (0, 1)
    )
    isp, province, city = (
        np.concatenate(
            [np.empty(0, np.int32), *(np.broadcast_to(part[of], len(part[0])) for part in parts)]
        ).astype(np.int32)
        for of in (2, 3, 4)
    )
    whole = Candidates(first, last, isp, province, city, cities)
    return whole.part(np.argsort(first))


def load_record(directory: Path) -> BuildRecord | None:
    """What the candidates were built from, None if there are none; LibraryError."""
    file = directory / FOLDER / _SOURCES
    try:
        document = json.loads(read_file(file).text())
        sources = [SourceRecord(**source) for source in document["sources"]]
        record = BuildRecord(**document | {"sources": sources})
        datetime.fromisoformat(record.built_at)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LibraryError(f"cannot read {file}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise LibraryError(f"{file} is broken: build the candidates anew") from error
    return record
