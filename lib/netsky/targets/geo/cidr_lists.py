"""A folder of lists of CIDR blocks: some by ISP, some by province, told by the files' names.

The lists of an ISP and of a province have in common what that ISP has there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from netsky.errors import SourceError
from netsky.targets.address_text import BadLines, read_intervals
from netsky.targets.geo.join import Ranges, cut, row_at, union
from netsky.targets.geo.names import isp_of_list, province_of_list
from netsky.targets.geo.table import GeoTable, Label, make_table

KIND = "CIDR lists"
_ISP_NAMES = {"cu": "联通", "cm": "移动", "ct": "电信"}

Key = TypeVar("Key")


def read_lists(folder: Path, key_of: Callable[[str], Key | None]) -> Mapping[Key, Ranges]:
    """The blocks of each list whose name (without its suffix) has a key, those of a key together.

    Raises SourceError with the first bad lines of all of them.
    """
    bad = BadLines()
    parts: dict[Key, list[Ranges]] = {}
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        key = None if file.name.startswith(".") else key_of(file.stem)
        if key is not None:
            intervals = read_intervals(file, bad, targets=False)
            parts.setdefault(key, []).append((intervals.first, intervals.last))
    if bad.count:
        raise SourceError(f"{bad.count:,} bad line(s) in {folder}", lines=bad.lines())
    return {key: _union_of(ranges) for key, ranges in parts.items()}


def _union_of(parts: Iterable[Ranges]) -> Ranges:
    first, last = (np.concatenate(ends) for ends in zip(*parts, strict=True))
    return union(first, last)


def read_cidr_lists(folder: Path) -> GeoTable:
    """What each ISP's lists have in common with each province's; SourceError says what is missing."""
    isps, provinces = read_lists(folder, isp_of_list), read_lists(folder, province_of_list)
    if not isps or not provinces:
        missing = "an ISP (chinanet.txt)" if not isps else "a province (guangdong.txt, 440000.txt)"
        raise SourceError(f"no list in it is named after {missing}")
    first, last = cut(*isps.values(), *provinces.values())
    label = np.full(len(first), -1, np.int32)
    labels: list[Label] = []
    for isp, its_blocks in isps.items():
        inside = row_at(its_blocks, first) >= 0
        for province, blocks in provinces.items():
            both = inside & (row_at(blocks, first) >= 0)
            if (both & (label >= 0)).any():
                other = labels[label[np.flatnonzero(both & (label >= 0))[0]]]
                raise SourceError(
                    f"blocks are both of {other.isp} {other.province} and of {_ISP_NAMES[isp]} "
                    f"{province.name}: which is right?"
                )
            label[both] = len(labels)
            labels.append(Label(province.name, "", _ISP_NAMES[isp]))
    known = label >= 0
    return make_table(KIND, first[known], last[known], label[known], labels)
