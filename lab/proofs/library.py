"""How an address library finds, chooses and keeps its targets, on a network whose truth is known.

Days are simulated: three hours are one refresh. Who answers changes with the hour, an outage begins
while a refresh runs, addresses die, a router polices.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from lab.errors import LabError
from lab.network import files, shares
from lab.network.addresses import Place
from lab.network.faults import Loss
from lab.network.lab import SEED, Lab
from netsky.jobs.library_build import build_candidates
from netsky.places import PROVINCES
from netsky.targets import library_state, publishing
from netsky.targets.blocks import address_at

ISP, EGRESS = "cu", "b"
START = 1_790_035_200  # midnight
TURN = 3 * 3600
DEAD, SWING, FLAPPING = 0.95, 0.03, 0.01
PERIOD = 4  # shorter than a refresh, which so meets both halves
OUTAGE, OUTAGE_PROVINCE = 0.4, "guangdong"
POLICED, POLICED_AFTER = 50, 7.0  # packets a second, seconds
TURNS_TO_PROVE, TURNS_A_DAY = 26, 8
HERE = Path(__file__).with_name("library_there.py")


@dataclass(frozen=True, slots=True)
class Turn:
    """A refresh: when, what was published and answered, what was changed, who was not judged."""

    number: int
    published: int
    loss: float
    added: int
    removed: int
    provisional: int
    not_judged: tuple[str, ...]


class Proof:
    """A library of its own in a lab of its own."""

    def __init__(self, lab: Lab, folder: Path, *, per_block: int) -> None:
        self._lab, self._folder, self._per_block = lab, folder, per_block
        files.write(folder, lab.routes)
        build_candidates(
            folder / "library", [folder / files.GEO], None, accept_change=False, lab=True
        )
        self._turns: list[Turn] = []
        self._now = float(START)

    def __enter__(self) -> Self:
        source = str(self._lab.route(EGRESS).source)
        command = self._lab.command(sys.executable, str(HERE), str(self._folder), source)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def tables(self) -> Iterator[str]:
        """Do all of it, and tell it as Markdown."""
        self._lab.set_dead(DEAD)
        self._lab.set_flapping(FLAPPING, period=PERIOD)
        yield self._policing()
        yield self._discovery()
        self._refresh(TURNS_TO_PROVE)
        proved = len(self._turns)
        self._refresh(TURNS_A_DAY)
        yield self._day(self._turns[proved - TURNS_A_DAY // 2 :])
        yield self._outage()
        yield self._deaths()

    def _policing(self) -> str:
        """A router that lets few packets pass while a discovery runs."""
        timer = threading.Timer(
            POLICED_AFTER, self._lab.set_policing, [POLICED], {"egress": EGRESS, "hop": 2}
        )
        timer.start()
        stopped = self._order("discover", per_block=self._per_block, provinces=[])
        timer.join()
        self._lab.set_policing(None, egress=EGRESS, hop=2)
        sent = self._state().facts.sent
        library_state.state_file(self._folder / "library", ISP).unlink()
        why = str(stopped.get("stopped", "not at all"))
        return (
            f"A router passes only {POLICED} pings a second from {POLICED_AFTER:g} s on. After {sent:,} "
            f"packets in all the discovery said: {why}\n"
        )

    def _discovery(self) -> str:
        before = self._lab.truth()
        document = self._order("discover", per_block=self._per_block, provinces=[])
        truth = self._lab.truth().since(before).of(EGRESS, ISP)
        seen = sum(count.seen for count in truth.values())
        dropped = sum(count.dropped for count in truth.values())
        figures = document["discovery"]
        living, asked = self._living_among_asked()
        found = set(self._state().pool.address.tolist())
        rows = [
            (
                "packets sent, the confirmations included",
                figures["packets_sent"] + figures["answered"],
            ),
            ("packets that came to the far side", seen),
            ("answered, first and second look", figures["answered"] + figures["confirmed"]),
            ("packets that the far side did not drop", seen - dropped),
            ("addresses asked", asked),
            ("always alive among these", len(living)),
            ("of these found", len(living & found)),
            ("found that flap", len(found - living)),
            ("published, provisional", figures["published"]),
        ]
        return _table(("discovery", "count"), [(name, f"{count:,}") for name, count in rows])

    def _living_among_asked(self) -> tuple[set[int], int]:
        """Who of the asked is never silent, and how many were asked."""
        state = self._state()
        alive: set[int] = set()
        asked = 0
        residues = {
            province.slug: set(shares.dead_residues(Place(ISP, province.slug), DEAD, SEED))
            | set(shares.flapping_residues(Place(ISP, province.slug), FLAPPING, SEED))
            for province in PROVINCES
        }
        for province in PROVINCES:
            prefix = Place(ISP, province.slug).prefix
            first, last = int(prefix[0]) >> 8, int(prefix[-1]) >> 8
            rows = (state.blocks.number >= first) & (state.blocks.number <= last)
            for place in range(int(state.blocks.tried[rows].max())):
                numbers = state.blocks.number[rows & (state.blocks.tried > place)]
                places = np.full(len(numbers), place, np.uint16)
                addresses = address_at(numbers, places, state.facts.seed).tolist()
                asked += len(addresses)
                alive.update(a for a in addresses if a % 1024 not in residues[province.slug])
        return alive, asked

    def _refresh(self, turns: int) -> list[Turn]:
        """So many refreshes, three hours apart; by day more addresses answer than by night."""
        before = len(self._turns)
        for _ in range(turns):
            self._now += TURN
            hour = (self._now % 86_400) / 3600
            awake = SWING * (0.5 - 0.5 * np.cos(2 * np.pi * hour / 24))
            self._lab.set_dead(round((DEAD - awake) * 1024) / 1024)
            self._turns.append(self._turn(self._order("refresh")))
        return self._turns[before:]

    def _turn(self, document: Mapping[str, Any]) -> Turn:
        if "stopped" in document:
            raise LabError(str(document["stopped"]))
        rows = document["provinces"]
        published = sum(row["published"] for row in rows)
        asked = [row for row in rows if row["response_ratio"] is not None]
        answered = sum(row["response_ratio"] * row["published"] for row in asked)
        weight = sum(row["published"] for row in asked)
        return Turn(
            number=len(self._turns) + 1,
            published=published,
            loss=1 - answered / weight,
            added=sum(row["added"] for row in rows),
            removed=sum(row["removed"] for row in rows),
            provisional=sum(row["provisional"] for row in rows),
            not_judged=tuple(row["province"] for row in rows if not row["judged"]),
        )

    def _day(self, turns: Sequence[Turn]) -> str:
        """Loss of the library through a day, against its mean of the 12 hours before."""
        rises = [
            turns[at].loss - float(np.mean([turn.loss for turn in turns[at - 4 : at]]))
            for at in range(4, len(turns))
        ]
        first = self._turns[0]
        rows = [
            (
                "first refresh (addresses of one discovery)",
                f"{first.published:,}",
                _percent(first.loss),
                "",
            ),
            *(
                (
                    f"turn {turn.number}",
                    f"{turn.published:,}",
                    _percent(turn.loss),
                    f"{100 * rise:+.2f}",
                )
                for turn, rise in zip(turns[4:], rises, strict=True)
            ),
            (
                "worst of the day",
                "",
                _percent(max(turn.loss for turn in turns[4:])),
                f"{100 * max(rises):+.2f}",
            ),
        ]
        return _table(("refresh", "published", "loss", "over its mean of 12 h, points"), rows)

    def _outage(self) -> str:
        """A province loses 40 % from the middle of a refresh on, for three turns."""
        before = self._published()
        timer = threading.Timer(
            4,
            self._lab.set_loss,
            [Loss(OUTAGE)],
            {"egress": EGRESS, "isp": ISP, "province": OUTAGE_PROVINCE},
        )
        timer.start()
        turns = self._refresh(3)
        timer.join()
        self._lab.set_loss(Loss(0), egress=EGRESS, isp=ISP, province=OUTAGE_PROVINCE)
        turns += self._refresh(1)
        place = Place(ISP, OUTAGE_PROVINCE).prefix
        gone = {a for a in before - self._published() if IPv4Address(a) in place}
        rows = [
            (f"turn {turn.number}", ", ".join(turn.not_judged) or "-", str(turn.removed))
            for turn in turns
        ]
        table = _table((f"outage of 40 % in {OUTAGE_PROVINCE}", "not judged", "removed"), rows)
        return f"{table}\nDropped in {OUTAGE_PROVINCE} by the outage: {len(gone)} of its targets.\n"

    def _deaths(self) -> str:
        """One /24 of each province answers no more."""
        dead: set[int] = set()
        by_block: dict[IPv4Network, set[int]] = {}
        for address in self._published():
            by_block.setdefault(IPv4Network((address & ~0xFF, 24)), set()).add(address)
        for province in PROVINCES:
            prefix = Place(ISP, province.slug).prefix
            block = max(
                (b for b in by_block if b.subnet_of(prefix)), key=lambda b: len(by_block[b])
            )
            self._lab.set_prefix_loss(Loss(1), block, egress=EGRESS)
            dead |= by_block[block]
        turns = self._refresh(TURNS_A_DAY)
        left = dead & self._published()
        rows = [
            (
                f"{3 * (at + 1)} h",
                f"{turn.removed:,}",
                f"{turn.added:,}",
                f"{turn.published:,}",
                _percent(turn.loss),
            )
            for at, turn in enumerate(turns)
        ]
        table = _table(
            (f"{len(dead):,} targets have died", "removed", "added", "published", "loss"), rows
        )
        return f"{table}\nStill published after a day: {len(left)} of them.\n"

    def _order(self, verb: str, **options: Any) -> dict[str, Any]:
        if self._process.stdin is None or self._process.stdout is None:
            raise LabError("it has no pipes")
        self._process.stdin.write(json.dumps({"verb": verb, "now": self._now, **options}) + "\n")
        line = self._process.stdout.readline()
        if not line:
            raise LabError("the process in the lab has ended: its error is above")
        document: dict[str, Any] = json.loads(line)
        return document

    def _state(self) -> library_state.LibraryState:
        state = library_state.load(self._folder / "library", ISP)
        if state is None:
            raise LabError("nothing was discovered")
        return state

    def _published(self) -> set[int]:
        found = publishing.read_published(self._folder / "found", ISP)
        return {address for addresses in found.values() for address in addresses.tolist()}


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.2f} %"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
