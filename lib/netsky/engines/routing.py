"""What the kernel says of its routes, rules and links by netlink (linux/rtnetlink.h), as `ip` asks it."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

from netsky.places import Egress

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: family, bits of destination and source, …, flags
_RULE = _ROUTE  # fib_rule_hdr is as long
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_RTM_GETLINK, _RTM_GETROUTE, _RTM_GETRULE, _NLMSG_ERROR, _NLMSG_DONE = 18, 26, 34, 2, 3
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_RTM_F_FIB_MATCH = 0x2000  # tell the entry of the routing table; without one it is an error
_RTA_DST, _RTA_SRC, _RTA_OIF, _RTA_GATEWAY, _RTA_PREFSRC, _RTA_MARK = 1, 2, 4, 5, 7, 16
_FRA_FWMARK = 10
_IFLA_CARRIER_CHANGES = 35
_ANSWER_SECONDS = 5.0

Attributes = dict[int, bytes]


@dataclass(frozen=True, slots=True)
class FoundRoute:
    """By which interface (its index, 0: not told) and gateway packets leave, and from which address."""

    interface: int
    gateway: bytes | None = None
    source: IPv4Address | None = None


def find_route(address: IPv4Address, egress: Egress, *, entry: bool = False) -> FoundRoute:
    """How the kernel would send there through `egress`; OSError with its number when it would not.

    With `entry` there must be one in the routing table.
    """
    attributes = [(_RTA_DST, address.packed)]
    if egress.source is not None:
        attributes.append((_RTA_SRC, IPv4Address(egress.source).packed))
    if egress.interface is not None:
        attributes.append((_RTA_OIF, struct.pack("=I", socket.if_nametoindex(egress.interface))))
    if egress.fwmark is not None:
        attributes.append((_RTA_MARK, struct.pack("=I", egress.fwmark)))
    source_bits = 0 if egress.source is None else 32
    flags = _RTM_F_FIB_MATCH if entry else 0
    body = _ROUTE.pack(socket.AF_INET, 32, source_bits, 0, 0, 0, 0, 0, flags)
    for kind, value in attributes:
        body += _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value
    found = next(_ask(_RTM_GETROUTE, body, behind=_ROUTE.size), {})
    source = found.get(_RTA_PREFSRC)
    return FoundRoute(
        _number(found.get(_RTA_OIF, b"")),
        found.get(_RTA_GATEWAY),
        IPv4Address(source) if source else None,
    )


def rule_marks() -> list[int]:
    """The firewall marks that rules of this host route by; OSError."""
    body = _RULE.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
    rules = _ask(_RTM_GETRULE, body, behind=_RULE.size, flags=_NLM_F_DUMP)
    marks = [_number(rule.get(_FRA_FWMARK, b"")) for rule in rules]
    return [mark for mark in dict.fromkeys(marks) if mark]


def carrier_changes(interface: str) -> int | None:
    """How often it has lost or got its carrier; None where that is not told."""
    with suppress(OSError):  # it has gone, which is told by other means
        body = _LINK.pack(socket.AF_UNSPEC, 0, socket.if_nametoindex(interface), 0, 0)
        link = next(_ask(_RTM_GETLINK, body, behind=_LINK.size), {})
        if _IFLA_CARRIER_CHANGES in link:
            return _number(link[_IFLA_CARRIER_CHANGES])
    return None


def _ask(kind: int, body: bytes, *, behind: int, flags: int = 0) -> Iterator[Attributes]:
    """The attributes, which begin after so many bytes, of each answer; OSError with the kernel's number."""
    header = _HEADER.pack(_HEADER.size + len(body), kind, _NLM_F_REQUEST | flags, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.settimeout(_ANSWER_SECONDS)
        netlink.send(header + body)
        while True:
            data, place = netlink.recv(65536), 0
            while place + _HEADER.size <= len(data):
                length, answer, _, _, _ = _HEADER.unpack_from(data, place)
                if answer == _NLMSG_DONE or length < _HEADER.size:
                    return
                if answer == _NLMSG_ERROR:
                    (number,) = struct.unpack_from("=i", data, place + _HEADER.size)
                    raise OSError(-number, os.strerror(-number))
                yield _attributes(data[place + _HEADER.size + behind : place + length])
                place += length + 3 & ~3


def _attributes(data: bytes) -> Attributes:
    found: Attributes = {}
    place = 0
    while place + _ATTRIBUTE.size <= len(data):
        size, kind = _ATTRIBUTE.unpack_from(data, place)
        if size < _ATTRIBUTE.size:
            break
        found[kind] = data[place + _ATTRIBUTE.size : place + size]
        place += size + 3 & ~3
    return found


def _number(value: bytes) -> int:
    return int.from_bytes(value[:4], sys.byteorder)
