"""Averaging and alert with 1, 10 and 80 lines in one database: `make bench`.

Lines are exits of one ISP, each swept once a minute for two days, in a MariaDB as it comes. Measured are
the mean of 12 hours of one line and of all of them, beside one query that goes by time alone, and what
the alert asks for. Medians; everything is in a temporary folder and gone afterwards.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bench.history import VARIABLES, explained, fill, show, timed
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.tables import lossrate
from testing.servers import AS_IT_COMES, SCHEMA, run_mariadb

LINES = (1, 10, 80)
HOURS = timedelta(hours=12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--lines", type=int, nargs="+", default=LINES)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, load {os.getloadavg()[0]:.1f}")
    for lines in options.lines:
        with tempfile.TemporaryDirectory(prefix="netsky-lines-"):
            bench(lines, options.days)


def bench(lines: int, days: int) -> None:
    with run_mariadb(AS_IT_COMES) as server:
        (values,) = server.execute("SELECT " + ", ".join(f"@@{name}" for name in VARIABLES))
        print(f"\n{lines} line(s); MariaDB {dict(zip(VARIABLES, values, strict=True))['version']}")
        server.execute(SCHEMA.read_text(encoding="utf-8"))
        url = server.url("netsky_cu")
        data = server.folder / "data" / "netsky_cu"
        fill(url, days, lines, Path(data), interval=timedelta(minutes=1), tables=[lossrate])
        server.execute("ANALYZE TABLE netsky_cu.netsky_lossrate")
        measure(Database(fill_url(url, "cu", "default"), timeout=600), lines)


def measure(database: Database, lines: int) -> None:
    until = datetime.now(UTC)
    means = partial(database.mean_loss, "cu", after=until - HOURS, until=until)
    by_time = partial(mean_by_time, database, until)
    for what, egress in (("one line", "default"), (f"all {lines} line(s)", None)):
        show(f"mean of {what}, by name and egress", timed(partial(means, egress=egress)))
        show(f"mean of {what}, in one query by time", timed(partial(by_time, egress)))
        assert len(means(egress=egress)) == by_time(egress)
    with explained():
        means(egress="default")
    show("newest loss of one line", timed(partial(database.newest_loss, "cu", "default")))


def mean_by_time(database: Database, until: datetime, egress: str | None) -> int:
    """The means without going by the unique index, for comparison; how many they are."""
    columns = lossrate.c
    query = (
        sa.select(columns.egress, columns.province, sa.func.avg(columns.value))
        .where(columns.update_time > (until - HOURS).replace(tzinfo=None))
        .where(columns.update_time <= until.replace(tzinfo=None))
        .group_by(columns.egress, columns.province)
    )
    if egress is not None:
        query = query.where(columns.egress == egress)
    with database.connector.transaction() as connection:
        return len(connection.execute(query).all())


if __name__ == "__main__":
    main()
