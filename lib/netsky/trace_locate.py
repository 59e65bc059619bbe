"""Where loss begins: a change point by likelihood over the counts of a path's hops.

Whatever is lost at a hop is missing in the answers of all that lie behind it, too. So a hop that answers less
often than something behind it limits its own messages, as does one that answers less often when it is asked
faster: both are set aside. Over the rest, with this host in front (hop 0, which loses nothing), the loss is low
up to some hop and higher from it on. All change points that explain the counts nearly as well as the best one
make an interval. Loss on the way back looks the same as loss on the way there, one hop later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from netsky.trace import (
    Finding,
    Hop,
    Located,
    Trace,
    Untold,
    Verdict,
    pool_ends,
    pool_hops,
)

# All are differences of log likelihoods: 3 is a ratio of 20 to 1, and 2.4 standard deviations.
INTERVAL = (
    3.0  # change points that are not worse than the best one by more than this cannot be excluded
)
LEAST_GAIN = 3.0  # a change that explains no more than this may be chance
CLEARLY_MORE = 3.0
MORE_WHEN_QUICK = (
    2.0  # of some 20 quick echoes; who is set aside in error makes the interval wider only
)
BRANCH_GAIN = 4.0  # and the logarithm of how many hops are tried
CLUSTER_GAIN = 10.0
# Flows that all lose the same are apart by chance: sorted and cut in two, each adds so much.
CLUSTER_GAIN_PER_FLOW = 0.64

SPEAKS = 0.98  # a hop that answers as often as this in quiet times limits nothing

Counts = tuple[int, int]
"""Packets sent, and lost."""


def locate(hops: Sequence[Hop], end: Hop, *, quiet: Sequence[Hop] = ()) -> Verdict:
    """Where the loss of a path begins; `hops` by TTL, `end` its target.

    `quiet` are the hops of the same path as they answered when nothing was lost: they tell who limits its
    messages at all times, and who spoke before a fault silenced it.
    """
    kept, limited, silent = _set_aside(hops, end, {hop.ttl: hop for hop in quiet})
    aside = Verdict(Finding.CLEAN, limited=tuple(limited), silent=tuple(silent))
    if not end.sent:
        return _untold(aside, Untold.NOTHING_SENT)
    if not end.lost:
        return aside
    path = [Hop(0, end.sent), *kept, end]
    counts = [(hop.sent, 0 if _is_before(hop, end) else hop.lost) for hop in path]
    likelihoods = [_of_change(counts, at) for at in range(1, len(counts))]
    best = max(likelihoods)
    if best - _likelihood(counts) < LEAST_GAIN:
        return _untold(aside, Untold.TOO_LITTLE_LOSS)
    possible = [at for at, value in enumerate(likelihoods, 1) if value >= best - INTERVAL]
    after, at_latest = path[possible[0] - 1].ttl, path[possible[-1]].ttl
    if after == 0 and at_latest is None:  # it may be anywhere
        return _untold(aside, Untold.TOO_LITTLE_LOSS if kept else Untold.TOO_FEW_ROUTERS)
    return replace(aside, finding=Finding.BEGINS, after=after, at_latest=at_latest)


def _untold(verdict: Verdict, why: Untold) -> Verdict:
    return replace(verdict, finding=Finding.UNKNOWN, untold=why)


def locate_all(traces: Sequence[Trace], *, quiet: Sequence[Hop] = ()) -> Located:
    """What traces to targets of one place say together; there is at least one.

    When only some of the flows lose, because of a branch of the path or of the targets, the verdict is of
    these alone.
    """
    branch, chosen = _find_branch(traces)
    if branch is None:
        chosen = _find_cluster(traces)
    affected = tuple(trace for index, trace in enumerate(traces) if index in chosen)
    healthy = tuple(trace for index, trace in enumerate(traces) if index not in chosen)
    hops, end = pool_hops(affected), pool_ends(affected)
    return Located(locate(hops, end, quiet=quiet), hops, end, affected, healthy, branch)


def _set_aside(
    hops: Sequence[Hop], end: Hop, quiet: dict[int | None, Hop]
) -> tuple[list[Hop], list[int], list[int]]:
    """The hops that tell of loss, the TTLs of those that limit their messages, and of the silent."""
    kept: list[Hop] = []
    limited: list[int] = []
    silent: list[int] = []
    for hop in reversed(hops):
        ttl = hop.ttl or 0
        usual = _usual(hop, quiet.get(hop.ttl))
        if usual is not None and usual >= SPEAKS:
            kept.insert(0, hop)
        elif not hop.answered:
            silent.insert(0, ttl)
        elif (
            usual is not None
            or _loses_more_when_quick(hop)
            or any(_loses_more(hop, behind) for behind in (*kept, end))
        ):
            limited.insert(0, ttl)
        else:
            kept.insert(0, hop)
    return kept, limited, silent


def _is_before(hop: Hop, end: Hop) -> bool:
    """Whether loss surely begins behind the hop: behind a total outage nobody answers at all."""
    return hop.ttl == 0 or (hop.answered > 0 and not end.answered)


def _usual(hop: Hop, quiet: Hop | None) -> float | None:
    """Which share of its echoes the hop answers in quiet times; None when another router is there now."""
    if quiet is None or not quiet.sent:
        return None
    if hop.addresses and not set(hop.addresses) & set(quiet.addresses):
        return None
    return quiet.answered / quiet.sent


def _loses_more(hop: Hop, behind: Hop) -> bool:
    return _gain((hop.sent, hop.lost), (behind.sent, behind.lost)) >= CLEARLY_MORE


def _loses_more_when_quick(hop: Hop) -> bool:
    """A path loses the same share at any pace of ours; who limits messages by the second does not.

    One that answers each time in the rounds is believed, whatever it did when it was asked faster.
    """
    return (
        hop.lost > 0
        and _gain((hop.quick_sent, hop.quick_lost), (hop.sent, hop.lost)) >= MORE_WHEN_QUICK
    )


def _find_branch(traces: Sequence[Trace]) -> tuple[tuple[int, str] | None, set[int]]:
    """The hop whose flows lose most clearly more than all others, and the numbers of these traces."""
    through: dict[tuple[int, str], set[int]] = {}
    for index, trace in enumerate(traces):
        for hop in trace.hops:
            for address in hop.addresses:
                through.setdefault((hop.ttl or 0, address), set()).add(index)
    every = _counts(traces)
    tried = len({frozenset(inside) for inside in through.values()})
    best, found = BRANCH_GAIN + math.log(max(1, tried)), None
    for place in sorted(through):  # of hops that tell the same flows apart, the nearest
        inside = _counts(traces[index] for index in through[place])
        gain = _gain(inside, (every[0] - inside[0], every[1] - inside[1]))
        if len(through[place]) > 1 and gain > best:
            best, found = gain, place
    return found, through[found] if found else set()


def _find_cluster(traces: Sequence[Trace]) -> set[int]:
    """The numbers of the traces that lose clearly more than the others, or else of all."""
    by_loss = sorted(
        range(len(traces)), key=lambda index: traces[index].end.loss_ratio or 0.0, reverse=True
    )
    every = _counts(traces)
    best, cut = CLUSTER_GAIN + CLUSTER_GAIN_PER_FLOW * len(traces), len(traces)
    sent = lost = 0
    for at, index in enumerate(by_loss, 1):
        sent, lost = sent + traces[index].end.sent, lost + traces[index].end.lost
        gain = _gain((sent, lost), (every[0] - sent, every[1] - lost))
        if gain > best:
            best, cut = gain, at
    return set(by_loss[:cut])


def _counts(traces: Iterable[Trace]) -> Counts:
    ends = [trace.end for trace in traces]
    return sum(end.sent for end in ends), sum(end.lost for end in ends)


def _of_change(counts: Sequence[Counts], at: int) -> float:
    """The log likelihood of one loss before `at`, and of a higher one from there on."""
    before, behind = counts[:at], counts[at:]
    if _ratio(behind) <= _ratio(before):
        return -math.inf
    return _likelihood(before) + _likelihood(behind)


def _gain(more: Counts, less: Counts) -> float:
    """By how much two losses explain the counts better than one; 0 unless `more` loses more."""
    if _ratio([more]) <= _ratio([less]):
        return 0.0
    return _likelihood([more]) + _likelihood([less]) - _likelihood([more, less])


def _ratio(counts: Sequence[Counts]) -> float:
    sent = sum(sent for sent, _ in counts)
    return sum(lost for _, lost in counts) / sent if sent else 0.0


def _likelihood(counts: Sequence[Counts]) -> float:
    """The greatest log likelihood of counts that all have the same loss (binomial)."""
    sent, lost = sum(sent for sent, _ in counts), sum(lost for _, lost in counts)
    return sum(part * math.log(part / sent) for part in (lost, sent - lost) if part)
