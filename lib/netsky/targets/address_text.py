"""Text to addresses: the lines of one address file, checked, as intervals.

What a line may be is told in `netsky.targets.address_line`; `#` starts a comment.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.errors import LibraryError
from netsky.files import read_file
from netsky.targets.address_line import pack, parse_line

# Four million addresses of one province, one a line: whoever has more writes blocks of them.
MOST_BYTES_PER_FILE = 64 << 20
# With more than that it is another kind of file, and counting on would take minutes.
MOST_BAD_LINES = 1_000_000

_SLICE = 1 << 20  # characters: the lines of a whole file at once would take ten times its size
_BLOCK = 1024  # lines

_UNPROBEABLE = (
    (0x00000000, 0x00FFFFFF, "0.0.0.0/8 is not a target"),
    (0xE0000000, 0xEFFFFFFF, "multicast is not a target"),
    (0xFFFFFFFF, 0xFFFFFFFF, "broadcast is not a target"),
)


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line of a library that is not what it should be."""

    file: Path
    number: int
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.text[:80]!r}: {self.reason}"


@dataclass(slots=True)
class BadLines:
    """The bad lines of a library: the first `most_kept` of them, and how many there are."""

    most_kept: int = 20
    kept: list[BadLine] = field(default_factory=list)
    count: int = 0

    def add(self, line: BadLine) -> None:
        """Count a bad line; LibraryError, with those kept, when it is one too many."""
        self.count += 1
        if len(self.kept) < self.most_kept:
            self.kept.append(line)
        if self.count >= MOST_BAD_LINES:
            raise LibraryError(
                f"{line.file}: not read further: is it a file of addresses?", lines=self.lines()
            )

    def lines(self) -> list[str]:
        """Those that were kept, and below them how many more there are."""
        lines = [str(line) for line in self.kept]
        if self.count > len(lines):
            lines.append(f"… and {self.count - len(lines):,} more bad lines")
        return lines


@dataclass(frozen=True, slots=True)
class Intervals:
    """The parsed lines of one file: inclusive bounds as uint32[lines]."""

    first: Addresses
    last: Addresses

    @property
    def addresses(self) -> int:
        """How many they stand for; those of two intervals count twice."""
        return int((self.last.astype(np.int64) - self.first + 1).sum())

    def expand(self) -> Addresses:
        """Every address of every interval, sorted; duplicates are kept."""
        sizes = self.last.astype(np.int64) - self.first + 1
        ends = np.cumsum(sizes)
        total = int(ends[-1]) if len(ends) else 0
        shifts = np.repeat(self.first.astype(np.int64) - (ends - sizes), sizes)
        return np.sort((shifts + np.arange(total)).astype(np.uint32))


def read_intervals(file: Path, bad: BadLines, *, targets: bool, streams: bool = False) -> Intervals:
    """The intervals of one file; lines that are wrong (as `targets`) are added to `bad`.

    `streams`: a pipe will do, too.
    """
    parts = [
        (np.empty(0, np.uint32), np.empty(0, np.uint32)),
        *(
            _read_lines(file, number, lines, bad, targets=targets)
            for number, lines in _slices(_read_text(file, streams=streams))
        ),
    ]
    first, last = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Intervals(first, last)


def _read_text(file: Path, *, streams: bool) -> str:
    try:
        content = read_file(file, limit=MOST_BYTES_PER_FILE, streams=streams)
    except OSError as error:
        raise LibraryError(f"cannot read {file}: {error.strerror}") from error
    text = _decode(content.data).removeprefix("\ufeff")  # utf-8-sig would swallow half a BOM, too
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.removesuffix("\n")


def _decode(content: bytes) -> str:
    """As UTF-8 or as what Windows writes in China; what is neither is left for each line to show."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="backslashreplace")
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return content.decode(encoding)
    return content.decode("utf-8", errors="backslashreplace")


def _slices(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines in pieces, each with the number of its first line."""
    number, start = 1, 0
    while start <= len(text):
        end = text.find("\n", start + _SLICE)
        end = len(text) if end < 0 else end
        lines = text[start:end].split("\n")  # as editors count; splitlines() knows more ends
        yield number, lines
        number, start = number + len(lines), end + 1


def _read_lines(
    file: Path, number: int, lines: list[str], bad: BadLines, *, targets: bool
) -> tuple[Addresses, Addresses]:
    """First and last address of each entry in lines of which the first has this number."""
    parts = [
        _read_block(file, number + start, lines[start : start + _BLOCK], bad)
        for start in range(0, len(lines), _BLOCK)
    ]
    first, last, numbers = (np.concatenate(part) for part in zip(*parts, strict=True))
    if targets:
        for at, reason in _unprobeable(first, last, numbers).items():
            bad.add(BadLine(file, at, lines[at - number].strip(), reason))
    return first, last


def _read_block(
    file: Path, start: int, lines: list[str], bad: BadLines
) -> tuple[Addresses, Addresses, npt.NDArray[np.int64]]:
    """First, last and line number of each entry in a block whose first line is `start`."""
    try:  # nearly every block of a real file is bare addresses, and this is three times faster
        addresses = np.frombuffer(b"".join(map(pack, lines)), ">u4").astype(np.uint32)
    except (OSError, ValueError):
        return _read_each(file, start, lines, bad)
    return addresses, addresses, np.arange(start, start + len(lines))


def _read_each(
    file: Path, start: int, lines: list[str], bad: BadLines
) -> tuple[Addresses, Addresses, npt.NDArray[np.int64]]:
    first, last, numbers = [], [], []
    for number, line in enumerate(lines, start):
        try:
            intervals = parse_line(line)
        except ValueError as error:
            bad.add(BadLine(file, number, line.strip(), str(error)))
            continue
        for low, high in intervals:
            first.append(low)
            last.append(high)
            numbers.append(number)
    return np.array(first, np.uint32), np.array(last, np.uint32), np.array(numbers, np.int64)


def _unprobeable(
    first: Addresses, last: Addresses, numbers: npt.NDArray[np.int64]
) -> dict[int, str]:
    """The number of each line that has no target in it, and why."""
    return {
        number: reason
        for low, high, reason in _UNPROBEABLE
        for number in numbers[(first <= high) & (last >= low)].tolist()
    }
