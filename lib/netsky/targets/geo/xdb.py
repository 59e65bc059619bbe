"""ip2region's xdb, versions 2 and 3, IPv4: a table behind an index that look-ups use.

    0    256 bytes of header: u16 version, u16 policy, u32 built (Unix time), u32 where the table
         starts, u32 where its last row starts; from version 3 on u16 4 or 6, u16 bytes of a pointer
    256  256 x 256 x 8 bytes of index by the first two octets, which a whole table does not need
    …    texts `country|area|province|city|isp`, and the table: u32 first, u32 last, u16 bytes of the
         text, u32 where the text is

All numbers are little-endian, addresses included.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime

import numpy as np

from netsky.errors import SourceError
from netsky.targets.geo.ip2region import label_of
from netsky.targets.geo.table import GeoTable, make_table

KIND = "ip2region xdb"
HEADER_BYTES, VECTOR_BYTES = 256, 256 * 256 * 8
VERSIONS = (2, 3)
_HEADER = struct.Struct("<HHIIIH")
ROW = np.dtype([("first", "<u4"), ("last", "<u4"), ("length", "<u2"), ("pointer", "<u4")])


def is_xdb(data: bytes) -> bool:
    """Whether the header is that of an xdb; there is no magic number."""
    if len(data) < HEADER_BYTES:
        return False
    version, policy, _, start, end, _ = _HEADER.unpack_from(data)
    in_order = HEADER_BYTES + VECTOR_BYTES <= start <= end
    return version in VERSIONS and policy <= 2 and in_order and (end - start) % ROW.itemsize == 0


def read_xdb(data: bytes) -> GeoTable:
    """The table of a file's content; SourceError names the offset of what is wrong."""
    version, _, built, start, end, address_family = _HEADER.unpack_from(data)
    if version > VERSIONS[0] and address_family != 4:
        raise SourceError("it is an xdb of IPv6: take the one of IPv4")
    if end + ROW.itemsize > len(data):
        raise SourceError(
            f"it is cut off: its table ends at byte {end + ROW.itemsize:,}, the file at "
            f"{len(data):,}: fetch it again"
        )
    rows = np.frombuffer(data, ROW, (end - start) // ROW.itemsize + 1, start)
    pointers, samples, label = np.unique(rows["pointer"], return_index=True, return_inverse=True)
    labels = []
    for pointer, length in zip(pointers.tolist(), rows["length"][samples].tolist(), strict=True):
        text = data[pointer : pointer + length]
        try:
            labels.append(label_of(text.decode()))
        except ValueError as error:
            raise SourceError(f"at byte {pointer:,}: {error}") from None
    day = datetime.fromtimestamp(built, UTC).date().isoformat() if built else None
    return make_table(KIND, rows["first"], rows["last"], label, labels, built=day)
