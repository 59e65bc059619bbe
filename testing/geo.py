"""Geo data made up in each form that sources come in."""

from __future__ import annotations

import json
import struct
from ipaddress import IPv4Address

import numpy as np

Row = tuple[str, str, str]
"""First and last address, and what is said of the range: `country|area|province|city|isp`."""

ROWS: list[Row] = [
    ("1.0.0.0", "1.0.0.255", "澳大利亚|0|0|0|0"),
    ("1.0.1.0", "1.0.3.255", "中国|0|福建省|福州市|电信"),
    ("1.0.8.0", "1.0.15.255", "中国|0|广东省|广州市|联通"),
    ("1.0.16.0", "1.0.16.255", "中国|0|广东省|深圳市|移动"),
    ("1.0.17.0", "1.0.17.127", "中国|0|广西|0|铁通"),
    ("1.1.0.0", "1.1.0.255", "中国|0|台湾省|台北市|中华电信"),
    ("1.1.1.0", "1.1.1.255", "中国|0|香港|0|电信"),
    ("255.255.255.0", "255.255.255.255", "0|0|0|内网IP|内网IP"),
]


def ip2region_text(rows: list[Row] = ROWS, *, country_code: bool = False) -> str:
    """The source text; with `country_code` in the layout of 2026."""
    lines = []
    for first, last, label in rows:
        country, area, province, city, isp = label.split("|")
        fields = [country, province, city, isp, "CN"] if country_code else label.split("|")
        lines.append("|".join([first, last, *fields]))
        assert area == "0"
    return "\n".join(lines) + "\n"


def csv_text(rows: list[Row] = ROWS) -> str:
    lines = ["start_ip,end_ip,country,province,city,isp"]
    for first, last, label in rows:
        country, _, *others = label.split("|")
        if country == "中国":
            lines.append(",".join([first, last, country, *others]))
    return "\n".join(lines) + "\n"


def xdb(rows: list[Row] = ROWS, *, version: int = 2, family: int = 4, built: int = 0) -> bytes:
    """An xdb that a reader of the whole table takes; the index for look-ups is empty."""
    texts: dict[str, tuple[int, int]] = {}
    body = bytearray()
    begins = 256 + 256 * 256 * 8
    for _, _, label in rows:
        if label not in texts:
            encoded = label.encode()
            texts[label] = (len(encoded), begins + len(body))
            body += encoded
    start = begins + len(body)
    table = b"".join(
        struct.pack("<IIHI", int(IPv4Address(first)), int(IPv4Address(last)), *texts[label])
        for first, last, label in rows
    )
    header = struct.pack("<HHIIIHH", version, 1, built, start, start + len(table) - 14, family, 4)
    return header.ljust(begins, b"\0") + bytes(body) + table


def ipdb(rows: list[Row] = ROWS, *, fields: list[str] | None = None, **changes: object) -> bytes:
    """An ipdb; what no row covers has no text. `changes` are to its description."""
    fields = fields or ["country_name", "region_name", "city_name", "owner_domain", "isp_domain"]
    nodes = _trie(rows)
    texts: dict[str, int] = {}
    body = bytearray()
    for _, _, label in rows:
        if label not in texts:
            country, _, province, city, isp = ("" if f == "0" else f for f in label.split("|"))
            known = dict(zip(fields, [""] * len(fields), strict=True))
            known |= {"country_name": country, "region_name": province, "city_name": city}
            known |= {"isp_domain": isp}
            encoded = "\t".join(known.get(field, "") for field in fields).encode()
            # 8 bytes in front, so that no text has the number of the node behind the last one.
            texts[label] = len(nodes) + 8 + len(body)
            body += struct.pack(">H", len(encoded)) + encoded

    def number(child: object) -> int:
        if child is None:
            return len(nodes)
        return child if isinstance(child, int) else texts[str(child)]

    trie = b"".join(struct.pack(">II", *map(number, node)) for node in nodes)
    meta = {
        "build": 1709087558,
        "ip_version": 1,
        "languages": {"CN": 0},
        "node_count": len(nodes),
        "total_size": len(trie) + 8 + len(body),
        "fields": fields,
    }
    described = json.dumps(meta | changes).encode()
    return struct.pack(">I", len(described)) + described + trie + bytes(8) + bytes(body)


def _trie(rows: list[Row]) -> list[list[object]]:
    """The nodes of a binary trie: for each bit the number of the next node, a label, or None."""
    nodes: list[list[object]] = [[None, None]]

    def insert(prefix: str, label: str) -> None:
        at = 0
        for bit in prefix[:-1]:
            child = nodes[at][int(bit)]
            if child is None:
                nodes.append([None, None])
                child = nodes[at][int(bit)] = len(nodes) - 1
            assert isinstance(child, int)
            at = child
        nodes[at][int(prefix[-1])] = label

    for first, last, label in rows:
        for prefix in _prefixes(int(IPv4Address(first)), int(IPv4Address(last))):
            insert("0" * 80 + "1" * 16 + prefix, label)
    return nodes


def _prefixes(first: int, last: int) -> list[str]:
    """The bits of the blocks that a range comes to."""
    found = []
    while first <= last:
        size = (first & -first) or 1 << 32
        while size > last - first + 1:
            size >>= 1
        found.append(f"{first:032b}"[: 32 - (size.bit_length() - 1)])
        first += size
    return found


def large_ipdb(depth: int = 21) -> bytes:
    """An ipdb of 2 ** depth ranges, no two neighbours alike."""
    chain, inner = 96, (1 << depth) - 1
    count = chain + inner
    texts = [
        f"中国\t{province}\t\t\t{isp}".encode()
        for province in ("广东", "湖南", "北京")
        for isp in ("电信", "联通", "移动")
    ]
    body = b"".join(struct.pack(">H", len(text)) + text for text in texts)
    places = np.cumsum([0, *(2 + len(text) for text in texts[:-1])]) + count + 8
    nodes = np.full((count, 2), count, np.uint32)
    nodes[np.arange(chain), [0] * 80 + [1] * 16] = np.arange(1, chain + 1)
    index = np.arange(inner)
    above_leaves = index >= (1 << (depth - 1)) - 1
    for side in (0, 1):
        child = chain + 2 * index + 1 + side
        nodes[chain:, side] = np.where(above_leaves, places[(2 * index + side) % 9], child)
    meta = {
        "build": 1709087558,
        "ip_version": 1,
        "languages": {"CN": 0},
        "node_count": count,
        "total_size": 8 * count + 8 + len(body),
        "fields": ["country_name", "region_name", "city_name", "owner_domain", "isp_domain"],
    }
    described = json.dumps(meta).encode()
    head = struct.pack(">I", len(described)) + described
    return head + nodes.astype(">u4").tobytes() + bytes(8) + body
