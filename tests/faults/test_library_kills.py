"""A discovery that is killed again and again asks nobody twice, and ends with all that it found."""

import random
import subprocess
import sys
import time
from collections import Counter

from netsky.targets import library, library_state
from testing import ROOT

RUN = """
import sys, time
from pathlib import Path
from netsky.jobs.asking import Asker
from netsky.jobs.library_discover import Discovery, DiscoveryPlan
from netsky.jobs.library_renewal import Place
from netsky.places import BUILTIN_ISPS, PROVINCES, Egress
from netsky.targets import library_state
from netsky.targets.library_state import LibraryState
from netsky.targets.permission import Permission
from testing.answering import Clock, World, candidates

folder, isp, clock = Path(sys.argv[1]), BUILTIN_ISPS["cu"], Clock()

class Logged(World):
    def sweep(self, library, *rest):
        with (folder / "sent").open("a") as log:  # as on the wire: once it is out, it is out
            log.write("".join(f"{address}\\n" for address in library.addresses.tolist()))
        time.sleep(0.01)
        return super().sweep(library, *rest)

its = candidates(16, 4)
place = Place(folder / "ipdata", isp, 60)
state = library_state.load(folder / "library", "cu") or LibraryState.begin(its)
plan = DiscoveryPlan(PROVINCES, place, 16, (), 10**7)
discovery = Discovery(state, its, plan, folder / "library", clock)
permission = Permission(isp, its, folder / "ipdata", lab=False)
discovery.run(Asker(Logged(clock, steady=0.1), Egress(), permission, 100, 0.5))
"""


def test_killed_twenty_times_it_sends_nothing_twice_and_publishes(tmp_path):
    rng, kills = random.Random(5), 0
    command = [sys.executable, "-c", RUN, str(tmp_path)]
    for _ in range(60):
        with subprocess.Popen(command, cwd=ROOT) as process:
            if kills < 20:
                wait_for_packets(tmp_path / "sent", process, rng.randint(1, 200))
                process.kill()
        if process.returncode == 0:
            break
        kills += 1
    assert process.returncode == 0
    assert kills >= 5
    sent = Counter(map(int, (tmp_path / "sent").read_text().split()))
    by_block = Counter()
    for address, packets in sent.items():
        by_block[address >> 8] += packets
    assert max(by_block.values()) <= 16
    state = library_state.load(tmp_path / "library", "cu")
    twice = {address for address, packets in sent.items() if packets > 1}
    assert max(sent.values()) == 2
    assert twice <= set(state.pool.address.tolist())
    assert library.load(tmp_path / "ipdata", "cu").targets > 20


def wait_for_packets(file, process, more):
    """Wait until so many more lines were written, or the process has ended."""
    before = file.stat().st_size if file.exists() else 0
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        if file.exists() and file.stat().st_size >= before + 9 * more:
            return
        time.sleep(0.002)
