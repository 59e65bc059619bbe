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

from lab import faults, state, topology
from lab.addresses import Path, make_paths
from lab.holder_process import Holder, hold
from lab.network import Lab
from lab.state import State

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
    paths = make_paths(egresses, hops)
    with hold(name, _namespaces(paths)) as holder:
        made = _build(name, paths, holder)
        try:
            yield made
        finally:
            state.remove(name)


def make_detached_lab(*, egresses: Iterable[str], hops: int, name: str) -> Lab:
    """A lab that stays when this process ends; `end` ends it."""
    state.check_name(name)
    paths = make_paths(egresses, hops)
    with hold(name, _namespaces(paths), detached=True) as holder:
        return _build(name, paths, holder)


def find_lab(name: str = DEFAULT_NAME) -> Lab:
    """The running lab of that name."""
    return _of_state(state.find(name))


def running_labs() -> list[Lab]:
    return [_of_state(each) for each in state.running()]


def end(lab: Lab) -> None:
    lab.holder.end()
    state.remove(lab.name)


def _of_state(found: State) -> Lab:
    return Lab(found.name, make_paths(found.egresses, found.hops), found.holder)


def _namespaces(paths: Iterable[Path]) -> list[str]:
    return ["probe", *(name for path in paths for name in (*path.routers, path.far))]


def _build(name: str, paths: tuple[Path, ...], holder: Holder) -> Lab:
    def batch(namespace: str, lines: list[str]) -> None:
        holder.run(namespace, "ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    batch("probe", topology.probe_batch(paths, holder.path))
    for path in paths:
        for hop, router in enumerate(path.routers, 1):
            batch(router, topology.router_batch(path, hop, holder.path))
            holder.run(router, "nft", "-f", "-", stdin=faults.hop_ruleset() + "\n")
        batch(path.far, topology.far_batch(path))
        holder.run(path.far, "nft", "-f", "-", stdin=faults.far_ruleset() + "\n")
    state.save(State(name, tuple(path.egress for path in paths), paths[0].hops, holder))
    return Lab(name, paths, holder)
