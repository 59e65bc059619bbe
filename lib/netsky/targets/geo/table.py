"""A table of who uses which addresses where: what every source of geo data becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.errors import SourceError

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Label:
    """What a source says of a range, in its own words; empty where it says nothing."""

    province: str = ""
    city: str = ""
    isp: str = ""


@dataclass(frozen=True, slots=True)
class GeoTable:
    """Ranges of addresses, ascending and apart, and what is said of each.

    `first` and `last` (inclusive) are uint32[n] in host byte order; `label` is int32[n] into
    `labels`. `kind` names the form of the source, `built` says when the source was made, if it does.
    """

    kind: str
    first: Addresses
    last: Addresses
    label: Labels
    labels: tuple[Label, ...]
    built: str | None = None

    @property
    def rows(self) -> int:
        return len(self.first)


def make_table(
    kind: str,
    first: npt.ArrayLike,
    last: npt.ArrayLike,
    label: npt.ArrayLike,
    labels: Sequence[Label],
    *,
    row_name: str = "row",
    built: str | None = None,
) -> GeoTable:
    """A table of rows in any order; neighbours of the same label become one row.

    Raises SourceError, which names the row by its number (from 1), where a range ends before it
    starts or two overlap.
    """
    table = GeoTable(
        kind,
        np.asarray(first, np.uint32),
        np.asarray(last, np.uint32),
        np.asarray(label, np.int32),
        tuple(labels),
        built,
    )
    if (backwards := np.flatnonzero(table.last < table.first)).size:
        raise SourceError(f"{row_name} {backwards[0] + 1}: the range ends before it starts")
    order = np.argsort(table.first, kind="stable")
    if not np.array_equal(order, np.arange(table.rows)):
        table = replace(
            table, first=table.first[order], last=table.last[order], label=table.label[order]
        )
    overlaps = np.flatnonzero(table.first[1:] <= table.last[:-1])
    if overlaps.size:
        one, other = sorted(int(order[overlaps[0] + i]) + 1 for i in (0, 1))
        raise SourceError(f"{row_name} {other} overlaps {row_name} {one}: which is right?")
    return _merged(table)


def _merged(table: GeoTable) -> GeoTable:
    if not table.rows:
        return table
    # Not `last + 1`, which wraps around at 255.255.255.255.
    touch = table.first[1:] - table.last[:-1] == 1
    begins = np.concatenate([[True], ~(touch & (table.label[1:] == table.label[:-1]))])
    starts = np.flatnonzero(begins)
    ends = np.concatenate([starts[1:] - 1, [table.rows - 1]])
    return replace(
        table, first=table.first[starts], last=table.last[ends], label=table.label[starts]
    )
