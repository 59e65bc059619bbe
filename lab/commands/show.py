"""Counters for people."""

from __future__ import annotations

from lab.network.truth import Truth


def counters_table(truth: Truth) -> str:
    """Places that packets were sent to, and hops that dropped any."""
    lines = ["egress isp province          seen   dropped    loss %     (dead  flapping)"]
    lines += [
        f"{count.egress:6} {count.isp:3} {count.province:12} {count.seen:9,} "
        f"{count.dropped:9,} {100 * count.loss_ratio:9.4f} {count.dead:9,} {count.flapping:9,}"
        for count in truth.counts
        if count.loss_ratio is not None
    ]
    lines += [
        f"{hop.egress:6} hop {hop.hop}: dropped {hop.blackhole:,} as a blackhole, "
        f"{hop.limited:,} ICMP messages of its own by its limit, "
        f"{hop.forward:,} packets on their way, {hop.back:,} on their way back"
        for hop in truth.hops
        if hop.blackhole or hop.limited or hop.forward or hop.back
    ]
    if truth.stray:
        lines.append(f"{truth.stray:,} requests were for addresses of no province")
    return "\n".join(lines)
