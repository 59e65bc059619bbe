"""The two verbs that send, in the probe's namespace, at times that whoever has started this says.

A line of JSON on standard input is a verb and the time at which it is to run, in seconds since 1970; a
line on standard output is its report, or why it was stopped.

    {"verb": "discover", "now": 1790000000, "per_block": 16, "provinces": ["hunan"]}
    {"verb": "refresh", "now": 1790010800}
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netsky.console.library_turns import DiscoveryView, RefreshView
from netsky.engines import open_engine
from netsky.errors import StoppedError
from netsky.jobs.asking import Asker
from netsky.jobs.library_discover import Discovery, DiscoveryPlan
from netsky.jobs.library_refresh import Refresh
from netsky.jobs.library_renewal import Place
from netsky.places import BUILTIN_ISPS, PROVINCES, Egress, find_provinces
from netsky.targets import candidate_files, library_state
from netsky.targets.geo.names import ISPS
from netsky.targets.library_state import LibraryState
from netsky.targets.permission import Permission

ISP = BUILTIN_ISPS["cu"]
QUOTA = 60  # of some 110 that are always alive in each province, so that there is a reserve
MOST_PACKETS = 20_000_000
RATE, TIMEOUT = 10_000, 0.3


def main(folder: Path, source: str) -> None:
    """Do what standard input says until it ends."""
    found = candidate_files.load(folder / "library", cities=True)
    if found is None:
        raise SystemExit("no candidates")
    candidates = found.part(found.isp == ISPS.index(ISP.slug))
    place = Place(folder / "found", ISP, QUOTA)
    permission = Permission(ISP, candidates, place.directory, lab=True)
    egress = Egress("lab", source=source)
    engine = open_engine("icmp", egress)
    for line in sys.stdin:
        order = json.loads(line)
        clock = _clock(order["now"])
        state = library_state.load(folder / "library", ISP.slug) or LibraryState.begin(candidates)
        asker = Asker(engine, egress, permission, RATE, TIMEOUT)
        try:
            document: Mapping[str, Any]
            if order["verb"] == "discover":
                provinces = tuple(find_provinces(order["provinces"])) or PROVINCES
                plan = DiscoveryPlan(provinces, place, order["per_block"], (), MOST_PACKETS)
                discovery = Discovery(state, candidates, plan, folder / "library", clock)
                document = DiscoveryView(discovery.run(asker)).document()
            else:
                refresh = Refresh(state, candidates, place, folder / "library", MOST_PACKETS, clock)
                document = RefreshView(refresh.run(asker)).document()
        except StoppedError as error:
            document = {"stopped": str(error)}
        print(json.dumps(document), flush=True)  # noqa: T201 - to whoever has started this


def _clock(now: float) -> Callable[[], float]:
    """A clock that shows `now`, and goes on."""
    started = time.monotonic()
    return lambda: now + time.monotonic() - started


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
