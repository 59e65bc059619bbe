"""Where loss begins: a change point by likelihood over the counts of a path's hops.

Whatever is lost at a hop is missing in the answers of all that lie behind it, too. So a hop that answers less
often than something behind it limits its own messages, as does one that answers less often when it is asked
faster, now or in quiet times: both are set aside. Over the rest, with this host in front (hop 0, which loses
nothing), the loss is low up to some hop and higher from it on. All change points that explain the counts nearly as
well as the best one make an interval. Loss on the way back looks the same as loss on the way there, one hop later.
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

# All are differences of log likelihoods: 3 is a ratio of 20 to 1, and 2.4 standard deviations; 5 is 150 to 1.
# Change points that explain the counts worse than the best one by more than this are excluded: those in front of
# it, whereby routers are called well, and those behind. The former must be surer: by chance a router may lose none
# of 100 packets where 5 % are lost.
WELL_INTERVAL, LOSSY_INTERVAL = 5.0, 3.0
LEAST_GAIN = 3.0  # a change that explains no more than this may be chance
# And the logarithm of how many are compared with. To be called limited, and not just left aside, it takes that of
# how many hops there are in addition: of ten that lose the same, one often stands out by chance.
CLEARLY_MORE = 3.0
MORE_WHEN_QUICK = 4.0
BRANCH_GAIN = 4.0  # and the logarithm of how many hops are tried
CLUSTER_GAIN = 10.0
# Flows that all lose the same are apart by chance: sorted and cut in two, each adds so much.
CLUSTER_GAIN_PER_FLOW = 0.64

# A hop that answers as often as this in quiet times limits nothing at that pace. Of the quick echoes there are
# few: who limits its messages below the pace of the rounds leaves a quarter of them unanswered.
SPEAKS, SPEAKS_WHEN_QUICK = 0.98, 0.9

Counts = tuple[int, int]
"""Packets sent, and lost."""


def locate(hops: Sequence[Hop], end: Hop, *, quiet: Sequence[Hop] = ()) -> Verdict:
    """Where the loss of a path begins; `hops` by TTL, `end` its target.

    `quiet` are the hops of the same path as they answered when nothing was lost: they tell who limits its
    messages at all times, and who spoke before a fault silenced it. They may have been asked more slowly, so
    that they do not tell that a hop limits nothing.
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
    first = next(at for at, value in enumerate(likelihoods) if value >= best - WELL_INTERVAL)
    last = max(at for at, value in enumerate(likelihoods, 1) if value >= best - LOSSY_INTERVAL)
    after, at_latest = path[first].ttl, path[_surely_lossy(counts, last)].ttl
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
    """The hops that tell of loss, the TTLs of those that surely limit their messages, and of the silent."""
    kept: list[Hop] = []
    limited: list[int] = []
    silent: list[int] = []
    for hop in reversed(hops):
        before = _of_the_same(hop, quiet.get(hop.ttl))
        beyond = _loses_more(hop, [*kept, end])
        if beyond >= CLEARLY_MORE:
            if not hop.answered:
                silent.insert(0, hop.ttl or 0)
            elif beyond >= CLEARLY_MORE + math.log(len(hops)):
                limited.insert(0, hop.ttl or 0)
        elif not hop.answered:
            if before and _speaks(before):
                kept.insert(0, hop)
            else:
                silent.insert(0, hop.ttl or 0)
        elif _loses_more_when_quick(hop) or (before and hop.lost and _limits(before)):
            limited.insert(0, hop.ttl or 0)
        else:
            kept.insert(0, hop)
    return kept, limited, silent


def _is_before(hop: Hop, end: Hop) -> bool:
    """Whether loss surely begins behind the hop: behind a total outage nobody answers at all."""
    return hop.ttl == 0 or (hop.answered > 0 and not end.answered)


def _of_the_same(hop: Hop, quiet: Hop | None) -> Hop | None:
    """What the hop did in quiet times; None when another router is there now."""
    if quiet is None or not quiet.sent:
        return None
    return quiet if not hop.addresses or set(hop.addresses) & set(quiet.addresses) else None


def _speaks(quiet: Hop) -> bool:
    return quiet.answered >= SPEAKS * quiet.sent


def _limits(quiet: Hop) -> bool:
    return not _speaks(quiet) or quiet.quick_lost > (1 - SPEAKS_WHEN_QUICK) * quiet.quick_sent


def _loses_more(hop: Hop, behind: Sequence[Hop]) -> float:
    """How clearly it loses more than one of those behind it, beyond what is chance among so many."""
    most = max(_gain((hop.sent, hop.lost), (other.sent, other.lost)) for other in behind)
    return most - math.log(len(behind))


def _loses_more_when_quick(hop: Hop) -> bool:
    """A path loses the same share at any pace of ours; who limits messages by the second does not.

    One that answers each time in the rounds is believed, whatever it did when it was asked faster.
    """
    slow = (hop.slow_sent, hop.slow_lost) if hop.slow_sent else (hop.sent, hop.lost)
    quick = (hop.quick_sent, hop.quick_lost)
    if hop.slow_sent:
        quick = (quick[0] + hop.sent - slow[0], quick[1] + hop.lost - slow[1])
    return hop.lost > 0 and _gain(quick, slow) >= MORE_WHEN_QUICK


def _surely_lossy(counts: Sequence[Counts], at: int) -> int:
    """The first place from `at` on that does not lose clearly less than all behind it together.

    One that does may be in front of the loss, and limit its answers since lately.
    """
    for place in range(at, len(counts) - 1):
        behind = counts[place + 1 :]
        together = sum(sent for sent, _ in behind), sum(lost for _, lost in behind)
        if _gain(together, counts[place]) < CLEARLY_MORE:
            return place
    return len(counts) - 1


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
