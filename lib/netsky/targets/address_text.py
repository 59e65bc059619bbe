"""Text to addresses: the lines of one address file, checked, as intervals.

A line is an IPv4 address, a CIDR or a range `a.b.c.d-a.b.c.e`; `#` starts a comment.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.errors import LibraryError

# One line may not stand for more than a /8: a slip like `/1` must not eat the machine's memory.
MAX_ADDRESSES_PER_LINE = 1 << 24

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


@dataclass(frozen=True, slots=True)
class Intervals:
    """The parsed lines of one file: inclusive bounds as uint32[lines]."""

    first: Addresses
    last: Addresses

    def expand(self) -> Addresses:
        """Every address of every interval, sorted; duplicates are kept."""
        sizes = self.last.astype(np.int64) - self.first + 1
        ends = np.cumsum(sizes)
        total = int(ends[-1]) if len(ends) else 0
        shifts = np.repeat(self.first.astype(np.int64) - (ends - sizes), sizes)
        return np.sort((shifts + np.arange(total)).astype(np.uint32))


def read_intervals(file: Path, bad: list[BadLine], *, targets: bool) -> Intervals:
    """The intervals of one file; lines that are wrong (as `targets`) are appended to `bad`."""
    try:
        # Comments may be in any encoding (GBK from Windows, say): only ASCII matters here.
        text = file.read_text(encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise LibraryError(f"cannot read {file}: {error.strerror}") from error
    text = text.removeprefix("\ufeff")  # utf-8-sig would swallow half a BOM, too
    lines = text.removesuffix("\n").split("\n")  # as editors count; splitlines() knows more ends
    parts = [
        _read_block(file, start, lines[start : start + _BLOCK], bad)
        for start in range(0, len(lines), _BLOCK)
    ]
    first, last, numbers = (np.concatenate(part) for part in zip(*parts, strict=True))
    if targets:
        bad.extend(_unprobeable(file, lines, first, last, numbers))
    return Intervals(first, last)


def _read_block(
    file: Path, start: int, lines: list[str], bad: list[BadLine]
) -> tuple[Addresses, Addresses, npt.NDArray[np.int64]]:
    """First, last and line number of each entry in a block whose first line is `start` + 1."""
    try:  # nearly every block of a real file is bare addresses, and this is three times faster
        addresses = np.frombuffer(b"".join(map(_pack, lines)), ">u4").astype(np.uint32)
    except (OSError, ValueError):
        return _read_each(file, start, lines, bad)
    return addresses, addresses, np.arange(start + 1, start + 1 + len(lines))


def _pack(text: str) -> bytes:
    # inet_pton is strict, unlike inet_aton: four decimal parts, no leading zeros, nothing else.
    return socket.inet_pton(socket.AF_INET, text)


def _read_each(
    file: Path, start: int, lines: list[str], bad: list[BadLine]
) -> tuple[Addresses, Addresses, npt.NDArray[np.int64]]:
    first, last, numbers = [], [], []
    for number, line in enumerate(lines, start + 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        try:
            low, high = parse_entry(entry)
        except ValueError as error:
            bad.append(BadLine(file, number, line.strip(), str(error)))
            continue
        first.append(low)
        last.append(high)
        numbers.append(number)
    return np.array(first, np.uint32), np.array(last, np.uint32), np.array(numbers, np.int64)


def parse_entry(entry: str) -> tuple[int, int]:
    """First and last address of an entry (address, CIDR or range); ValueError says what is wrong."""
    try:
        packed = _pack(entry)
    except (OSError, ValueError):
        pass
    else:
        address = int.from_bytes(packed, "big")
        return address, address
    if ":" in entry:
        raise ValueError("IPv6 is not supported")
    if "/" in entry:
        first, last = _parse_cidr(entry)
    elif "-" in entry:
        start, _, end = entry.partition("-")
        first, last = _parse_address(start.strip()), _parse_address(end.strip())
        if first > last:
            raise ValueError("the range ends before it starts")
    else:
        raise ValueError("not an IPv4 address, CIDR or range")
    if last - first >= MAX_ADDRESSES_PER_LINE:
        raise ValueError("more addresses than a /8 in one line")
    return first, last


def _parse_address(text: str) -> int:
    try:
        return int.from_bytes(_pack(text), "big")
    except (OSError, ValueError):
        raise ValueError(f"{text[:80]!r} is not an IPv4 address") from None


def _parse_cidr(entry: str) -> tuple[int, int]:
    address, _, prefix = entry.partition("/")
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 2 and int(prefix) <= 32):
        raise ValueError("the prefix length is not 0 to 32")
    network = ipaddress.ip_network((_parse_address(address), int(prefix)), strict=False)
    first = int(network.network_address)
    if first != _parse_address(address):
        raise ValueError(f"the address is not the first of its block: did you mean {network}?")
    return first, int(network.broadcast_address)


def _unprobeable(
    file: Path, lines: list[str], first: Addresses, last: Addresses, numbers: npt.NDArray[np.int64]
) -> list[BadLine]:
    return [
        BadLine(file, int(number), lines[number - 1].strip(), reason)
        for low, high, reason in _UNPROBEABLE
        for number in numbers[(first <= high) & (last >= low)]
    ]
