"""What traces measured: who answers on the way to targets, and how often.

An echo whose TTL runs out makes the router where it does so answer "time exceeded"; an echo with a TTL for
the whole way is answered by the target. A trace counts both. Times are seconds, ratios 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

from netsky.places import Province


@dataclass(frozen=True, slots=True)
class Hop:
    """The answers to echoes of one TTL: `rtts` has one for each, `addresses` who gave them, most first.

    For the target itself, which is reached with a TTL for the whole way, `ttl` is None. `quick_sent` and
    `quick_lost` count other echoes, which were sent faster, while the way was looked for. Of `sent`
    the `slow_sent` were sent more slowly than the rest, if some were.
    """

    ttl: int | None
    sent: int
    rtts: tuple[float, ...] = ()
    addresses: tuple[str, ...] = ()
    quick_sent: int = 0
    quick_lost: int = 0
    slow_sent: int = 0
    slow_lost: int = 0

    @property
    def answered(self) -> int:
        return len(self.rtts)

    @property
    def lost(self) -> int:
        return self.sent - len(self.rtts)

    @property
    def loss_ratio(self) -> float | None:
        """What was not answered of what was sent; None when nothing was sent."""
        return self.lost / self.sent if self.sent else None

    @property
    def rtt_mean_seconds(self) -> float | None:
        return sum(self.rtts) / len(self.rtts) if self.rtts else None


@dataclass(frozen=True, slots=True)
class Trace:
    """One flow to one target: its routers by TTL, from 1 and without a gap, and the target itself.

    Equal-cost branches are chosen by flow, so that all packets of a trace go one way. `unreachable` are those
    who said that the target cannot be reached; they are no hops.
    """

    target: str
    flow: int
    hops: tuple[Hop, ...]
    end: Hop
    unreachable: tuple[str, ...] = ()


class Finding(Enum):
    """What can be said of a path."""

    CLEAN = "clean"
    BEGINS = "begins"
    UNKNOWN = "unknown"


class Untold(StrEnum):
    """Why it cannot be told where loss begins."""

    NOTHING_SENT = "nothing_sent"
    TOO_LITTLE_LOSS = "too_little_loss"
    TOO_FEW_ROUTERS = "too_few_routers"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where loss begins: after hop `after`, at hop `at_latest` at the latest (None: at the target).

    Hop 0 is this host. Both are None but for `Finding.BEGINS`; `untold` says why for
    `Finding.UNKNOWN`. `limited` are hops that answer less often than
    what lies behind them is reached, because they limit their messages, and `silent` those that never
    answered: both say nothing of loss, and are set aside.
    """

    finding: Finding
    after: int | None = None
    at_latest: int | None = None
    limited: tuple[int, ...] = ()
    silent: tuple[int, ...] = ()
    untold: Untold | None = None


@dataclass(frozen=True, slots=True)
class Located:
    """What traces say together: `verdict` is of the pooled `hops` and `end` of the `affected` ones.

    `healthy` are the others. `branch` is a hop, by TTL and address, that all affected flows go through and
    no healthy one does; None when no hop tells them apart.
    """

    verdict: Verdict
    hops: tuple[Hop, ...]
    end: Hop
    affected: tuple[Trace, ...]
    healthy: tuple[Trace, ...] = ()
    branch: tuple[int, str] | None = None


def pool_hops(traces: Sequence[Trace]) -> tuple[Hop, ...]:
    """The routers of several traces, those of one TTL counted together."""
    return pool_paths([trace.hops for trace in traces])


def pool_paths(paths: Sequence[Sequence[Hop]]) -> tuple[Hop, ...]:
    """The same of paths, each by TTL, from 1 and without a gap."""
    longest = max(map(len, paths), default=0)
    return tuple(
        _pooled(path[index] for path in paths if index < len(path)) for index in range(longest)
    )


def pool_ends(traces: Iterable[Trace]) -> Hop:
    """The targets of traces counted together; there is at least one trace."""
    return _pooled(trace.end for trace in traces)


def _pooled(hops: Iterable[Hop]) -> Hop:
    every = list(hops)
    votes: Counter[str] = Counter()
    for hop in every:
        for address in hop.addresses:
            votes[address] += hop.answered
    rtts = tuple(rtt for hop in every for rtt in hop.rtts)
    addresses = tuple(address for address, _ in votes.most_common())
    return Hop(
        every[0].ttl,
        sum(hop.sent for hop in every),
        rtts,
        addresses,
        sum(hop.quick_sent for hop in every),
        sum(hop.quick_lost for hop in every),
        sum(hop.slow_sent for hop in every),
        sum(hop.slow_lost for hop in every),
    )


@dataclass(frozen=True, slots=True)
class TracePlan:
    """How traces are made; `timeout` in seconds.

    In each of `rounds` every router of a path and its target is asked once, spread over a second, or over
    longer where `rate` packets a second need it. A router that is on all paths is asked for `near_targets`
    of them only, and one that is on all paths to a place for `near_of_place`: for half as many in the first round, and half as many again in the second, and so on, since only
    who limits its answers loses more when it is asked faster. The former is asked `near_rate` times a second
    on average, half as often in a slow round. The targets take turns in `flows` flows.
    """

    rounds: int = 10
    flows: int = 6
    max_hops: int = 30
    rate: int = 200
    near_targets: int = 10  # a hundred in ten rounds: 5 % of them tell where loss begins
    timeout: float = 1.0
    near_of_place: int = 10
    near_rate: float = 10.0  # many routers send no more than 20 messages a second


@dataclass(frozen=True, slots=True)
class Traced:
    """Traces through one exit. `local_drops` are answers that this host threw away: then loss may be its own.

    `not_sent` counts packets that this host could not send, by reason; they are no loss.
    """

    egress: str
    started_at: datetime
    duration_seconds: float
    packets_sent: int
    traces: tuple[Trace, ...]
    local_drops: int = 0
    not_sent: Mapping[str, int] = field(default_factory=dict)


class MtrState(StrEnum):
    """What became of a report of mtr."""

    TAKEN = "taken"
    EMPTY = "empty"  # it saw nobody, which is what it prints where its packets go astray, too
    REFUSED = "refused"
    HUNG = "hung"
    NO_WAY = "no_way"  # no route, or none that mtr can be made to take
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class MtrReport:
    """What mtr printed of the way to a target, or why that could not be taken: then `text` is None."""

    target: str
    command: tuple[str, ...] = ()
    text: str | None = None
    not_taken: str | None = None
    state: MtrState = MtrState.TAKEN


@dataclass(frozen=True, slots=True)
class Compared:
    """The same targets through another exit; `problem` says why they could not be traced."""

    egress: str
    located: Located | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class PathChange:
    """At hop `hop` there are routers `now` that were nowhere near it in quiet times, on the way to `targets`.

    `before` are those that were there then, the most frequent first.
    """

    hop: int
    before: tuple[str, ...]
    now: tuple[str, ...]
    targets: int


@dataclass(frozen=True, slots=True)
class TraceReport:
    """Traces to targets of one place through one exit, and what they say together.

    `candidates` addresses were looked at to choose the targets, of which `answering` answered at all through
    any exit; both are 0 when nothing was looked at. `quiet` are the hops as they answered when
    nothing was lost, none when that is not known.
    """

    province: Province
    plan: TracePlan
    traced: Traced
    located: Located
    candidates: int = 0
    answering: int = 0
    compared: tuple[Compared, ...] = ()
    mtr: tuple[MtrReport, ...] = ()
    quiet: tuple[Hop, ...] = ()
    changes: tuple[PathChange, ...] = ()

    @property
    def targets(self) -> list[str]:
        return list(dict.fromkeys(trace.target for trace in self.traced.traces))

    @property
    def complete(self) -> bool:
        """All that was asked for was taken."""
        return not (
            self.traced.not_sent
            or any(other.problem for other in self.compared)
            or any(report.not_taken for report in self.mtr)
        )
