"""Address libraries: which addresses stand for the users of an ISP in each province.

    <directory>/<isp>/<province>.txt    one file a province
    <directory>/exclude.txt             addresses never to probe, for any ISP (optional)

What a line may be is told in `netsky.targets.address_text`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses, AddressLibrary
from netsky.errors import LibraryError
from netsky.places import PROVINCES, Province, nearest_province_name, province_of_spelling
from netsky.targets.address_text import BadLines, Intervals, read_intervals
from netsky.targets.exclusion import EXCLUDE_FILE, marks_of, read_exclude, within

log = logging.getLogger(__name__)

_READS = 10  # netsky_library.py may put another folder in the place of the one that is read

# Each address takes some 60 bytes of memory while they are sorted and compared.
MOST_ADDRESSES = 1 << 24


def load(
    directory: Path,
    isp: str,
    *,
    provinces: Iterable[Province] = PROVINCES,
    must_exclude: bool = False,
) -> AddressLibrary:
    """Read the address library of `isp` below `directory`, limited to `provinces`.

    An address counts once: within a province, and, between provinces, for the first one in the
    order of `PROVINCES`. Raises LibraryError when the folder is missing or empty, a file has an
    unknown name, there are more addresses than memory is meant for, or any line is bad; the
    message then lists the first bad lines of all files. With `must_exclude` it is an error, too,
    when there is no exclude.txt.
    """
    folder = directory / isp
    for _ in range(_READS):
        with _opened(folder) as unchanged:
            try:
                library = _load(directory, isp, provinces, must_exclude=must_exclude)
            except LibraryError:
                if unchanged():
                    raise
            else:
                if unchanged():
                    return library
    raise LibraryError(f"{folder} is replaced all the time, it cannot be read")


@contextmanager
def _opened(folder: Path) -> Iterator[Callable[[], bool]]:
    """Tells whether it is still the folder that it was, and no other was put in its place.

    It is held open: the number of one that was deleted could be that of a new one.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield lambda: not folder.is_dir()
        return
    try:
        yield lambda: _same(folder, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _same(folder: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(folder.stat(), status)
    except OSError:
        return False


def _load(
    directory: Path, isp: str, provinces: Iterable[Province], *, must_exclude: bool
) -> AddressLibrary:
    files = _province_files(directory / isp)
    asked = set(provinces)
    wanted = [province for province in PROVINCES if province in asked]
    bad = BadLines()
    parts = {
        province: read_intervals(files[province], bad, targets=True)
        for province in wanted
        if province in files
    }
    exclude = read_exclude(directory / EXCLUDE_FILE, bad, must_exist=must_exclude)
    if bad.count:
        raise LibraryError(
            f"{bad.count:,} bad line(s) in {directory}: mend or delete them", lines=bad.lines()
        )
    _check_size(directory / isp, parts.values())
    library = _assemble(isp, {province: part.expand() for province, part in parts.items()}, exclude)
    _check_excluded(library, directory)
    if not library.targets:
        raise LibraryError(
            f"no targets in {directory / isp} for the asked provinces: put one address, CIDR or "
            f"range a line into {directory / isp}/<province>.txt"
        )
    _log(directory / isp, library, wanted)
    return library


def load_list(file: Path, directory: Path, stands_for: Province) -> AddressLibrary:
    """The addresses of one file or pipe, as a library of one province that `stands_for` them all.

    What the exclude.txt of `directory` names is left out. Raises LibraryError as `load` does.
    """
    bad = BadLines()
    parts = {stands_for: read_intervals(file, bad, targets=True, streams=True)}
    exclude = read_exclude(directory / EXCLUDE_FILE, bad, must_exist=False)
    if bad.count:
        raise LibraryError(f"{bad.count:,} bad line(s): mend or delete them", lines=bad.lines())
    _check_size(file, parts.values())
    library = _assemble(stands_for.slug, {stands_for: parts[stands_for].expand()}, exclude)
    if library.excluded:
        log.warning("%s: %s left out, as %s says", file, library.excluded, directory / EXCLUDE_FILE)
    _check_excluded(library, directory)
    if not library.targets:
        raise LibraryError(f"no targets in {file}: put one address, CIDR or range a line into it")
    return library


def _check_excluded(library: AddressLibrary, directory: Path) -> None:
    if library.excluded and not library.targets:
        raise LibraryError(
            f"nothing is to be probed: {directory / EXCLUDE_FILE} excludes all "
            f"{library.excluded:,} addresses of {library.isp}"
        )


def _check_size(folder: Path, parts: Iterable[Intervals]) -> None:
    addresses = sum(part.addresses for part in parts)
    if addresses > MOST_ADDRESSES:
        raise LibraryError(
            f"{folder} names {addresses:,} addresses, and {MOST_ADDRESSES:,} are the most of a "
            "library: is a prefix length too short?"
        )


def _log(folder: Path, library: AddressLibrary, wanted: Iterable[Province]) -> None:
    log.info(
        "%s: %s targets, %s duplicates dropped, %s excluded",
        folder,
        library.targets,
        library.duplicates,
        library.excluded,
    )
    missing = [province.slug for province in wanted if province not in library.provinces]
    if missing:
        log.warning("%s: no targets for %s", folder, ", ".join(missing))


def _province_files(folder: Path) -> dict[Province, Path]:
    try:
        listing = sorted(folder.iterdir())
    except OSError as error:
        raise LibraryError(
            f"no address library in {_shown(folder)}: {error.strerror} (--library)"
        ) from error
    files: dict[Province, Path] = {}
    for file in listing:
        if file.name.startswith("."):
            continue
        is_text = file.suffix.lower() == ".txt"
        province = province_of_spelling(file.stem) if is_text else None
        if province is None or file.is_dir():
            hint = nearest_province_name(file.stem)
            raise LibraryError(
                f"{file}: not <province>.txt of a known province: {hint}rename or move it"
            )
        if province in files:
            raise LibraryError(f"{files[province]} and {file} are the same province: merge them")
        files[province] = file
    return files


def _shown(folder: Path) -> Path:
    try:
        return folder.absolute()
    except OSError:  # the working directory has been deleted
        return folder


def _assemble(
    isp: str, found: dict[Province, Addresses], exclude: Intervals | None
) -> AddressLibrary:
    addresses = np.concatenate([np.empty(0, np.uint32), *found.values()])
    owner = np.repeat(np.arange(len(found)), [len(part) for part in found.values()])
    keep = _first_occurrences(addresses)
    duplicates = len(addresses) - int(np.count_nonzero(keep))
    if exclude is not None:
        keep &= ~within(addresses, exclude)
    excluded = len(addresses) - duplicates - int(np.count_nonzero(keep))
    addresses, owner = addresses[keep], owner[keep]
    sizes = np.bincount(owner, minlength=len(found))
    return AddressLibrary(
        isp=isp,
        provinces=tuple(p for p, size in zip(found, sizes, strict=True) if size),
        addresses=addresses,
        bounds=np.concatenate([[0], np.cumsum(sizes[sizes > 0])]).astype(np.int64),
        duplicates=duplicates,
        excluded=excluded,
    )


def _first_occurrences(addresses: Addresses) -> npt.NDArray[np.bool_]:
    """True where an address stands for the first time."""
    order = np.argsort(addresses, kind="stable")
    ordered = addresses[order]
    keep = np.ones(len(addresses), np.bool_)
    keep[order[1:][ordered[1:] == ordered[:-1]]] = False
    return keep


class LibraryFiles:
    """The address library on disk, for a tool that runs for days: read again when it changes."""

    def __init__(self, directory: Path, isp: str, provinces: Iterable[Province]) -> None:
        self._directory = directory
        self._isp = isp
        self._provinces = tuple(provinces)
        self._excludes = False
        self._state = self._look()
        self._library = self._load()

    def current(self) -> AddressLibrary:
        """The library as it is now; while it cannot be read, as it was, with the error in the log.

        What exclude.txt names is left out of that, too. That a known exclude.txt has vanished is
        such an error: whoever asked not to be probed is not probed because of a slip of somebody
        else's hand. Raises LibraryError while all that there is is excluded.
        """
        state = self._look()
        if state != self._state:
            self._state = state
            try:
                self._library = self._load()
            except LibraryError as error:
                self._library = self._still_allowed()
                if self._library.targets:
                    log.error("%s\nprobing goes on with the library as it was before", error)
        _check_excluded(self._library, self._directory)
        return self._library

    def _still_allowed(self) -> AddressLibrary:
        """The library as it was, without what exclude.txt names by now, as far as it can be read."""
        old, bad = self._library, BadLines()
        try:
            exclude = read_exclude(self._directory / EXCLUDE_FILE, bad, must_exist=False)
        except LibraryError:
            return old
        if exclude is None:
            return old
        found = {each: old.addresses[old.slice_of(i)] for i, each in enumerate(old.provinces)}
        return _assemble(old.isp, found, exclude)

    def _load(self) -> AddressLibrary:
        self._excludes = self._excludes or os.path.lexists(self._directory / EXCLUDE_FILE)
        return load(
            self._directory, self._isp, provinces=self._provinces, must_exclude=self._excludes
        )

    def _look(self) -> dict[Path, tuple[int, ...]]:
        files = [*(self._directory / self._isp).glob("*"), self._directory / EXCLUDE_FILE]
        return {file: marks_of(file) for file in files}
