"""What the verbs of netsky_library.py that send have in common: limits, consent, one ISP after the other."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import click

from netsky.cli.destinations import OutletOptions
from netsky.cli.engine_options import ChosenEngine
from netsky.cli.lines import Lines, several
from netsky.cli.options import FILE, Number, Option
from netsky.cli.running import Alone, run_each
from netsky.cli.settings import Settings
from netsky.cli.tool import DONE, INCOMPLETE
from netsky.errors import InputError
from netsky.places import ISP, Egress

if TYPE_CHECKING:  # imported late where they are used, so that `--help` is quick
    from netsky.console import View
    from netsky.jobs.asking import Asker
    from netsky.jobs.library_renewal import Place
    from netsky.outlets.metrics import LibraryFigures
    from netsky.targets.candidates import Candidates
    from netsky.targets.library_state import LibraryState
    from netsky.targets.permission import Permission


@dataclass(frozen=True, slots=True)
class Sending:
    """Where addresses are kept, how many are wanted, and how much may be sent."""

    library: Path
    candidates: Path
    quota: int
    rate: int
    timeout: float
    max_packets: int
    dry_run: bool
    replace: bool
    accept_change: bool
    lab: bool
    settings: Settings

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--library",
            type=FILE,
            default="ipdata",
            help="Write the address libraries into this folder, which has a folder for each ISP.",
        ),
        click.option(
            "--candidates",
            type=FILE,
            default="library",
            help="Read the candidates from this folder, and keep there what is known of addresses.",
        ),
        click.option(
            "--quota",
            type=click.IntRange(1, 100_000),
            default=2000,
            metavar="TARGETS",
            help="Let a province have at most so many targets.",
        ),
        click.option(
            "--rate",
            type=click.IntRange(1),
            default=10_000,
            metavar="PACKETS",
            help="Send at most so many packets a second.",
        ),
        click.option(
            "--timeout",
            type=Number(1, 60_000),
            default=1000,
            metavar="MS",
            help="A reply that comes later than this counts as none.",
        ),
        click.option(
            "--max-packets",
            type=click.IntRange(1),
            default=20_000_000,
            metavar="PACKETS",
            help="Send at most so many packets for an ISP in a day.",
        ),
        click.option(
            "--dry-run",
            is_flag=True,
            is_eager=True,
            help="Send nothing, and show what would be sent.",
        ),
        click.option(
            "--replace",
            is_flag=True,
            is_eager=True,
            help="Replace an address library, too, that a person has written or changed.",
        ),
        click.option(
            "--accept-change",
            is_flag=True,
            is_eager=True,
            help="Publish a province, too, that would lose more than 20 % of its addresses at once.",
        ),
        click.option(
            "--lab",
            is_flag=True,
            is_eager=True,
            help="Send to the addresses of a lab (10.0.0.0/8) only, which else nothing is sent to.",
        ),
    )

    def place(self, isp: ISP) -> Place:
        """Where the library of an ISP is published."""
        from netsky.jobs.library_renewal import Place

        return Place(
            self.library, isp, self.quota, replace=self.replace, accept_change=self.accept_change
        )

    def candidates_of(self, isp: ISP) -> Candidates:
        """Those of one ISP, with cities; LibraryError when there are none."""
        from netsky.errors import LibraryError
        from netsky.targets import candidate_files
        from netsky.targets.geo.names import ISPS

        own = candidate_files.load(self.candidates, isps=[isp.slug], cities=True)
        if own is None or isp.slug not in ISPS:
            raise LibraryError(
                f"there are no candidates of {isp.slug} in {self.candidates}: run `build` first, "
                f"which makes those of {', '.join(ISPS)}"
            )
        if not len(own.first):
            raise LibraryError(
                f"no candidate of {isp.slug} is left in {self.candidates}: build anew"
            )
        return own

    def permission(self, isp: ISP, candidates: Candidates) -> Permission:
        """The last gate before the engine."""
        from netsky.targets.permission import Permission

        return Permission(isp, candidates, self.library, lab=self.lab)

    def check_consent(self) -> None:
        """Raise InputError unless netsky.toml names who has agreed, and whom strangers may ask."""
        settings = self.settings
        if settings.consent and settings.contact:
            return
        where = settings.file or "netsky.toml"
        raise InputError(
            f"this sends packets to strangers' addresses: whoever answers for that writes into {where}, "
            'below [library], consent = "name, date" and contact = "whom to ask about these packets"'
        )


@dataclass(frozen=True, slots=True)
class Campaign:
    """One verb that sends, for one ISP after the other through one exit."""

    lines: Lines
    outlets: OutletOptions
    alone: Alone
    sending: Sending
    engine: ChosenEngine

    def run(self, job: Callable[[ISP, Egress], int], *, sends: bool = True) -> int:
        """Run the job of each ISP under the lock of the tool; the exit code."""
        each = self.lines.each()
        if len({egress.name for _, egress in each}) > 1:
            raise InputError("addresses are asked through one exit: name one with --egress")
        if sends and not self.sending.dry_run:
            self.sending.check_consent()
        with self.alone.hold():
            return run_each(
                [
                    (f"ISP {isp.slug}, egress {egress.name}", partial(job, isp, egress))
                    for isp, egress in each
                ]
            )

    def load(self, isp: ISP) -> LibraryState | None:
        """What is known of an ISP's addresses."""
        from netsky.targets import library_state

        return library_state.load(self.sending.candidates, isp.slug)

    def asker(self, egress: Egress, permission: Permission) -> Asker:
        """What sends, with an engine that was checked to work."""
        from netsky.jobs.asking import Asker
        from netsky.targets.sources import check_source

        check_source(self.sending.library, egress)
        return Asker(
            engine=self.engine.open(egress),
            egress=egress,
            permission=permission,
            rate=self.sending.rate,
            timeout=self.sending.timeout / 1000,
        )

    def end(self, isp: ISP, egress: Egress, report: Report, view: View) -> int:
        """Show a report and push its metrics; the exit code."""
        from netsky.outlets.delivery import deliver
        from netsky.outlets.metrics import library_metrics
        from netsky.targets.publishing import published_at

        self.alone.show(view)
        changed_at = published_at(self.sending.library, isp.slug)
        now = time.time()
        age = math.nan if changed_at is None else max(0.0, now - changed_at.timestamp())
        group = library_metrics(
            isp.slug, egress.name, report.figures(), asked_at=now, age_seconds=age
        )
        failed = deliver(self.outlets.open(several=several(self.lines.each())).deliveries([group]))
        return DONE if report.complete and not failed else INCOMPLETE


class Report(Protocol):
    """What a verb that sends has done."""

    @property
    def complete(self) -> bool:
        """Nothing was left out."""

    def figures(self) -> Sequence[LibraryFigures]:
        """What is published now, by province."""


def ask_whether(announcement: str, *, yes: bool) -> None:
    """Say what is about to be sent, and ask the person at the terminal whether to begin.

    InputError where there is no terminal, unless `yes` was said before.
    """
    click.echo(announcement, err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("nobody can be asked here whether to begin: look at --dry-run, say --yes")
    if not click.confirm("现在开始发送吗？Begin to send?", err=True):
        raise click.Abort
