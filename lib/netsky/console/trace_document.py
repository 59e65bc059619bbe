"""The parts of a trace as JSON: ratios, seconds, null for what there is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netsky.trace import Finding, Hop, Located, Trace, pool_ends


def verdict_document(located: Located, text: str) -> Mapping[str, Any]:
    """Where loss begins; `text` says it in words."""
    verdict = located.verdict
    begins = verdict.finding is Finding.BEGINS
    return {
        "finding": verdict.finding.value,
        "after_hop": verdict.after,
        "at_latest_hop": verdict.at_latest,
        "at_latest_target": begins and verdict.at_latest is None,
        "loss_ratio": located.end.loss_ratio,
        "limited_hops": list(verdict.limited),
        "silent_hops": list(verdict.silent),
        "affected_flows": len(located.affected),
        "other_flows": len(located.healthy),
        "other_loss_ratio": pool_ends(located.healthy).loss_ratio if located.healthy else None,
        "branch": None
        if located.branch is None
        else {"hop": located.branch[0], "address": located.branch[1]},
        "text": text,
    }


def hop_document(hop: Hop) -> Mapping[str, Any]:
    """`hop` is null for the target itself."""
    return {
        "hop": hop.ttl,
        "addresses": list(hop.addresses),
        "packets_sent": hop.sent,
        "packets_received": hop.answered,
        "loss_ratio": hop.loss_ratio,
        "latency_mean_seconds": hop.rtt_mean_seconds,
        "latency_max_seconds": max(hop.rtts) if hop.rtts else None,
    }


def target_document(trace: Trace, *, affected: bool) -> Mapping[str, Any]:
    """A target, and whether its loss is that of the affected ones."""
    return {
        "address": trace.target,
        "flow": trace.flow,
        "affected": affected,
        "hops": len(trace.hops),
        "packets_sent": trace.end.sent,
        "packets_received": trace.end.answered,
        "loss_ratio": trace.end.loss_ratio,
        "latency_mean_seconds": trace.end.rtt_mean_seconds,
    }
