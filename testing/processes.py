"""Which processes there are on this machine, by what /proc says of them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process by its folder in /proc; OSError when it has ended."""

    folder: Path

    @property
    def pid(self) -> int:
        return int(self.folder.name)

    @property
    def arguments(self) -> list[str]:
        return self._texts("cmdline")

    @property
    def environment(self) -> list[str]:
        return self._texts("environ")

    @property
    def name(self) -> str:
        return self._stat().partition("(")[2].rpartition(")")[0]

    @property
    def state(self) -> str:
        return self._fields()[0]

    @property
    def parent(self) -> int:
        return int(self._fields()[1])

    @property
    def group(self) -> int:
        return int(self._fields()[2])

    def _fields(self) -> list[str]:
        return self._stat().rpartition(")")[2].split()

    def _stat(self) -> str:
        return (self.folder / "stat").read_text(errors="replace")

    def _texts(self, file: str) -> list[str]:
        return (self.folder / file).read_bytes().decode(errors="replace").split("\0")[:-1]


def processes_where(wanted: Callable[[Process], bool]) -> list[int]:
    """The ids of those for which that holds; who ends while it is asked is none of them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted(Process(folder)):
                found.append(int(folder.name))
    return found
