"""How long a report of a month takes on a database with more than a year of sums.

    python -m bench.report_year [LINES]

The database is made anew in a temporary folder: SQLite, 31 provinces, 400 days of hours and days a line.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from netsky.jobs.incidents import StoredLine
from netsky.jobs.report_period import gather_period
from netsky.page.period import period_page
from netsky.period_report import Kind, last_over
from netsky.places import BUILTIN_ISPS, PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.tables import daily, hourly

DAYS = 400
SWEEPS = 360  # an hour, one every ten seconds
TARGETS = 2000
REPEATS = 5


def main() -> None:
    """Print what gathering and making the page take, the median of some."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(
            fill_url(f"sqlite:///{Path(folder) / 'year.db'}", "cu", "a"), timeout=60
        )
        egresses = [f"line-{number}" for number in range(lines)]
        rows = make(database, egresses, now)
        stored = [StoredLine(BUILTIN_ISPS["cu"], each, database) for each in egresses]
        period = last_over(Kind.MONTH, now)
        took = []
        for _ in range(REPEATS):
            begin, cpu = time.perf_counter(), time.process_time()
            page = period_page(gather_period(stored, period, now=now), "zh")
            took.append((time.perf_counter() - begin, time.process_time() - cpu))
        whole, cpu = map(statistics.median, zip(*took, strict=True))
        print(
            f"{rows:,} hours of {lines} lines: a month with the 12 months up to it in {whole:.2f} s, "
            f"{cpu:.2f} s of CPU; {len(page.encode()):,} bytes"
        )


def make(database: Database, egresses: list[str], now: datetime) -> int:
    """Hours and days of each line, province by province; how many hours."""
    last = now.replace(tzinfo=None, minute=0, second=0, microsecond=0)
    chance, rows = random.Random(1), 0
    for egress in egresses:
        for province in PROVINCES:
            with database.connector.transaction(create=True) as connection:
                whose = {"isp": "cu", "egress": egress, "province": province.name}
                hours = [
                    whose | _sums(chance, last - timedelta(hours=back), SWEEPS)
                    for back in range(24 * DAYS)
                ]
                today = last.replace(hour=0)
                days = [
                    whose | _sums(chance, today - timedelta(days=back), 24 * SWEEPS)
                    for back in range(DAYS)
                ]
                connection.execute(sa.insert(hourly), hours)
                connection.execute(sa.insert(daily), days)
                rows += len(hours)
    return rows


def _sums(chance: random.Random, start: datetime, sweeps: int) -> dict[str, object]:
    sent = sweeps * TARGETS
    return {
        "start": start,
        "sweeps": sweeps,
        "sent": sent,
        "lost": round(sent * chance.uniform(0.02, 0.03)),
        "live_sent": round(sent * 0.9),
        "live_lost": round(sent * chance.uniform(0.003, 0.006)),
        "mean": chance.uniform(30, 40),
        "p95": chance.uniform(60, 90),
        "alarm_minutes": chance.choice([0] * 99 + [7]),
        "judged_sweeps": sweeps,
        "bad_sweeps": chance.choice([0] * 99 + [sweeps // 10]),
    }


if __name__ == "__main__":
    main()
