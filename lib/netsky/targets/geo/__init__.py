"""Sources of geo data, each form in a module of its own; which one it is is told by the content.

A new form is a module with a test of its first bytes or line and a reader, and a line here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from netsky.errors import SourceError
from netsky.files import MIB, FileContent, read_file
from netsky.targets.geo.cidr_lists import read_cidr_lists
from netsky.targets.geo.csv_table import is_csv, read_csv
from netsky.targets.geo.ip2region import is_ip2region, read_ip2region
from netsky.targets.geo.ipdb import is_ipdb, read_ipdb
from netsky.targets.geo.table import GeoTable
from netsky.targets.geo.xdb import is_xdb, read_xdb

LARGEST = 256 * MIB

BINARY: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], GeoTable]], ...] = (
    (is_xdb, read_xdb),
    (is_ipdb, read_ipdb),
)
TEXT: tuple[tuple[Callable[[str], bool], Callable[[str], GeoTable]], ...] = (
    (is_ip2region, read_ip2region),
    (is_csv, read_csv),
)
KNOWN = (
    "ip2region's text or xdb of IPv4, IPIP's ipdb, CSV with a heading (start, end, province, city, "
    "isp), or a folder of CIDR lists by ISP and province"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A table, and where it is from. A folder has neither `sha256` nor `size`."""

    path: Path
    table: GeoTable
    sha256: str | None = None
    size: int | None = None


def read_source(path: Path) -> Source:
    """Read a file or folder of geo data; SourceError, which names it, when it cannot be used."""
    try:
        if path.is_dir():
            return Source(path, read_cidr_lists(path))
        content = read_file(path, limit=LARGEST)
        table = _read_table(content)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except SourceError as error:
        *lines, message = str(error).split("\n")
        raise SourceError(f"{path}: {message}", lines=lines) from error
    if not table.rows:
        raise SourceError(f"{path}: there is no range in it")
    return Source(path, table, hashlib.sha256(content.data).hexdigest(), len(content.data))


def _read_table(content: FileContent) -> GeoTable:
    for is_form, read in BINARY:
        if is_form(content.data):
            return read(content.data)
    if b"\0" in content.data[:4096]:
        raise SourceError(f"it is of no form that is known: {KNOWN}")
    try:
        text = content.text()
    except ValueError as error:
        raise SourceError(f"{error} (iconv -f GB18030 -t UTF-8)") from None
    line = next((line for line in text[:4096].splitlines() if line.strip()), "")
    for is_text, read_text in TEXT:
        if is_text(line):
            return read_text(text)
    raise SourceError(f"it is of no form that is known: {KNOWN}")
