"""A national network on one machine, where the truth is known: `python -m lab`."""

from __future__ import annotations

from importlib import import_module

import click

from lab.commands.faults import FAULTS
from lab.commands.labs import COMMANDS
from lab.commands.options import Commands
from lab.commands.proofs import PROOFS

SIMULATIONS = ("day", "limits", "notices", "worlds")


class Lab(Commands):
    """All commands. Those that simulate are loaded when they are asked for: all they need takes long."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *SIMULATIONS])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SIMULATIONS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(import_module(f"lab.commands.{cmd_name}"), cmd_name)
        return command


def main() -> None:
    """Run the command of the command line."""
    help_text = (
        "A national network on one machine, where the truth is known; see docs/lab.md.\n\n"
        "All of it is in network namespaces of its own: no packet leaves this machine."
    )
    group = Lab("python -m lab", help=help_text)
    for command in (*COMMANDS, *FAULTS.values(), *PROOFS):
        group.add_command(command)
    group.main(prog_name="python -m lab")


if __name__ == "__main__":
    main()
