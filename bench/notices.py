"""How long it takes until a fault is noticed, from its first moment to the webhook: `make notices`, 15 min.

Real Pushgateway, Prometheus, Alertmanager and `netsky_alert.py`, with the waits as shipped; only the sweeps
are made up. Each fault happens on three exits at once: right before, in the middle between, and right after
the beginnings of their sweeps, of which there is one a minute that takes 10 seconds. All exits run side by
side. `--times 10` divides every wait by 10.
"""

from __future__ import annotations

import argparse
import heapq
import math
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
OFFSETS = (1.0, 30.0, 59.0)  # seconds from the fault to the next sweep
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
        run_chain(Path(folder), times=times, exits=len(exits)) as chain,
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
    """A row for each thing to notice: seconds until its notice, and how many notices came.

    They are from the change itself, and from the end of the first sweep that saw it, of the last ISP.
    """
    rows: dict[str, list[tuple[float, float, int]]] = {}
    for one in exits:
        for name, (begins, ends), is_it in told_of(one.story):
            of_it = [
                n
                for n in notices
                if n["groupLabels"].get("egress") == one.name and begins <= n["at"] < ends
            ]
            after = next((n["at"] - begins for n in of_it if is_it(n)), math.nan)
            seen = one.offset + len(one.story.isps) * SWEEP
            rows.setdefault(name, []).append((after, after - seen, len(of_it)))
    print("\n| what happens | told after | after the sweep | notices |\n|---|---|---|---|")
    for name, measured in rows.items():
        print("|", " | ".join([name, *map(_range, zip(*measured, strict=True))]), "|")


def _range(figures: tuple[float, ...]) -> str:
    """`93–151`, or `1`; a notice that did not come makes it end with `never`."""
    known = sorted(figure for figure in figures if not math.isnan(figure))
    texts = [f"{figure:.0f}" for figure in (*known[:1], *known[-1:])]
    if len(known) < len(figures):
        texts.append("never")
    return "–".join(dict.fromkeys(texts))


def told_of(story: Story) -> Iterator[tuple[str, tuple[float, float], Callable[[Notice], bool]]]:
    """What is to be noticed of a story: its name, between when, and whether a notice is the one."""
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
