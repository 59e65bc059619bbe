"""Which cities the /24s of a library are in, as far as the sources of geo data say.

    <directory>/<isp>/.cities     beside the files of the provinces: ranges of whole /24s, each with
                                  the city in which most of their targets are

Only who names a prefix reads it. A library that a person wrote has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses, dotted
from netsky.files import read_file
from netsky.targets.address_line import pack
from netsky.targets.address_text import MOST_BYTES_PER_FILE
from netsky.text import one_line

CITIES_FILE = ".cities"

_HOST_BITS = 8  # of a /24
_BEHIND = "  # "

# A city is told when it has at least such a share of the addresses, and at most so many are.
_LEAST_SHARE = 0.1
_MOST_TOLD = 3
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True, eq=False)
class Cities:
    """Ranges of addresses, ascending and apart, and the city of each.

    `first` and `last` (inclusive) are uint32[n].
    """

    first: Addresses
    last: Addresses
    names: Sequence[str]

    def of(self, addresses: Addresses) -> tuple[str, ...]:
        """The cities of these addresses, the one with the most of them first."""
        at = np.searchsorted(self.first, addresses, side="right") - 1
        behind, at = addresses[at >= 0], at[at >= 0]
        at = at[behind <= self.last[at]]
        counts: dict[str, int] = {}
        for row, count in zip(*np.unique(at, return_counts=True), strict=True):
            counts[self.names[row]] = counts.get(self.names[row], 0) + int(count)
        told = [name for name, count in counts.items() if count >= _LEAST_SHARE * len(addresses)]
        return tuple(sorted(told, key=lambda name: -counts[name])[:_MOST_TOLD])


def cities_text(addresses: Addresses, city: npt.NDArray[np.int32], names: Sequence[str]) -> str:
    """The file's content, of targets and the number of each one's city; 0 is not known."""
    blocks = addresses[city > 0] >> np.uint32(_HOST_BITS)
    pairs, counts = np.unique(
        np.stack([blocks.astype(np.int64), city[city > 0].astype(np.int64)]),
        axis=1,
        return_counts=True,
    )
    order = np.lexsort((counts, pairs[0]))
    numbers, most = pairs[:, order]
    is_most = np.append(numbers[1:] != numbers[:-1], True)[: len(numbers)]
    numbers, most = numbers[is_most], most[is_most]
    goes_on = (numbers[1:] == numbers[:-1] + 1) & (most[1:] == most[:-1])
    starts = np.flatnonzero(np.append(True, ~goes_on)[: len(numbers)])
    ends = np.append(starts[1:] - 1, len(numbers) - 1)[: len(starts)]
    host = (1 << _HOST_BITS) - 1
    return "".join(
        f"{dotted(first << _HOST_BITS)}-{dotted((last << _HOST_BITS) + host)}"
        f"{_BEHIND}{one_line(names[number])}\n"
        for first, last, number in zip(
            numbers[starts].tolist(), numbers[ends].tolist(), most[starts].tolist(), strict=True
        )
    )


def read_cities(file: Path) -> Cities:
    """What is in the file. OSError: it cannot be read; ValueError: it is not as it was written."""
    text = read_file(file, limit=MOST_BYTES_PER_FILE).text()
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    try:
        rows = [line.replace(_BEHIND, "-", 1).split("-", 2) for line in lines]
        first, last = (
            np.frombuffer(b"".join(pack(row[end]) for row in rows), ">u4").astype(np.uint32)
            for end in (0, 1)
        )
        names = [one_line(row[2], limit=_LONGEST_NAME) for row in rows]
    except (IndexError, OSError) as error:
        raise ValueError(f"a line is no range with a city behind it ({error})") from error
    if (last < first).any() or (first[1:] <= last[:-1]).any():
        raise ValueError("its ranges are not ascending and apart")
    return Cities(first, last, names)
