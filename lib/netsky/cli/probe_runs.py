"""The ways in which netsky_probe.py runs: a sweep, a flush, a dry run, a list of addresses by hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from netsky import console
from netsky.addresses import AddressLibrary
from netsky.cli.by_hand import ByHand
from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.engine_options import ChosenEngine
from netsky.cli.lines import Lines, several
from netsky.cli.probing import LibraryOptions, MemoryOptions, PlanOptions, SpoolOptions
from netsky.cli.running import LineRun, Run, Running
from netsky.cli.tool import DONE, INCOMPLETE
from netsky.console.dry_run import DryRunView
from netsky.console.probe import FlushView, ProbeView
from netsky.console.targets import TargetsView
from netsky.jobs.dry_run import dry_run
from netsky.jobs.memory import Remembering
from netsky.jobs.probe import Storage, probe
from netsky.jobs.targets import probe_targets, read_list
from netsky.outlets.delivery import Outlets, deliver
from netsky.outlets.metrics import PROBE_JOB
from netsky.places import ISP, Egress
from netsky.sweep import Progress
from netsky.targets.library import LibraryFiles
from netsky.targets.sources import check_source


@dataclass(frozen=True, slots=True)
class ProbeRuns:
    """What was asked for. `abnormal_rtt` is in ms; `large`: a library far beyond the window is fine."""

    lines: Lines
    database: DatabaseOptions
    outlets: OutletOptions
    running: Running
    library: LibraryOptions
    plan: PlanOptions
    spool: SpoolOptions
    memory: MemoryOptions
    by_hand: ByHand
    engine: ChosenEngine
    abnormal_rtt: float
    large: bool
    no_store: bool
    _files: dict[str, LibraryFiles] = field(default_factory=dict)

    def run(self, *, flush: bool) -> int:
        """Run it; the exit code."""
        if self.by_hand.targets is not None:
            return self._run_list(self.by_hand.targets)
        if self.by_hand.dry_run:
            return self._run_lines(self._start_dry, needs_lock=False)
        if flush:
            return self._run_lines(self._start_flush)
        outlets = self.outlets.open(several=several(self.lines.each()))
        start = partial(self._start_sweep, outlets=outlets)
        return self._run_lines(start, needs_lock=not self.no_store or outlets.any)

    def _run_lines(self, start: Callable[[ISP, Egress], Run], *, needs_lock: bool = True) -> int:
        each = self.lines.each()
        self.by_hand.check(several(each))
        return self.running.run(
            [
                LineRun(isp.slug, egress.name, partial(start, isp, egress), needs_lock)
                for isp, egress in each
            ]
        )

    def _start_sweep(self, isp: ISP, egress: Egress, *, outlets: Outlets) -> Run:
        storage = None if self.no_store else self._storage(isp, egress)
        memory = self._memory(isp, egress)
        files, engine = self._files_of(isp, egress), self.engine.open(egress)

        def run() -> int:
            targets = self._current(files)
            with self._progress(f"{isp.name} {egress.name}", targets) as progress:
                report = probe(
                    engine,
                    targets,
                    egress,
                    self.plan.plan(),
                    abnormal_rtt=self.abnormal_rtt / 1000,
                    storage=storage,
                    memory=memory,
                    outlets=outlets,
                    progress=progress,
                )
            self.running.show(ProbeView(report, isp))
            self.by_hand.write_dump(report.sweep)
            return DONE if report.complete else INCOMPLETE

        return run

    def _start_flush(self, isp: ISP, egress: Egress) -> Run:
        storage = self._storage(isp, egress)
        outlets = Outlets(time_series=self.outlets.open_time_series())

        def run() -> int:
            not_delivered, state = storage.flush()
            not_delivered += deliver(outlets.flushes(PROBE_JOB, isp.slug, egress.name))
            view = FlushView(isp, egress.name, datetime.now(UTC), state, not_delivered)
            self.running.show(view)
            return INCOMPLETE if not_delivered else DONE

        return run

    def _start_dry(self, isp: ISP, egress: Egress) -> Run:
        files, engine = self._files_of(isp, egress), self.engine.open(egress)
        database = None if self.no_store else self.database.open(isp.slug, egress.name)

        def run() -> int:
            targets, plan = self._current(files), self.plan.plan()
            found = dry_run(targets, egress, plan, engine=engine.name, database=database)
            self.running.show(DryRunView(found, isp))
            return DONE if found.complete else INCOMPLETE

        return run

    def _run_list(self, file: Path) -> int:
        """Probe a list through each exit that is asked for; nothing is stored or pushed."""
        egresses = self.lines.settings.find_egresses(self.lines.egress)
        self.by_hand.check(["egress"] if len(egresses) > 1 else [])
        targets = read_list(file, self.library.library)
        self._check_size(targets)
        return self.running.run(
            [
                LineRun(
                    "-", egress.name, partial(self._start_list, targets, egress), needs_lock=False
                )
                for egress in egresses
            ]
        )

    def _start_list(self, targets: AddressLibrary, egress: Egress) -> Run:
        check_source(self.library.library, egress)
        engine = self.engine.open(egress)

        def run() -> int:
            with self._progress(egress.name, targets) as progress:
                report = probe_targets(engine, targets, egress, self.plan.plan(), progress)
            self.running.show(TargetsView(report))
            self.by_hand.write_dump(report.sweep)
            return DONE if report.complete else INCOMPLETE

        return run

    def _storage(self, isp: ISP, egress: Egress) -> Storage:
        waiting = self.spool.open(isp.slug, egress.name, mode=self.database.file_mode)
        return Storage(
            database=self.database.open(isp.slug, egress.name),
            spool=waiting,
            narrow_tables=self.database.narrow_tables,
        )

    def _memory(self, isp: ISP, egress: Egress) -> Remembering:
        """Written where figures are stored: a look by hand leaves it as it is."""
        return self.memory.open(
            isp.slug,
            egress.name,
            spool=self.spool.spool,
            mode=self.database.file_mode,
            cities=self.library.cities(isp.slug),
            writes=not self.no_store,
            partial=bool(self.library.province),
        )

    def _files_of(self, isp: ISP, egress: Egress) -> LibraryFiles:
        """The ISP's library, which is read once for all exits."""
        check_source(self.library.library, egress)
        if isp.slug not in self._files:
            self._files[isp.slug] = self.library.open(isp.slug)
        return self._files[isp.slug]

    def _current(self, files: LibraryFiles) -> AddressLibrary:
        """The library as it is now; InputError when it is far too large."""
        targets = files.current()
        self._check_size(targets)
        return targets

    def _check_size(self, targets: AddressLibrary) -> None:
        if not self.large:
            self.plan.plan().check_size(targets.targets)

    def _progress(self, title: str, targets: AddressLibrary) -> AbstractContextManager[Progress]:
        return console.progress_bar(title, targets.targets * self.plan.count)
