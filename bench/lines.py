"""Averaging, alert, pruning and a year's report with 1, 10, 80 and 240 lines on one server: `make bench`.

Lines are exits, swept once a minute for 30 days, in a MariaDB as it comes but for the size of its buffer pool;
240 lines are 80 in each of three databases, as ISPs have them. The newest hours are whole, in the first database
the oldest day, too. The days between are whole where that makes no more than some millions of rows, or with
`--whole`; else there are four sweeps a day, and the rows that each question reads are counted: as many as its
hours have, so that those days are none of its cost. A year's sums of days stand beside them, and of the narrow
tables an old day of some lines. Medians, and seconds of CPU; all is in a temporary folder and gone afterwards.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

from bench.history import QUALITIES, RUNS, VARIABLES, explained, show, timed
from netsky.jobs.alert import AlertReport, alert
from netsky.jobs.history import StoredHistory
from netsky.judging.usual_rule import UsualRule
from netsky.outlets.delivery import Outlets
from netsky.places import BUILTIN_ISPS, PROVINCES
from netsky.store.baselines import store_computed
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.servers import AS_IT_COMES, SCHEMA, MariaDB, run_mariadb
from testing.stores import store_sweep

T = TypeVar("T")

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
BETWEEN = 6 * HOUR
WHOLE_HOURS = 14  # at the end, so that the 12 hours of the mean are whole
ISPS = ("netsky_cu", "netsky_cm", "netsky_ct")
FILLING = (
    "--innodb-buffer-pool-size=4G",
    "--innodb-log-file-size=1G",
    "--innodb-flush-method=nosync",
)
PROBES = 60
MOST_WHOLE = 2_000_000  # rows of days between that are made whole without being asked for
NARROW_ROWS = 100_000  # in each of the three narrow tables, older than all else
WRITTEN = (
    240 * len(PROVINCES) / 10
)  # rows a second in netsky_sweep, of 240 lines at a sweep every 10 s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30, help="at least 3")
    parser.add_argument("--lines", type=int, nargs="+", default=[1, 10, 80, 240])
    parser.add_argument("--most", type=int, default=80, help="lines in one database")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="all days, for 80 lines 107 million rows in an hour or so",
    )
    parser.add_argument("--pool", default="1G", help="innodb_buffer_pool_size while measuring")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for lines in options.lines:
        with run_mariadb((*AS_IT_COMES, *FILLING)) as server:
            names = ISPS[: -(-lines // options.most)]
            filled_at = fill_all(
                server, names, min(lines, options.most), options.days, whole=options.whole
            )
            server.stop()  # and anew, so that its buffer pool is empty
            pool = f"--innodb-buffer-pool-size={options.pool}"
            server.options = (*AS_IT_COMES, "--innodb-log-file-size=1G", pool)
            server.start()
            bench(server, names, lines, filled_at)


def fill_all(
    server: MariaDB, names: Sequence[str], lines: int, days: int, *, whole: bool
) -> datetime:
    """A database of each name with so many lines; when its newest sweep was."""
    server.execute(SCHEMA.read_text(encoding="utf-8"))
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for name in names:
        fill(server, name, lines, days, now, whole=whole)
    return now


def bench(server: MariaDB, names: Sequence[str], lines: int, filled_at: datetime) -> None:
    (values,) = server.execute("SELECT " + ", ".join(f"@@{name}" for name in VARIABLES))
    settings = ", ".join(f"{name} {value}" for name, value in zip(VARIABLES, values, strict=True))
    print(
        f"\n{lines} line(s) in {len(names)} database(s), load {os.getloadavg()[0]:.1f}; {settings}"
    )
    databases = [
        Database(fill_url(server.url(name), "cu", "default"), timeout=600) for name in names
    ]
    measure(server, databases, lines, filled_at)
    all_lines = [f"line-{number}" for number in range(lines // len(names))]
    for what, egresses, aim in (("one line", all_lines[:1], 1), ("all lines", all_lines, 5)):
        report = partial(by_month, server, names, egresses)
        meter(server, f"a year by month, {what}", report, runs=3, aim=aim)
    if lines >= PROBES:
        measure_probes(server)
    measure_pruning(server, databases[0], filled_at)


def fill(server: MariaDB, name: str, lines: int, days: int, now: datetime, *, whole: bool) -> None:
    started = time.perf_counter()
    database = Database(fill_url(server.url(name), "cu", "default"), timeout=600)
    for day in range(-days, 1):
        database.divide_into_days(now=now + day * DAY, keep=days * DAY)
    exits = ",".join(f"('line-{number}')" for number in range(lines))
    provinces = ",".join(f"('{province.name}')" for province in PROVINCES)
    server.execute(
        f"USE {name}; CREATE TEMPORARY TABLE e (e VARCHAR(40)) CHARSET utf8mb4 COLLATE utf8mb4_bin; "
        f"INSERT INTO e VALUES {exits}; INSERT INTO netsky_line SELECT 'cu', e, 1 FROM e"
    )
    for kind in ("lossrate", "abnormalrate", "latency"):
        server.execute(
            f"USE {name}; INSERT INTO netsky_{kind} (name, value, province, update_time, egress) "
            f"SELECT CONCAT('netsky_CU_', seq % 31, '_{kind}'), 1, '北京', "
            f"'{now - (days + 9) * DAY:%Y-%m-%d %H:%M:%S}' + INTERVAL seq DIV 310 SECOND, "
            f"CONCAT('line-', seq DIV 31 % 10) FROM seq_1_to_{NARROW_ROWS}"
        )
    midnight = now.replace(hour=0, minute=0)
    newest = now - WHOLE_HOURS * HOUR
    oldest = midnight - (days - 1) * DAY
    parts = [(newest + MINUTE, WHOLE_HOURS * 60, MINUTE)]
    if name == ISPS[0]:
        parts.insert(0, (oldest, 1440, MINUTE))
    between = min(midnight, newest) - oldest - DAY
    whole = whole or between // MINUTE * lines * len(PROVINCES) <= MOST_WHOLE
    step = MINUTE if whole else BETWEEN
    parts.append((oldest + DAY, between // step, step))
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
                "2000 - seq % 97, seq % 89, 1800, 1800, seq % 31, 0, "
                f"{(first - oldest) // MINUTE} + seq * {step // MINUTE} "
                f"FROM seq_{number}_to_{last} STRAIGHT_JOIN e STRAIGHT_JOIN p"
            )
    server.execute(
        f"USE {name}; CREATE TEMPORARY TABLE e (e VARCHAR(40)) CHARSET utf8mb4 COLLATE utf8mb4_bin; "
        f"INSERT INTO e VALUES {exits}; CREATE TEMPORARY TABLE p (p VARCHAR(40)) CHARSET utf8mb4 "
        f"COLLATE utf8mb4_bin; INSERT INTO p VALUES {provinces}; INSERT INTO netsky_daily "
        "(isp, egress, province, start, sweeps, sent, lost, live_sent, live_lost, mean, p95, alarm_minutes) "
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
    days_between = "all days whole" if whole else f"days between have a sweep each {BETWEEN}"
    print(
        f"{name}: {rows:,} sweeps of provinces, {days_between}, {size / rows:.0f} bytes each, "
        f"in {seconds:.0f} s"
    )


def meter(
    server: MariaDB, what: str, ask: Callable[[], object], *, runs: int = RUNS, aim: float = 0
) -> None:
    """Median seconds of a question, and of CPU: the server's and ours, whatever else runs on this machine."""
    busy, read = _busy_seconds(server), _rows_read(server)
    seconds = timed(ask, runs=runs)
    busy, read = (_busy_seconds(server) - busy) / runs, (_rows_read(server) - read) // runs
    aimed = f", aim {aim:g}" if aim else ""
    print(
        f"{what:60} {median(seconds):8.3f} s   ({busy:.3f} of CPU, slowest {max(seconds):.3f}{aimed}; "
        f"{read:,} rows read)",
        flush=True,
    )


def _rows_read(server: MariaDB) -> int:
    """One after the other of an index, as these questions read the rows of a line."""
    ((_, count),) = server.execute("SHOW GLOBAL STATUS LIKE 'Handler_read_next'")
    return int(str(count))


def _busy_seconds(server: MariaDB) -> float:
    number = (server.folder / "pid").read_text().strip()
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + time.process_time()


def measure(server: MariaDB, databases: Sequence[Database], lines: int, until: datetime) -> None:
    def means(database: Database, egress: str | None = None) -> int:
        after = until - 12 * HOUR
        return len(database.mean_loss("cu", after=after, until=until, egress=egress))

    share = lines // len(databases)
    all_lines = f"mean of all {share} lines of an ISP"
    all_means = partial(means, databases[0])
    meter(server, f"{all_lines}, server just started", all_means, runs=1)
    meter(server, all_lines, all_means, runs=3, aim=5)
    one_mean = partial(means, databases[0], "line-0")
    meter(server, "mean of 12 hours of one line", one_mean, aim=0.3)
    assert means(databases[0]) == share * len(PROVINCES)
    if len(databases) > 1:
        together = partial(at_once, databases, means)
        meter(server, f"mean of all {lines} lines, ISPs at once", together, runs=1)
    with explained():
        means(databases[0], "line-0")
    measure_usual(server, databases[0], [f"line-{number}" for number in range(share)], until)
    measure_alert(server, databases[0])


def measure_usual(
    server: MariaDB, database: Database, egresses: Sequence[str], until: datetime
) -> None:
    """The rule `usual`: an averaging that knows nothing yet, and the next ones, each ten minutes or an hour."""
    rule, at = UsualRule(), until - 90 * MINUTE

    def average(after: timedelta) -> None:
        nonlocal at
        at += after
        with database.connector.kept_open():
            for egress in egresses:
                computed = rule.baselines(StoredHistory(database, "cu", egress), now=at)
                store_computed(database.connector, "cu", egress, computed, at)

    lines = f"learning what is usual of {len(egresses)} lines"
    meter(server, f"{lines}, the first", partial(average, timedelta()), runs=1)
    meter(server, f"{lines}, each ten minutes", partial(average, 10 * MINUTE), runs=3, aim=5)
    meter(server, f"{lines}, an hour later", partial(average, HOUR), runs=1)


def measure_alert(server: MariaDB, database: Database) -> None:
    """The alert with all that it does in the database: an incident opens, stands, and its minutes are noted."""
    lossy = [
        replace(each, loss_ratio=0.5, packets_received=each.packets_sent // 2) for each in QUALITIES
    ]

    def ask() -> AlertReport:
        return alert(database, BUILTIN_ISPS["cu"], "line-0", rule=UsualRule(), outlets=Outlets())

    # What was filled in may be older by now than what an alert judges.
    now = datetime.now(UTC)
    for minutes in range(20, -1, -1):
        store_sweep(database, "cu", "line-0", now - minutes * MINUTE, QUALITIES)
    assert len(ask().verdict.judged) == len(PROVINCES)
    meter(server, "the alert, all quiet", ask, aim=0.1)
    store_sweep(database, "cu", "line-0", datetime.now(UTC), lossy)
    assert len(ask().verdict.judged) == len(PROVINCES)
    meter(server, "the alert in an incident of 31 provinces", ask, aim=0.1)


def measure_pruning(server: MariaDB, database: Database, until: datetime) -> None:
    """Rows of narrow tables one batch after the other, then the oldest day of netsky_sweep."""
    count = "SELECT COUNT(*) FROM netsky_cu.netsky_sweep"
    for what, keep, written in (("narrow", 31 * DAY, 3 * WRITTEN), ("wide", 28 * DAY, WRITTEN)):
        ((before,),) = server.execute(count)
        started = time.perf_counter()
        rows = sum(rows for _, rows in database.prune(before=until - keep))
        seconds = time.perf_counter() - started
        ((left,),) = server.execute(count)
        rows += int(str(before)) - int(str(left))
        print(
            f"{f'pruning {rows:,} {what} rows':60} {seconds:8.3f} s   ({rows / seconds:,.0f} rows a second; "
            f"240 lines write {written:,.0f} at a sweep every 10 s)"
        )


def at_once(each: Sequence[T], ask: Callable[[T], object]) -> None:
    """Of the database of each ISP, as their own cron lines and pages ask."""
    with ThreadPoolExecutor(len(each)) as pool:
        list(pool.map(ask, each))


def by_month(server: MariaDB, names: Sequence[str], egresses: Sequence[str]) -> None:
    """Each month as docs/scale.md asks for one: with all that the key begins with."""
    provinces = quoted([province.name for province in PROVINCES])
    now = datetime.now(UTC)
    months = [now.year * 12 + now.month - 1 - ago for ago in range(13)]
    starts = [
        tuple(f"{each // 12}-{each % 12 + 1:02}-01" for each in (month, month + 1))
        for month in months
    ]

    def ask(name: str) -> None:
        server.execute(
            " UNION ALL ".join(
                f"(SELECT egress, province, '{first}', SUM(sent), SUM(lost), MAX(p95) FROM "
                f"{name}.netsky_daily WHERE isp = 'cu' AND egress IN ({quoted(egresses)}) "
                f"AND province IN ({provinces}) AND start >= '{first}' AND start < '{after}' "
                "GROUP BY egress, province)"
                for first, after in starts
            )
        )

    at_once(names, ask)


def quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


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
