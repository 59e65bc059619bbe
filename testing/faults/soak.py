"""Kill the probe so many times, and the server a sixth as often; then count what is stored.

.venv/bin/python -m testing.faults.soak 200 [--seed 1]
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from testing.faults import kills
from testing.faults.proxy import Proxy, run_proxy
from testing.faults.site_of_probe import Site, make_site
from testing.servers import DURABLE, MariaDB, run_mariadb

SHARE = 6  # so many kills of the probe to one of the server
COLUMNS = ("kills", "completed", "stored", "doubled", "lost", "half", "between", "longest", "took")

Part = Callable[[Site, MariaDB, Proxy, random.Random, int], int]


def parts(count: int) -> dict[str, tuple[int, Part]]:
    """What is killed, how often, and how."""
    server = max(1, count // SHARE // 3)
    return {
        "probe": (count, lambda site, _, *rest: kills.kill_probes(site, *rest)),
        "probe, new spool": (
            max(1, count // 20),
            lambda site, _, __, *rest: kills.kill_probes_while_they_make_the_spool(site, *rest),
        ),
        "server, single runs": (server, kills.kill_server_under_single_runs),
        "server, --flush": (server, kills.kill_server_under_flush),
        "server, --every 2": (server, kills.kill_server_under_repetition),
    }


def soak(count: int, seed: int) -> bool:
    """Whether all is as it must be; the figures are printed."""
    right = True
    say(f"seed {seed}\n{'killed':22}" + "".join(f"{name:>10}" for name in COLUMNS))
    for number, (name, (wanted, part)) in enumerate(parts(count).items()):
        with (
            run_mariadb(DURABLE) as server,
            run_proxy(server.port) as proxy,
            tempfile.TemporaryDirectory(prefix="netsky-soak-") as folder,
        ):
            started = time.monotonic()
            site = make_site(Path(folder), server, port=proxy.port)
            killed = part(site, server, proxy, random.Random(seed + number), wanted)
            tally, ledger = site.settle(), site.ledger
            figures = [killed, tally.completed, tally.stored, tally.doubled, tally.lost]
            figures += [tally.half_written, ledger.between]
            seconds = (site.longest_run, time.monotonic() - started)
            line = [f"{figure:>10}" for figure in figures]
            line += [f"{value:>9.1f}s" for value in seconds]
            say("".join([f"{name:22}", *line]))
            for problem in ledger.problems:
                say(f"    {problem}")
            right &= tally.right and not ledger.problems and killed == wanted
            right &= site.longest_run <= site.longest_allowed
    say(f"no run may take longer than {site.longest_allowed:.0f} s")
    say("every completed sweep is stored exactly once" if right else "DEVIATION: see above")
    return right


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is what the script is for


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, help="kills of the probe")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    return 0 if soak(options.count, options.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
