"""Putting an address library that was built here in the place of the one that is there, at once.

    <directory>/<isp>/                 what is measured, and the cities of it
    <directory>/.<isp>.former/         what was measured before, for a way back
    <directory>/.<isp>.by-hand-<time>/ what a person wrote, when it was neither any more

The first line of each file says that netsky wrote it, and has a digest of the rest: a folder in
which a person has written anything is theirs, and stays.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from netsky.addresses import Addresses, dotted
from netsky.errors import InputError, LibraryError
from netsky.files import read_file
from netsky.folders import put_in_place, sync
from netsky.places import Province, province_of_spelling
from netsky.targets.address_text import MOST_BYTES_PER_FILE, BadLines, read_intervals
from netsky.targets.cities import CITIES_FILE

_HEAD = re.compile(rb"# netsky_library (\S+) ([0-9a-f]{16}): [^\n]*\n")
_NOTE = "do not edit, it is replaced; addresses that must not be probed belong into exclude.txt"


def publish(
    directory: Path,
    isp: str,
    targets: Mapping[Province, Addresses],
    *,
    cities: str,
    replace: bool,
    now: float,
) -> None:
    """Make these the library of an ISP. Raises LibraryError: the one that was there is as it was.

    `cities` is the content of its file of cities, empty for none. A folder that a person wrote is
    only replaced with `replace`.
    """
    new, live, former = _folders(directory, isp)
    if not replace:
        check_ours(directory, isp)
    written_at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        _remove(new)
        new.mkdir(parents=True)
        files = {
            f"{province.slug}.txt": "".join(f"{dotted(a)}\n" for a in addresses.tolist())
            for province, addresses in targets.items()
        }
        if cities:
            files[CITIES_FILE] = cities
        for name, text in files.items():
            body = text.encode()
            head = f"# netsky_library {written_at} {_digest(body)}: {_NOTE}\n".encode("ascii")
            (new / name).write_bytes(head + body)
        sync(new)
        if _foreign(former):  # what a person wrote is not deleted, only put away
            former.rename(former.with_name(f".{isp}.by-hand-{written_at}"))
        _remove(former)
        put_in_place(new, live, former)
    except OSError as error:
        raise LibraryError(
            f"cannot write the library {live}: {error.strerror}; it is as it was before"
        ) from error


def roll_back(directory: Path, isp: str) -> None:
    """Exchange the library of an ISP with the one before it. Raises LibraryError."""
    new, live, former = _folders(directory, isp)
    if not former.is_dir():
        raise LibraryError(f"there is no library before {live} to go back to")
    try:
        _remove(new)
        former.rename(new)
        put_in_place(new, live, former)
    except OSError as error:
        raise LibraryError(f"cannot bring the former {live} back: {error.strerror}") from error


def check_ours(directory: Path, isp: str) -> None:
    """Raise InputError when the library of an ISP holds anything that was not written here."""
    live = directory / isp
    if foreign := _foreign(live):
        raise InputError(
            f"{foreign} was not written by netsky_library, or was changed since: to have {live} "
            "replaced all the same, say --replace; it is kept for --rollback"
        )


def read_published(directory: Path, isp: str) -> dict[Province, Addresses]:
    """The library of an ISP as it was written here; nothing for one that was not."""
    live = directory / isp
    if not live.is_dir() or _foreign(live):
        return {}
    bad = BadLines()
    found = {}
    for file in _files(live):
        province = province_of_spelling(file.stem)
        if province is not None:
            found[province] = read_intervals(file, bad, targets=True).expand()
    return found


def published_at(directory: Path, isp: str) -> datetime | None:
    """When the library of an ISP was written here, None when it was not."""
    live = directory / isp
    if not live.is_dir() or _foreign(live):
        return None
    heads = [_HEAD.match(read_file(file, limit=MOST_BYTES_PER_FILE).data) for file in _files(live)]
    times = [datetime.fromisoformat(head.group(1).decode("ascii")) for head in heads if head]
    return max(times, default=None)


def _folders(directory: Path, isp: str) -> tuple[Path, Path, Path]:
    """For a library that is being written, for the one that is measured, and the one before it."""
    return directory / f".{isp}.new", directory / isp, directory / f".{isp}.former"


def _foreign(folder: Path) -> Path | None:
    """A file of somebody else's in it, None if there is none."""
    try:
        return next((file for file in _files(folder) if not _is_ours(file)), None)
    except OSError as error:
        raise LibraryError(f"cannot read {folder}: {error.strerror}") from error


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def _is_ours(file: Path) -> bool:
    data = read_file(file, limit=MOST_BYTES_PER_FILE).data
    head = _HEAD.match(data)
    return head is not None and head.group(2).decode("ascii") == _digest(data[head.end() :])


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
