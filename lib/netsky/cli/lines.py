"""Which lines a run is about: an ISP's users through an exit of this data centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import click

from netsky.cli.config import CommonOption
from netsky.cli.options import Option, common_option
from netsky.cli.settings import Settings
from netsky.places import ALL, BUILTIN_ISPS, ISP, Egress


class _IspOption(CommonOption):
    """Needed, but not with a list of addresses, whose option click has read by then."""

    def value_is_missing(self, value: Any) -> bool:
        context = click.get_current_context(silent=True)
        given = context.params.get("targets") if context else None
        return super().value_is_missing(value) and not isinstance(given, Path)


_ISP = click.option(
    "--isp",
    cls=_IspOption,
    required=True,
    metavar="NAMES",
    help="Work on these ISPs, separated by commas: cu, cm, ct, demo, or what netsky.toml defines. "
    "`all` stands for cu, cm, ct and those of netsky.toml.",
)


@dataclass(frozen=True, slots=True)
class Isps:
    """One or several ISPs, whatever the exit."""

    isp: str
    settings: Settings

    OPTIONS: ClassVar[tuple[Option, ...]] = (_ISP,)

    def each(self) -> list[ISP]:
        """InputError when a name is unknown."""
        return self.settings.find_isps(self.isp)


@dataclass(frozen=True, slots=True)
class Lines:
    """One or several ISPs through one or several exits: each ISP through each exit."""

    isp: str
    egress: str
    settings: Settings

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        _ISP,
        common_option(
            "--egress",
            default="default",
            metavar="NAMES",
            help="Work on these exit lines of netsky.toml, separated by commas. `all` stands for all "
            "of them.",
        ),
    )

    def each(self) -> list[tuple[ISP, Egress]]:
        """Each line, exit by exit; InputError when a name is unknown."""
        egresses = self.settings.find_egresses(self.egress)
        isps = self.settings.find_isps(self.isp)
        return [(isp, egress) for egress in egresses for isp in isps]

    def beside(self, isp: ISP, egress: Egress) -> list[tuple[ISP, Egress]]:
        """The lines to compare one with: its ISP through all other exits, and all others through its exit."""
        exits = [each for each in self.settings.egresses.values() if each.in_all]
        isps = [each for each in (BUILTIN_ISPS | dict(self.settings.isps)).values() if each.in_all]
        return [(isp, other) for other in exits if other.name != egress.name] + [
            (other, egress) for other in isps if other.slug != isp.slug
        ]


@dataclass(frozen=True, slots=True)
class StoredLines:
    """The same of what is in the database: without --egress, all exits that are found there."""

    isp: str
    egress: str
    settings: Settings

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        _ISP,
        common_option(
            "--egress",
            default=ALL,
            metavar="NAMES",
            help="Work on these exit lines only, separated by commas. `all` stands for all that are "
            "in the database.",
        ),
    )

    def each(self, *, by_egress: bool) -> list[tuple[ISP, str | None]]:
        """Each ISP with the name of each exit, or with None for all exits at once.

        `by_egress`: each exit has a database of its own, so that `all` are those of netsky.toml.
        """
        egresses: list[str | None] = [None]
        if self.egress != ALL or by_egress:
            egresses = [egress.name for egress in self.settings.find_egresses(self.egress)]
        isps = self.settings.find_isps(self.isp)
        return [(isp, egress) for egress in egresses for isp in isps]


def several(lines: Sequence[tuple[ISP, object]]) -> list[str]:
    """The words of which these lines have more than one: isp, egress."""
    counts = {"isp": len({isp for isp, _ in lines}), "egress": len({egress for _, egress in lines})}
    return [what for what, count in counts.items() if count > 1]
