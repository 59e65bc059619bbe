"""What a full state transfer of Galera takes, with probes writing to all three nodes: `python -m bench.transfer`.

A node is killed, and away until the others no longer have in their caches what it misses; then it gets all that
there is, by rsync, as Debian's mariadb-server does unless it is told otherwise. Needs that package, or at least
its scripts wsrep_sst_rsync and wsrep_sst_common, and rsync, in PATH.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from netsky.errors import DatabaseError
from netsky.places import PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from testing.galera import Node, run_galera
from testing.samples import make_quality
from testing.servers import SCHEMA, wait_until

CACHE = "1M"
QUALITIES = [make_quality(province.slug) for province in PROVINCES]
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


class Probe(threading.Thread):
    """A sweep as soon as the one before is stored, or waits in the spool, until it is told to end."""

    def __init__(self, node: Node, egress: str, folder: Path) -> None:
        super().__init__()
        self.database = Database(fill_url(node.url("netsky_cu"), "cu", egress), timeout=10)
        self.spool = Spool(folder, "cu", egress, max_bytes=1 << 26, max_age=24 * HOUR)
        self.egress, self.made, self.failed, self.slowest = egress, 0, 0, 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        first = datetime.now(UTC).replace(microsecond=0) - 6 * HOUR
        while not self.ended.wait(0.3):
            rows = sweep_rows("cu", self.egress, first + 10 * self.made * SECOND, QUALITIES)
            self.made += 1
            started = time.perf_counter()
            try:
                self.spool.store(rows, self.database)
                self.slowest = max(self.slowest, time.perf_counter() - started)
            except DatabaseError:
                self.failed += 1
        self.spool.flush(self.database)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--megabytes", type=int, default=64, help="in the database when it comes back"
    )
    options = parser.parse_args()
    missing = [each for each in ("wsrep_sst_rsync", "rsync") if shutil.which(each) is None]
    if missing:
        parser.error(
            f"no {' and no '.join(missing)} here: install Debian's mariadb-server and rsync"
        )
    with tempfile.TemporaryDirectory() as folder, run_galera("rsync", cache=CACHE) as nodes:
        nodes[0].execute(SCHEMA.read_text(encoding="utf-8"))
        wait_until(lambda: all(map(has_tables, nodes)), what="the tables on all nodes")
        probes = [Probe(node, f"line-{n}", Path(folder)) for n, node in enumerate(nodes)]
        for probe in probes:
            probe.start()
        try:
            seconds = away_and_back(nodes, options.megabytes)
        finally:
            for probe in probes:
                probe.ended.set()
                probe.join()
        report(nodes, probes, seconds, options.megabytes)


def has_tables(node: Node) -> bool:
    return len(node.execute("SHOW DATABASES LIKE 'netsky_c_'")) == 3


def away_and_back(nodes: Sequence[Node], megabytes: int) -> float:
    """How long the node takes from its start until it has everything."""
    nodes[1].kill()
    nodes[0].execute("CREATE TABLE netsky_cu.much (id INT PRIMARY KEY, text LONGTEXT)")
    for number in range(megabytes):
        nodes[0].execute(
            f"INSERT INTO netsky_cu.much VALUES ({number}, REPEAT('{number:04}', 250000))"
        )
    started = time.perf_counter()
    nodes[1].start_again()
    return time.perf_counter() - started


def report(nodes: Sequence[Node], probes: Sequence[Probe], seconds: float, megabytes: int) -> None:
    log = (nodes[1].folder / "log").read_text(errors="replace")
    assert "WSREP: SST complete" in log or "SST received" in log, "it needed no full transfer"
    print(f"back with {megabytes} MB of others by a full transfer after {seconds:.1f} s")
    wanted = Counter({probe.egress: len(PROVINCES) * probe.made for probe in probes})
    wait_until(lambda: all(stored(node) == wanted for node in nodes), what="all sweeps everywhere")
    for number, probe in enumerate(probes):
        print(
            f"node {number}: {probe.made} sweeps, of which {probe.failed} had to wait in the spool; "
            f"slowest of the others {probe.slowest:.1f} s; all are on all nodes, once"
        )


def stored(node: Node) -> Counter[str]:
    """Rows by exit."""
    rows = node.execute("SELECT egress, COUNT(*) FROM netsky_cu.netsky_sweep GROUP BY egress")
    return Counter({str(egress): int(str(count)) for egress, count in rows})


if __name__ == "__main__":
    main()
