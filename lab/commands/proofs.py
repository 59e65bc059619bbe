"""The commands that prove netsky on a lab of their own."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from lab.commands.options import FAILED, percent
from lab.network import files
from lab.network.making import make_lab

ENGINES = ("icmp", "fping")
PAGES = "pages"


_targets = click.option(
    "--targets",
    type=click.IntRange(1024, files.MOST_TARGETS),
    default=files.MOST_TARGETS,
    show_default=True,
    help="So many in each province.",
)
_window = click.option(
    "--window",
    type=click.FloatRange(0.1),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="Spread the sweep over so long.",
)


@click.command("drill")
def drill() -> int:
    """Rehearse outages in a lab of its own: four to ten minutes, a timeline and pages at the end."""
    from lab.proofs.drill import Drill, written_since
    from lab.proofs.site import Site

    began = time.time()
    with TemporaryDirectory(prefix="netsky-drill-") as folder, make_lab() as lab:
        right = Drill(Site(lab, Path(folder)), click.echo, Path(PAGES)).run()
    click.echo(
        "\n演练通过 all as it should be" if right else "\n演练未通过，见上 NOT as it should be"
    )
    for file in written_since(Path(PAGES), began):
        click.echo(f"网页 page  {file}")
    return 0 if right else FAILED


@click.command("accuracy")
@click.option("--engine", "engines", type=click.Choice(ENGINES), multiple=True, help="[both]")
@_targets
@_window
def accuracy(*, engines: tuple[str, ...], targets: int, window: float) -> None:
    """Measure how exact the engines are, in a lab of its own: tables as Markdown."""
    from lab.proofs.accuracy import measure, tables

    for engine in engines or ENGINES:
        with TemporaryDirectory(prefix="netsky-accuracy-") as folder, make_lab() as lab:
            result = measure(lab, engine, Path(folder), targets=targets, window=window)
        click.echo(tables(result))


@click.command("together")
@click.option("--engine", type=click.Choice(ENGINES), default=ENGINES[0], show_default=True)
@_targets
@_window
def together(*, engine: str, targets: int, window: float) -> None:
    """Measure what several sweeps at once cost, and that none disturbs another: as Markdown."""
    from lab.proofs.site import Site
    from lab.proofs.together import CASES, sweep_together, table

    options = ("--engine", engine, "--window", str(window))
    cases = []
    for lines in CASES:
        with TemporaryDirectory(prefix="netsky-together-") as folder, make_lab() as lab:
            site = Site(lab, Path(folder))
            site.set_up(targets=targets)
            cases.append(sweep_together(site, lines, *options))
    click.echo(table(cases))


@click.command("library")
@click.option(
    "--per-block",
    type=click.IntRange(4, 32),
    default=32,
    show_default=True,
    help="Send so many packets to a /24 in the discovery.",
)
def library(*, per_block: int) -> None:
    """Measure how an address library finds and keeps its targets: tables as Markdown, 15 minutes."""
    from lab.proofs.library import Proof

    with (
        TemporaryDirectory(prefix="netsky-library-") as folder,
        make_lab() as lab,
        Proof(lab, Path(folder), per_block=per_block) as proof,
    ):
        for table in proof.tables():
            click.echo(table)


@click.command("evidence")
@click.option("--repeats", type=click.IntRange(1), default=12, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=10, show_default=True)
@click.option(
    "--at-once", type=click.IntRange(1, 100), default=42, show_default=True, help="Paths traced."
)
@click.option("--loss", "losses", type=percent, multiple=True, help="[1, 2, 5, 10, 30, 100 %]")
@_targets
@_window
def evidence(
    *,
    repeats: int,
    rounds: int,
    at_once: int,
    losses: tuple[float, ...],
    targets: int,
    window: float,
) -> None:
    """Measure whether traces tell where loss begins, and disturb no sweep: as Markdown; as root."""
    from lab.proofs import evidence
    from lab.proofs.evidence_tables import table as tables
    from lab.proofs.site import Site
    from lab.proofs.together import Run, sweep_together, table

    names = [f"e{number}" for number in range(at_once)]
    with make_lab(egresses=names, hops=evidence.HOPS) as lab:
        every = evidence.cases(losses or evidence.LOSSES)
        click.echo(tables(evidence.judge(lab, every, repeats=repeats, rounds=rounds)))
        for loss in (0.1, 0.4):
            named, wrong, untaken = evidence.name_branches(
                lab, loss, repeats=at_once, rounds=rounds
            )
            click.echo(
                f"{100 * loss:g} % on one of two ways, {at_once} times: named {named}, the other "
                f"one {wrong}; in {untaken} the flows all took one way\n"
            )
    with make_lab(egresses=("a", "b"), hops=10) as lab:
        click.echo(evidence.trace_at_once(lab, 6))
    with TemporaryDirectory(prefix="netsky-evidence-") as folder, make_lab() as lab:
        site = Site(lab, Path(folder))
        site.set_up(targets=targets)
        runs: list[Run] = []

        def sweep() -> None:
            runs.extend(sweep_together(site, [("cu", "a")], "--window", str(window)))

        traced = evidence.while_tracing(lab, "a", sweep)
        click.echo(f"{table([runs])}\n(with {traced} x 20 traces through the same exit meanwhile)")


@click.command("located")
@click.option(
    "--dead",
    "shares",
    type=click.FloatRange(0, 0.9),
    multiple=True,
    default=(0.03, 0.3, 0.5),
    show_default=True,
    metavar="SHARE",
    help="Such a share of the addresses never answers; may be given again.",
)
@click.option("--learn", type=click.IntRange(1), default=60, show_default=True, metavar="SWEEPS")
@click.option("--sweeps", type=click.IntRange(1), default=20, show_default=True)
@click.option(
    "--window",
    type=click.FloatRange(0.1),
    default=3,
    show_default=True,
    metavar="SECONDS",
    help="Spread each sweep over so long: more on a machine that is busy.",
)
def located(*, shares: tuple[float, ...], learn: int, sweeps: int, window: float) -> None:
    """Measure what is found of faults in parts of provinces: tables as Markdown, half an hour."""
    from lab.proofs.located import Proof
    from lab.proofs.located_tables import table
    from lab.proofs.site import Site

    for dead in shares:
        with TemporaryDirectory(prefix="netsky-located-") as folder, make_lab(hops=1) as lab:
            site = Site(lab, Path(folder))
            site.set_up(targets=1)
            result = Proof(site, dead, window).measure(learn=learn, sweeps=sweeps)
        click.echo(table(dead, result))


PROOFS = (drill, accuracy, together, library, evidence, located)
