"""A hop as JSON, and back: with each answer, or of quiet times with their number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netsky.trace import Hop

Document = Mapping[str, Any]

_RTT_DIGITS = 6  # microseconds: no path is measured finer


def hop_document(hop: Hop) -> Document:
    return {
        "hop": hop.ttl,
        "addresses": list(hop.addresses),
        "packets_sent": hop.sent,
        "rtt_seconds": [round(rtt, _RTT_DIGITS) for rtt in hop.rtts],
        "quick_sent": hop.quick_sent,
        "quick_lost": hop.quick_lost,
        "slow_sent": hop.slow_sent,
        "slow_lost": hop.slow_lost,
    }


def parse_hop(document: Document) -> Hop:
    return Hop(
        document["hop"],
        document["packets_sent"],
        tuple(document["rtt_seconds"]),
        tuple(document["addresses"]),
        document["quick_sent"],
        document["quick_lost"],
        document.get("slow_sent", 0),  # not in what was written before there were such rounds
        document.get("slow_lost", 0),
    )


def quiet_hop_document(hop: Hop) -> Document:
    """Only counts: there are hundreds of hops an hour and line, and what is asked of them is who answered."""
    mean = hop.rtt_mean_seconds
    return {
        "hop": hop.ttl,
        "addresses": list(hop.addresses),
        "packets_sent": hop.sent,
        "packets_received": hop.answered,
        "rtt_seconds": None if mean is None else round(mean, _RTT_DIGITS),
        "quick_sent": hop.quick_sent,
        "quick_lost": hop.quick_lost,
    }


def parse_quiet_hop(document: Document) -> Hop:
    """Each answer with the mean RTT."""
    if isinstance(document["rtt_seconds"], list):  # so it was written before
        return parse_hop(document)
    received = document["packets_received"]
    return Hop(
        document["hop"],
        document["packets_sent"],
        (document["rtt_seconds"],) * received,
        tuple(document["addresses"]),
        document["quick_sent"],
        document["quick_lost"],
    )
