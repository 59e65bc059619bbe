"""How long it takes until a fault is noticed: from the moment of a fault to the webhook. 15 minutes.

Real Pushgateway, Prometheus, Alertmanager and `netsky_alert.py`, with the waits as shipped; only the sweeps
are made up. Each fault happens on three exits at once, at three moments between their sweeps, of which there
is one a minute that takes 10 seconds. All exits run side by side. `--times 30` divides every wait by 30.
"""

from __future__ import annotations

import argparse
import heapq
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from testing.chain import DEAD, FINE, Chain, Line, run_chain, some_lossy

Losses = Mapping[str, float]
Notice = dict[str, Any]

INTERVAL, SWEEP = 60.0, 10.0
OFFSETS = (0.0, 20.0, 40.0)  # of the sweeps of an exit, after the fault
ISPS = ("cu", "cm", "ct")
FAULT, GROWTH, RECOVERY, END = 75.0, 315.0, 555.0, 885.0


@dataclass(frozen=True)
class Story:
    """What happens on a line, and by what its notice is known."""

    name: str
    fault: Losses
    alert: str
    grown: Losses | None = None
    isps: tuple[str, ...] = ISPS[:1]

    def losses(self, at: float) -> Losses:
        if not FAULT <= at < RECOVERY:
            return FINE
        return self.grown if self.grown and at >= GROWTH else self.fault


STORIES = (
    Story("dead exit, 3 ISPs", DEAD, "NetskyExitDown", isps=ISPS),
    Story("dead line, 1 ISP", DEAD, "NetskyEgressDown"),
    Story("medium: 2 provinces", some_lossy(2, 0.072), "NetskyLossMedium"),
    Story("heavy: 5 provinces", some_lossy(5, 0.072), "NetskyLossHeavy"),
    Story("critical: 1", some_lossy(1, 0.2), "NetskyLossCritical", some_lossy(3, 0.2)),
    Story("critical: 1", some_lossy(1, 0.2), "NetskyLossCritical", some_lossy(31, 0.2)),
    Story("critical: 16", some_lossy(16, 0.2), "NetskyLossCritical", some_lossy(31, 0.2)),
)


@dataclass(frozen=True)
class Exit:
    """A story on an exit, whose sweeps begin so many seconds after the fault, and each minute."""

    name: str
    story: Story
    offset: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1)
    times = parser.parse_args().times
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    number = count(1)
    exits = [
        Exit(f"unicom-{next(number)}", story, offset) for story in STORIES for offset in OFFSETS
    ]
    with (
        tempfile.TemporaryDirectory(prefix="netsky-notices-") as folder,
        run_chain(Path(folder), times=times) as chain,
    ):
        began = play(chain, exits, times)
        notices = [
            notice | {"at": (notice["received"] - began) * times} for notice in chain.notices
        ]
    show(exits, notices)


def play(chain: Chain, exits: list[Exit], times: int) -> float:
    """Sweep all exits until the end, each sweep told when it is done; when it began, monotonic."""
    lines = {(e.name, isp): chain.line(e.name, isp) for e in exits for isp in e.story.isps}
    began = time.monotonic()
    for done, line, losses in sweeps(exits, lines):
        time.sleep(max(0.0, began + done / times - time.monotonic()))
        line.sweep_and_judge(losses)
    time.sleep(max(0.0, began + END / times - time.monotonic()))
    return began


def sweeps(
    exits: list[Exit], lines: Mapping[tuple[str, str], Line]
) -> Iterator[tuple[float, Line, Losses]]:
    """Of all sweeps in their order: when it is done, of which line, and what it saw as it began."""

    def of_line(exit_: Exit, position: int) -> Iterator[tuple[float, int, Line, Losses]]:
        line = lines[exit_.name, ISPS[position]]
        began = (FAULT + exit_.offset + position * SWEEP) % INTERVAL
        while began + SWEEP < END:
            yield began + SWEEP, next(serial), line, exit_.story.losses(began)
            began += INTERVAL

    serial = count()
    all_of_them = (of_line(e, position) for e in exits for position in range(len(e.story.isps)))
    for done, _, line, losses in heapq.merge(*all_of_them):
        yield done, line, losses


def show(exits: list[Exit], notices: list[Notice]) -> None:
    """A row for each thing to notice: seconds from the change to its notice, and how many came."""
    rows: dict[str, list[tuple[float | None, int]]] = {}
    for one in exits:
        for name, (begins, ends), is_it in _told(one.story):
            of_it = [
                n
                for n in notices
                if n["groupLabels"].get("egress") == one.name and begins <= n["at"] < ends
            ]
            first = next((n["at"] - begins for n in of_it if is_it(n)), None)
            rows.setdefault(name, []).append((first, len(of_it)))
    print("\n| what happens | noticed after (s) | notices |\n|---|---|---|")
    for name, measured in rows.items():
        seconds = sorted(first for first, _ in measured if first is not None)
        never = len(measured) - len(seconds)
        spread = f"{seconds[0]:.0f} to {seconds[-1]:.0f}" if seconds else ""
        counts = sorted({number for _, number in measured})
        print(
            f"| {name} | {spread}{f' (never: {never})' if never else ''} "
            f"| {' to '.join(map(str, {counts[0]: 0, counts[-1]: 0}))} |"
        )


def _told(story: Story) -> Iterator[tuple[str, tuple[float, float], Callable[[Notice], bool]]]:
    """What is to be noticed of a story, in which time, and whether a notice is the one."""
    grows = story.grown is not None
    yield (
        "critical: any province" if grows else story.name,
        (FAULT, GROWTH if grows else RECOVERY),
        lambda notice: story.alert in _firing(notice, "alertname"),
    )
    if story.grown:
        most = sum(loss > 0.1 for loss in story.grown.values())
        yield (
            f"growth {story.name.split()[-1]} → {most} provinces",
            (GROWTH, RECOVERY),
            lambda notice: any(
                re.match(f"丢包波及 {most} 省", words) for words in _firing(notice, "summary")
            ),
        )
    yield (
        f"recovery of a {story.name.split(',')[0]}" if story.fault is DEAD else "recovery of loss",
        (RECOVERY, END),
        lambda notice: notice["status"] == "resolved",
    )


def _firing(notice: Notice, name: str) -> set[str]:
    """A label or annotation of its alerts that stand."""
    return {
        (alert["labels"] | alert["annotations"]).get(name, "")
        for alert in notice["alerts"]
        if alert["status"] == "firing"
    }


if __name__ == "__main__":
    main()
