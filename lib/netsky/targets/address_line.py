"""One line of an address file to intervals of addresses, in the forms that people have.

    192.0.2.1                        an address
    192.0.2.0/24                     a CIDR
    192.0.2.0/255.255.255.0          the same with a netmask, also with a space in between
    192.0.2.1-192.0.2.9              a range
    192.0.2.1-9                      the same, when only the last number differs
    192.0.2.1 广东 联通               text behind it that has no number with a point or a slash in it
    192.0.2.0/25, 192.0.2.200        several, with commas, semicolons or spaces, if they are not
                                     just two addresses: those could be the ends of a range, too
    １９２．０．２．１－９                 the same in full-width signs
    192.000.002.001                  with zeros in front, unless read as octal it is another address

What could be meant in two ways is refused with the form that is right.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from itertools import takewhile

Interval = tuple[int, int]
"""The first and the last address."""

# One line may not stand for more than a /8: a slip like `/1` must not eat the machine's memory.
MAX_ADDRESSES_PER_LINE = 1 << 24

# What a Chinese input method writes instead of an ASCII sign, and the dashes of word processors.
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | str.maketrans(
    "\u3000\u3002\uff61\u3001\u2010\u2011\u2012\u2013\u2014\u2212\u301c", " ..,------~"
)
_RANGE_SIGN = re.compile(r"\s*[-~]+\s*")
_SLASH = re.compile(r"\s*/\s*")
_SEPARATORS = re.compile(r"[\s,;|]+")
_NUMBER = re.compile(r"[0-9]{1,3}")
_DOTTED = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})")
_LIKE_AN_ADDRESS = re.compile(r"[0-9][./][0-9]|::")
_NOT_AN_ENTRY = "not an IPv4 address, CIDR or range"


def pack(text: str) -> bytes:
    """The four bytes of an address in its strict form; OSError or ValueError for all else."""
    # inet_pton is strict, unlike inet_aton: four decimal parts, no leading zeros, nothing else.
    return socket.inet_pton(socket.AF_INET, text)


def parse_line(line: str) -> list[Interval]:
    """The intervals of a line, none of an empty one; ValueError says what is wrong with it."""
    if not line.isascii():
        line = line.translate(_WIDE)
    entry = line.partition("#")[0].strip()
    if not entry:
        return []
    try:  # most lines are a bare address, or one with a comment: this is ten times faster
        address = int.from_bytes(pack(entry), "big")
    except (OSError, ValueError):
        return _parse_other(entry)
    return [(address, address)]


def _parse_other(entry: str) -> list[Interval]:
    joined = _SLASH.sub("/", _RANGE_SIGN.sub("-", entry))
    fields = [field for field in _SEPARATORS.split(joined) if field]
    entries = list(takewhile(_begins_like_an_address, fields))
    text = " ".join(fields[len(entries) :])
    if not entries:
        raise ValueError(_what_else(entry))
    if text and (_LIKE_AN_ADDRESS.search(text) or not text[0].isalpha()):
        raise ValueError(f"{text[:80]!r} stands behind the address: put a # before text")
    return _parse_entries(entries)


def _begins_like_an_address(field: str) -> bool:
    return "0" <= field[0] <= "9" and ("." in field or ":" in field)


def _what_else(entry: str) -> str:
    if ":" in entry:
        return "IPv6 is not supported"
    if _LIKE_AN_ADDRESS.search(entry):
        return f"{_NOT_AN_ENTRY}: write the address first, and a # before text"
    return _NOT_AN_ENTRY


def _parse_entries(entries: list[str]) -> list[Interval]:
    if len(entries) == 2 and all(map(_DOTTED.fullmatch, entries)):
        if _prefix_of_mask(entries[1]) is not None:
            return [_parse_block(*entries)]
        _check_no_range(*entries)
    if len(entries) > 1 and any(_prefix_of_mask(entry) is not None for entry in entries):
        raise ValueError("a netmask belongs to one address: write ADDRESS/NETMASK")
    return [_parse_entry(entry) for entry in entries]


def _check_no_range(first: str, second: str) -> None:
    """Refuse two plain addresses, unless the range between them has no other."""
    low, high = sorted((first, second), key=_parse_address)
    if _parse_address(high) - _parse_address(low) > 1:
        raise ValueError(
            f"is it a range, or are they two addresses? Write {low}-{high}, or each on a line of "
            "its own"
        )


def _parse_entry(entry: str) -> Interval:
    if ":" in entry:
        with_port = _DOTTED.match(entry)
        raise ValueError("write it without a port" if with_port else "IPv6 is not supported")
    if "/" in entry:
        first, last = _parse_block(*entry.split("/", 1))
    elif "-" in entry:
        first, last = _parse_range(*entry.split("-", 1))
    else:
        first = last = _parse_address(entry)
    if last - first >= MAX_ADDRESSES_PER_LINE:
        raise ValueError("more addresses than a /8 in one line")
    return first, last


def _parse_range(start: str, end: str) -> Interval:
    if _NUMBER.fullmatch(end):
        end = f"{start.rpartition('.')[0]}.{end}"
    first, last = _parse_address(start), _parse_address(end)
    if first > last:
        raise ValueError("the range ends before it starts")
    return first, last


def _parse_block(address: str, length: str) -> Interval:
    prefix = _prefix_of_mask(length)
    if prefix is None:
        if not re.fullmatch(r"[0-9]{1,2}", length) or int(length) > 32:
            raise ValueError("what follows the / is no prefix length of 0 to 32, and no netmask")
        prefix = int(length)
    first = _parse_address(address)
    network = ipaddress.ip_network((first, prefix), strict=False)
    if network.num_addresses > MAX_ADDRESSES_PER_LINE:
        raise ValueError("more addresses than a /8 in one line")
    if first != int(network.network_address):
        raise ValueError(f"the address is not the first of its block: did you mean {network}?")
    return first, int(network.broadcast_address)


def _prefix_of_mask(text: str) -> int | None:
    """The prefix length of a netmask (255.255.255.0) or wildcard mask (0.0.0.255), or else None."""
    if not text.startswith(("255.", "0.")):  # others stand for more than a /8, or are addresses
        return None
    try:
        mask = _parse_address(text)
    except ValueError:
        return None
    if not mask:  # a netmask of all addresses, a wildcard mask of one
        return None
    wildcard = mask if mask < 1 << 31 else mask ^ 0xFFFFFFFF
    return None if wildcard & (wildcard + 1) else 32 - wildcard.bit_length()


def _parse_address(text: str) -> int:
    try:
        return int.from_bytes(pack(text), "big")
    except (OSError, ValueError):
        return _parse_padded(text)


def _parse_padded(text: str) -> int:
    """An address with zeros in front of its numbers, which for many programs makes them octal."""
    dotted = _DOTTED.fullmatch(text)
    if dotted is None or any(int(part) > 255 for part in dotted.groups()):
        if re.fullmatch(r"([0-9]{1,3}\.){3}\*", text):
            raise ValueError(f"{text!r} is not an IPv4 address: did you mean {text[:-1]}0/24?")
        raise ValueError(f"{text[:80]!r} is not an IPv4 address")
    parts = dotted.groups()
    plain = ".".join(str(int(part)) for part in parts)
    if all(_octal(part) is not None for part in parts) and any(
        _octal(part) != int(part) for part in parts
    ):
        raise ValueError(f"with zeros in front, {text} may be octal: did you mean {plain}?")
    return int.from_bytes(pack(plain), "big")


def _octal(part: str) -> int | None:
    """What a number is to who reads zeros in front as octal; None when it is no number then."""
    if not part.startswith("0"):
        return int(part)
    return int(part, 8) if re.fullmatch(r"[0-7]+", part) else None
