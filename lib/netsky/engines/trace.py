"""The trace engine: all targets at once, each in a flow of its own, at a pace that routers bear.

First the way is found: one packet of each TTL, eight at a time, until the target answers. A router that is on
all ways is then asked in turn for a few of the targets only, in each round for others: the first one behind this
host would have to answer for all of them. So is one that is on all ways to a province, for a few of its targets.
Every other round asks it for more of them than the one before.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses, AddressLibrary
from netsky.engines.exit_check import watch_exit
from netsky.engines.icmp import reason_of
from netsky.engines.icmp_sender import LOST, Sender
from netsky.engines.icmp_socket import IcmpSockets, open_sockets
from netsky.engines.trace_packet import (
    MOST_HOPS,
    MOST_ROUNDS,
    ROUND_BITS,
    SIZE,
    WHOLE_WAY,
    TraceRequests,
)
from netsky.engines.trace_ping import PingReceiver, PingRequests
from netsky.engines.trace_receiver import Flows, TraceReceiver
from netsky.engines.trace_shared import SharedRouters
from netsky.errors import EngineError, InputError
from netsky.places import Egress
from netsky.sweep import ProbePlan
from netsky.trace import Hop, Trace, Traced, TracePlan, pool_ends

ROUND_SECONDS = 1.0
WAVE = 8  # TTLs that are tried at a time
BEYOND = 3  # routers that are asked behind the last one that answers, where a target does not
FEW = 20  # traces that find out which routers are on all ways
RECEIVE_BUFFER = 4 << 20
MOST_TRACES = 1000
BY_CHANCE = 0.001  # what is likelier than this may have been chance

Whole = npt.NDArray[np.int64]


def trace_targets(
    targets: AddressLibrary,
    egress: Egress,
    plan: TracePlan,
    *,
    stopped: threading.Event | None = None,
) -> Traced:
    """Trace each target through `egress`; few targets are traced in several flows each.

    Another thread ends it early by `stopped`. EngineError says what to mend when nothing could be sent,
    InputError when there are too many targets or rounds.
    """
    if not 1 <= plan.rounds <= MOST_ROUNDS or not 1 <= plan.max_hops <= MOST_HOPS:
        raise InputError(f"a trace has 1 to {MOST_ROUNDS} rounds and 1 to {MOST_HOPS} hops")
    numbers, flows = _flows_of(targets.targets, plan)
    if len(numbers) > MOST_TRACES:
        raise InputError(f"{len(numbers):,} targets to trace: {MOST_TRACES:,} are the most")
    started_at, started = datetime.now(UTC), time.monotonic()
    ident = 1 + secrets.randbelow(0xFFFF)
    with (
        watch_exit(targets, egress),
        open_sockets(egress, ident=ident, receive_buffer=RECEIVE_BUFFER, routers=True) as sockets,
    ):
        places = np.searchsorted(targets.bounds[1:-1], numbers, side="right")
        addresses = targets.addresses[numbers]
        run = _Run(sockets, addresses, places, flows, plan, ident=ident, stopped=stopped)
        traces = run.make()
        return Traced(
            egress.name,
            started_at,
            time.monotonic() - started,
            int(np.count_nonzero(run.sent_ns)),
            traces,
            sockets.dropped,
            dict(run.not_sent),
        )


def check_traces(egress: Egress) -> None:
    """Raise EngineError, with how to mend it, when this process cannot trace through `egress`."""
    with open_sockets(egress, ident=1, receive_buffer=RECEIVE_BUFFER, routers=True):
        pass


def without_phantoms(traces: Sequence[Trace], reached: Sequence[bool]) -> tuple[Trace, ...]:
    """The same without silent hops before the target that may be none; as they are where none was reached.

    What a target replies to a TTL that is just enough may all be lost, where the loss is high; the TTL behind
    it then looks like the first one that is enough. Nothing is taken away where a router spoke, on whichever
    way, nor in front of that: the loss of the routers there would look less.
    """
    if not any(reached):
        return tuple(traces)
    loss = pool_ends(traces).loss_ratio or 0.0
    farthest = max(
        (hop.ttl or 0 for trace in traces for hop in trace.hops if _spoke(hop)), default=0
    )
    return tuple(
        # That one target was not reached tells of it alone: it may be dead.
        _surely_there(trace, max(loss, (its and trace.end.loss_ratio) or 0.0), farthest)
        for trace, its in zip(traces, reached, strict=True)
    )


def _surely_there(trace: Trace, loss: float, farthest: int) -> Trace:
    hops = trace.hops
    while len(hops) > farthest and loss ** (hops[-1].sent + hops[-1].quick_sent) > BY_CHANCE:
        hops = hops[:-1]
    return replace(trace, hops=hops)


def _spoke(hop: Hop) -> bool:
    return hop.answered > 0 or hop.quick_lost < hop.quick_sent


def _flows_of(targets: int, plan: TracePlan) -> tuple[Whole, Whole]:
    """For each trace, the number of its target and its flow: FEW traces at least, if the flows allow it."""
    each = max(1, min(plan.flows, FEW // targets))
    numbers = np.arange(targets * each)
    return numbers // each, numbers % plan.flows


class _Run:
    """Traces in the making. `sent_ns` is when each packet [trace, TTL, round] left, 0: it did not."""

    def __init__(
        self,
        sockets: IcmpSockets,
        addresses: Addresses,
        places: Whole,
        flows: Whole,
        plan: TracePlan,
        *,
        ident: int,
        stopped: threading.Event | None,
    ) -> None:
        self._sockets = sockets
        self._plan = plan
        self._flow_numbers = flows
        self._stopped = stopped or threading.Event()
        # Not 0xFFFF, which is the same as 0 to those who check it.
        checksums = 1 + secrets.randbelow(0xFFFE - plan.flows) + flows
        cookies = np.frombuffer(secrets.token_bytes(8 * len(flows)), np.uint64)
        self._flows = Flows(addresses, checksums, cookies)
        self._requests = TraceRequests(ident=ident) if sockets.raw else PingRequests(sockets.sender)
        self._receiver = (TraceReceiver if sockets.raw else PingReceiver)(
            sockets, self._flows, rounds=plan.rounds, rate=max(plan.rate, len(flows))
        )
        self._hops = np.zeros(len(flows), np.int64)  # routers of each way that are asked
        self._shared = SharedRouters(places, plan)
        self.sent_ns = np.zeros_like(self._receiver.received_ns)
        self.not_sent: Counter[str] = Counter()

    def make(self) -> tuple[Trace, ...]:
        every = np.arange(len(self._flows))
        with self._receiver:
            first = np.unique(np.linspace(0, len(every) - 1, min(FEW, len(every))).astype(np.int64))
            self._find_way(first)
            self._shared.find(first, self._hops, self._receiver)
            self._find_way(np.setdiff1d(every, first))
            for number in range(1, self._plan.rounds + 1):
                if not self._stopped.is_set():
                    self._send(*self._round(number), number)
            self._receiver.wait(int(np.count_nonzero(self.sent_ns)), self._plan.timeout)
        if not self.sent_ns.any():
            (reason, _), *_ = self.not_sent.most_common(1) or [("it was stopped", 0)]
            raise EngineError(f"nothing could be traced: {reason}")
        slow = self._shared.asked_slowly(every, self._plan.rounds)
        traces = [self._trace(number, slow[number]) for number in every.tolist()]
        reached = [bool(each.any()) for each in self._receiver.reached]
        return without_phantoms(traces, reached)

    def _find_way(self, traces: Whole) -> None:
        """Set how many routers are asked on the ways of `traces`; those that they share are known."""
        received, reached = self._receiver.received_ns, self._receiver.reached
        shared = self._shared.by_trace()
        known = np.where(shared, np.arange(MOST_HOPS + 1), 0).max(axis=1)
        self._hops[traces] = np.minimum(np.maximum(known[traces], BEYOND), self._plan.max_hops)
        waiting = traces
        for lowest in range(1, self._plan.max_hops + 1, WAVE):
            highest = min(lowest + WAVE, self._plan.max_hops + 1)
            which, places = (~shared[waiting, lowest:highest]).nonzero()
            if not len(waiting) or self._stopped.is_set():
                return
            if not len(which):
                continue
            self._send(waiting[which], lowest + places, 0)
            self._receiver.wait(int(np.count_nonzero(self.sent_ns)), self._plan.timeout)
            spoke = received[waiting, lowest:highest, 0] > 0
            there = reached[waiting, lowest:highest, 0]
            last = np.where(spoke, np.arange(lowest, highest), 0).max(axis=1)
            distance = np.where(there.any(axis=1), lowest + there.argmax(axis=1), 0)
            beyond = np.minimum(last + BEYOND, self._plan.max_hops)
            found = np.where(distance > 0, distance - 1, beyond)
            progress = spoke.any(axis=1)
            self._hops[waiting[progress]] = found[progress]
            # Where nobody of a whole wave speaks, nobody behind it will.
            on = (progress | (lowest <= known[waiting])) & (distance == 0)
            waiting = waiting[on]

    def _round(self, number: int) -> tuple[Whole, Whole]:
        """The packets of a round, target by target, so that each router is asked at even intervals."""
        asked = np.zeros((len(self._flows), MOST_HOPS + 1), np.bool_)
        asked[:, 1:] = np.arange(1, MOST_HOPS + 1) <= self._hops[:, np.newaxis]
        self._shared.spare(asked, number)
        asked[:, WHOLE_WAY] = True
        which, ttls = asked.nonzero()
        return which, ttls

    def _send(self, traces: Whole, ttls: Whole, number: int) -> None:
        """Send one packet for each of `traces` with its TTL, and return when the round's time is over."""
        if not len(traces):
            return
        span = max(ROUND_SECONDS, len(traces) / self._plan.rate)
        if number:
            span = max(span, self._plan.near_targets / self._plan.near_rate)
        pieces = int(np.ceil(span / ROUND_SECONDS))  # so that it can be stopped within a second
        for piece in np.array_split(np.arange(len(traces)), pieces):
            end = time.monotonic() + span / pieces
            if self._stopped.is_set():
                return
            self._send_piece(traces[piece], ttls[piece], number, seconds=span / pieces)
            self._stopped.wait(max(0.0, end - time.monotonic()))

    def _send_piece(self, traces: Whole, ttls: Whole, number: int, *, seconds: float) -> None:
        slots = (traces << 16 | ttls << ROUND_BITS | number).astype(np.uint32)
        self._requests.describe(slots, ttls, self._flows.checksums[traces])
        sender = Sender(
            self._sockets,
            AddressLibrary("-", (), self._flows.addresses[traces], np.zeros(1, np.int64)),
            np.arange(len(traces), dtype=np.uint32),
            ProbePlan(window=seconds, rate=self._plan.rate, size=SIZE),
            ident=0,
            cookies=self._flows.cookies[traces],
            requests=self._requests,
        )
        sender.run(lambda _packets: None)
        lost = np.isin(sender.errors, LOST)  # the gateway is silent: what is not sent is lost, too
        times = np.where(lost, time.monotonic_ns(), sender.sent_ns())
        self.sent_ns[traces, ttls, number] = times
        for error in sender.errors[(sender.errors > 0) & ~lost].tolist():
            self.not_sent[reason_of(error)] += 1

    def _trace(self, number: int, slow: npt.NDArray[np.bool_]) -> Trace:
        """What was measured; what the target itself answered is no hop. `slow` is bool[TTL, round]."""
        reached = self._receiver.reached[number, 1:].any(axis=1)
        distance = int(reached.argmax()) + 1 if reached.any() else MOST_HOPS + 1
        hops = min(int(self._hops[number]), distance - 1)
        told = sorted(by for trace, by in self._receiver.unreachable if trace == number)
        return Trace(
            str(IPv4Address(int(self._flows.addresses[number]))),
            int(self._flow_numbers[number]),
            tuple(self._hop(number, ttl, slow[ttl]) for ttl in range(1, hops + 1)),
            self._hop(number, WHOLE_WAY, slow[WHOLE_WAY]),
            tuple(str(IPv4Address(address)) for address in told),
        )

    def _hop(self, number: int, ttl: int, slow: npt.NDArray[np.bool_]) -> Hop:
        """The counts of a TTL; the packets that found the way were faster, and are counted apart."""
        sent = self.sent_ns[number, ttl, 1:]
        received = self._receiver.received_ns[number, ttl, 1:]
        rtts = (received - sent) / 1e9
        answered = (sent > 0) & (received > 0) & (rtts <= self._plan.timeout)
        quick = self.sent_ns[number, ttl, 0] > 0
        slow = slow & (sent > 0)
        by = Counter(self._receiver.answered_by[number, ttl, 1:][answered].tolist())
        return Hop(
            ttl or None,
            int(np.count_nonzero(sent)),
            tuple(np.maximum(rtts[answered], 0.0).tolist()),
            tuple(str(IPv4Address(address)) for address, _ in by.most_common()),
            int(quick),
            int(quick and self._receiver.received_ns[number, ttl, 0] == 0),
            int(np.count_nonzero(slow)),
            int(np.count_nonzero(slow & ~answered)),
        )
