"""Build address libraries, and see how good they are. Nothing here sends a packet."""

from __future__ import annotations

from pathlib import Path

import click

from netsky.cli.lines import Isps
from netsky.cli.options import FILE, takes
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


@click.group("netsky_library", cls=Tools)
def main() -> None:
    """Build address libraries, and see how good they are. Nothing here sends a packet.

    \b
    netsky_library.py build                       candidates of cu, cm and ct, from the data installed
    netsky_library.py build --geo ip2region.xdb   from newer data
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
def build(
    *, alone: Alone, candidates: Path, geo: tuple[Path, ...], bgp: Path | None, accept_change: bool
) -> int:
    """Build the candidate addresses of cu, cm and ct in each province. Nothing is sent."""
    from netsky.console.library import BuildView
    from netsky.jobs.library_build import build_candidates

    with alone.hold():
        report = build_candidates(candidates, geo, bgp, accept_change=accept_change)
    alone.show(BuildView(report, str(candidates)))
    return DONE


@main.command("show", cls=Tool)
@takes(isps=Isps, output=Output)
@_LIBRARY
@_CANDIDATES
def show(*, isps: Isps, output: Output, library: Path, candidates: Path) -> int:
    """Show the sizes of address libraries by province. Nothing is sent."""
    from netsky.console.library import LibraryView
    from netsky.jobs.library_check import look_at

    for isp in isps.each():
        report = look_at(library, isp, candidates)
        output.show(LibraryView(report))
    return DONE


@main.command("check", cls=Tool)
@takes(isps=Isps, output=Output)
@_LIBRARY
@_CANDIDATES
def check(*, isps: Isps, output: Output, library: Path, candidates: Path) -> int:
    """Check address libraries; exit code 3 when something is wrong with one. Nothing is sent."""
    from netsky.console.library import LibraryView
    from netsky.jobs.library_check import look_at

    reports = [look_at(library, isp, candidates) for isp in isps.each()]
    for report in reports:
        output.show(LibraryView(report, faults_only=True))
    return INCOMPLETE if any(report.findings for report in reports) else DONE


if __name__ == "__main__":
    main()
