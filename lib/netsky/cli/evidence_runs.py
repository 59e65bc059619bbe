"""Evidence by itself, each minute: of incidents when it is due, and of each line's quiet paths once an hour.

A run with nothing to do is to cost nearly nothing: what is only needed to work is imported then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from netsky.cli.destinations import DatabaseOptions
from netsky.cli.evidence import EvidenceOptions
from netsky.cli.lines import Lines
from netsky.cli.probing import LibraryOptions
from netsky.cli.running import Alone
from netsky.cli.tool import DONE, INCOMPLETE, report
from netsky.cli.tracing import TraceOptions, other_exits, way_of
from netsky.places import ISP, Egress

if TYPE_CHECKING:
    from netsky.jobs.evidence import DueTaking, Found, Keeping, Taken, TracedLine

log = logging.getLogger(__name__)

Place = tuple[ISP, Egress]


@dataclass(slots=True)
class Codes:
    """The exit codes of what was done, which become one."""

    found: set[int] = field(default_factory=set)

    @contextmanager
    def of(self, isp: ISP, egress: Egress) -> Iterator[None]:
        """What fails in the block is told, and the others go on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - as the docstring says
            self.found.add(report(error, f"ISP {isp.slug}, egress {egress.name}"))

    def code(self) -> int:
        """That of all, if they agree."""
        return next(iter(self.found), DONE) if len(self.found) < 2 else INCOMPLETE


@dataclass(frozen=True, slots=True)
class EvidenceRuns:
    """What evidence is taken of, and with."""

    lines: Lines
    library: LibraryOptions
    options: EvidenceOptions
    trace: TraceOptions
    database: DatabaseOptions
    output: Alone

    def run(self) -> int:
        """Take what is due; nothing is printed when nothing is. The exit code.

        The trouble of one line does not keep the others from having their evidence.
        """
        with self.output.hold():
            each = self.lines.each()
            quiet = set() if self.options.now else self._quiet(each)
            waiting = [line for line in each if line not in quiet]
            if not waiting and not self._oldest(each):
                return DONE
            return self._work(each, waiting)

    def _quiet(self, lines: Sequence[Place]) -> set[Place]:
        from netsky.store.quick_look import surely_quiet

        names = {(isp.slug, egress.name): (isp, egress) for isp, egress in lines}
        timeout = self.database.database_timeout
        found = surely_quiet(self.database.database, names, timeout=timeout)
        return {names[each] for each in found}

    def _oldest(self, lines: Sequence[Place]) -> list[Place]:
        """The lines whose turn it is to have their quiet paths looked at, if an hour has passed."""
        from netsky.judging.turns import whose_turn
        from netsky.store.evidence_names import newest_look

        now = datetime.now(UTC)
        looks = [
            (
                newest_look(self.options.evidence, isp.slug, egress.name, until=now),
                way_of(egress),
            )
            for isp, egress in lines
        ]
        return [lines[number] for number in whose_turn(looks, now=now)]

    def _work(self, lines: Sequence[Place], waiting: Sequence[Place]) -> int:
        from netsky.jobs.evidence import Keeping

        keeping, codes = Keeping(self.options.evidence, self.database.file_mode), Codes()
        found: dict[Place, Found] = {}
        for place in waiting:
            with codes.of(*place):
                found[place] = self._find(place, keeping)
        due = [each for of_line in found.values() for each in of_line.due]
        if self.options.now and not (due or codes.found):
            log.warning(
                "no incident is open here, so nothing is traced: to trace a place, give --province"
            )
        taken = self._take(due, keeping, codes)
        self._finish(taken, keeping, codes)
        # Not those of which nobody knows whether they are quiet, nor those that could not be traced lately.
        fit = {place for place, of_line in found.items() if not (of_line.due or of_line.waits)}
        told = [each for each in lines if each not in waiting or each in fit]
        oldest = [] if taken or self.options.now else self._oldest(told)
        if oldest:
            self._look_at_quiet_paths(oldest, keeping, found, codes)
        if due or oldest:
            self._prune()
        return codes.code()

    def _find(self, place: Place, keeping: Keeping) -> Found:
        from netsky.jobs.evidence import find_due

        return find_due(self._open(*place), keeping, at_once=self.options.now)

    def _open(self, isp: ISP, egress: Egress) -> TracedLine:
        from netsky.jobs.evidence import TracedLine
        from netsky.jobs.trace_choice import Choice
        from netsky.targets.memory_file import file_name
        from netsky.targets.sources import check_source

        check_source(self.library.library, egress)
        return TracedLine(
            isp,
            egress,
            tuple(other_exits(self.lines, self.library, self.options.memory, isp, egress)),
            self.database.open(isp.slug, egress.name),
            Choice(
                self.library.library,
                isp.slug,
                self.options.memory / file_name(isp.slug, egress.name),
                self.library.provinces(),
            ),
        )

    def _take(self, due: Sequence[DueTaking], keeping: Keeping, codes: Codes) -> list[Taken]:
        """The traces of all first: mtr takes a minute. What there is no time for is still due in the next run."""
        from netsky.jobs.evidence import MOST_IN_A_RUN, take
        from netsky.jobs.quiet import quiet_times
        from netsky.judging.schedule import urgency

        taken: list[Taken] = []
        for each in sorted(due, key=lambda each: urgency(each.reason)):
            if len(taken) == MOST_IN_A_RUN and not self.options.now:
                break
            with codes.of(each.line.isp, each.line.egress):
                line = each.line
                quiet = quiet_times(keeping.root, line.isp.slug, (line.egress, *line.others))
                taken.append(take(each, keeping, self.trace.plan(), quiet))
        return taken

    def _finish(self, taken: Sequence[Taken], keeping: Keeping, codes: Codes) -> None:
        from netsky.console.evidence import TakingView
        from netsky.jobs.evidence import finish, mtr_deadline

        if not taken:
            return
        targets, deadline = -(-self.trace.mtr // len(taken)), mtr_deadline(taken)
        for each in taken:
            with codes.of(each.line.isp, each.line.egress):
                done = finish(each, keeping, targets=targets, deadline=deadline)
                self.output.show(TakingView(done.taking, done.line.isp, done.folder))
                codes.found.add(DONE if done.complete else INCOMPLETE)

    def _look_at_quiet_paths(
        self, lines: Sequence[Place], keeping: Keeping, found: Mapping[Place, Found], codes: Codes
    ) -> None:
        """Of all these lines at the same time."""
        from concurrent.futures import ThreadPoolExecutor

        from netsky.jobs.quiet import keep_look, look_at_quiet_paths, nothing_known

        running, plan = [], self.trace.plan()
        with ThreadPoolExecutor(len(lines)) as pool:
            for place in lines:
                without = found[place].provinces if place in found else set()
                with codes.of(*place):
                    try:
                        line = self._open(*place)
                    except Exception:
                        isp, egress = place
                        keep_look(keeping, nothing_known(isp.slug, egress.name))
                        raise
                    look = partial(look_at_quiet_paths, line, keeping, plan, without=without)
                    running.append((place, pool.submit(look)))
            for place, each in running:
                with codes.of(*place):
                    quiet = each.result()
                    log.info(
                        "ISP %s, egress %s: quiet paths toward %s provinces",
                        quiet.isp,
                        quiet.egress,
                        len(quiet.paths),
                    )

    def _prune(self) -> None:
        from netsky.store.evidence_files import prune

        try:
            removed = prune(
                self.options.evidence,
                keep=timedelta(days=self.options.evidence_days),
                most_bytes=self.options.evidence_size << 20,
                now=datetime.now(UTC),
            )
        except OSError as error:
            log.warning("old evidence is not deleted: %s", error)
            return
        for folder in removed:
            log.info("evidence %s is deleted", folder)
