"""What this host itself may do to packets on their way out, found before and after a sweep.

A missing route, a cable that is out, a full table of neighbours are no loss of the network.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path

from netsky.addresses import AddressLibrary
from netsky.engines.routing import carrier_changes, find_route
from netsky.errors import EngineError
from netsky.places import Egress

_SIOCGIFFLAGS, _IFREQ = 0x8913, struct.Struct("=16sH14x")
_IFF_UP, _IFF_POINTOPOINT, _IFF_RUNNING, _IFF_NOARP = 0x1, 0x10, 0x40, 0x80

# It is one table for all network namespaces; its counters are in the first one only.
_NEIGHBOURS = (Path("/proc/net/stat/arp_cache"), Path("/proc/1/net/stat/arp_cache"))
NEIGHBOURS_FULL = (
    "this host's table of neighbours is full: give the exit a gateway, or raise "
    "net.ipv4.neigh.default.gc_thresh3"
)


@dataclass(slots=True)
class ExitWatch:
    """What was seen of the exit; `overflows` is how often the table of neighbours was full meanwhile."""

    interfaces: frozenset[str] = frozenset()
    overflows: int = field(default=0)


@contextmanager
def watch_exit(library: AddressLibrary, egress: Egress) -> Iterator[ExitWatch]:
    """Look at the way to a target of each province before and after the block.

    Raises EngineError, which says what to mend, when none of them has a route, when the exit would ask
    for every target by ARP, or when an interface that is used has lost its carrier.
    """
    if egress.interface is not None:
        _check_carrier(egress.interface, egress)  # when it is down, its routes are gone, too
    samples = [IPv4Address(int(library.addresses[start])) for start in library.bounds[:-1]]
    watch = ExitWatch(_interfaces(samples, egress))
    changes = {interface: carrier_changes(interface) for interface in sorted(watch.interfaces)}
    for interface in changes:
        _check_carrier(interface, egress)
    before = _overflows()
    yield watch
    for interface, number in changes.items():
        _check_carrier(interface, egress, meanwhile=True)
        if carrier_changes(interface) != number:
            raise EngineError(
                f"egress {egress.name!r}: interface {interface!r} lost its carrier during the sweep, "
                "nothing of which counts, and has it again: is a plug loose?"
            )
    watch.overflows = _overflows() - before


def check_exit(library: AddressLibrary, egress: Egress) -> None:
    """Raise EngineError, as above, when there is no way to these targets through `egress` now."""
    with watch_exit(library, egress):
        pass


def _interfaces(samples: list[IPv4Address], egress: Egress) -> frozenset[str]:
    """Those by which the samples are reached."""
    found, unreachable = set(), 0
    for address in samples:
        try:
            index = find_route(address, egress).interface
        except OSError as error:
            if error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH):
                return frozenset()  # whoever sends is told
            unreachable += error.errno == errno.ENETUNREACH
        else:
            if index:
                with suppress(OSError):  # it has gone meanwhile
                    found.add(socket.if_indextoname(index))
    if unreachable == len(samples):
        raise EngineError(
            f"egress {egress.name!r}: this host has no route to any target through it: see `ip route "
            f"get {samples[0]}`"
        )
    _check_routes_by_interface(samples, egress)
    return frozenset(found)


def _check_routes_by_interface(samples: list[IPv4Address], egress: Egress) -> None:
    """Without a route by the interface the kernel takes every target for a neighbour on its wire."""
    if egress.interface is None or not _asks_for_neighbours(egress.interface):
        return
    for address in samples:
        try:
            find_route(address, egress, entry=True)
        except OSError as error:
            if error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ESRCH):
                continue
        return
    raise EngineError(
        f"egress {egress.name!r}: no route leads to the targets by interface {egress.interface!r}, so "
        "that each would be asked for on its own wire: add `ip route add default via GATEWAY dev "
        f"{egress.interface}` in a table of its own, with `ip rule add oif {egress.interface}`"
    )


def _check_carrier(interface: str, egress: Egress, *, meanwhile: bool = False) -> None:
    flags = _flags_of(interface)
    if flags & _IFF_UP and flags & _IFF_RUNNING:
        return
    if flags & _IFF_UP:
        state = "has no carrier: is its cable out?"
    elif interface in (name for _, name in socket.if_nameindex()):
        state = "is down: `ip link set … up`"
    else:
        state = "is not there: see `ip link`"
    lost = "during the sweep, nothing of which counts: " if meanwhile else ""
    raise EngineError(f"egress {egress.name!r}: {lost}interface {interface!r} {state}")


def _asks_for_neighbours(interface: str) -> bool:
    return not _flags_of(interface) & (_IFF_NOARP | _IFF_POINTOPOINT)


def _flags_of(interface: str) -> int:
    """The interface's flags; not by /sys, which may be that of another network namespace."""
    request = _IFREQ.pack(interface.encode(), 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
        except OSError:  # it has gone
            return 0
    return int(_IFREQ.unpack(answer)[1])


def _overflows() -> int:
    """How often the table of neighbours was full since the host has started; 0 where that is not told."""
    for file in _NEIGHBOURS:
        with suppress(OSError):
            return parse_table_fulls(file.read_text(encoding="utf-8"))
    return 0


def parse_table_fulls(text: str) -> int:
    """The sum of the column `table_fulls`, hexadecimal, a row a processor; 0 without the column."""
    header, *rows = (line.split() for line in text.splitlines())
    if "table_fulls" not in header:
        return 0
    column = header.index("table_fulls")
    return sum(int(row[column], 16) for row in rows)
