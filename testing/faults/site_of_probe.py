"""A folder in which netsky_probe.py runs into a database, and how long each run took."""

from __future__ import annotations

import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from netsky.aggregate import ProvinceQuality
from netsky.places import PROVINCES
from netsky.store.rows import sweep_rows
from netsky.store.spool import FLUSH_SECONDS, Spool
from netsky.store.tables import metadata
from testing.faults.ledger import ISP, Ledger, Tally
from testing.forks import Forked
from testing.samples import make_quality, write_library
from testing.servers import MariaDB

WINDOW, TIMEOUT = 0.0, 1.0
MARGIN_SECONDS = 5.0
MOST_FLUSHES = 20

_serial = count()


def longest(database_timeout: float) -> float:
    """No run may last longer, in seconds, whatever the database does."""
    return WINDOW + TIMEOUT + 3 * database_timeout + 15 + FLUSH_SECONDS + MARGIN_SECONDS


@dataclass
class Run:
    """A netsky_probe.py under way."""

    process: Forked
    output: IO[bytes]
    log: IO[bytes]
    limit: float
    started: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def finish(self, patience: float | None = None) -> int:
        """The exit code; it must come within the limit that is promised for a run."""
        patience = self.limit + 30 if patience is None else patience
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"no end after {patience:.0f} s: {self.logged()}") from None
        self.seconds = time.monotonic() - self.started
        return code

    def kill(self) -> bool:
        """With SIGKILL; whether it was still running."""
        self.process.kill()
        return self.process.wait() == -signal.SIGKILL

    def ends_within(self, seconds: float) -> bool:
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def printed(self) -> str:
        self.output.seek(0)
        return self.output.read().decode()

    def logged(self) -> str:
        self.log.seek(0)
        return self.log.read().decode()


@dataclass
class Site:
    """`url` may lead through a proxy; `ledger` asks the server itself."""

    folder: Path
    url: str
    ledger: Ledger
    database_timeout: float = 5.0
    longest_run: float = 0.0
    _waits_since: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=1))

    @property
    def longest_allowed(self) -> float:
        return longest(self.database_timeout)

    @contextmanager
    def start(self, *arguments: str) -> Iterator[Run]:
        """A run in the block, at the end of which it must have ended or is killed."""
        options = ["--isp", ISP, "--lock-dir", ".", "--library", "library", "--format", "json"]
        options += ["--database", self.url, "--database-timeout", str(self.database_timeout)]
        options += ["--window", str(WINDOW), "--timeout", str(1000 * TIMEOUT), *arguments]
        with ExitStack() as files:
            output, log = (
                files.enter_context(tempfile.NamedTemporaryFile(dir=self.folder)) for _ in range(2)
            )
            process = Forked(
                "netsky_probe", options, self.folder, output=Path(output.name), log=Path(log.name)
            )
            run = Run(process, output, log, self.longest_allowed)
            try:
                yield run
            finally:
                self.longest_run = max(self.longest_run, run.seconds)
                run.kill()

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> Run:
        """A run to its end, which the ledger notes; its code must be one of these."""
        with self.start(*arguments) as run:
            code = run.finish()
            self.ledger.note_printed(run.printed())
            assert code in codes, (code, run.logged())
            assert "Traceback" not in run.logged(), run.logged()
            return run

    def flush(self) -> None:
        """As often as it takes: each one ends after a while."""
        for _ in range(MOST_FLUSHES):
            if self.run("--flush", codes=(0, 3)).process.returncode == 0:
                return

    def settle(self) -> Tally:
        """All faults are over: flush, run once more, and count."""
        self.flush()
        self.run()
        return self.ledger.settle()

    def add_backlog(self, sweeps: int, rng: random.Random) -> None:
        """Let so many sweeps wait, a second apart, behind those of before and all an hour old."""
        spool = Spool(
            self.folder / "spool",
            ISP,
            "default",
            max_bytes=1 << 30,
            max_age=timedelta(days=7),
        )
        for _ in range(sweeps):
            self._waits_since += timedelta(seconds=1)
            qualities = [_random_quality(province.slug, rng) for province in PROVINCES]
            rows = sweep_rows(ISP, "default", self._waits_since, qualities)
            spool.add(rows)
            self.ledger.note_backlog([rows])


def make_site(folder: Path, server: MariaDB, *, port: int | None = None, **options: Any) -> Site:
    """A site with a database of its own on that server, reached over `port` of 127.0.0.1."""
    database = f"faults_{next(_serial)}"
    write_library(folder / "library", isp=ISP, targets=2)
    server.execute(f"CREATE DATABASE {database} CHARACTER SET utf8mb4")
    engine = sa.create_engine(server.url(database), poolclass=sa.NullPool)
    metadata.create_all(engine)
    spool = folder / "spool" / f"netsky_{ISP}.default.spool"
    url = f"mysql+pymysql://root@127.0.0.1:{port or server.port}/{database}"
    return Site(folder, url, Ledger(server, database, spool), **options)


def _random_quality(province: str, rng: random.Random) -> ProvinceQuality:
    return make_quality(
        province,
        loss_ratio=rng.random(),
        abnormal_ratio=rng.random(),
        latency_mean_seconds=rng.uniform(0.001, 0.5),
    )
