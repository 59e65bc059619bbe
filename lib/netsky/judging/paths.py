"""What a path looks like in quiet times, and what is different of it now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netsky.evidence import QuietPaths
from netsky.places import Province
from netsky.trace import Hop, PathChange, Trace, pool_paths

MOST_COUNTED = 24
"""So many of the newest looks are counted together; of older ones only the addresses matter."""

LEAST_TARGETS = 3
MOST_CHANGES = 5


def quiet_path(traces: Sequence[Trace], *, among: Sequence[Trace] = ()) -> tuple[Hop, ...]:
    """The hops of those traces in which nothing was lost, counted together; none without any.

    A router that all traces share is asked for a few of them only: what it answered to all of those
    that they are `among` counts.
    """
    whole = pool_paths(_without_loss(among))
    return tuple(
        whole[index] if index < len(whole) and _is_of(hop, whole[index]) else hop
        for index, hop in enumerate(pool_paths(_without_loss(traces)))
    )


def _is_of(hop: Hop, whole: Hop) -> bool:
    """Whether all have the same router there; one of whom nobody asked is taken for it."""
    return not hop.sent or (len(whole.addresses) == 1 and hop.addresses == whole.addresses)


def _without_loss(traces: Sequence[Trace]) -> list[tuple[Hop, ...]]:
    return [trace.hops for trace in traces if trace.end.sent and not trace.end.lost]


def quiet_hops(looks: Sequence[QuietPaths], province: Province) -> tuple[Hop, ...]:
    """The hops toward a province as they answered in the newest looks; `looks` are oldest first."""
    paths = [look.paths[province] for look in looks if province in look.paths]
    return pool_paths(paths[-MOST_COUNTED:])


def path_changes(
    traces: Sequence[Trace], looks: Sequence[QuietPaths], province: Province
) -> tuple[PathChange, ...]:
    """Where the path goes through other routers than in any of the looks, nearest first.

    A router is other when it was not there, nor a hop nearer or farther, and is there now on the way to
    several targets; and when none of those that were there is seen any more.
    """
    known = [look.paths[province] for look in looks if province in look.paths]
    usual = pool_paths(known)
    near = {hop.ttl: _near(usual, hop.ttl or 0) for hop in usual if hop.addresses}
    now = _targets_by_router(traces)
    changes = []
    for hop in usual:
        ttl = hop.ttl or 0
        if ttl not in near:
            continue
        seen = {address for at, address in now if abs(at - ttl) <= 1}
        others = {
            address: targets
            for (at, address), targets in now.items()
            if at == ttl and address not in near[ttl]
        }
        enough = {a: t for a, t in others.items() if len(t) >= LEAST_TARGETS}
        if enough and not seen & set(hop.addresses):
            targets = set().union(*enough.values())
            changes.append(PathChange(ttl, hop.addresses, tuple(sorted(enough)), len(targets)))
    return tuple(changes[:MOST_CHANGES])


def _near(path: Sequence[Hop], ttl: int) -> set[str]:
    return {a for hop in path if abs((hop.ttl or 0) - ttl) <= 1 for a in hop.addresses}


def _targets_by_router(traces: Sequence[Trace]) -> Mapping[tuple[int, str], set[str]]:
    by: dict[tuple[int, str], set[str]] = {}
    for trace in traces:
        for hop in trace.hops:
            for address in hop.addresses:
                by.setdefault((hop.ttl or 0, address), set()).add(trace.target)
    return by
