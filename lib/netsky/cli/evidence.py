"""Where evidence is kept, and showing what is: options of netsky_trace.py, and its runs that trace nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import click

from netsky.cli.lines import Lines
from netsky.cli.options import FILE, Number, Option
from netsky.cli.probing import memory_of_the_probe
from netsky.cli.running import Alone
from netsky.cli.tool import DONE, INCOMPLETE
from netsky.errors import InputError


@dataclass(frozen=True, slots=True)
class EvidenceOptions:
    """Where evidence is kept, and what is asked of it."""

    evidence: Path
    evidence_days: float
    evidence_size: int
    memory: Path
    now: bool
    listed: bool
    show: str | None

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        click.option(
            "--evidence",
            type=FILE,
            default="evidence",
            metavar="DIR",
            help="Keep evidence of incidents in this folder.",
        ),
        click.option(
            "--evidence-days",
            type=Number(1, 3650),
            default=90,
            metavar="DAYS",
            help="Delete evidence of incidents that are longer ago than this.",
        ),
        click.option(
            "--evidence-size",
            type=click.IntRange(1, 1_000_000),
            default=200,
            metavar="MB",
            help="Delete the oldest evidence while there is more than this.",
        ),
        click.option(
            "--memory",
            type=FILE,
            default=memory_of_the_probe,
            show_default=False,
            metavar="DIR",
            help="Look in this folder of netsky_probe.py which targets usually answer, and which were "
            "lost lately.  [default: where netsky_probe.py has it by netsky.toml]",
        ),
        click.option(
            "--now",
            is_flag=True,
            is_eager=True,
            help="Take evidence of the open incidents now, whatever was taken of them before.",
        ),
        click.option(
            "--list",
            "listed",
            is_flag=True,
            is_eager=True,
            help="Show of which incidents evidence is kept, and trace nothing.",
        ),
        click.option(
            "--show",
            is_eager=True,
            metavar="START",
            help="Show the evidence of an incident by its start as --list has it, or of the `latest` "
            "one, and trace nothing.",
        ),
    )


@dataclass(frozen=True, slots=True)
class EvidenceShown:
    """What is kept, for people and scripts."""

    lines: Lines
    options: EvidenceOptions
    output: Alone

    def run(self) -> int:
        """Show the list, or the evidence of an incident of one line; the exit code."""
        return self._list() if self.options.show is None else self._show()

    def _list(self) -> int:
        from netsky.console.evidence import EvidenceList
        from netsky.store.evidence_files import kept_incidents

        lines = {(isp.slug, egress.name) for isp, egress in self.lines.each()}
        try:
            kept = kept_incidents(self.options.evidence)
        except OSError as error:
            raise InputError(f"{self.options.evidence}: {error.strerror} (--evidence)") from error
        mine = [each for each in kept if (each.isp, each.egress) in lines]
        self.output.show(EvidenceList(datetime.now(UTC), mine))
        return DONE

    def _show(self) -> int:
        from netsky.console.evidence import EvidenceView
        from netsky.store.evidence_files import LATEST, read_evidence

        each = self.lines.each()
        if len(each) > 1:
            raise InputError("--show is of one line: name one ISP and one exit")
        [(isp, egress)] = each
        line = self.options.evidence / isp.slug / egress.name
        start = Path(str(self.options.show)).name
        if start == LATEST:
            start = (line / LATEST).resolve().name
        evidence = read_evidence(self.options.evidence, f"{isp.slug}/{egress.name}/{start}")
        if not evidence.takings and evidence.not_read:
            raise InputError(f"{evidence.not_read[0]}: --list shows what there is")
        self.output.show(EvidenceView(evidence, isp, str(line / start)))
        return INCOMPLETE if evidence.not_read else DONE
