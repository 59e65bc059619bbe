"""The wires and routes of the lab, as `ip -batch` reads them.

probe ──exit-a── a.1 ── a.2 ── a.3 ── a.far     in a.far and b.far all addresses of the ISPs
  └─────exit-b── b.1 ── b.2 ── b.3 ── b.far     are local, so that the kernel answers
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lab.addresses import ISPS, Path, isp_prefix

FIRST_TABLE = 100  # of the probe's routing tables: one an egress, which is its firewall mark, too
RULE_PREFERENCE = 100  # before the table `main`


def table_of(path: Path) -> int:
    return FIRST_TABLE + path.number


def probe_batch(paths: Iterable[Path], file_of: Callable[[str], str]) -> list[str]:
    """The probe's host: an egress is chosen by source address, interface or firewall mark."""
    lines = ["link set lo up"]
    for path in paths:
        gateway, table = path.wires[0].far, table_of(path)
        lines += _make_wire(path, 0, file_of)
        lines.append(f"route add default via {gateway} table {table}")
        lines += [
            f"rule add preference {RULE_PREFERENCE} {match} table {table}"
            for match in (f"from {path.source}", f"oif {path.interface}", f"fwmark {table}")
        ]
        lines.append(f"route add default via {gateway} metric {table}")
    return lines


def router_batch(path: Path, hop: int, file_of: Callable[[str], str]) -> list[str]:
    """A router, `hop` from 1: forwards to the far side and back."""
    before, after = path.wires[hop - 1], path.wires[hop]
    lines = [*_take_wire(path, hop - 1), *_make_wire(path, hop, file_of)]
    lines.append(f"route add default via {after.far}")
    if hop > 1:
        lines.append(f"route add {path.prefix} via {before.near}")
    return lines


def far_batch(path: Path) -> list[str]:
    """The far side. Not in the table `local`, where a TUN device's prefix could not come first."""
    lines = _take_wire(path, path.hops)
    lines.append(f"route add {path.prefix} via {path.wires[-1].near}")
    return lines + [f"route add local {isp_prefix(isp)} dev lo table main" for isp in ISPS]


def _make_wire(path: Path, index: int, file_of: Callable[[str], str]) -> list[str]:
    name = path.interface if index == 0 else "out"
    there = file_of(path.namespaces[index + 1])
    return [
        f"link add {name} type veth peer name in netns {there}",
        f"address add {path.wires[index].near}/30 dev {name}",
        f"link set {name} up",
    ]


def _take_wire(path: Path, index: int) -> list[str]:
    return [
        "link set lo up",
        f"address add {path.wires[index].far}/30 dev in",
        "link set in up",
    ]
