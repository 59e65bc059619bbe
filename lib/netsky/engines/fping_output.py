"""What fping prints, taken apart. Pure functions: bytes in, values out.

With `-q -C count` fping writes one line a target to standard error when it ends, in input order:

    127.0.0.1 : 0.031 0.024 -          (milliseconds; `-` is lost)

and between them, at any time, lines that are not results: duplicates, ICMP errors from routers
(some versions, even with -q), complaints of its own.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses

_MILLISECONDS = rb"\d{1,7}(?:\.\d{1,3})?(?:e\+0\d)?"
_RESULT = re.compile(rb"^(\d+\.\d+\.\d+\.\d+) +:((?: (?:-|" + _MILLISECONDS + rb"))+)$")
_DUPLICATE = re.compile(rb"^\S+ +: duplicate for \[\d+\], ")
_ICMP_ERROR = re.compile(rb"^ICMP .+ from \S+ for ICMP Echo sent to \S+$")
_VERSION = re.compile(rb"Version (\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Results:
    """The measurement of one process.

    `rtt_seconds` is float32[targets, count] in the order of the targets given, NaN where lost.
    `unknown` are the lines that are neither results nor known remarks.
    """

    rtt_seconds: npt.NDArray[np.float32]
    duplicates: int
    icmp_errors: int
    unknown: tuple[str, ...]


def parse_version(output: bytes) -> tuple[int, int]:
    """Major and minor of `fping -v`; ValueError when there is none."""
    match = _VERSION.search(output)
    if match is None:
        raise ValueError(f"no version in {output[:60]!r}")
    return int(match[1]), int(match[2])


def parse_results(output: bytes, targets: Addresses, count: int) -> Results:
    """Take apart the standard error of `fping -q -C count` that probed `targets` (ascending).

    Raises ValueError when the output is not exactly one result of `count` packets for each
    target: then nothing of it may count, because a missing line is not a lost packet.
    """
    packed: list[bytes] = []
    values: list[bytes] = []
    duplicates = icmp_errors = 0
    unknown = []
    for line in output.splitlines():
        if match := _RESULT.match(line):
            packed.append(_pack(match[1]))
            values.append(match[2])
        elif _DUPLICATE.match(line):
            duplicates += 1
        elif _ICMP_ERROR.match(line):
            icmp_errors += 1
        elif line.strip():
            unknown.append(line.decode(errors="backslashreplace"))
    if len(packed) != len(targets):
        said = f" and says {unknown[0]!r}" if unknown else ""
        raise ValueError(f"fping gives {len(packed)} results for {len(targets)} targets{said}")
    addresses = np.frombuffer(b"".join(packed), ">u4").astype(np.uint32)
    order = np.argsort(addresses)
    if not np.array_equal(addresses[order], targets):
        raise ValueError("fping gives results for other targets than it was given")
    rtt_seconds = _milliseconds(values, count) / np.float32(1000)
    return Results(rtt_seconds[order], duplicates, icmp_errors, tuple(unknown))


def _pack(address: bytes) -> bytes:
    try:
        return socket.inet_pton(socket.AF_INET, address.decode("ascii"))
    except OSError:
        raise ValueError(f"fping gives a result for {address.decode()!r}") from None


def _milliseconds(values: list[bytes], count: int) -> npt.NDArray[np.float32]:
    # fping 5.1 counts a reply that comes together with its timeout twice, and prints one column
    # too many for its target. Only the first `count` columns stand for packets.
    columns = [value.split()[:count] for value in values]
    if any(len(column) < count for column in columns):
        raise ValueError(f"fping gives results of fewer than {count} packet(s)")
    tokens = [b"nan" if token == b"-" else token for column in columns for token in column]
    return np.array(tokens, dtype="S").astype(np.float32).reshape(len(values), count)
