"""IPIP's ipdb, IPv4: a binary trie over the bits of an address, and texts behind it.

    0    u32 bytes of the JSON that follows: fields, languages, node_count, ip_version, total_size, build
    …    node_count nodes of two u32 each, for a next bit of 0 and of 1: below node_count it is a node,
         above it is a text, at 8 * node_count + what it is more than node_count from the first node
    …    texts: u16 bytes, then the fields of each language, between tabs

All numbers are big-endian. An IPv4 address begins behind 80 zeros and 16 ones.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from netsky.errors import SourceError
from netsky.targets.geo.ip2region import CHINA
from netsky.targets.geo.table import GeoTable, Label, make_table

KIND = "IPIP ipdb"
LANGUAGE = "CN"
_MOST_JSON_BYTES = 1 << 16
_COUNTRY, _PROVINCE, _CITY, _ISP = "country_name", "region_name", "city_name", "isp_domain"

Nodes = npt.NDArray[np.uint32]


def is_ipdb(data: bytes) -> bool:
    """Whether it begins with the length of a JSON object, and with that."""
    if len(data) < 5:
        return False
    (length,) = struct.unpack_from(">I", data)
    return length <= _MOST_JSON_BYTES and data[4:5] == b"{"


@dataclass(frozen=True, slots=True)
class _Header:
    nodes: int
    fields: list[str]
    offset: int  # where the first field of the language is
    built: str | None
    begins: int  # the byte of the first node


def read_ipdb(data: bytes) -> GeoTable:
    """The table of a file's content; SourceError says what is wrong."""
    header = _header(data)
    nodes = np.frombuffer(data, ">u4", 2 * header.nodes, header.begins).astype(np.uint32)
    first, last, texts = _leaves(nodes.reshape(-1, 2))
    known, label = np.unique(texts, return_inverse=True)
    labels = [_label(data, header, int(text)) for text in known]
    return make_table(KIND, first, last, label, labels, built=header.built)


def _header(data: bytes) -> _Header:
    (length,) = struct.unpack_from(">I", data)
    try:
        meta: dict[str, Any] = json.loads(data[4 : 4 + length])
        nodes, fields, size = int(meta["node_count"]), list(meta["fields"]), int(meta["total_size"])
        languages, version = dict(meta["languages"]), int(meta["ip_version"])
        build = int(meta.get("build", 0))
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(
            f"its description is broken ({type(error).__name__} in the JSON)"
        ) from None
    if not version & 1:
        raise SourceError("it is an ipdb of IPv6 only: take the one of IPv4")
    if LANGUAGE not in languages:
        raise SourceError(f"it has no names in the language {LANGUAGE}, but {sorted(languages)}")
    if _PROVINCE not in fields or _ISP not in fields:
        raise SourceError(
            f"it has the fields {', '.join(map(str, fields))}, and province and ISP are not among "
            f"them ({_PROVINCE}, {_ISP}): the free file is not enough"
        )
    if 4 + length + size != len(data) or 8 * nodes > size:
        raise SourceError(
            f"it is cut off: it should have {4 + length + size:,} bytes and has {len(data):,}: fetch "
            "it again"
        )
    built = datetime.fromtimestamp(build, UTC).date().isoformat() if build else None
    return _Header(nodes, fields, int(languages[LANGUAGE]), built, 4 + length)


def _leaves(nodes: Nodes) -> tuple[Nodes, Nodes, Nodes]:
    """First and last address of each leaf below IPv4's node, and its text; level by level."""
    node = 0
    for bit in (0,) * 80 + (1,) * 16:
        node = int(nodes[node, bit])
        if node >= len(nodes):
            raise SourceError("it has no IPv4 addresses")
    at = np.array([node], np.uint32)
    prefix = np.zeros(1, np.int64)
    parts = []
    for depth in range(1, 33):
        children = nodes[at].ravel()
        prefix = 2 * np.repeat(prefix, 2) + np.tile([0, 1], len(at))
        leaf = children > len(nodes)  # a child that equals node_count has nothing behind it
        first = prefix[leaf] << (32 - depth)
        parts.append((first, first + (1 << (32 - depth)) - 1, children[leaf]))
        inner = children < len(nodes)
        at, prefix = children[inner], prefix[inner]
        if not len(at):
            break
    first, last, texts = (
        np.concatenate(column).astype(np.uint32) for column in zip(*parts, strict=True)
    )
    return first, last, texts


def _label(data: bytes, header: _Header, text: int) -> Label:
    where = header.begins + text - header.nodes + 8 * header.nodes
    (size,) = struct.unpack_from(">H", data, where) if where + 2 <= len(data) else (0,)
    values = data[where + 2 : where + 2 + size].decode(errors="replace").split("\t")
    values = values[header.offset : header.offset + len(header.fields)]
    if len(values) < len(header.fields):
        raise SourceError(f"at byte {where:,}: not {len(header.fields)} fields between tabs")
    named = dict(zip(header.fields, values, strict=True))
    if named.get(_COUNTRY, CHINA) != CHINA:
        return Label()
    return Label(named[_PROVINCE], named.get(_CITY, ""), named[_ISP])
