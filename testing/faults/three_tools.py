"""The three tools on a small site, each as short as it can be, and what they leave behind."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from netsky.loss import NewBaseline
from netsky.places import PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from netsky.store.tables import HISTORY
from testing.commands import run_tool, tool_command
from testing.samples import make_quality, write_library
from testing.stores import store_sweep

PROBE, AVERAGE, ALERT = TOOLS = ("netsky_probe", "netsky_get_avg_lossrate", "netsky_alert")
ARGUMENTS = {
    PROBE: ("--library", "library", "--window", "0", "--timeout", "2000"),
    AVERAGE: ("--min-samples", "1"),
    ALERT: (),
}
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (WARNING|ERROR) (.+)")
ROWS = 31 * len(HISTORY)  # of a sweep


def make_site(folder: Path) -> Path:
    """A folder with an address library of ISP cu."""
    write_library(folder / "library", isp="cu", targets=2)
    return folder


def fill_database(url: str) -> None:
    """What earlier runs have left: three sweeps of the past minute, and baselines."""
    database = Database(fill_url(url, "cu", "default"), timeout=5)
    now = datetime.now(UTC)
    qualities = [make_quality(province.slug, loss_ratio=0.0) for province in PROVINCES]
    for seconds in (20, 40, 60):
        store_sweep(database, "cu", "default", now - timedelta(seconds=seconds), qualities)
    baselines = [NewBaseline(province, "default", 0.0, 3) for province in PROVINCES]
    database.store_baselines("cu", baselines, now)


def keep_a_sweep(folder: Path) -> Path:
    """Let a sweep wait in the spool of that site; the spool's file."""
    spool = Spool(folder / "spool", "cu", "default", max_bytes=1 << 20, max_age=timedelta(days=1))
    qualities = [make_quality(province.slug) for province in PROVINCES]
    started_at = datetime.now(UTC) - timedelta(seconds=90)
    spool.add(sweep_rows("cu", "default", started_at, qualities))
    return spool.file


def command_of(tool: str, *arguments: str) -> list[str]:
    return tool_command(tool, *ARGUMENTS[tool], *arguments)


def run(
    folder: Path, tool: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    return run_tool(folder, tool, *ARGUMENTS[tool], *arguments, **environment)


def errors_of(done: subprocess.CompletedProcess[str], code: int) -> list[str]:
    """The errors that a run logs which ends with that code: nothing on standard error but log."""
    assert done.returncode == code, (done.stdout, done.stderr)
    records = [LOG_LINE.fullmatch(line) for line in done.stderr.splitlines()]
    assert None not in records, done.stderr
    return [record[2] for record in records if record and record[1] == "ERROR"]


def error_of(done: subprocess.CompletedProcess[str], code: int) -> str:
    """The only one."""
    errors = errors_of(done, code)
    assert len(errors) == 1, errors
    return errors[0]


def sweeps_in(file: Path) -> int:
    """How many whole sweeps are in an SQLite file, which is sound."""
    if not file.exists() or file.stat().st_size == 0:
        return 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows: int = sum(
            connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in HISTORY
        )
    assert rows % ROWS == 0, "half a sweep"
    return rows // ROWS
