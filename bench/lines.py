"""Averaging and alert with 1, 10 and 80 lines in one database: `make bench`.

Lines are exits of one ISP, each swept once a minute for two days, in a MariaDB as it comes. Measured are
the mean of 12 hours of one line and of all of them, beside one query that goes by time alone, what the
alert asks for, and the two tools as a whole, from their start to their exit. Medians; everything is in a
temporary folder and gone afterwards.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bench.history import VARIABLES, egress_names, explained, fill, show, timed
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.tables import sweeps
from testing.commands import tool_command
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
        with tempfile.TemporaryDirectory(prefix="netsky-lines-") as folder:
            bench(lines, options.days, Path(folder))


def bench(lines: int, days: int, folder: Path) -> None:
    with run_mariadb(AS_IT_COMES) as server:
        (values,) = server.execute("SELECT " + ", ".join(f"@@{name}" for name in VARIABLES))
        print(f"\n{lines} line(s); MariaDB {dict(zip(VARIABLES, values, strict=True))['version']}")
        server.execute(SCHEMA.read_text(encoding="utf-8"))
        url = server.url("netsky_cu")
        data = server.folder / "data" / "netsky_cu"
        fill(url, days, lines, Path(data), interval=timedelta(minutes=1), tables=[sweeps])
        server.execute("ANALYZE TABLE netsky_cu.netsky_sweep")
        measure(Database(fill_url(url, "cu", "default"), timeout=600), lines)
        measure_tools(folder, url, lines)


def measure(database: Database, lines: int) -> None:
    until = datetime.now(UTC)
    means = partial(database.mean_loss, "cu", after=until - HOURS, until=until)
    by_time = partial(mean_by_time, database, until)
    for what, egress in (("one line", "default"), (f"all {lines} line(s)", None)):
        show(f"mean of {what}, by ISP and egress", timed(partial(means, egress=egress)))
        show(f"mean of {what}, in one query by time", timed(partial(by_time, egress)))
        assert len(means(egress=egress)) == by_time(egress)
    with explained():
        means(egress="default")
    show("newest loss of one line", timed(partial(database.newest_loss, "cu", "default")))


def measure_tools(folder: Path, url: str, lines: int) -> None:
    """The averaging and the alert as cron starts them, one line and all lines."""
    settings = folder / "netsky.toml"
    settings.write_text("".join(f"[egress.{name}]\n" for name in egress_names(lines)))
    for tool, *options in (
        ("netsky_get_avg_lossrate", "--keep-days", "36500"),
        ("netsky_alert", "--max-age", "86400"),
    ):
        for what, egress in (("one line", "default"), (f"all {lines} line(s)", "all")):
            where = ("--config", str(settings), "--database", url, "--database-timeout", "600")
            command = tool_command(tool, *where, "--isp", "cu", "--egress", egress, *options)
            show(f"{tool}.py, {what}", timed(partial(run, command, folder)))


def run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def mean_by_time(database: Database, until: datetime, egress: str | None) -> int:
    """The means without going by the primary key, for comparison; how many they are."""
    columns = sweeps.c
    query = (
        sa.select(columns.egress, columns.province, sa.func.avg(columns.lossrate))
        .where(columns.started_at > (until - HOURS).replace(tzinfo=None))
        .where(columns.started_at <= until.replace(tzinfo=None))
        .group_by(columns.egress, columns.province)
    )
    if egress is not None:
        query = query.where(columns.egress == egress)
    with database.connector.transaction() as connection:
        return len(connection.execute(query).all())


if __name__ == "__main__":
    main()
