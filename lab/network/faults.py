"""What the far side and the routers do to packets, as `nft -f` reads it.

Each place has a chain in the far side of each egress:

    seen ── dead? ── flapping? ── lost in its sub-prefix? ── lost in the province? ── answered
     │       │          │                  └──────────┬─────────────┘
     └───────┴──────────┴─────────────────────────── counters: the truth, packet for packet

Each question is a chain of its own that one command fills anew; counters are never touched by that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.network.addresses import EVERYBODY, PLACES, PROVINCE_MASK, Place
from netsky.errors import InputError

TABLE = "ip lab"
STEPS = 10_000  # a loss ratio is set in steps of 0.01 %
MOST = 2**32 - 1  # nft counts no further
COUNTERS = ("seen", "loss", "dead", "flapping")
HOP_COUNTERS = ("blackhole", "limited", "forward", "back")
# An address is dead or flapping by its last bits, the same ones in each block of so many addresses.
RESIDUES = 1 << 10
_RESIDUE_MASK = IPv4Address(RESIDUES - 1)
# Flapping addresses have one of these periods, in seconds.
PERIODS = tuple(1 << bits for bits in range(1, 12))
_QUESTIONS = ("dead", "flapping", "loss")


@dataclass(frozen=True, slots=True)
class Loss:
    """How packets are lost: at random with `ratio`, or every `every`-th (then `ratio` is not used)."""

    ratio: float = 0.0
    every: int | None = None

    def __post_init__(self) -> None:
        if self.every is not None and not 1 <= self.every <= MOST:
            raise InputError(f"every {self.every}-th packet: from 1 (all of them) to {MOST}")
        if not 0 <= self.ratio <= 1 or abs(self._steps - self.ratio * STEPS) > 1e-6:
            raise InputError(f"a loss of {100 * self.ratio:g} %: 0 to 100 in steps of 0.01 %")

    @property
    def _steps(self) -> int:
        return round(self.ratio * STEPS)

    def match(self) -> str | None:
        """The packets that are lost, as nft matches them; None for no packets at all."""
        if self.every is not None:
            return f"numgen inc mod {self.every} == {self.every - 1}" if self.every > 1 else ""
        if self._steps in (0, STEPS):
            return "" if self._steps else None
        return f"numgen random mod {STEPS} < {self._steps}"


def far_ruleset() -> str:
    """The far side without any fault."""
    lines = [f"table {TABLE} {{", "counter stray { }"]
    for place in PLACES:
        lines += [f"counter {place}_{counter} {{ }}" for counter in COUNTERS]
        lines += [f"chain {question}_{place} {{ }}" for question in _QUESTIONS]
        lines += [f"set {kind}_{place} {{ type ipv4_addr; }}" for kind in ("dead", "flapping")]
    lines.append("map prefixes { type ipv4_addr : verdict; flags interval; }")
    lines += [_chain(place) for place in PLACES]
    elements = ", ".join(f"{place.prefix.network_address} : goto {place}" for place in PLACES)
    lines.append(f"map places {{ type ipv4_addr : verdict; elements = {{ {elements} }}; }}")
    lines += [
        "chain requests {",
        "type filter hook prerouting priority raw",
        "icmp type != echo-request accept",
        f"ip daddr & {PROVINCE_MASK} vmap @places",
        f"ip daddr {EVERYBODY} counter name stray drop",
        "}",
        "}",
    ]
    return "\n".join(lines)


def _chain(place: Place) -> str:
    lines = [
        f"chain {place} {{",
        f"counter name {place}_seen",
        f"jump dead_{place}",
        f"jump flapping_{place}",
        "ip daddr vmap @prefixes",
        f"jump loss_{place}",
        "}",
    ]
    return "\n".join(lines)


def set_loss(places: Iterable[Place], loss: Loss) -> str:
    lines = []
    for place in places:
        lines.append(f"flush chain {TABLE} loss_{place}")
        if (match := loss.match()) is not None:
            lines.append(f"add rule {TABLE} loss_{place} {match} counter name {place}_loss drop")
    return "\n".join(lines)


def set_prefix_loss(place: Place, prefix: IPv4Network, loss: Loss) -> str:
    """Loss in a part of a province, beside the province's own."""
    chain = f"prefix_{prefix.network_address}_{prefix.prefixlen}"
    element = f"element {TABLE} prefixes {{ {prefix} : jump {chain} }}"
    lines = [f"add chain {TABLE} {chain}", f"flush chain {TABLE} {chain}", f"add {element}"]
    match = loss.match()
    if match is None:
        return "\n".join([*lines, f"delete {element}", f"delete chain {TABLE} {chain}"])
    return "\n".join([*lines, f"add rule {TABLE} {chain} {match} counter name {place}_loss drop"])


def set_dead(dead: Iterable[tuple[Place, list[int]]]) -> str:
    """Let the addresses with these residues never answer; an empty list: all answer again."""
    return "\n".join(_set_silent("dead", place, residues, "") for place, residues in dead)


def set_flapping(flapping: Iterable[tuple[Place, list[int]]], *, period: int) -> str:
    """Let the addresses with these residues be silent in the second half of each `period` seconds."""
    if period not in PERIODS:
        raise InputError(f"a period of {period} s: possible are {', '.join(map(str, PERIODS))}")
    # The kernel tells the second of the day, whose bits are all that nft can ask for.
    when = f"meta hour & {period // 2} == {period // 2} "
    return "\n".join(_set_silent("flapping", place, residues, when) for place, residues in flapping)


def _set_silent(kind: str, place: Place, residues: list[int], when: str) -> str:
    name = f"{kind}_{place}"
    lines = [f"flush chain {TABLE} {name}", f"flush set {TABLE} {name}"]
    if residues:
        elements = ", ".join(str(IPv4Address(residue)) for residue in residues)
        rule = f"ip daddr & {_RESIDUE_MASK} @{name} {when}counter name {place}_{kind} drop"
        lines.append(f"add element {TABLE} {name} {{ {elements} }}")
        lines.append(f"add rule {TABLE} {name} {rule}")
    return "\n".join(lines)


def hop_ruleset() -> str:
    """A router without any fault: counters only, so that it costs nothing."""
    return "\n".join(
        [f"table {TABLE} {{", *(f"counter {name} {{ }}" for name in HOP_COUNTERS), "}"]
    )


def set_blackhole(*, on: bool) -> str:
    """Let a router drop every packet, of others and to itself."""
    rule = f"add rule {TABLE} blackhole counter name blackhole drop"
    hook = "type filter hook prerouting priority raw;"
    return _set_hook("blackhole", hook, rule if on else None)


def set_limit(per_second: int | None) -> str:
    """Let a router send at most so many ICMP messages of its own a second; None: no limit."""
    if per_second is not None and not 1 <= per_second <= MOST:
        raise InputError(f"a limit of {per_second} messages a second: from 1 to {MOST}")
    kinds = "echo-reply, time-exceeded, destination-unreachable"
    rule = (
        f"add rule {TABLE} messages icmp type {{ {kinds} }} "
        f"limit rate over {per_second}/second burst 1 packets counter name limited drop"
    )
    hook = "type filter hook output priority filter;"
    return _set_hook("messages", hook, None if per_second is None else rule)


def set_policing(per_second: int | None) -> str:
    """Let a router pass at most so many echo requests a second; None: all."""
    if per_second is not None and not 1 <= per_second <= MOST:
        raise InputError(f"{per_second} requests a second: from 1 to {MOST}")
    rule = (
        f"add rule {TABLE} policing icmp type echo-request "
        f"limit rate over {per_second}/second burst 5 packets counter name forward drop"
    )
    hook = "type filter hook prerouting priority raw;"
    return _set_hook("policing", hook, None if per_second is None else rule)


def set_silent(*, on: bool) -> str:
    """Let a router send no ICMP message of its own at all."""
    rule = f"add rule {TABLE} silence meta l4proto icmp counter name limited drop"
    hook = "type filter hook output priority filter;"
    return _set_hook("silence", hook, rule if on else None)


def set_hop_loss(loss: Loss, *, back: bool, branch: bool) -> str:
    """Let a router lose packets that come in: from the probe, or on their way `back` to it.

    With `branch` only those that came by the second wire.
    """
    counter = "back" if back else "forward"
    device = "out" if back else "in2" if branch else "in"
    match = loss.match()
    rule = f'add rule {TABLE} loss_{device} iifname "{device}" {match} counter name {counter} drop'
    hook = "type filter hook prerouting priority raw;"
    return _set_hook(f"loss_{device}", hook, None if match is None else rule)


def _set_hook(chain: str, hook: str, rule: str | None) -> str:
    """A base chain that is there only while it has a rule."""
    lines = [f"add chain {TABLE} {chain} {{ {hook} }}", f"flush chain {TABLE} {chain}"]
    lines.append(rule or f"delete chain {TABLE} {chain}")
    return "\n".join(lines)
