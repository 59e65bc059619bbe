"""Options of the probe for a look by hand. They are eager: none of them may stand in netsky.toml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.options import FILE, Option
from netsky.errors import InputError

if TYPE_CHECKING:
    from netsky.sweep import Sweep


@dataclass(frozen=True, slots=True)
class ByHand:
    """A list of addresses instead of a library, the silent addresses of a sweep, or no sweep at all."""

    targets: Path | None
    dump: Path | None
    dry_run: bool

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--targets",
            type=FILE,
            is_eager=True,
            metavar="FILE",
            help="Probe the addresses of this file (- is standard input) instead of a library, show "
            "each of them, and store and push nothing.",
        ),
        click.option(
            "--dump",
            type=FILE,
            is_eager=True,
            metavar="FILE",
            help="Write the addresses that did not answer to this file, with their province; {isp} "
            "and {egress} are filled in.",
        ),
        click.option(
            "--dry-run",
            is_flag=True,
            is_eager=True,
            help="Send and store nothing; check library, settings, engine and database, and show "
            "what would be sent.",
        ),
    )

    def check(self, several: Sequence[str]) -> None:
        """Raise InputError for a list that is not to be probed, and one dump of several lines."""
        if self.targets is not None and self.dry_run:
            raise InputError("--dry-run is for an address library: leave out --targets")
        for what in several:
            if self.dump is not None and f"{{{what}}}" not in str(self.dump):
                raise InputError(
                    f"--dump {self.dump}: this run is about more than one {what}: write "
                    f"{{{what}}} in the name"
                )

    def write_dump(self, sweep: Sweep) -> None:
        """DeliveryError when it cannot be written."""
        from netsky.jobs.targets import dump_silent

        if self.dump is not None:
            fields = {"isp": sweep.library.isp, "egress": sweep.egress.name}
            dump_silent(self.dump, sweep, fields)
