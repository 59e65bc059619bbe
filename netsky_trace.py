"""Trace targets through an exit line, and tell after which hop loss begins."""

from __future__ import annotations

import click

from netsky.cli.lines import Lines
from netsky.cli.options import takes
from netsky.cli.probing import LibraryOptions
from netsky.cli.running import Alone
from netsky.cli.tool import Tool
from netsky.cli.tracing import TraceOptions, TraceRuns


@click.command("netsky_trace", cls=Tool)
@takes(lines=Lines, library=LibraryOptions, output=Alone, options=TraceOptions)
def main(*, lines: Lines, library: LibraryOptions, output: Alone, options: TraceOptions) -> int:
    """Trace targets through an exit line, and tell after which hop loss begins.

    \b
    netsky_trace.py --isp cu --egress b --province 广东     20 targets, other exits, mtr
    netsky_trace.py --isp cu --egress b --province 广东 --mtr 0   the same in 15 seconds
    netsky_trace.py --targets list.txt --egress b           the addresses of a list
    """
    return TraceRuns(lines, library, options, output).run()


if __name__ == "__main__":
    main()
