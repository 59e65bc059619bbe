"""Averaging, alert, pruning and a year's report with 1, 10, 80 and 240 lines on one server: `make bench`.

Lines are exits, swept once a minute for 30 days, in a MariaDB as it comes but for the size of its buffer pool;
240 lines are 80 in each of three databases, as ISPs have them. The newest hours are whole, in the first database
the oldest day, too; of the days between, which are parts of the table that these questions do not read, there
are four sweeps a day. A year's sums of days stand beside them, and of the narrow tables an old day of some
lines. Medians, and seconds of CPU; everything is in a temporary folder and gone afterwards.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from bench.history import QUALITIES, RUNS, VARIABLES, explained, show, timed
from netsky.jobs.history import StoredHistory
from netsky.judging.usual_rule import UsualRule
from netsky.places import PROVINCES
from netsky.store.baselines import store_computed
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.servers import AS_IT_COMES, SCHEMA, MariaDB, run_mariadb
from testing.stores import store_sweep

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
USUAL_LINES = 10  # are averaged by the rule `usual`
NARROW_ROWS = 100_000  # in each of the three narrow tables, older than all else
WRITTEN = (
    240 * len(PROVINCES) / 10
)  # rows a second in netsky_sweep, of 240 lines at a sweep every 10 s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--lines", type=int, nargs="+", default=[1, 10, 80, 240])
    parser.add_argument("--most", type=int, default=80, help="lines in one database")
    parser.add_argument("--pool", default="1G", help="innodb_buffer_pool_size while measuring")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for lines in options.lines:
        with run_mariadb((*AS_IT_COMES, *FILLING)) as server:
            names = ISPS[: -(-lines // options.most)]
            filled_at = fill_all(server, names, min(lines, options.most), options.days)
            server.stop()  # and anew, so that its buffer pool is empty
            pool = f"--innodb-buffer-pool-size={options.pool}"
            server.options = (*AS_IT_COMES, "--innodb-log-file-size=1G", pool)
            server.start()
            bench(server, names, lines, filled_at)


def fill_all(server: MariaDB, names: Sequence[str], lines: int, days: int) -> datetime:
    """A database of each name with so many lines; when its newest sweep was."""
    server.execute(SCHEMA.read_text(encoding="utf-8"))
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    for name in names:
        fill(server, name, lines, days, now)
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
    for what, where, aim in (("one line", " AND egress = 'line-0'", 1), ("all lines", "", 5)):
        report = partial(by_month, server, names, where)
        meter(server, f"a year by month, {what}", report, runs=3, aim=aim)
    if lines >= PROBES:
        measure_probes(server)
    measure_pruning(server, databases[0], filled_at)


def fill(server: MariaDB, name: str, lines: int, days: int, now: datetime) -> None:
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
    whole = now - WHOLE_HOURS * HOUR
    oldest = midnight - (days - 1) * DAY
    parts = [(whole + MINUTE, WHOLE_HOURS * 60, MINUTE)]
    if name == ISPS[0]:
        parts.insert(0, (oldest, 1440, MINUTE))
    between = (min(midnight, whole) - oldest - DAY) // BETWEEN
    parts.append((oldest + DAY, between, BETWEEN))
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
    print(f"{name}: {rows:,} sweeps of provinces, {size / rows:.0f} bytes each, in {seconds:.0f} s")


def meter(
    server: MariaDB, what: str, ask: Callable[[], object], *, runs: int = RUNS, aim: float = 0
) -> None:
    """Median seconds of a question, and of CPU: the server's and ours, whatever else runs on this machine."""
    busy = _busy_seconds(server)
    seconds = timed(ask, runs=runs)
    busy = (_busy_seconds(server) - busy) / runs
    aimed = f", aim {aim:g}" if aim else ""
    print(
        f"{what:60} {median(seconds):8.3f} s   ({busy:.3f} of CPU, slowest {max(seconds):.3f}{aimed})",
        flush=True,
    )


def _busy_seconds(server: MariaDB) -> float:
    number = (server.folder / "pid").read_text().strip()
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + time.process_time()


def measure(server: MariaDB, databases: Sequence[Database], lines: int, until: datetime) -> None:
    def means(database: Database, egress: str | None = None) -> int:
        after = until - 12 * HOUR
        return len(database.mean_loss("cu", after=after, until=until, egress=egress))

    def alert(database: Database) -> None:
        database.newest_loss("cu", "line-0", now=until)
        database.baselines("cu", egress="line-0")
        database.rows_ahead("cu", "line-0", now=until)

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
    meter(server, "what the alert asks", partial(alert, databases[0]), aim=0.1)
    some = [f"line-{number}" for number in range(min(share, USUAL_LINES))]
    measure_usual(server, databases[0], some, until)


def measure_usual(
    server: MariaDB, database: Database, egresses: Sequence[str], until: datetime
) -> None:
    """The rule `usual`: an averaging that knows nothing yet, the next one, and what the alert asks besides."""
    rule = UsualRule()

    def average(now: datetime) -> None:
        for egress in egresses:
            history = StoredHistory(database, "cu", egress)
            computed = rule.baselines(history, now=now)
            store_computed(database.connector, "cu", egress, computed, now)

    def recent() -> None:
        rule.recent(StoredHistory(database, "cu", egresses[0]), now=until)

    lines = f"averaging of {len(egresses)} lines by usual"
    meter(server, f"{lines}, the first", lambda: average(until - HOUR), runs=1)
    meter(server, f"{lines}, an hour later", lambda: average(until), runs=1)
    meter(server, "what the alert asks besides, by usual", recent)


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


def at_once(databases: Sequence[Database], ask: Callable[[Database], int]) -> None:
    threads = [threading.Thread(target=ask, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def by_month(server: MariaDB, names: Sequence[str], where: str) -> None:
    for name in names:
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
