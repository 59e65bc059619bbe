"""The wires and routes of the lab, as `ip -batch` reads them.

probe ──exit-a── a.1 ── a.2 ── a.3 ── a.far     in a.far and b.far all addresses of the ISPs
  └─────exit-b── b.1 ── b.2 ── b.3 ── b.far     are local, so that the kernel answers

The two ends of a wire know each other's hardware address and never ask for it. All namespaces of a
host share one limit of neighbours: the lab neither uses it up nor fails when it is used up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address

from lab.network.addresses import ISPS, Route, Wire, isp_prefix

# Each egress has a routing table from here on, and its number is its firewall mark, too.
FIRST_TABLE = 100
RULE_PREFERENCE = 100  # these rules come before the table `main`


def table_of(route: Route) -> int:
    return FIRST_TABLE + route.number


def probe_batch(routes: Iterable[Route], file_of: Callable[[str], str]) -> list[str]:
    """The probe's host: an egress is chosen by source address, interface or firewall mark."""
    lines = ["link set lo up"]
    for route in routes:
        gateway, table = route.wires[0].far, table_of(route)
        lines += _make_wire(route, 0, file_of)
        lines.append(f"route add default via {gateway} table {table}")
        lines += [
            f"rule add preference {RULE_PREFERENCE} {match} table {table}"
            for match in (f"from {route.source}", f"oif {route.interface}", f"fwmark {table}")
        ]
        lines.append(f"route add default via {gateway} metric {table}")
    return lines


def router_batch(route: Route, hop: int, file_of: Callable[[str], str]) -> list[str]:
    """A router, `hop` from 1: forwards to the far side and back."""
    before, after = route.wires[hop - 1], route.wires[hop]
    lines = [*_take_wire(route, hop - 1), *_make_wire(route, hop, file_of)]
    lines.append(f"route add default via {after.far}")
    if hop > 1:
        lines.append(f"route add {route.prefix} via {before.near}")
    return lines


def far_batch(route: Route) -> list[str]:
    """The far side. Not in the table `local`, where a TUN device's prefix could not come first."""
    lines = _take_wire(route, route.hops)
    lines.append(f"route add {route.prefix} via {route.wires[-1].near}")
    return lines + [f"route add local {isp_prefix(isp)} dev lo table main" for isp in ISPS]


def neighbour(route: Route, index: int, *, of_near: bool) -> str:
    """What the near end of a wire must know of the far one, or the far end of the near one."""
    wire = route.wires[index]
    device = _near_device(route, index) if of_near else "in"
    return _neighbour(wire.far if of_near else wire.near, device)


def _neighbour(address: IPv4Address, device: str) -> str:
    return f"neighbour replace {address} lladdr {_hardware(address)} nud permanent dev {device}"


def _near_device(route: Route, index: int) -> str:
    return route.interface if index == 0 else "out"


def _hardware(address: IPv4Address) -> str:
    """The hardware address of an end of a wire: a local one, made from its IPv4 address."""
    return ":".join(f"{octet:02x}" for octet in b"\x02\0" + address.packed)


def _make_wire(route: Route, index: int, file_of: Callable[[str], str]) -> list[str]:
    there = file_of(route.namespaces[index + 1])
    return make_ends(_near_device(route, index), "in", route.wires[index], there)


def make_ends(name: str, peer: str, wire: Wire, there: str) -> list[str]:
    """Make a wire with its near end, called `name`, here, and its far end, `peer`, in the namespace `there`."""
    near, far = (f"address {_hardware(end)} arp off" for end in (wire.near, wire.far))
    return [
        f"link add {name} {near} type veth peer name {peer} {far} netns {there}",
        f"address add {wire.near}/30 dev {name}",
        f"link set {name} up",
        _neighbour(wire.far, name),
    ]


def _take_wire(route: Route, index: int) -> list[str]:
    return ["link set lo up", *take_end("in", route.wires[index])]


def take_end(name: str, wire: Wire) -> list[str]:
    """Set up the far end of a wire, called `name` there."""
    return [
        f"address add {wire.far}/30 dev {name}",
        f"link set {name} up",
        _neighbour(wire.near, name),
    ]
