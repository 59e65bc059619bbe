"""A running lab: let it fail, run programs in it, read what it has counted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from lab.errors import LabError
from lab.network import delay, faults, shares, topology
from lab.network.addresses import Place, Route, place_of, select_places
from lab.network.branch import set_branch
from lab.network.delay import Means
from lab.network.faults import HOP_COUNTERS, TABLE, Loss
from lab.network.holder import Holder, IdleHolder, program
from lab.network.truth import Count, HopCount, Truth, far_counts, parse_counters
from netsky.errors import InputError

SEED = 1
ELEMENTS_AT_ONCE = 4000


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab. What is set for no `egress`, `isp` or `province` is set for all of them."""

    name: str
    routes: tuple[Route, ...]
    holder: Holder

    def rehearsal(self) -> Lab:
        """The same lab, where nothing is done, but all that is wrong is an error."""
        holder = self.holder
        idle = IdleHolder(holder.pid, holder.started, holder.of_user, holder.descriptors)
        return Lab(self.name, self.routes, idle)

    def route(self, egress: str) -> Route:
        for route in self.routes:
            if route.egress == egress:
                return route
        known = ", ".join(route.egress for route in self.routes)
        raise InputError(f"the lab has no egress {egress!r}; it has: {known}")

    def set_loss(
        self,
        loss: Loss,
        *,
        egress: str | None = None,
        isp: str | None = None,
        province: str | None = None,
    ) -> None:
        """Lose packets on their way to places; what was set for those before is replaced."""
        self._change(egress, faults.set_loss(select_places(isp, province), loss))

    def set_prefix_loss(
        self, loss: Loss, prefix: IPv4Network, *, egress: str | None = None
    ) -> None:
        """Lose packets in a part of a province, on top of the province's own loss."""
        ruleset = faults.set_prefix_loss(place_of(prefix), prefix, loss)
        try:
            self._change(egress, ruleset, "--check")  # the change is made on all exits, or on none
        except LabError as error:
            if "overlap" in str(error):
                raise InputError(f"{prefix} overlaps another with a loss: set that to 0") from None
            raise
        self._change(egress, ruleset)

    def set_dead(
        self,
        share: float,
        *,
        egress: str | None = None,
        isp: str | None = None,
        province: str | None = None,
        seed: int = SEED,
    ) -> None:
        """Let a share of the addresses never answer."""
        places = select_places(isp, province)
        dead = [(place, shares.dead_residues(place, share, seed)) for place in places]
        for batch in _batches(dead):
            self._change(egress, faults.set_dead(batch))

    def set_flapping(
        self,
        share: float,
        *,
        period: int = 64,
        egress: str | None = None,
        isp: str | None = None,
        province: str | None = None,
        seed: int = SEED,
    ) -> None:
        """Let a share of the addresses be silent in the second half of each `period` seconds."""
        places = select_places(isp, province)
        flapping = [(place, shares.flapping_residues(place, share, seed)) for place in places]
        for batch in _batches(flapping):
            self._change(egress, faults.set_flapping(batch, period=period))

    def set_delay(
        self,
        prefix: IPv4Network,
        seconds: float,
        *,
        jitter: float = 0.0,
        means: Means | None = None,
        egress: str | None = None,
    ) -> None:
        """Let the targets of a part of a province answer late; 0: at once again."""
        place_of(prefix)
        for route in self._routes(egress):
            delay.set_delay(
                self.holder, route.far, prefix, seconds=seconds, jitter=jitter, means=means
            )

    def set_limit(self, per_second: int | None, *, egress: str, hop: int) -> None:
        """Limit the ICMP messages that a router itself sends; None: no limit."""
        self._change_hop(egress, hop, faults.set_limit(per_second))

    def set_blackhole(self, *, egress: str, hop: int, on: bool) -> None:
        """Let a router drop everything."""
        self._change_hop(egress, hop, faults.set_blackhole(on=on))

    def set_policing(self, per_second: int | None, *, egress: str, hop: int) -> None:
        """Limit the echo requests that a router passes; None: no limit."""
        self._change_hop(egress, hop, faults.set_policing(per_second))

    def set_silent(self, *, egress: str, hop: int, on: bool) -> None:
        """Let a router send no messages of its own."""
        self._change_hop(egress, hop, faults.set_silent(on=on))

    def set_hop_loss(
        self, loss: Loss, *, egress: str, hop: int, back: bool = False, branch: bool = False
    ) -> None:
        """Let a router lose what comes from the probe, or `back` from the far side.

        With `branch` it is what comes by the second way, see `set_branch`.
        """
        if back and branch:
            raise InputError("what comes back takes the first way: give --back or --branch")
        self._change_hop(egress, hop, faults.set_hop_loss(loss, back=back, branch=branch))

    def set_branch(self, *, egress: str, hop: int, on: bool) -> None:
        """Let two ways of equal cost lead to a router, from 2; flows are spread over them."""
        set_branch(self.holder, self.route(egress), hop, on=on)

    def set_link(self, *, egress: str, up: bool) -> None:
        """Pull or plug in an egress's cable: the probe's interface loses its carrier."""
        route = self.route(egress)
        lines = [f"link set in {'up' if up else 'down'}"]
        if up:  # an interface that goes down forgets its neighbours
            lines.append(topology.neighbour(route, 0, of_near=False))
        self.holder.run(route.routers[0], "ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def truth(self) -> Truth:
        """All counts since the lab was made."""
        counts: list[Count] = []
        hops: list[HopCount] = []
        stray = 0
        for route in self.routes:
            counters = self._counters(route.far)
            counts += far_counts(route.egress, counters)
            stray += counters["stray"]
            for hop, router in enumerate(route.routers, 1):
                counters = self._counters(router)
                hops.append(HopCount(route.egress, hop, *(counters[name] for name in HOP_COUNTERS)))
        return Truth(tuple(counts), tuple(hops), stray)

    def counts(self, egress: str) -> Truth:
        """The counts of the far side of one egress."""
        counters = self._counters(self.route(egress).far)
        return Truth(tuple(far_counts(egress, counters)))

    def command(self, *command: str, namespace: str = "probe") -> list[str]:
        """The command line that runs a command in the probe's host, or another namespace."""
        return self.holder.command(namespace, *command)

    def run(
        self, *command: str, namespace: str = "probe", timeout: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command there to its end; it ends at the latest with this process, or after `timeout` seconds.

        LabError then.
        """
        die_with_us = [program("setpriv"), "--pdeathsig=KILL", "--"]
        try:
            return subprocess.run(
                self.command(*die_with_us, *command, namespace=namespace),
                env=environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{' '.join(command)} did not end within {timeout:g} s") from error

    def _routes(self, egress: str | None) -> tuple[Route, ...]:
        return self.routes if egress is None else (self.route(egress),)

    def _counters(self, namespace: str) -> dict[str, int]:
        listing = self.holder.run(
            namespace, "nft", "-j", "list", "counters", "table", *TABLE.split()
        )
        return parse_counters(listing)

    def _change(self, egress: str | None, ruleset: str, *options: str) -> None:
        for route in self._routes(egress):
            self.holder.run(route.far, "nft", *options, "-f", "-", stdin=ruleset + "\n")

    def _change_hop(self, egress: str, hop: int, ruleset: str) -> None:
        route = self.route(egress)
        if not 1 <= hop <= route.hops:
            raise InputError(f"egress {egress} has no hop {hop}, but 1 to {route.hops}")
        self.holder.run(route.routers[hop - 1], "nft", "-f", "-", stdin=ruleset + "\n")


def environment() -> dict[str, str]:
    """The environment of programs in the lab, without netsky's settings, which are those of a real site."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NETSKY_")}


def _batches(silent: list[tuple[Place, list[int]]]) -> Iterator[list[tuple[Place, list[int]]]]:
    """Portions that the kernel takes from an ordinary user, too."""
    batch: list[tuple[Place, list[int]]] = []
    for each in silent:
        if batch and sum(len(residues) for _, residues in [*batch, each]) > ELEMENTS_AT_ONCE:
            yield batch
            batch = []
        batch.append(each)
    yield batch
