"""What a sweep does with the memory of its targets. Whatever is wrong with that, the sweep goes on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netsky.errors import DeliveryError
from netsky.fault import Fault
from netsky.judging.learning import ProvinceLoss, frozen_targets, losses, provinces_after
from netsky.judging.locating import Located, in_cities, locate
from netsky.sweep import Sweep
from netsky.targets import memory_file
from netsky.targets.cities import read_cities
from netsky.targets.memory import Memory, learned, nothing_of
from netsky.time_limit import time_limit

log = logging.getLogger(__name__)

FILE_SECONDS = 30.0  # a disk can hang like a server


@dataclass(frozen=True, slots=True, eq=False)
class Recollection:
    """What was known before a sweep of its targets, which `memory` is about, in their order.

    `losses` are what is lost among them, by slug, and `located` what fails in the provinces that lose
    far more than usual.
    """

    memory: Memory
    losses: Mapping[str, ProvinceLoss]
    located: Mapping[str, Located]

    @property
    def faults(self) -> dict[str, Fault]:
        """What fails, by slug."""
        return {slug: each.fault for slug, each in self.located.items()}


@dataclass(frozen=True, slots=True)
class Remembering:
    """The memory of one line in its file; `mode` is that of files that are made.

    Without `writes` the file stays as it is. `partial`: the sweeps are of a part of the library, so
    that what is remembered of other targets stays. `cities` is the file with the cities of the
    library, if it has any.
    """

    file: Path
    mode: int
    cities: Path
    writes: bool = True
    partial: bool = False

    def recall(self, sweep: Sweep) -> Recollection | None:
        """What is known of the targets of a sweep.

        None when nothing is known, for a reason in the log: a file that is damaged is set aside, one
        that cannot be read is left alone.
        """
        memory = self._read()
        if memory is None:
            return None
        memory = memory.of(sweep.library.addresses)
        lost = losses(sweep, memory)
        located: Mapping[str, Located] = locate(sweep, memory, lost)
        if any(each.fault.prefixes for each in located.values()):
            located = self._with_cities(located, sweep, memory)
        return Recollection(memory, lost, located)

    def learn(
        self, sweep: Sweep, before: Recollection, *, in_incident: Collection[str] | None
    ) -> None:
        """Keep what the sweep teaches. Of a tainted one nothing is learned.

        `in_incident` are the provinces, as slugs, with an open incident; None: it is not known.
        """
        if not self.writes or sweep.tainted:
            return
        located = before.located
        after = provinces_after(before.memory, sweep, before.losses, in_incident=in_incident)
        provinces = {
            slug: replace(known, prefixes=located[slug].found if slug in located else ())
            for slug, known in after.items()
        }
        frozen = frozen_targets(sweep, provinces)
        self.keep(learned(before.memory, sweep, provinces, frozen=frozen))

    def keep(self, memory: Memory) -> None:
        """Write the memory after a sweep; what keeps it from being written goes to the log."""
        try:
            with time_limit(FILE_SECONDS, f"memory {self.file}"):
                if self.partial and self.file.exists():
                    memory = memory.with_others_of(memory_file.read(self.file))
                self._remove_leftovers()
                memory_file.write(self.file, memory, mode=self.mode)
        except (OSError, ValueError, DeliveryError) as error:
            log.error(
                "memory %s is not written, and stays as it was: %s: see to the disk and the rights "
                "of its folder (--memory)",
                self.file,
                _reason(error),
            )

    def _with_cities(
        self, located: Mapping[str, Located], sweep: Sweep, memory: Memory
    ) -> Mapping[str, Located]:
        """With the cities of the prefixes, where the library knows them; what is wrong goes to the log."""
        try:
            with time_limit(FILE_SECONDS, f"{self.cities}"):
                cities = read_cities(self.cities)
        except FileNotFoundError:
            return located
        except (OSError, ValueError, DeliveryError) as error:
            log.warning(
                "%s cannot be used: %s: prefixes are named without their cities until the library "
                "is published anew (netsky_library.py refresh)",
                self.cities,
                _reason(error),
            )
            return located
        return in_cities(located, sweep, memory, cities)

    def _read(self) -> Memory | None:
        try:
            with time_limit(FILE_SECONDS, f"memory {self.file}"):
                return memory_file.read(self.file)
        except FileNotFoundError:
            return nothing_of(np.empty(0, np.uint32)) if self.writes else None
        except (OSError, DeliveryError) as error:
            log.error(
                "memory %s cannot be read and is left alone: %s: which targets are usually alive is "
                "not known until whoever runs this may read it (--memory)",
                self.file,
                _reason(error),
            )
        except ValueError as error:
            return self._set_aside(error)
        return None

    def _set_aside(self, error: ValueError) -> Memory | None:
        if not self.writes:
            log.error("memory %s cannot be used and is left alone: %s", self.file, error)
            return None
        aside = self.file.with_name(f"{self.file.name}.aside")
        try:
            self.file.replace(aside)  # in the place of an earlier one: these do not add up
        except OSError as refusal:
            log.error(
                "memory %s cannot be used, nor set aside: %s; %s",
                self.file,
                error,
                refusal.strerror,
            )
            return None
        log.error(
            "memory %s cannot be used: %s: it is set aside as %s, and a new one begun; which targets "
            "are usually alive is known again after some 50 sweeps",
            self.file,
            error,
            aside.name,
        )
        return nothing_of(np.empty(0, np.uint32))

    def _remove_leftovers(self) -> None:
        """Remove what a run left that was killed while it wrote."""
        for leftover in self.file.parent.glob(f".{self.file.name}.*"):
            with suppress(OSError):
                leftover.unlink()


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)
