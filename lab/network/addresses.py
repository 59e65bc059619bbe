"""Which address stands for what in the lab.

10.16.0.0/12  cu ┐ 32 blocks /17 of 32,768 addresses each:
10.32.0.0/12  cm │ 31 provinces in the order of DESIGN section 3, the last block is unused;
10.48.0.0/12  ct ┘ 1,015,808 targets for each ISP
198.18.<n>.0/24    egress number n: a /30 for each wire, the probe's own address is the .1
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from netsky.errors import InputError
from netsky.places import BUILTIN_ISPS, PROVINCES, Province, find_province

ISPS = ("cu", "cm", "ct")
EVERYBODY = IPv4Network("10.0.0.0/8")
PROVINCE_BITS = 17
PROVINCE_MASK = IPv4Network((0, PROVINCE_BITS)).netmask
EGRESS_NAME = re.compile(r"[a-z][a-z0-9-]{0,9}")  # "exit-" + name must fit an interface's 15
MOST_EGRESSES = 256
MOST_HOPS = 30

_ISP_BITS = 12
_FIRST = int(IPv4Address("10.16.0.0"))
_EGRESS_PREFIXES = tuple(IPv4Network("198.18.0.0/15").subnets(new_prefix=24))
_INDEX = {province: index for index, province in enumerate(PROVINCES)}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The users of an ISP in a province: what loss is set for and counted by."""

    isp: str
    province: str

    @property
    def prefix(self) -> IPv4Network:
        block = _FIRST + (ISPS.index(self.isp) << (32 - _ISP_BITS))
        offset = _INDEX[find_province(self.province)] << (32 - PROVINCE_BITS)
        return IPv4Network((block + offset, PROVINCE_BITS))

    def __str__(self) -> str:
        return f"{self.isp}_{self.province}"


PLACES = tuple(Place(isp, province.slug) for isp in ISPS for province in PROVINCES)
_PLACE_OF = {place.prefix: place for place in PLACES}


def isp_prefix(isp: str) -> IPv4Network:
    """The block of all addresses of an ISP, the unused ones included."""
    return IPv4Network((_FIRST + (ISPS.index(isp) << (32 - _ISP_BITS)), _ISP_BITS))


def place_of(prefix: IPv4Network) -> Place:
    """The ISP and province whose users a prefix stands for; InputError when it is not within one province."""
    place = None
    if prefix.prefixlen >= PROVINCE_BITS:
        place = _PLACE_OF.get(prefix.supernet(new_prefix=PROVINCE_BITS))
    if place is None:
        raise InputError(
            f"{prefix} is not within one province of the lab: see `python -m lab addresses`"
        )
    return place


def select_places(isp: str | None, province: str | None) -> tuple[Place, ...]:
    """The places of an ISP and a province; None stands for all of them."""
    if isp is not None and isp not in ISPS:
        known = ", ".join(f"{slug} {BUILTIN_ISPS[slug].name}" for slug in ISPS)
        raise InputError(f"the lab has no ISP {isp!r}; it has: {known}")
    wanted: Iterable[Province] = PROVINCES if province is None else [find_province(province)]
    slugs = {each.slug for each in wanted}
    return tuple(p for p in PLACES if p.isp in (isp or p.isp) and p.province in slugs)


@dataclass(frozen=True, slots=True)
class Wire:
    """A veth pair: `near` is the end toward the probe, `far` the end toward the far side."""

    near: IPv4Address
    far: IPv4Address


@dataclass(frozen=True, slots=True)
class Route:
    """An egress, the chain of routers behind it and the far side.

    `number` counts egresses from 0. `namespaces` are the probe's, the routers' and the far side's.
    """

    egress: str
    number: int
    hops: int

    @property
    def interface(self) -> str:
        """What the probe's end of the first wire is called."""
        return f"exit-{self.egress}"

    @property
    def prefix(self) -> IPv4Network:
        """All addresses of its wires."""
        return _EGRESS_PREFIXES[self.number]

    @property
    def wires(self) -> tuple[Wire, ...]:
        links = list(self.prefix.subnets(new_prefix=30))[: self.hops + 1]
        return tuple(Wire(link[1], link[2]) for link in links)

    def second_wire(self, hop: int) -> Wire:
        """The wire of a second way to router number `hop`, see `branch`."""
        link = list(self.prefix.subnets(new_prefix=30))[MOST_HOPS + 1 + hop]
        return Wire(link[1], link[2])

    @property
    def source(self) -> IPv4Address:
        """The probe's address on this egress."""
        return self.wires[0].near

    @property
    def namespaces(self) -> tuple[str, ...]:
        return ("probe", *self.routers, self.far)

    @property
    def routers(self) -> tuple[str, ...]:
        return tuple(f"{self.egress}.{hop}" for hop in range(1, self.hops + 1))

    @property
    def far(self) -> str:
        return f"{self.egress}.far"


def make_routes(egresses: Iterable[str], hops: int) -> tuple[Route, ...]:
    """A route for each egress; InputError for a name or number that cannot be."""
    names = tuple(egresses)
    if not 0 < len(set(names)) == len(names) <= MOST_EGRESSES:
        raise InputError(f"1 to {MOST_EGRESSES} egresses, each of its own name: not {names}")
    for name in names:
        if not EGRESS_NAME.fullmatch(name):
            raise InputError(
                f"egress {name!r}: up to 10 lower-case letters, digits and '-', a letter first"
            )
    if not 1 <= hops <= MOST_HOPS:
        raise InputError(f"{hops} hops: from 1 to {MOST_HOPS} are possible")
    return tuple(Route(name, number, hops) for number, name in enumerate(names))


def addresses_of(prefix: IPv4Network, targets: int) -> str:
    """The first `targets` addresses of a prefix, as a line of an address library."""
    if targets >= prefix.num_addresses:
        return str(prefix)
    return f"{prefix[0]}-{prefix[targets - 1]}"
