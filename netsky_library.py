"""Build address libraries, find out who answers, keep them fresh, and see how good they are."""

from __future__ import annotations

from pathlib import Path

import click

from netsky.cli.destinations import OutletOptions
from netsky.cli.engine_options import ChosenEngine, engine_options
from netsky.cli.library_sending import Campaign, Sending
from netsky.cli.lines import Isps, Lines
from netsky.cli.options import FILE, takes
from netsky.cli.probing import memory_of_the_probe
from netsky.cli.running import Alone, Output
from netsky.cli.tool import DONE, INCOMPLETE, Tool, Tools

_CANDIDATES = click.option(
    "--candidates",
    type=FILE,
    default="library",
    help="Keep the candidate addresses in this folder.",
)
_LIBRARY = click.option(
    "--library",
    type=FILE,
    default="ipdata",
    help="Look at the address libraries in this folder, which has a folder for each ISP.",
)


_MEMORY = click.option(
    "--memory",
    type=FILE,
    default=memory_of_the_probe,
    show_default=False,
    metavar="DIR",
    help="Look in this folder, too, for what the probe remembers of the targets: which have not "
    "answered for a week.  [default: where netsky_probe.py has it by netsky.toml]",
)


@click.group("netsky_library", cls=Tools)
def main() -> None:
    """Build address libraries, find out who answers, keep them fresh, and see how good they are.

    Only discover and refresh send packets.

    \b
    netsky_library.py build                       candidates of cu, cm and ct, from the data installed
    netsky_library.py build --geo ip2region.xdb   from newer data
    netsky_library.py discover --isp cu --egress unicom-1 --dry-run    what would be sent
    netsky_library.py refresh --isp all --egress unicom-1    as cron would, every three hours
    netsky_library.py check --isp cu              what is wrong with a library
    """


@main.command("build", cls=Tool)
@takes(alone=Alone)
@_CANDIDATES
@click.option(
    "--geo",
    type=FILE,
    multiple=True,
    help="Read who uses which addresses where from this file or folder; what the first of several "
    "says counts.  [default: the data that netsky[library] installs]",
)
@click.option(
    "--bgp",
    type=FILE,
    help="Leave out addresses that the CIDR lists by ISP in this folder give to another ISP.",
)
@click.option(
    "--accept-change",
    is_flag=True,
    help="Accept that more than 5 % of an ISP or 20 % of a province has changed.",
)
@click.option(
    "--lab",
    is_flag=True,
    is_eager=True,
    help="Keep the addresses of a lab (10.0.0.0/8), and no others.",
)
def build(
    *,
    alone: Alone,
    candidates: Path,
    geo: tuple[Path, ...],
    bgp: Path | None,
    accept_change: bool,
    lab: bool,
) -> int:
    """Build the candidate addresses of cu, cm and ct in each province. Nothing is sent."""
    from netsky.console.library import BuildView
    from netsky.jobs.library_build import build_candidates

    with alone.hold():
        report = build_candidates(candidates, geo, bgp, accept_change=accept_change, lab=lab)
    alone.show(BuildView(report, str(candidates)))
    return DONE


@main.command("discover", cls=Tool)
@takes(lines=Lines, outlets=OutletOptions, alone=Alone, sending=Sending)
@engine_options
@click.option(
    "--province",
    multiple=True,
    help="Ask in these provinces only, by slug or Chinese name, separated by commas; may be given "
    "again.",
)
@click.option(
    "--per-block",
    type=click.IntRange(2, 32),  # one that asks, and one that looks again at who answered
    default=32,
    metavar="PACKETS",
    help="Send at most so many packets to a /24 in one discovery.",
)
@click.option(
    "--thorough",
    multiple=True,
    metavar="PROVINCES",
    help="Ask all addresses of a /24 in these provinces, where too few are found otherwise.",
)
@click.option("--yes", is_flag=True, is_eager=True, help="Begin to send without asking.")
def discover(
    *,
    lines: Lines,
    outlets: OutletOptions,
    alone: Alone,
    sending: Sending,
    engine: ChosenEngine,
    province: tuple[str, ...],
    per_block: int,
    thorough: tuple[str, ...],
    yes: bool,
) -> int:
    """Find the candidates that answer. It SENDS PACKETS: it shows how many, and asks before.

    netsky.toml must name, below [library], who has agreed (consent) and whom others may ask
    (contact). Interrupted, it goes on where it was; nobody is asked twice.
    """
    from netsky.cli.library_runs import Discoveries

    campaign = Campaign(lines, outlets, alone, sending, engine)
    return Discoveries(campaign, province, per_block, thorough, yes=yes).run()


@main.command("refresh", cls=Tool)
@takes(lines=Lines, outlets=OutletOptions, alone=Alone, sending=Sending)
@engine_options
@click.option(
    "--rollback",
    is_flag=True,
    is_eager=True,
    help="Send nothing, and bring the library back that was there before the newest one.",
)
def refresh(
    *,
    lines: Lines,
    outlets: OutletOptions,
    alone: Alone,
    sending: Sending,
    engine: ChosenEngine,
    rollback: bool,
) -> int:
    """Look at the known addresses again, and replace those that are gone. It SENDS PACKETS.

    Cron runs it every three hours: after 24 looks an address is proved, and the library is no
    longer provisional.
    """
    from netsky.cli.library_runs import Refreshes

    return Refreshes(Campaign(lines, outlets, alone, sending, engine)).run(rollback=rollback)


@main.command("show", cls=Tool)
@takes(isps=Isps, output=Output)
@_LIBRARY
@_CANDIDATES
@_MEMORY
def show(*, isps: Isps, output: Output, library: Path, candidates: Path, memory: Path) -> int:
    """Show the sizes of address libraries by province. Nothing is sent."""
    from netsky.console.library import LibraryView
    from netsky.jobs.library_check import look_at

    for isp in isps.each():
        report = look_at(library, isp, candidates, memory=memory)
        output.show(LibraryView(report))
    return DONE


@main.command("check", cls=Tool)
@takes(isps=Isps, output=Output)
@_LIBRARY
@_CANDIDATES
@_MEMORY
def check(*, isps: Isps, output: Output, library: Path, candidates: Path, memory: Path) -> int:
    """Check address libraries; exit code 3 when something is wrong with one. Nothing is sent."""
    from netsky.console.library import LibraryView
    from netsky.jobs.library_check import look_at

    reports = [look_at(library, isp, candidates, memory=memory) for isp in isps.each()]
    for report in reports:
        output.show(LibraryView(report, faults_only=True))
    return INCOMPLETE if any(report.findings for report in reports) else DONE


if __name__ == "__main__":
    main()
