"""A national network on one machine, where the truth is known: `python -m lab`."""

from __future__ import annotations

from lab.commands.day import day
from lab.commands.faults import FAULTS
from lab.commands.labs import COMMANDS
from lab.commands.limits import limits
from lab.commands.notices import notices
from lab.commands.options import Commands
from lab.commands.proofs import PROOFS
from lab.commands.worlds import worlds


def main() -> None:
    """Run the command of the command line."""
    help_text = (
        "A national network on one machine, where the truth is known; see docs/lab.md.\n\n"
        "All of it is in network namespaces of its own: no packet leaves this machine."
    )
    group = Commands("python -m lab", help=help_text)
    for command in (*COMMANDS, *FAULTS.values(), *PROOFS, day, limits, notices, worlds):
        group.add_command(command)
    group.main(prog_name="python -m lab")


if __name__ == "__main__":
    main()
