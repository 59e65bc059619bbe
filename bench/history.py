"""Thirty days of history, in MariaDB and in SQLite: `make bench`.

Sweeps of 31 provinces every 10 seconds, ending now: 8 million rows in each of the three tables, in
the order of time as the probe stores them. Measured are the queries and the whole commands of
averaging and alert, with the optimizer's plans, and pruning a day, while a process of its own
stores sweeps. Medians; everything is in a temporary folder (some 5 GB) and gone afterwards.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from netsky.aggregate import ProvinceQuality
from netsky.jobs.average import average
from netsky.jobs.housekeeping import Keep
from netsky.judging.rule import MeanRule
from netsky.outlets.delivery import Outlets
from netsky.places import BUILTIN_ISPS, PROVINCES
from netsky.store import pruning as settings
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.tables import SWEEP_TABLES, line, row_name
from netsky.store.tables import sweeps as sweep_table
from testing.commands import tool_command
from testing.servers import AS_IT_COMES, SCHEMA, run_mariadb
from testing.stores import store_sweep

RUNS, PRUNED_DAYS = 5, 3
INTERVAL, HOUR, DAY = timedelta(seconds=10), timedelta(hours=1), timedelta(days=1)
STORE_EVERY = 0.05  # seconds, while a day is pruned
VARIABLES = [f"innodb_{name}" for name in ("buffer_pool_size", "log_file_size")]
VARIABLES += ["innodb_flush_log_at_trx_commit", "innodb_flush_method", "version"]
QUALITIES = [
    ProvinceQuality(province, 1000, 1000, 980, 0.02, 0.05, 0.04, 0.03, 0.09, 0.2)
    for province in PROVINCES
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["mariadb", "sqlite"])
    parser.add_argument("--days", type=int, default=30, help="at least 5")
    parser.add_argument("--egresses", type=int, default=1)
    parser.add_argument("--rows", type=int, default=settings.PRUNE_ROWS, help="PRUNE_ROWS")
    parser.add_argument("--pause", type=float, default=settings.PRUNE_PAUSE_SECONDS)
    options = parser.parse_args()
    settings.PRUNE_ROWS, settings.PRUNE_PAUSE_SECONDS = options.rows, options.pause
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # the files go all the same
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for name, bench in (("mariadb", bench_mariadb), ("sqlite", bench_sqlite)):
        if options.only in (None, name):
            with tempfile.TemporaryDirectory(prefix="netsky-history-") as folder:
                bench(Path(folder), options.days, options.egresses)


def bench_mariadb(folder: Path, days: int, egresses: int) -> None:
    """With the settings that it comes with, not with the fast ones of the tests."""
    with run_mariadb(AS_IT_COMES) as server:
        (values,) = server.execute("SELECT " + ", ".join(f"@@{name}" for name in VARIABLES))
        pairs = zip(VARIABLES, values, strict=True)
        print("\nMariaDB: " + ", ".join(f"{name} {value}" for name, value in pairs))
        server.execute(SCHEMA.read_text(encoding="utf-8"))
        data = server.folder / "data" / "netsky_cu"
        first = fill(server.url("netsky_cu"), days, egresses, data)
        server.stop()  # and anew, so that its buffer pool is empty
        server.start()
        measure(server.url("netsky_cu"), folder, first)


def bench_sqlite(folder: Path, days: int, egresses: int) -> None:
    print(f"\nSQLite: version {sqlite3.sqlite_version}")
    (folder / "data").mkdir()
    url = f"sqlite:///{folder}/data/netsky_cu.db"
    measure(url, folder, fill(url, days, egresses, folder / "data"))


scratch = sa.MetaData()
sweeps = sa.Table(
    "sweep",
    scratch,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("update_time", sa.DateTime),
    prefixes=["TEMPORARY"],
)
places = sa.Table(
    "place",
    scratch,
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    *(sa.Column(name, sa.String(40)) for name in ("name", "province", "egress")),
    prefixes=["TEMPORARY"],
    mysql_charset="utf8mb4",
)


def fill(
    url: str,
    days: int,
    egresses: int,
    data: Path,
    *,
    interval: timedelta = INTERVAL,
    tables: Sequence[sa.Table] = SWEEP_TABLES,
) -> datetime:
    """Store sweeps of so many days, the newest ones of now; when the first one was."""
    started = time.perf_counter()
    first = datetime.now(UTC).replace(microsecond=0) - days * DAY
    store_sweep(
        Database(fill_url(url, "cu", "default"), timeout=60),
        "cu",
        "default",
        first - interval,
        QUALITIES,
    )
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        scratch.create_all(connection)
        connection.execute(sa.insert(places), _places(egresses))
        number = 0
        while count := min(DAY, datetime.now(UTC) - first - number * interval) // interval:
            times = [first + each * interval for each in range(number, number + count)]
            _fill(connection, number, times, egresses * len(PROVINCES), tables)
            connection.commit()
            number += count
    size = sum(file.stat().st_size for file in data.iterdir()) / 1e9
    seconds = time.perf_counter() - started
    print(f"{number:,} sweeps through {egresses} egress(es), {size:.2f} GB, in {seconds:.0f} s")
    return first


def egress_names(number: int) -> list[str]:
    return ["default", *(f"line-{each}" for each in range(1, number))]


def _places(egresses: int) -> list[dict[str, object]]:
    rows = [(egress, province) for egress in egress_names(egresses) for province in PROVINCES]
    return [
        {"kind": table.name, "number": number, "egress": egress, "province": province.name}
        | {"name": row_name("cu", province, table.name.removeprefix("netsky_"))}
        for table in SWEEP_TABLES
        for number, (egress, province) in enumerate(rows)
    ]


def _fill(
    connection: sa.Connection,
    first: int,
    times: Sequence[datetime],
    width: int,
    tables: Sequence[sa.Table],
) -> None:
    """Put in some sweeps in the order of time; here and there a row or a value is missing."""
    numbered = enumerate((at.replace(tzinfo=None) for at in times), first)
    connection.execute(sa.delete(sweeps))
    connection.execute(
        sa.insert(sweeps), [{"number": number, "update_time": at} for number, at in numbered]
    )
    dice = (sweeps.c.number * width + places.c.number) * 2654435761 % (1 << 32)
    fraction = dice / float(1 << 32)
    value = sa.case((dice % 1000 == 1, None), else_=1 + 4 * fraction * fraction * fraction)
    if sweep_table in tables:
        _fill_wide(connection, dice, value)
    for table in tables:
        if table is sweep_table:
            continue
        rows = (
            sa.select(places.c.name, value, places.c.province, sweeps.c.update_time)
            .add_columns(places.c.egress)
            .join_from(sweeps, places, places.c.kind == table.name)
            .where(dice % 1000 != 0)
            .order_by(sweeps.c.number, places.c.number)
        )
        columns = ["name", "value", "province", "update_time", "egress"]
        connection.execute(sa.insert(table).from_select(columns, rows))


def _fill_wide(
    connection: sa.Connection, dice: sa.ColumnElement[int], loss: sa.ColumnElement[float]
) -> None:
    """The same for netsky_sweep, and what netsky_line says of the exits."""
    lost = sa.cast(loss * 10, sa.Integer)
    rows = (
        sa.select(
            sa.literal("cu").label("isp"),
            places.c.egress,
            places.c.province,
            sweeps.c.update_time.label("started_at"),
            sa.cast(loss, sa.Float).label("lossrate"),
            sa.literal(1000).label("targets"),
            sa.literal(1000).label("sent"),
            (1000 - lost).label("received"),
            sweeps.c.number.label("serial"),
        )
        .join_from(sweeps, places, places.c.kind == sweep_table.name)
        .where(dice % 1000 != 0)
        .order_by(sweeps.c.number, places.c.number)
    )
    names = [column.name for column in rows.selected_columns]
    connection.execute(sa.insert(sweep_table).from_select(names, rows))
    connection.execute(sa.delete(line))
    exits = sa.select(sa.literal("cu"), places.c.egress, sa.func.max(sweeps.c.number))
    exits = exits.join_from(sweeps, places, sa.true()).group_by(places.c.egress)
    connection.execute(sa.insert(line).from_select(["isp", "egress", "serial"], exits))


def measure(url: str, folder: Path, first: datetime) -> None:
    database = Database(fill_url(url, "cu", "default"), timeout=600)
    measure_averaging(database, first)
    tool = partial(_run, folder, url, "netsky_get_avg_lossrate", "--keep-days", "36500")
    show("netsky_get_avg_lossrate.py, nothing to prune", timed(tool))
    store_sweep(database, "cu", "default", datetime.now(UTC), QUALITIES)
    measure_alert(database)
    show("netsky_alert.py", timed(partial(_run, folder, url, "netsky_alert")))
    measure_pruning(database, url, first + (RUNS + 1) * HOUR)


def measure_averaging(database: Database, first: datetime) -> None:
    now = datetime.now(UTC)
    mean_loss = partial(database.mean_loss, "cu", after=now - 12 * HOUR, until=now)
    show("Database.mean_loss, server just started", timed(mean_loss, runs=1))
    values = sum(mean.samples for mean in mean_loss())
    show(f"Database.mean_loss, {values:,} values", timed(mean_loss), aim=1)
    longer = partial(database.mean_loss, "cu", after=now - 72 * HOUR, until=now)
    show("Database.mean_loss of 72 hours", timed(longer, runs=1))
    with explained():
        longer()
    hours = iter(range(1, RUNS + 2))

    def run() -> None:
        keep = Keep(datetime.now(UTC) - first - next(hours) * HOUR)
        isp = BUILTIN_ISPS["cu"]
        average(database, isp, None, hours=12, rule=MeanRule(), keep=keep, outlets=Outlets())

    with explained():
        run()
    show("average(), an hour to prune", timed(run))


def measure_alert(database: Database) -> None:
    def ask() -> None:
        database.newest_loss("cu", "default")
        database.baselines("cu", egress="default")

    show("Database.newest_loss and .baselines", timed(ask), aim=0.1)
    with explained():
        ask()


def _run(folder: Path, url: str, tool: str, *options: str) -> None:
    command = tool_command(tool, "--config", "/dev/null", "--database", url, *options)
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def measure_pruning(database: Database, url: str, first: datetime) -> None:
    tomorrow = datetime.now(UTC) + DAY
    with storing(url, tomorrow) as alone:
        time.sleep(20)
    stores, seconds, pruned = [], [], 0
    for day in range(1, PRUNED_DAYS + 1):
        with storing(url, tomorrow + day * DAY) as meanwhile:
            started = time.perf_counter()
            pruned += sum(rows for _, rows in database.prune(before=first + day * DAY))
            seconds.append(time.perf_counter() - started)
        stores += meanwhile
    batch = f"{settings.PRUNE_ROWS} rows, {settings.PRUNE_PAUSE_SECONDS} s"
    show(f"prune {pruned // PRUNED_DAYS:,} rows, each time {batch}", seconds)
    for what, times in (("nothing else running", alone), ("while a day is pruned", stores)):
        print(f"store a sweep, {what}: {len(times)} times")
        for part, index in (("all of it", 0), ("without connecting", 1)):
            ordered = sorted(1000 * both[index] for both in times)
            print(
                f"    {part:18} median {statistics.median(ordered):.0f} ms, p99 "
                f"{ordered[len(ordered) * 99 // 100]:.0f}, longest {ordered[-1]:.0f}, "
                f"{sum(each > 100 for each in ordered)} above 100 ms"
            )


@contextmanager
def storing(url: str, first: datetime) -> Iterator[list[tuple[float, float]]]:
    """A process stores sweeps while the block runs; then the list has how long each took."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=store_sweeps, args=(url, first, theirs), daemon=True)
    process.start()
    theirs.close()
    ours.recv()
    seconds: list[tuple[float, float]] = []
    yield seconds
    ours.send("stop")
    seconds += ours.recv()
    process.join()


def store_sweeps(url: str, at: datetime, pipe: Connection) -> None:
    """Store sweeps of one second each until told to stop; seconds of each, all and connected."""
    database = Database(fill_url(url, "cu", "default"), timeout=60)
    connected = [0.0]
    sa.event.listen(sa.Engine, "engine_connect", lambda _: connected.append(time.perf_counter()))
    seconds: list[tuple[float, float]] = []
    while not pipe.poll(max(0, STORE_EVERY - seconds[-1][0]) if seconds else 0):
        at += timedelta(seconds=1)
        started = time.perf_counter()
        store_sweep(database, "cu", "default", at, QUALITIES)
        ended = time.perf_counter()
        seconds.append((ended - started, ended - connected[-1]))
        if len(seconds) == 5:
            pipe.send("warmed up")
    pipe.send(seconds[5:])


@contextmanager
def explained() -> Iterator[None]:
    """Print the plan of each query and deletion that netsky makes in the block."""
    told = set()

    def explain(connection: sa.Connection, _: Any, sql: str, values: Any, *__: object) -> None:
        verb = sql[:6]
        if verb not in ("SELECT", "DELETE") or "netsky_" not in sql or sql in told:
            return
        told.add(sql)
        word = "ANALYZE" if verb == "SELECT" else "EXPLAIN"
        if connection.dialect.name == "sqlite":
            word = "EXPLAIN QUERY PLAN"
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(f"{word} {sql}", values)
            names = [column[0] for column in cursor.description]
            steps = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for step, rows in _group(steps).items():
            print(f"    {verb} {step}; {rows}")

    sa.event.listen(sa.Engine, "before_cursor_execute", explain)
    yield
    sa.event.remove(sa.Engine, "before_cursor_execute", explain)


def _group(steps: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Steps of reading a table, the same ones as one, and how many and of how many rows they are."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for step in steps:
        what = step.get("detail") or "{table}, {type} by {key}; {Extra}".format(**step)
        if "netsky_" in what:
            grouped.setdefault(what, []).append(step)
    lines = {}
    for what, same in grouped.items():
        lines[what] = f"{len(same)} x"
        for column, meaning in (("rows", "expected"), ("r_rows", "read")):
            if column in same[0]:
                rows = sum(float(step[column] or 0) for step in same)
                lines[what] += f", {rows:,.0f} rows {meaning}"
    return lines


def timed(function: Callable[[], object], *, runs: int = RUNS) -> list[float]:
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return seconds


def show(what: str, seconds: Sequence[float], *, aim: float | None = None) -> None:
    aimed = f", aim {aim}" if aim else ""
    median = statistics.median(seconds)
    print(f"{what:60} {median:8.3f} s   (slowest {max(seconds):.3f}{aimed})", flush=True)


if __name__ == "__main__":
    main()
