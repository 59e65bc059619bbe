"""Make a lab and find it again: a national network on one machine.

    with make_lab(egresses=("a", "b")) as lab:
        lab.set_loss(Loss(0.08), egress="b", isp="cu", province="guangdong")
        before = lab.truth()
        lab.run("netsky_probe.py", …)
        lab.truth().since(before)

Nothing of it is visible from the outside, and nothing goes there.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from lab.network import faults, state, topology
from lab.network.addresses import Route, make_routes
from lab.network.holder import Holder, hold
from lab.network.lab import Lab
from lab.network.state import State

DEFAULT_NAME = "lab"
DEFAULT_EGRESSES = ("a", "b")
DEFAULT_HOPS = 3


@contextmanager
def make_lab(
    *,
    egresses: Iterable[str] = DEFAULT_EGRESSES,
    hops: int = DEFAULT_HOPS,
    name: str | None = None,
) -> Iterator[Lab]:
    """A lab for as long as the block runs, at most as long as this process.

    Without a name it is called after this process.
    """
    name = f"of-{os.getpid()}-{secrets.token_hex(3)}" if name is None else name
    state.check_name(name)
    routes = make_routes(egresses, hops)
    with hold(name, _namespaces(routes)) as holder:
        made = _build(name, routes, holder)
        try:
            yield made
        finally:
            state.remove(name)


def make_detached_lab(*, egresses: Iterable[str], hops: int, name: str) -> Lab:
    """A lab that stays when this process ends; `end` ends it."""
    state.check_name(name)
    routes = make_routes(egresses, hops)
    with hold(name, _namespaces(routes), detached=True) as holder:
        return _build(name, routes, holder)


def find_lab(name: str = DEFAULT_NAME) -> Lab:
    """The running lab of that name."""
    return _of_state(state.find(name))


def running_labs() -> list[Lab]:
    return [_of_state(each) for each in state.running()]


def end(lab: Lab) -> None:
    lab.holder.end()
    state.remove(lab.name)


def _of_state(found: State) -> Lab:
    return Lab(found.name, make_routes(found.egresses, found.hops), found.holder)


def _namespaces(routes: Iterable[Route]) -> list[str]:
    return ["probe", *(name for route in routes for name in (*route.routers, route.far))]


def _build(name: str, routes: tuple[Route, ...], holder: Holder) -> Lab:
    def batch(namespace: str, lines: list[str]) -> None:
        holder.run(namespace, "ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    batch("probe", topology.probe_batch(routes, holder.path))
    for route in routes:
        for hop, router in enumerate(route.routers, 1):
            batch(router, topology.router_batch(route, hop, holder.path))
            holder.run(router, "nft", "-f", "-", stdin=faults.hop_ruleset() + "\n")
        batch(route.far, topology.far_batch(route))
        holder.run(route.far, "nft", "-f", "-", stdin=faults.far_ruleset() + "\n")
    state.save(State(name, tuple(route.egress for route in routes), routes[0].hops, holder))
    return Lab(name, routes, holder)
