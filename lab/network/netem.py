"""Late answers by the kernel itself, where it has netem: any number of targets, at any pace.

All that leaves the far side for the probe passes a classifier; a prefix with a delay has a class
with a netem queue of its own, all others go straight on. Of prefixes that overlap the narrower
counts, as with the responder, where routing chooses it.
"""

from __future__ import annotations

import re
import zlib
from ipaddress import IPv4Network

from lab.errors import LabError
from lab.network.holder import Holder

DEVICE = "in"
QUEUE_PACKETS = 1_000_000


def available(holder: Holder, namespace: str) -> bool:
    """Whether this kernel has netem."""
    try:
        holder.run(namespace, "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
    except LabError:
        return False
    holder.run(namespace, "tc", "qdisc", "delete", "dev", "lo", "root")
    return True


def queue(seconds: float, jitter: float) -> str:
    """The netem queue that delays by `seconds` ± `jitter`."""
    return f"netem limit {QUEUE_PACKETS} delay {1e6 * seconds:.0f}us {1e6 * jitter:.0f}us"


def put_behind(holder: Holder, far: str, prefix: IPv4Network, leaf: str | None) -> None:
    """Let what `prefix` answers pass the queue `leaf`; None: none any more."""
    number = zlib.crc32(str(prefix).encode()) % 0xFFFE + 1
    filters = f"dev {DEVICE} parent 1: protocol ip prio {33 - prefix.prefixlen}"
    batch = []
    shown = holder.run(far, "tc", "filter", "show", "dev", DEVICE)
    if found := re.search(rf" fh (\S+) .*flowid 1:{number:x} ", shown):
        batch += [
            f"filter delete {filters} handle {found[1]} u32",
            f"class delete dev {DEVICE} classid 1:{number:x}",
        ]
    if leaf is not None:
        if "htb 1:" not in holder.run(far, "tc", "qdisc", "show", "dev", DEVICE):
            batch.append(f"qdisc add dev {DEVICE} root handle 1: htb")
        batch += [
            f"class add dev {DEVICE} parent 1: classid 1:{number:x} htb rate 100gbit",
            f"qdisc add dev {DEVICE} parent 1:{number:x} {leaf}",
            f"filter add {filters} u32 match ip src {prefix} flowid 1:{number:x}",
        ]
    if batch:
        holder.run(far, "tc", "-batch", "-", stdin="\n".join(batch) + "\n")
