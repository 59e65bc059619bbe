"""Averaging, alert, pruning and a year's report with 1, 10, 80 and 240 lines on one server: `make bench`.

Lines are exits, swept once a minute for 30 days, in a MariaDB as it comes; 240 lines are 80 in each of three
databases, as ISPs have them. The newest hours and the oldest day are whole; of the days between, which
are parts of the table that these questions do not read, there is a sweep an hour. A year's sums of days
stand beside them. Medians; everything is in a temporary folder and gone afterwards.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bench.history import QUALITIES, VARIABLES, explained, show, timed
from netsky.places import PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.servers import AS_IT_COMES, SCHEMA, MariaDB, run_mariadb
from testing.stores import store_sweep

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
WHOLE_HOURS = 14  # at the end, so that the 12 hours of the mean are whole
PROBES = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--lines", type=int, nargs="+", default=[1, 10, 80, 240])
    parser.add_argument("--most", type=int, default=80, help="lines in one database")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for lines in options.lines:
        with run_mariadb(AS_IT_COMES) as server:
            bench(server, lines, options.days, options.most)


def bench(server: MariaDB, lines: int, days: int, most: int) -> None:
    (values,) = server.execute("SELECT " + ", ".join(f"@@{name}" for name in VARIABLES))
    version = dict(zip(VARIABLES, values, strict=True))["version"]
    print(f"\n{lines} line(s); MariaDB {version}, each database of at most {most} lines")
    server.execute(SCHEMA.read_text(encoding="utf-8"))
    names = ["netsky_cu", "netsky_cm", "netsky_ct"][: -(-lines // most)]
    databases = []
    for name in names:
        fill(server, name, min(lines, most), days)
        databases.append(Database(fill_url(server.url(name), "cu", "default"), timeout=600))
    measure(databases, lines, server)
    if lines == most:
        measure_probes(server)


def fill(server: MariaDB, name: str, lines: int, days: int) -> None:
    started = time.perf_counter()
    database = Database(fill_url(server.url(name), "cu", "default"), timeout=600)
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for day in range(-days, 1):
        database.divide_into_days(now=now + day * DAY, keep=days * DAY)
    exits = ",".join(f"('line-{number}')" for number in range(lines))
    provinces = ",".join(f"('{province.name}')" for province in PROVINCES)
    server.execute(
        f"USE {name}; CREATE TEMPORARY TABLE e (e VARCHAR(40)) CHARSET utf8mb4 COLLATE utf8mb4_bin; "
        f"INSERT INTO e VALUES {exits}; INSERT INTO netsky_line SELECT 'cu', e, 1 FROM e"
    )
    midnight = now.replace(hour=0, minute=0)
    whole = now - WHOLE_HOURS * HOUR
    oldest = midnight - (days - 1) * DAY
    parts = [(oldest, 1440, MINUTE), (whole + MINUTE, WHOLE_HOURS * 60, MINUTE)]
    between = (min(midnight, whole) - oldest - DAY) // HOUR
    parts.append((oldest + DAY, between, HOUR))
    for first, count, step in parts:
        for number in range(0, count, 120):
            last = min(count, number + 120) - 1
            server.execute(
                f"USE {name}; CREATE TEMPORARY TABLE e (e VARCHAR(40)) CHARSET utf8mb4 COLLATE "
                f"utf8mb4_bin; INSERT INTO e VALUES {exits}; CREATE TEMPORARY TABLE p (p VARCHAR(40)) "
                f"CHARSET utf8mb4 COLLATE utf8mb4_bin; INSERT INTO p VALUES {provinces}; "
                "INSERT INTO netsky_sweep (isp, egress, province, started_at, lossrate, abnormalrate, mean, "
                "p50, p95, p99, max, targets, sent, received, abnormal, live_targets, live_sent, "
                "live_lost, tainted, serial) SELECT 'cu', e, p, "
                f"'{first:%Y-%m-%d %H:%M:%S}' + INTERVAL seq * {step // MINUTE} MINUTE, "
                "seq % 97 / 10, seq % 89 / 5, 40 + seq % 13, 38, 90, 120, 300, 2000, 2000, "
                "2000 - seq % 97, seq % 89, 1800, 1800, seq % 31, 0, seq "
                f"FROM seq_{number}_to_{last}, e, p ORDER BY seq"
            )
    server.execute(
        f"USE {name}; CREATE TEMPORARY TABLE e (e VARCHAR(40)) CHARSET utf8mb4 COLLATE utf8mb4_bin; "
        f"INSERT INTO e VALUES {exits}; CREATE TEMPORARY TABLE p (p VARCHAR(40)) CHARSET utf8mb4 "
        f"COLLATE utf8mb4_bin; INSERT INTO p VALUES {provinces}; INSERT INTO netsky_daily "
        f"SELECT 'cu', e, p, '{midnight:%Y-%m-%d}' - INTERVAL seq DAY, 1440, 2880000, seq * 311, "
        "2592000, seq * 97, 41.5, 97, seq % 3 FROM e, p, seq_0_to_364 ORDER BY e, p, seq DESC"
    )
    server.execute(f"ANALYZE TABLE {name}.netsky_sweep, {name}.netsky_daily")
    ((counted,),) = server.execute(f"SELECT COUNT(*) FROM {name}.netsky_sweep")
    rows = int(str(counted))
    size = sum(
        file.stat().st_size
        for file in (Path(server.folder) / "data" / name).iterdir()
        if file.name.startswith("netsky_sweep")
    )
    seconds = time.perf_counter() - started
    print(f"{name}: {rows:,} sweeps of provinces, {size / rows:.0f} bytes each, in {seconds:.0f} s")


def measure(databases: list[Database], lines: int, server: MariaDB) -> None:
    until = datetime.now(UTC)

    def means(database: Database, egress: str | None = None) -> int:
        after = until - 12 * HOUR
        return len(database.mean_loss("cu", after=after, until=until, egress=egress))

    def alert(database: Database) -> None:
        database.newest_loss("cu", "line-0")
        database.baselines("cu", egress="line-0")
        database.rows_ahead("cu", "line-0", now=until)

    show("mean of 12 hours of one line", timed(partial(means, databases[0], "line-0")), aim=0.3)
    share = lines // len(databases)
    show(f"mean of all {share} lines of an ISP", timed(partial(means, databases[0]), runs=3), aim=5)
    assert means(databases[0]) == share * len(PROVINCES)
    if len(databases) > 1:
        show(
            f"mean of all {lines} lines, ISPs at once",
            timed(partial(at_once, databases, means), runs=1),
        )
    with explained():
        means(databases[0], "line-0")
    show("what the alert asks", timed(partial(alert, databases[0])), aim=0.1)
    for what, where, count in (("one line", " AND egress = 'line-0'", 1), ("all lines", "", lines)):
        report = partial(by_month, server, databases, where)
        show(f"a year by month, {what}", timed(report, runs=3), aim=1 if count == 1 else 5)
    started = time.perf_counter()
    before = until - 28 * DAY
    for database in databases:
        for table, _ in database.prune(before=before):
            assert table == "netsky_sweep"
    dropped = time.perf_counter() - started
    print(
        f"{'pruning the oldest day':60} {dropped:8.3f} s   of {1440 * lines * len(PROVINCES):,} rows"
    )


def at_once(databases: list[Database], ask: Callable[[Database], int]) -> None:
    threads = [threading.Thread(target=ask, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def by_month(server: MariaDB, databases: list[Database], where: str) -> None:
    for name in ["netsky_cu", "netsky_cm", "netsky_ct"][: len(databases)]:
        server.execute(
            "SELECT egress, province, YEAR(start), MONTH(start), SUM(sent), SUM(lost), MAX(p95) FROM "
            f"{name}.netsky_daily WHERE isp = 'cu'{where} GROUP BY 1, 2, 3, 4"
        )


def measure_probes(server: MariaDB) -> None:
    """As many at once, each for an exit of its own, three times."""
    url = fill_url(server.url("netsky_cu"), "cu", "default")
    together, seconds, failed = threading.Barrier(PROBES), [], []

    def probe(number: int) -> None:
        database = Database(url, timeout=30)
        for sweep in range(3):
            together.wait(60)
            started = time.perf_counter()
            try:
                at = datetime.now(UTC) + sweep * MINUTE
                store_sweep(database, "cu", f"line-{number}", at, QUALITIES)
            except Exception as error:  # noqa: BLE001 - it is counted
                failed.append(error)
            seconds.append(time.perf_counter() - started)

    threads = [threading.Thread(target=probe, args=(number,)) for number in range(PROBES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((_, deadlocks),) = server.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
    show(f"{PROBES} probes at once store a sweep", seconds)
    print(f"    {len(failed)} errors, {deadlocks} deadlocks {failed[:1]}")


if __name__ == "__main__":
    main()
