"""Two ways of equal cost between a router and the one before it: a second wire, chosen by flow.

    … ── b.1 ──out── in ── b.2 ── …      as routers do, b.1 takes the first words of what IP carries: of an
           └──out2── in2 ──┘             echo request its type, code and checksum; answers take the first wire

The router answers with the address of the wire by which the packet came.
"""

from __future__ import annotations

from lab.network import topology
from lab.network.addresses import EVERYBODY, Route, Wire
from lab.network.faults import TABLE
from lab.network.holder import Holder
from netsky.errors import InputError

NEAR_DEVICE, FAR_DEVICE = "out2", "in2"
_TABLE = _MARK = 200
_INBOUND = "/proc/sys/net/ipv4/icmp_errors_use_inbound_ifaddr"


def set_branch(holder: Holder, route: Route, hop: int, *, on: bool) -> None:
    """Make the second way to router number `hop`, from 2, or take it away."""
    if not 2 <= hop <= route.hops:
        raise InputError(f"egress {route.egress}: two ways lead to hop 2 to {route.hops} only")
    before, router = route.routers[hop - 2 : hop]
    wire = route.second_wire(hop)
    lines = _make(wire, holder.path(router)) if on else _remove()
    holder.run(before, "ip", "-batch", "-", stdin="\n".join(lines) + "\n")
    if on:
        taken = topology.take_end(FAR_DEVICE, wire)
        holder.run(router, "ip", "-batch", "-", stdin="\n".join(taken) + "\n")
        holder.run(router, "sh", "-c", f"echo 1 > {_INBOUND}")
    holder.run(before, "nft", "-f", "-", stdin=_choice(on=on) + "\n")


def _make(wire: Wire, there: str) -> list[str]:
    return [
        *topology.make_ends(NEAR_DEVICE, FAR_DEVICE, wire, there),
        f"route add default via {wire.far} dev {NEAR_DEVICE} table {_TABLE}",
        f"rule add preference {topology.RULE_PREFERENCE} fwmark {_MARK} table {_TABLE}",
    ]


def _remove() -> list[str]:
    return [
        f"rule delete preference {topology.RULE_PREFERENCE} fwmark {_MARK} table {_TABLE}",
        f"link delete {NEAR_DEVICE}",
    ]


def _choice(*, on: bool) -> str:
    hook = "type filter hook prerouting priority mangle;"
    lines = [f"add chain {TABLE} flows {{ {hook} }}", f"flush chain {TABLE} flows"]
    rule = f"ip daddr {EVERYBODY} jhash @th,0,32 mod 2 seed 0x1 0 meta mark set {_MARK}"
    lines.append(f"add rule {TABLE} flows {rule}" if on else f"delete chain {TABLE} flows")
    return "\n".join(lines)
