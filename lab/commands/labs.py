"""The commands that start, end and use a lab."""

from __future__ import annotations

import json
import os
import select
import time
from pathlib import Path

import click
from click.core import ParameterSource

from lab.commands.attach import run_attached
from lab.commands.faults import FAULTS
from lab.commands.options import FAILED, name_option, on_lab
from lab.commands.schedule import Change, follow, parse
from lab.commands.show import counters_table
from lab.network import files
from lab.network.addresses import PLACES
from lab.network.lab import Lab
from lab.network.making import (
    DEFAULT_EGRESSES,
    DEFAULT_HOPS,
    end,
    find_lab,
    make_detached_lab,
    make_lab,
    running_labs,
)
from netsky.errors import InputError

format_option = click.option(
    "--format", "output", type=click.Choice(["table", "json"]), default="table", show_default=True
)


@click.command("up")
@click.option(
    "--egresses", default=",".join(DEFAULT_EGRESSES), show_default=True, help="Their names."
)
@click.option(
    "--hops", type=int, default=DEFAULT_HOPS, show_default=True, help="Routers behind each egress."
)
@click.option("--detach", is_flag=True, help="Let it run on; `lab down` ends it.")
@name_option
def up(*, egresses: str, hops: int, detach: bool, name: str) -> None:
    """Make a lab; without --detach it ends with ^C, or with this process however that ends."""
    started = time.monotonic()
    names = tuple(egresses.split(","))
    if detach:
        _greet(make_detached_lab(egresses=names, hops=hops, name=name), started)
        return
    with make_lab(egresses=names, hops=hops, name=name) as lab:
        _greet(lab, started)
        holder = lab.holder.open()
        try:
            select.select([holder], [], [])
        except KeyboardInterrupt:
            return
        finally:
            os.close(holder)
        click.echo("ended by `lab down`", err=True)


def _greet(lab: Lab, started: float) -> None:
    routes = ", ".join(f"{route.egress} from {route.source}" for route in lab.routes)
    seconds = time.monotonic() - started
    click.echo(f"lab {lab.name} is up after {seconds:.1f} s; egresses: {routes}")


@click.command("down")
@name_option
def down(*, name: str) -> None:
    """End a lab; it leaves nothing behind."""
    end(find_lab(name))


@click.command("status")
@format_option
def status(*, output: str) -> None:
    """List the labs that run."""
    labs = running_labs()
    if output == "json":
        click.echo(json.dumps([_as_json(lab) for lab in labs], indent=2))
        return
    for lab in labs:
        routes = ", ".join(f"{route.egress} from {route.source}" for route in lab.routes)
        hops = lab.routes[0].hops
        click.echo(f"{lab.name}: held by pid {lab.holder.pid}; {hops} hops; egresses: {routes}")
    if not labs:
        click.echo("no lab runs", err=True)


def _as_json(lab: Lab) -> dict[str, object]:
    return {
        "name": lab.name,
        "holder": lab.holder.pid,
        "hops": lab.routes[0].hops,
        "egresses": {route.egress: str(route.source) for route in lab.routes},
        "namespaces": {name: lab.holder.path(name) for name in lab.holder.descriptors},
    }


@click.command("exec", context_settings={"ignore_unknown_options": True})
@click.option("--at", default="probe", show_default=True, help="Another namespace: a.2, b.far.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@on_lab
def execute(lab: Lab, *, at: str, command: tuple[str, ...]) -> int:
    """Run a command on the probe's host.

    \b
    lab exec -- netsky_probe.py --config lab/netsky.toml --isp cu --egress b
    lab exec --at b.far -- nft list ruleset
    """
    return run_attached(lab, command, namespace=at)


@click.command("write")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--targets",
    type=int,
    default=files.MOST_TARGETS,
    show_default=True,
    help="So many in each province, the first ones.",
)
@on_lab
def write(lab: Lab, *, folder: Path, targets: int) -> None:
    """Write netsky.toml and address libraries that fit the lab."""
    folder.mkdir(parents=True, exist_ok=True)
    settings, library = files.write(folder, lab.routes, targets=targets)
    click.echo(f"{settings}\n{library}")


@click.command("addresses")
def addresses() -> None:
    """List which prefix stands for which ISP and province."""
    for place in PLACES:
        click.echo(f"{place.prefix!s:16} {place.isp} {place.province}")


@click.command("counters")
@format_option
@on_lab
def counters(lab: Lab, *, output: str) -> None:
    """Show the truth: packets seen and dropped since the lab was made."""
    truth = lab.truth()
    click.echo(json.dumps(truth.as_json(), indent=2) if output == "json" else counters_table(truth))


@click.command("schedule")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@name_option
def schedule(*, file: Path, name: str) -> int:
    """Make changes at times that a file gives: `10 loss --egress b 8%` on its lines."""
    lab = find_lab(name)
    try:
        changes = parse(file.read_bytes(), lambda change: _make(change, lab.rehearsal()))
    except InputError as error:
        bad = str(error).split("\n")
        raise InputError(f"{file}: nothing was changed: mend these lines", lines=bad) from None

    def make(change: Change) -> None:
        if not lab.holder.alive:
            raise click.ClickException("the lab has gone")
        _make(change, lab)
        click.echo(f"{change.at:8.1f} s  {change}")

    return 0 if follow(changes, make) else FAILED


def _make(change: Change, lab: Lab) -> None:
    if not change.words or change.words[0] not in FAULTS:
        raise InputError(f"after the seconds one of: {', '.join(FAULTS)}")
    name, *options = change.words
    try:
        with FAULTS[name].make_context(name, options, obj=lab, help_option_names=[]) as context:
            if context.get_parameter_source("name") is not ParameterSource.DEFAULT:
                raise InputError(
                    "--name is for the whole schedule: `python -m lab schedule --name`"
                )
            FAULTS[name].invoke(context)
    except click.ClickException as error:
        raise InputError(error.format_message()) from None


COMMANDS = (up, down, status, execute, write, addresses, counters, schedule)
