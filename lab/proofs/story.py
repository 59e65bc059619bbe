"""The story of a rehearsal: what is done to the network, act by act, a minute a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network

from lab.network.addresses import Place
from netsky.places import PROVINCES

ISP, EGRESS = "cu", "b"
EVERYDAY_LOSS, DEAD_SHARE = 0.002, 0.03
LONG = timedelta(hours=8)

OUTAGE = {"guangdong": 0.078, "guangxi": 0.078, "hainan": 0.078, "hunan": 0.2}
_FIVE = {"guangxi": 0.078, "hainan": 0.078, "hunan": 0.2, "hubei": 0.2}
_ALL = {province.slug: 0.2 for province in PROVINCES}


@dataclass(frozen=True, slots=True)
class Act:
    """So many minutes in which provinces lose, by slug, and a prefix is `dead`.

    It begins `after` so long a time, in which all was as in the act before.
    """

    name: str
    minutes: int
    loss: Mapping[str, float] = field(default_factory=dict)
    dead: IPv4Network | None = None
    after: timedelta = timedelta(0)

    @property
    def fails(self) -> bool:
        return bool(self.loss or self.dead)


def story(*, targets: int) -> tuple[Act, ...]:
    """All acts, for provinces of so many targets; a quarter of one province's is in the prefix."""
    first = Place(ISP, "guangdong").prefix.network_address
    size = 1 << (targets // 4).bit_length()
    prefix = IPv4Network((int(first) + size, 32 - (size.bit_length() - 1)))
    return (
        Act("平静 quiet", 2),
        Act("故障 outage", 3, OUTAGE),
        Act("结束 its end", 3),
        Act("全断 a long outage", 2, {"hunan": 1.0}),
        Act("八小时后 eight hours later", 1, {"hunan": 1.0}, after=LONG),
        Act("结束 its end", 3),
        Act("再次故障 a second outage", 3, OUTAGE),
        Act("结束 its end", 3),
        Act("网段全断 a dead prefix", 3, dead=prefix),
        Act("扩大到五省 five provinces", 2, _FIVE, dead=prefix),
        Act("扩大到全国 all 31 provinces", 2, _ALL, dead=prefix),
        Act("恢复 recovery", 3),
    )
