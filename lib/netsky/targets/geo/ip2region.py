"""ip2region's source text: `first|last|country|…|province|city|isp` on each line.

Two layouts are in use: with five columns behind the addresses (country, area, province, city, ISP),
and, since 2026, with country, province, city, ISP, country code. `0` or nothing is "not known".
"""

from __future__ import annotations

import socket

import numpy as np

from netsky.errors import SourceError
from netsky.targets.geo.table import GeoTable, Label, make_table

KIND = "ip2region text"
CHINA = "中国"
_COLUMNS = 5
_SHOWN = 60


def is_ip2region(line: str) -> bool:
    """Whether a first line is one of such a text."""
    fields = line.split("|")
    return len(fields) == _COLUMNS + 2 and fields[0].count(".") == 3 == fields[1].count(".")


def label_of(text: str) -> Label:
    """What stands behind the addresses; ValueError when it has not five columns."""
    fields = ["" if field == "0" else field for field in text.split("|")]
    if len(fields) != _COLUMNS:
        raise ValueError(f"{text[:_SHOWN]!r} has not {_COLUMNS} columns between its |")
    if fields[0] != CHINA:
        return Label()
    if len(fields[4]) == 2 and fields[4].isascii():  # the country code of the newer layout
        return Label(*fields[1:4])
    return Label(*fields[2:5])


def read_ip2region(text: str) -> GeoTable:
    """The table of such a text; SourceError names the line that is wrong."""
    number_of: dict[str, int] = {}
    packed_first, packed_last, label = [], [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            first, last, rest = line.rstrip("\r").split("|", 2)
            packed_first.append(socket.inet_pton(socket.AF_INET, first))
            packed_last.append(socket.inet_pton(socket.AF_INET, last))
        except (OSError, ValueError):
            raise SourceError(
                f"line {number}: {line[:_SHOWN]!r} does not begin with two IPv4 addresses and |"
            ) from None
        label.append(number_of.setdefault(rest, len(number_of)))
    try:
        labels = [label_of(rest) for rest in number_of]
    except ValueError as error:
        raise SourceError(str(error)) from None
    return make_table(
        KIND,
        np.frombuffer(b"".join(packed_first), ">u4"),
        np.frombuffer(b"".join(packed_last), ">u4"),
        label,
        labels,
        row_name="range",
    )
