"""What was measured, and what is stored of it: every completed sweep exactly once."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from netsky.places import PROVINCES, find_province
from netsky.store.rows import SweepRows
from netsky.store.tables import HISTORY, provinces_by_name, row_name
from testing.servers import MariaDB

ISP = "cu"
KINDS = ("lossrate", "abnormalrate", "latency")
NAMES = frozenset(name for kind in KINDS for name in provinces_by_name(ISP, kind))
PROVINCE_OF = {k: v.name for kind in KINDS for k, v in provinces_by_name(ISP, kind).items()}

Sweep = frozenset[tuple[str, float | None]]
"""Each name and its value. No two sweeps are the same: 31 latencies never come again."""

_LOOK_BACK = timedelta(minutes=10)
_LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - as the columns have it


@dataclass(frozen=True)
class Tally:
    completed: int
    stored: int
    doubled: int
    lost: int
    half_written: int

    @property
    def right(self) -> bool:
        return self.completed == self.stored and not (
            self.doubled or self.lost or self.half_written
        )


@dataclass
class Ledger:
    """`completed`: sweeps that were ever seen in the spool or the database, or printed."""

    server: MariaDB
    database: str
    spool: Path
    completed: set[Sweep] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    between: int = 0
    """So often a sweep was found in the database and still in the spool."""
    _known_until: datetime = _LONG_AGO

    def note_backlog(self, sweeps: Iterable[SweepRows]) -> None:
        for sweep in sweeps:
            rows = [row for table in HISTORY for row in sweep.rows[table.name]]
            self.completed.add(frozenset((row["name"], _as_float(row["value"])) for row in rows))

    def note_printed(self, text: str) -> int:
        """Every run that printed its line has a sweep completed; how many did."""
        lines = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
        documents = [json.loads(line) for line in lines]
        sweeps = [_printed_sweep(document) for document in documents if "sweep" in document]
        self.completed.update(sweeps)
        return len(sweeps)

    def note_what_is_there(self) -> None:
        """After a crash, with no run under way."""
        by_time = self._waiting_by_time()
        waiting = set(by_time.values())
        # Not all of it, again and again: what is new, and what may be in both places.
        there = self._stored_since(min([self._known_until, *by_time]))
        if there:
            self._known_until = max(there) - _LOOK_BACK
        in_database = set(there.values())
        for sweep in waiting | in_database:
            if {name for name, _ in sweep} != NAMES:
                self.problems.append(f"half a sweep: {len(sweep)} rows of {len(NAMES)}")
        self.between += bool(waiting & in_database)
        self.completed |= waiting | in_database

    def waiting(self) -> int:
        """How many sweeps are in the spool."""
        return len(self._waiting_by_time())

    def _waiting_by_time(self) -> dict[datetime, Sweep]:
        """The spool is left as the crash has left it: a copy is read."""
        with tempfile.TemporaryDirectory(prefix="netsky-spool-") as folder:
            copy = Path(folder) / self.spool.name
            for suffix in ("", "-wal"):
                if Path(f"{self.spool}{suffix}").exists():
                    shutil.copy(f"{self.spool}{suffix}", f"{copy}{suffix}")
            with closing(sqlite3.connect(copy)) as connection:
                return self._read_spool(connection)

    def _read_spool(self, connection: sqlite3.Connection) -> dict[datetime, Sweep]:
        checked = connection.execute("PRAGMA integrity_check").fetchall()
        if checked != [("ok",)]:
            self.problems.append(f"the spool is damaged: {checked}")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        sweeps = defaultdict(set)
        for table in HISTORY:
            if table.name in tables:
                query = f"SELECT update_time, name, value FROM {table.name}"
                for update_time, name, value in connection.execute(query):
                    sweeps[update_time].add((name, _as_float(value)))
        for beside, what in (
            ("netsky_quarantine", "reason"),
            ("netsky_spool_counters", "name || ' ' || value"),
        ):
            if beside in tables:
                rows = connection.execute(f"SELECT {what} FROM {beside}").fetchall()
                self.problems += [f"{beside}: {row[0]}" for row in rows]
        return {datetime.fromisoformat(when): frozenset(rows) for when, rows in sweeps.items()}

    def settle(self) -> Tally:
        """After the last flush: what became of all that was completed."""
        stored = self._stored_since(_LONG_AGO)
        often = Counter(stored.values())
        half = sum({name for name, _ in sweep} != NAMES for sweep in often)
        if self.waiting():
            self.problems.append("the spool is not empty")
        if aside := list(self.spool.parent.glob("*.aside-*")):
            self.problems.append(f"a spool was set aside: {aside}")
        if unknown := often.keys() - self.completed:
            self.problems.append(f"{len(unknown)} stored sweeps are none that was completed")
        return Tally(
            completed=len(self.completed),
            stored=len(stored),
            doubled=sum(often.values()) - len(often),
            lost=len(self.completed - often.keys()),
            half_written=half,
        )

    def times_in_order_of_storing(self) -> list[datetime]:
        """By the table of the losses, which is written first."""
        table = HISTORY[0].name
        rows = self._execute(
            f"SELECT update_time FROM {self.database}.{table} "
            f"GROUP BY update_time ORDER BY MIN({table}_id)"
        )
        return [update_time for (update_time,) in rows]

    def count(self) -> int:
        """How many sweeps the database has."""
        table = f"{self.database}.{HISTORY[0].name}"
        [(count,)] = self._execute(f"SELECT COUNT(DISTINCT update_time) FROM {table}")
        return int(count)

    def _stored_since(self, since: datetime) -> dict[datetime, Sweep]:
        rows: dict[datetime, list[tuple[str, float | None]]] = defaultdict(list)
        for table in HISTORY:
            for update_time, name, value, province, egress in self._execute(
                "SELECT update_time, name, CAST(value AS DOUBLE), province, egress "
                f"FROM {self.database}.{table.name} WHERE update_time >= '{since}'"
            ):
                rows[update_time].append((name, value))
                if (province, egress) != (PROVINCE_OF[name], "default"):
                    self.problems.append(f"{name} is of {province}, egress {egress}")
        for update_time, sweep in rows.items():
            if len(sweep) != len(NAMES):
                self.problems.append(f"{update_time}: {len(sweep)} rows of {len(NAMES)}")
        return {update_time: frozenset(sweep) for update_time, sweep in rows.items()}

    def _execute(self, sql: str) -> Sequence[tuple[Any, ...]]:
        return self.server.execute(sql)


def _as_float(value: float | None) -> float | None:
    """As a column FLOAT of MariaDB holds it."""
    return None if value is None else float(np.float32(value))


def _printed_sweep(document: dict[str, Any]) -> Sweep:
    values = []
    for figures in document["provinces"]:
        seconds = figures["latency_mean_seconds"]
        for kind, value in (
            ("lossrate", 100 * figures["loss_ratio"]),
            ("abnormalrate", 100 * figures["abnormal_ratio"]),
            ("latency", None if seconds is None else 1000 * seconds),
        ):
            name = row_name(ISP, find_province(figures["province"]), kind)
            values.append((name, _as_float(value)))
    assert len(document["provinces"]) == len(PROVINCES)
    return frozenset(values)
