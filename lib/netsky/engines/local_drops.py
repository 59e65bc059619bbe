"""Packets that this host itself throws away, as the kernel counts them for programs like fping.

Two counters of the network namespace are watched: `drops` of raw sockets (receive buffer full;
/proc/net/raw), and `OutDiscards` of IP (send refused by the local firewall or a full queue;
/proc/net/snmp). `drops` counts other programs' replies, too, since the kernel gives every socket a
copy of each, and `OutDiscards` is of the whole host: a warning too many is better than a loss that
is not the network's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from netsky.errors import EngineError

SAMPLE_SECONDS = 0.1

RAW_SOCKETS = Path("/proc/net/raw")
_SNMP = Path("/proc/net/snmp")


class LocalDrops:
    """The drops seen since it was made. Sockets vanish with their process: sample often.

    `sockets` gives the inodes of those that count, None for all. EngineError when the kernel's
    counters cannot be read, since then nobody knows which packets the network has lost.
    """

    def __init__(self, sockets: Callable[[], set[int] | None]) -> None:
        self._sockets = sockets
        self._before = socket_drops()
        self._discards_before = parse_out_discards(_read(_SNMP))
        self._by_socket: dict[int, int] = {}
        self._discards = 0

    def sample(self) -> None:
        counting = self._sockets()
        for inode, drops in socket_drops().items():
            if counting is None or inode in counting:
                self._by_socket[inode] = drops - self._before.get(inode, 0)
        self._discards = parse_out_discards(_read(_SNMP)) - self._discards_before

    @property
    def total(self) -> int:
        return sum(self._by_socket.values()) + self._discards


@contextmanager
def watch_local_drops(sockets: Callable[[], set[int] | None]) -> Iterator[LocalDrops]:
    """Sample in a thread of its own until the block ends; EngineError when a sample failed."""
    drops = LocalDrops(sockets)
    done = threading.Event()
    failures: list[EngineError] = []

    def sample_until_done() -> None:
        while not failures and not done.wait(SAMPLE_SECONDS):
            try:
                drops.sample()
            except EngineError as error:
                failures.append(error)

    sampler = threading.Thread(target=sample_until_done, name="local-drops", daemon=True)
    sampler.start()
    try:
        yield drops
    finally:
        done.set()
        sampler.join()
    for failure in failures:
        raise failure
    drops.sample()


def socket_drops() -> dict[int, int]:
    """Drops by inode of the raw sockets that this network namespace has now; EngineError."""
    return parse_socket_drops(_read(RAW_SOCKETS))


def _read(counters: Path) -> str:
    try:
        return counters.read_text(encoding="ascii")
    except OSError as error:
        raise EngineError(
            f"cannot read {counters}, which tells what this host drops: {error.strerror}"
        ) from error


def parse_socket_drops(raw: str) -> dict[int, int]:
    """Drops by socket inode of /proc/net/raw (`… uid timeout inode ref pointer drops`)."""
    rows = (line.split() for line in raw.splitlines()[1:])
    return {int(row[-4]): int(row[-1]) for row in rows if row}


def parse_out_discards(snmp: str) -> int:
    """`OutDiscards` of the two `Ip:` lines (names, values) of /proc/net/snmp."""
    names, values = (line.split() for line in snmp.splitlines() if line.startswith("Ip:"))
    return int(values[names.index("OutDiscards")])
