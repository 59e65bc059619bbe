"""Evidence of open incidents, by itself; or, by hand, traces of targets: after which hop loss begins."""

from __future__ import annotations

import click
from click.core import ParameterSource

from netsky.cli.destinations import DatabaseOptions
from netsky.cli.evidence import EvidenceOptions, EvidenceShown
from netsky.cli.evidence_runs import EvidenceRuns
from netsky.cli.lines import Lines
from netsky.cli.options import takes
from netsky.cli.probing import LibraryOptions
from netsky.cli.running import Alone
from netsky.cli.tool import Tool
from netsky.cli.tracing import TraceOptions, TraceRuns
from netsky.errors import InputError


@click.command("netsky_trace", cls=Tool)
@takes(
    lines=Lines,
    library=LibraryOptions,
    database=DatabaseOptions,
    output=Alone,
    evidence=EvidenceOptions,
    options=TraceOptions,
)
def main(
    *,
    lines: Lines,
    library: LibraryOptions,
    database: DatabaseOptions,
    output: Alone,
    evidence: EvidenceOptions,
    options: TraceOptions,
) -> int:
    """Take evidence of open incidents when it is due, once a minute; or trace targets by hand.

    Evidence tells after which hop loss begins. With --province or --targets on the command line
    these are traced at once.

    \b
    netsky_trace.py --isp all --egress all                  as cron would, once a minute
    netsky_trace.py --isp cu --egress b --province 广东     20 targets, other exits, mtr
    netsky_trace.py --isp cu --egress b --province 广东 --mtr 0   the same in 17 seconds
    netsky_trace.py --targets list.txt --egress b           the addresses of a list
    netsky_trace.py --isp all --egress all --list           of which incidents there is evidence
    """
    if evidence.listed or evidence.show is not None:
        return EvidenceShown(lines, evidence, output).run()
    # One that is set for all tools says of which provinces evidence may be taken.
    source = click.get_current_context().get_parameter_source("province")
    of_province = source is ParameterSource.COMMANDLINE
    if of_province and options.targets is not None:
        raise InputError("--targets are traced, or those of --province: give one of the two")
    if of_province or options.targets is not None:
        return TraceRuns(lines, library, options, output, evidence.evidence, evidence.memory).run()
    return EvidenceRuns(lines, library, evidence, options, database, output).run()


if __name__ == "__main__":
    main()
