"""CSV with a heading: start, end, province, city and ISP of each range, in any order of columns."""

from __future__ import annotations

import csv
import io
import ipaddress

from netsky.errors import SourceError
from netsky.targets.geo.table import GeoTable, Label, make_table

KIND = "CSV"
_NAMES = {
    "first": {"start", "start_ip", "ip_start", "first", "from", "ip_from", "begin", "起始ip"},
    "last": {"end", "end_ip", "ip_end", "last", "to", "ip_to", "结束ip", "终止ip"},
    "province": {"province", "region", "province_name", "region_name", "省份", "省"},
    "city": {"city", "city_name", "城市", "市"},
    "isp": {"isp", "isp_name", "isp_domain", "carrier", "operator", "运营商"},
}
_NEEDED = ("first", "last", "province", "isp")


def is_csv(line: str) -> bool:
    """Whether a first line names the columns that are needed."""
    columns = _columns(line)
    return all(name in columns for name in _NEEDED)


def _columns(line: str) -> dict[str, int]:
    """Which column each of ours is in, as far as they are there."""
    headings = [heading.strip().lower() for heading in next(csv.reader([line]), [])]
    return {
        name: headings.index(heading)
        for name, spellings in _NAMES.items()
        for heading in headings
        if heading in spellings
    }


def read_csv(text: str) -> GeoTable:
    """The table of such a text; SourceError names the line that is wrong."""
    reader = csv.reader(io.StringIO(text, newline=""))
    columns = _columns(text.partition("\n")[0])
    next(reader)
    first, last, label = [], [], []
    number_of: dict[Label, int] = {}
    for row in reader:
        if not row:
            continue
        try:
            first.append(_address(row[columns["first"]]))
            last.append(_address(row[columns["last"]]))
            where = Label(*(_known(row, columns.get(name)) for name in ("province", "city", "isp")))
        except (IndexError, ValueError) as error:
            raise SourceError(f"line {reader.line_num}: {error}") from None
        label.append(number_of.setdefault(where, len(number_of)))
    return make_table(KIND, first, last, label, list(number_of), row_name="range")


def _known(row: list[str], column: int | None) -> str:
    """What a column says; `0`, as ip2region has it, is nothing."""
    text = "" if column is None else row[column].strip()
    return "" if text == "0" else text


def _address(text: str) -> int:
    """An address as four octets or as one number."""
    text = text.strip()
    if text.isascii() and text.isdigit() and int(text) < 1 << 32:
        return int(text)
    try:
        return int(ipaddress.IPv4Address(text))
    except ValueError:
        raise ValueError(f"{text[:60]!r} is not an IPv4 address") from None
