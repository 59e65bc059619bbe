"""The memory of an ISP's targets through one exit, in a file that is replaced at once after each sweep.

netsky memory 1\\n     what it is, and the version of its form
{...}\\n              JSON: how many targets, when the last sweep began, each province
addresses            uint32 each, little-endian as all that follows
answered             uint16 each
silent days          uint8 each
lost                 one bit each, the first in the highest bit of the first byte
check                CRC-32 of all above, uint32
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from netsky.files import MIB, read_file, replace_file
from netsky.targets.library import MOST_ADDRESSES
from netsky.targets.memory import Memory, ProvinceMemory

log = logging.getLogger(__name__)

_MAGIC, _VERSION = b"netsky memory ", b"1"
_BYTES_A_TARGET = 8
_CHECK_BYTES = 4


def file_name(isp: str, egress: str) -> str:
    """What the file of a line is called, in the folder of all of them."""
    return f"netsky_{isp}.{egress}.memory"


def read(file: Path) -> Memory:
    """What is in the file. OSError: it cannot be read; ValueError: it is damaged, or of another form."""
    data = read_file(file, limit=MOST_ADDRESSES * _BYTES_A_TARGET + MIB).data
    if not data.startswith(_MAGIC):
        raise ValueError("it is no memory of netsky's")
    version, _, _ = data[len(_MAGIC) : len(_MAGIC) + 10].partition(b"\n")
    if version != _VERSION:
        raise ValueError(f"its form is of version {version.decode('ascii', 'replace')}, not 1")
    content = memoryview(data)[:-_CHECK_BYTES]
    if zlib.crc32(content).to_bytes(_CHECK_BYTES, "little") != data[-_CHECK_BYTES:]:
        raise ValueError("it is cut off or changed: its check sum is wrong")
    start = len(_MAGIC) + len(_VERSION) + 1
    end = data.index(b"\n", start)
    try:
        return _memory(json.loads(data[start:end]), content[end + 1 :])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"its content is not as it should be ({error})") from error


def _memory(header: Mapping[str, Any], body: memoryview) -> Memory:
    size = header["targets"]
    bits = np.frombuffer(body, np.uint8, offset=7 * size)
    swept_at = header["swept_at"]
    return Memory(
        addresses=np.frombuffer(body, "<u4", size),
        answered=np.frombuffer(body, "<u2", size, offset=4 * size),
        silent_days=np.frombuffer(body, np.uint8, size, offset=6 * size),
        lost=np.unpackbits(bits, count=size).view(np.bool_),
        provinces={
            slug: ProvinceMemory(**values | {"prefixes": tuple(values["prefixes"])})
            for slug, values in header["provinces"].items()
        },
        swept_at=None if swept_at is None else datetime.fromisoformat(swept_at),
        days=header["days"],
    )


def write(file: Path, memory: Memory, *, mode: int) -> None:
    """Replace the file, whose folder is made. OSError: what was there is there still."""
    header = {
        "targets": len(memory.addresses),
        "swept_at": memory.swept_at and memory.swept_at.isoformat(),
        "days": memory.days,
        "provinces": {slug: asdict(each) for slug, each in memory.provinces.items()},
    }
    parts: list[bytes | memoryview] = [
        _MAGIC + _VERSION + b"\n" + json.dumps(header).encode() + b"\n",
        memory.addresses.astype("<u4", copy=False).data,
        memory.answered.astype("<u2", copy=False).data,
        memory.silent_days.data,
        np.packbits(memory.lost).data,
    ]
    check = 0
    for part in parts:
        check = zlib.crc32(part, check)
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, [*parts, check.to_bytes(_CHECK_BYTES, "little")], mode=mode)


def read_lines(folder: Path, isp: str) -> list[Memory]:
    """The memories of an ISP through all exits that are in a folder and can be read."""
    memories = []
    for file in sorted(folder.glob(file_name(isp, "*"))):
        try:
            memories.append(read(file))
        except (OSError, ValueError) as error:
            log.warning("memory %s cannot be used: %s", file, error)
    return memories
