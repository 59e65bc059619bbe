"""Asking the next address of /24s. What is to be sent is noted before: nothing is sent a second time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from netsky.jobs.asking import Asker
from netsky.jobs.library_renewal import province_of
from netsky.targets.blocks import Rows
from netsky.targets.candidates import Candidates
from netsky.targets.library_state import DAY, LibraryState
from netsky.targets.pool import Pool

# Each /24 gets so many packets before any gets more.
FIRST_LOOKS = 4


class Kind(IntEnum):
    """Why a /24 is asked; those of a kind answer about equally often."""

    FIRST = 0
    ANSWERING = 1
    SILENT = 2


def _none_of_a_kind() -> npt.NDArray[np.int64]:
    return np.zeros(len(Kind), np.int64)


@dataclass(slots=True)
class Sampler:
    """Asks, and adds who answers to the pool. `save` keeps the state; `most_packets` are those of a day."""

    state: LibraryState
    candidates: Candidates
    most_packets: int
    save: Callable[[], None]
    now: Callable[[], float]
    _asked: npt.NDArray[np.int64] = field(default_factory=_none_of_a_kind)
    _answered: npt.NDArray[np.int64] = field(default_factory=_none_of_a_kind)

    def ask_round(self, asker: Asker, rows: Rows, kinds: npt.NDArray[np.int64]) -> bool:
        """Ask the next address of each of these /24s; False when the day's packets are used up.

        `kinds` has the Kind of each.
        """
        state, blocks = self.state, self.state.blocks
        kind_of = np.zeros(len(blocks.number), np.int64)
        kind_of[rows] = kinds
        for portion in asker.batches(blocks.number[rows] << np.uint32(8)):
            left = state.left_today(self.most_packets, self.now())
            if not left:
                return False
            chosen = rows[portion][:left]
            its, addresses = blocks.next_addresses(
                chosen, state.facts.seed, asker.permission.allows
            )
            blocks.day[chosen] = int(self.now() // DAY)
            blocks.new[chosen] = False
            if not len(its):
                continue
            blocks.asked[its] += 1
            state.facts.sent += len(its)
            self.save()
            province = province_of(self.candidates, addresses)
            asked = np.bincount(kind_of[its], minlength=len(Kind))
            expected = float((asked * self._answered / np.maximum(self._asked, 1)).sum())
            found = asker.ask(addresses, province, expected)
            self._asked += asked
            self._answered += np.bincount(kind_of[its[found]], minlength=len(Kind))
            blocks.answered[its[found]] += 1
            state.pool = state.pool.add(Pool.found(addresses[found], province[found], self.now()))
        return True
