"""Joining tables: the addresses between all cut points have one answer in each of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.targets.geo.table import Labels

NONE = -1  # stands for an address without a row

_END = np.uint64(1 << 32)

Ranges = tuple[Addresses, Addresses]
"""First and last addresses (inclusive) of ranges that are ascending and apart."""


def cut(*tables: Ranges) -> Ranges:
    """The ranges between all ends of all tables: no table has an end within one of them."""
    starts = np.unique(
        np.concatenate(
            [
                np.zeros(1, np.uint64),
                *(ends.astype(np.uint64) for ends, _ in tables),
                *(ends.astype(np.uint64) + 1 for _, ends in tables),
            ]
        )
    )
    starts = starts[starts < _END]
    lasts = np.concatenate([starts[1:], [_END]]) - np.uint64(1)
    return starts.astype(np.uint32), lasts.astype(np.uint32)


def row_at(table: Ranges, addresses: Addresses) -> Labels:
    """The row of a table that each address is in, NONE for an address in no row."""
    first, last = table
    if not len(first):
        return np.full(len(addresses), NONE, np.int32)
    row = np.searchsorted(first, addresses, side="right").astype(np.int32) - 1
    return np.where((row >= 0) & (addresses <= last[row]), row, NONE)


def union(first: Addresses, last: Addresses) -> Ranges:
    """Ranges in any order, which may overlap or touch, as ranges that are ascending and apart."""
    if not len(first):
        return first, last
    order = np.argsort(first, kind="stable")
    first, last = first[order], np.maximum.accumulate(last[order])
    begins = np.concatenate([[True], first[1:].astype(np.int64) > last[:-1].astype(np.int64) + 1])
    starts = np.flatnonzero(begins)
    ends = np.concatenate([starts[1:] - 1, [len(first) - 1]])
    return first[starts], last[ends]


def sizes(ranges: Ranges) -> npt.NDArray[np.int64]:
    """Addresses of each range."""
    first, last = ranges
    return last.astype(np.int64) - first.astype(np.int64) + 1
