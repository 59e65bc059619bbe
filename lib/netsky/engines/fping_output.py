"""What fping prints, taken apart. Pure functions: bytes in, values out.

With `-C count` fping writes one line a target to standard error when it ends, in input order:

    127.0.0.1 : 0.031 0.024 -          (milliseconds; `-` is lost, or could not be sent)

and before them one line a packet to standard output, as it happens:

    127.0.0.1 : [0], 64 bytes, 0.031 ms (0.031 avg, 0% loss)
     [<- 127.0.0.8]127.0.0.9 : [0], 64 bytes, 0.005 ms (0.005 avg, 0% loss)
    127.0.0.4 : [1], timed out (NaN avg, 100% loss)

The second is a reply from another address than the target's. No line comes for a packet that could
not be sent, so that the lines that tell of a timeout tell which `-` is the network's. Between them,
at any time, come others: ICMP errors from routers, complaints of its own. Second replies to a packet
are printed with `-q` only, which prints none of these lines.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses

_MILLISECONDS = rb"\d{1,7}(?:\.\d{1,3})?(?:e\+0\d)?"
_RESULT = re.compile(rb"^(\d+\.\d+\.\d+\.\d+) +:((?: (?:-|" + _MILLISECONDS + rb"))+)$")
_PACKET = rb"([\d.]+) +: \[(\d{1,5})\], "
_REPLIED = rb"\d+ bytes, [\d.e+]+ ms \([\d.e+]+ avg, \d+% (?:loss|return)\)$"
_REPLY = re.compile(rb"^" + _PACKET + _REPLIED)
_REPLY_LINES = re.compile(rb"^[\d.]+ +: \[\d{1,5}\], " + _REPLIED + rb"\n", re.MULTILINE)
_WRONG_SOURCE = re.compile(rb"^ \[<- [\d.]+\]" + _PACKET + _REPLIED)
_TIMED_OUT = re.compile(rb"^" + _PACKET + rb"timed out \(\S+ avg, \d+% (?:loss|return)\)$")
_ICMP_ERROR = re.compile(rb"^ICMP (.+) from \S+ for ICMP Echo sent to (\S+)$")
_VERSION = re.compile(rb"Version (\d+)\.(\d+)")


UNSENT = "this host could not send there: see `ip route get` and `nft list ruleset`"
TOO_LARGE = "the packets are larger than the path's MTU: lower --size"

_Packet = tuple[bytes, bytes]  # the target's address and the packet's number, as they are printed


@dataclass(frozen=True, slots=True)
class Results:
    """The measurement of one process.

    `rtt_seconds` is float32[targets, count] in the order of the targets given, NaN where lost.
    `unmeasured` are the places of targets that were not measured, in that order, by the reason that
    people will read. `unknown` are the lines that are neither results nor known remarks.
    """

    rtt_seconds: npt.NDArray[np.float32]
    unmeasured: dict[str, npt.NDArray[np.intp]]
    wrong_source: int
    icmp_errors: int
    unknown: tuple[str, ...]


@dataclass(slots=True)
class _Lines:
    """The lines of an output, by their kind."""

    addresses: list[bytes] = field(default_factory=list)
    values: list[bytes] = field(default_factory=list)
    timed_out: list[_Packet] = field(default_factory=list)
    wrong_source: list[_Packet] = field(default_factory=list)
    icmp_errors: int = 0
    too_large: list[_Packet] = field(default_factory=list)  # of any number
    unknown: list[str] = field(default_factory=list)

    def add(self, line: bytes) -> None:
        if match := _RESULT.match(line):
            self.addresses.append(match[1])
            self.values.append(match[2])
        elif match := _TIMED_OUT.match(line):
            self.timed_out.append((match[1], match[2]))
        elif match := _WRONG_SOURCE.match(line):
            self.wrong_source.append((match[1], match[2]))
        elif match := _ICMP_ERROR.match(line):
            self.icmp_errors += 1
            if b"Fragmentation Needed" in match[1]:
                self.too_large.append((match[2], b"0"))
        elif line.strip() and not _REPLY.match(line):
            self.unknown.append(line.decode(errors="backslashreplace"))

    def mask(self, packets: list[_Packet], count: int) -> npt.NDArray[np.bool_]:
        """Which of bool[results, count] these packets are; others are left out."""
        mask = np.zeros((len(self.addresses), count), np.bool_)
        if packets:
            rows = {address: row for row, address in enumerate(self.addresses)}
            for address, number in packets:
                if address in rows and int(number) < count:
                    mask[rows[address], int(number)] = True
        return mask


def parse_version(output: bytes) -> tuple[int, int]:
    """Major and minor of `fping -v`; ValueError when there is none."""
    match = _VERSION.search(output)
    if match is None:
        raise ValueError(f"no version in {output[:60]!r}")
    return int(match[1]), int(match[2])


def without_packets(output: bytes) -> bytes:
    """The output without the lines of packets that went as usual, which are most of it."""
    return _REPLY_LINES.sub(b"", output)


def parse_results(output: bytes, targets: Addresses, count: int) -> Results:
    """Take apart all that `fping -C count` printed that probed `targets` (ascending).

    Raises ValueError when the output is not exactly one result of `count` packets for each
    target: then nothing of it may count, because a missing line is not a lost packet.
    """
    lines = _Lines()
    for line in without_packets(output).splitlines():
        lines.add(line)
    if len(lines.addresses) != len(targets):
        said = f" and says {lines.unknown[0]!r}" if lines.unknown else ""
        raise ValueError(
            f"fping gives {len(lines.addresses)} results for {len(targets)} targets{said}"
        )
    packed = b"".join(map(_pack, lines.addresses))
    addresses = np.frombuffer(packed, ">u4").astype(np.uint32)
    order = np.argsort(addresses)
    if not np.array_equal(addresses[order], targets):
        raise ValueError("fping gives results for other targets than it was given")
    rtt_seconds = _milliseconds(lines.values, count) / np.float32(1000)
    unsent = np.isnan(rtt_seconds) & ~lines.mask(lines.timed_out, count)
    wrong_source = lines.mask(lines.wrong_source, count)
    rtt_seconds[wrong_source] = np.nan
    lost = np.isnan(rtt_seconds).any(axis=1)
    unmeasured = {
        UNSENT: unsent.any(axis=1),
        TOO_LARGE: lines.mask(lines.too_large, count).any(axis=1) & lost,
    }
    return Results(
        rtt_seconds[order],
        {why: np.flatnonzero(mask[order]) for why, mask in unmeasured.items() if mask.any()},
        wrong_source=int(np.count_nonzero(wrong_source)),
        icmp_errors=lines.icmp_errors,
        unknown=tuple(lines.unknown),
    )


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
