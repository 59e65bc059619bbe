"""Late answers for a part of a province: by netem where the kernel has it, else by a responder.

The responder is a program on a TUN device that the prefix is put behind. It answers some 20,000
packets a second: enough for a sample of the targets.
"""

from __future__ import annotations

import json
import sys
from enum import Enum
from ipaddress import IPv4Network
from pathlib import Path

from lab.errors import LabError
from lab.network import netem
from lab.network.holder import Holder
from netsky.errors import InputError

RESPONDER = Path(__file__).with_name("responder.py")
QUEUE_PACKETS = 10_000
LONGEST_SECONDS = 60.0
WIDEST = 20  # the widest prefix that the responder answers for is a /20, of 4,096 targets


class Means(Enum):
    """What delays the answers."""

    NETEM = "netem"
    RESPONDER = "responder"


def set_delay(
    holder: Holder,
    far: str,
    prefix: IPv4Network,
    *,
    seconds: float,
    jitter: float,
    means: Means | None,
) -> None:
    """Let the targets in `prefix` answer after `seconds` ± `jitter`; 0: at once, as all others."""
    if not 0 <= jitter <= seconds <= LONGEST_SECONDS:
        raise InputError(
            f"a delay of {seconds:g} s with {jitter:g} s of jitter: at most {LONGEST_SECONDS:g} s, "
            "and no more jitter than delay"
        )
    has_netem = netem.available(holder, far)
    if means is Means.NETEM and not has_netem:
        raise LabError("this kernel has no netem: load its module sch_netem, or use the responder")
    by_responder = means is Means.RESPONDER or not has_netem
    if seconds and by_responder and prefix.prefixlen < WIDEST:
        raise InputError(f"{prefix} is too much for the responder: delay a /{WIDEST} or narrower")
    if has_netem:
        netem.put_behind(holder, far, prefix, None)
    device = device_of(prefix)
    if device in _devices(holder, far):
        holder.run(far, "ip", "link", "delete", device)
    if not seconds:
        return
    if by_responder:
        _start_responder(holder, far, prefix, seconds, jitter)
    else:
        netem.put_behind(holder, far, prefix, netem.queue(seconds, jitter))


def _start_responder(
    holder: Holder, far: str, prefix: IPv4Network, seconds: float, jitter: float
) -> None:
    device = device_of(prefix)
    behaviours = json.dumps({"": ["delayed", seconds, jitter]})
    script = [sys.executable, "-I", "-S", str(RESPONDER)]
    holder.start(far, *script, "respond", device, behaviours)
    batch = f"link set {device} txqueuelen {QUEUE_PACKETS} up\nroute add {prefix} dev {device}\n"
    holder.run(far, "ip", "-batch", "-", stdin=batch)


def device_of(prefix: IPv4Network) -> str:
    """The TUN device that a prefix is put behind."""
    return f"d{int(prefix.network_address):08x}-{prefix.prefixlen}"


def _devices(holder: Holder, namespace: str) -> set[str]:
    links = json.loads(holder.run(namespace, "ip", "-json", "link", "show"))
    return {link["ifname"] for link in links}
