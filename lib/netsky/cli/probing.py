"""What is probed, at which pace, and where its figures wait: options of a tool that sweeps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click

from netsky.cli.config import SETTINGS
from netsky.cli.options import FILE, Number, Option
from netsky.places import PROVINCES, Province, find_provinces

if TYPE_CHECKING:  # imported late where they are used, so that `--help` is quick
    from netsky.cli.settings import Settings
    from netsky.jobs.memory import Remembering
    from netsky.store.spool import Spool
    from netsky.sweep import ProbePlan
    from netsky.targets.library import LibraryFiles


@dataclass(frozen=True, slots=True)
class LibraryOptions:
    """The address libraries, and which provinces of them."""

    library: Path
    province: tuple[str, ...]

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--library",
            type=FILE,
            default="ipdata",
            help="Read the addresses from this folder, which has a folder for each ISP.",
        ),
        click.option(
            "--province",
            multiple=True,
            help="Probe these provinces only, by slug or Chinese name, separated by commas; may be "
            "given again.",
        ),
    )

    def provinces(self) -> Sequence[Province]:
        """Those that are asked for; InputError when one is unknown."""
        return find_provinces(self.province) or PROVINCES

    def cities(self, isp: str) -> Path:
        """Where it is told which cities an ISP's targets are in, if it is."""
        from netsky.targets.cities import CITIES_FILE

        return self.library / isp / CITIES_FILE

    def open(self, isp: str) -> LibraryFiles:
        """The address library of an ISP; LibraryError when it cannot be used as it is."""
        from netsky.targets.library import LibraryFiles

        return LibraryFiles(self.library, isp, self.provinces())


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How each target is probed."""

    window: float
    rate: int
    count: int
    timeout: float
    size: int

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--window",
            type=Number(0, 86400),
            default=10,
            metavar="SECONDS",
            help="Spread the sweep evenly over this time; 0 is as fast as --rate allows.",
        ),
        click.option(
            "--rate",
            type=click.IntRange(1),
            default=100_000,
            metavar="PACKETS",
            help="Send at most so many packets a second.",
        ),
        click.option(
            "--count",
            type=click.IntRange(1, 100),
            default=1,
            metavar="PACKETS",
            help="Send so many packets to each target.",
        ),
        click.option(
            "--timeout",
            type=Number(1, 60_000),
            default=500,
            metavar="MS",
            help="A reply that comes later than this counts as lost.",
        ),
        click.option(
            "--size",
            type=click.IntRange(16, 1472),
            default=56,
            metavar="BYTES",
            help="Send so many bytes of ICMP payload in each packet.",
        ),
    )

    def plan(self) -> ProbePlan:
        from netsky.sweep import ProbePlan

        return ProbePlan(self.window, self.rate, self.count, self.timeout / 1000, self.size)


@dataclass(frozen=True, slots=True)
class SpoolOptions:
    """Where sweeps wait for the database."""

    spool: Path
    spool_size: int
    spool_days: float

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--spool",
            type=FILE,
            default="spool",
            metavar="DIR",
            help="Keep sweeps in this folder until the database has taken them.",
        ),
        click.option(
            "--spool-size",
            type=click.IntRange(1, 100_000),
            default=256,
            metavar="MB",
            help="Drop the oldest sweeps when the spool is larger than this.",
        ),
        click.option(
            "--spool-days",
            type=Number(0.01, 3650),
            default=7,
            metavar="DAYS",
            help="Drop sweeps that have been in the spool for longer than this.",
        ),
    )

    def open(self, isp: str, egress: str, *, mode: int) -> Spool:
        """The spool of an ISP and exit; `mode` is that of files that are made."""
        from netsky.store.spool import Spool

        return Spool(
            self.spool,
            isp,
            egress,
            max_bytes=self.spool_size << 20,
            max_age=timedelta(days=self.spool_days),
            mode=mode,
        )


@dataclass(frozen=True, slots=True)
class MemoryOptions:
    """Where it is remembered which targets usually answer."""

    memory: Path | None

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--memory",
            type=FILE,
            metavar="DIR",
            help="Remember in this folder which targets usually answer; with --no-store what is there "
            "is used and left as it is.  [default: the folder memory beside that of --spool]",
        ),
    )

    def open(
        self,
        isp: str,
        egress: str,
        *,
        spool: Path,
        mode: int,
        cities: Path,
        writes: bool,
        partial: bool,
    ) -> Remembering:
        """The memory of an ISP and exit, by default beside the folder `spool`."""
        from netsky.jobs.memory import Remembering
        from netsky.targets.memory_file import file_name

        folder = self.memory or _beside(spool)
        file = folder / file_name(isp, egress)
        return Remembering(file, mode, cities, writes=writes, partial=partial)


def memory_of_the_probe() -> Path:
    """Where the probe has its memory by netsky.toml and the environment: for tools without a spool."""
    memory = _of_probe().get("memory")  # the probe tells when it is no string
    return Path(str(memory)) if memory else _beside(Path(spool_of_the_probe()))


def spool_of_the_probe() -> str:
    """Where sweeps wait for the database by netsky.toml and the environment."""
    return str(os.environ.get("NETSKY_SPOOL") or _of_probe().get("spool", "spool"))


def _of_probe() -> Mapping[str, object]:
    settings: Settings = click.get_current_context().meta[SETTINGS]
    return settings.tool_options.get("probe", {})


def _beside(spool: Path) -> Path:
    return spool.parent / "memory"
