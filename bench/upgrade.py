"""How long upgrade.sql takes, and how much room it needs: `python -m bench.upgrade`.

So many rows in each of the three tables of an installation, of 31 provinces every 10 seconds up to now, in a
MariaDB as it comes. First the tables have no column `egress`; then they have, but ids of 32 bits and no
netsky_sweep; and then nothing is left to do. No row may be lost.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections.abc import Sequence

from netsky.places import PROVINCES
from netsky.store.tables import HISTORY, NEW_TABLES
from testing import ROOT
from testing.servers import AS_IT_COMES, MariaDB, program, run_mariadb

DATABASE = "netsky_cu"
SECONDS = 10  # from sweep to sweep
AT_ONCE = 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=8_000_000, help="in each of the three tables")
    rows = parser.parse_args().rows
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {rows:,} rows in each table")
    with run_mariadb(AS_IT_COMES) as server:
        server.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8")
        for table in HISTORY:
            fill(server, table.name, rows)
        before = size(server)
        upgrade(server, rows, f"from tables without egress, which have {before:.2f} GB")
        take_back(server)
        upgrade(server, rows, "from tables with egress, with ids of 32 bits, without netsky_sweep")
        upgrade(server, rows, "with nothing left to do")


def fill(server: MariaDB, table: str, rows: int) -> None:
    """As netsky's first tables were."""
    server.execute(
        f"USE {DATABASE}; CREATE TABLE {table} ({table}_id INT UNSIGNED NOT NULL AUTO_INCREMENT, "
        "name VARCHAR(40), value FLOAT, province VARCHAR(40), update_time DATETIME NOT NULL, "
        f"PRIMARY KEY ({table}_id), KEY index_{table}_updatetime (update_time)) "
        "ENGINE=InnoDB CHARSET=utf8; CREATE TABLE p (n INT PRIMARY KEY, slug VARCHAR(40), name VARCHAR(40)) "
        "CHARSET=utf8; INSERT INTO p VALUES "
        + ", ".join(
            f"({number}, '{province.slug}', '{province.name}')"
            for number, province in enumerate(PROVINCES)
        )
    )
    kind, count = table.removeprefix("netsky_"), len(PROVINCES)
    for first in range(0, rows, AT_ONCE):
        last = min(rows, first + AT_ONCE) - 1
        server.execute(
            f"USE {DATABASE}; INSERT INTO {table} (name, value, province, update_time) SELECT "
            f"CONCAT('netsky_CU_', slug, '_{kind}'), seq % 97 / 10, p.name, UTC_TIMESTAMP() - INTERVAL "
            f"({rows} - seq) DIV {count} * {SECONDS} SECOND FROM seq_{first}_to_{last} "
            f"STRAIGHT_JOIN p ON p.n = seq % {count}"
        )
    server.execute(f"DROP TABLE {DATABASE}.p")


def upgrade(server: MariaDB, rows: int, what: str) -> None:
    """The command of docs/upgrade.md; then as many rows are there as before."""
    command = [program("mariadb"), "--no-defaults", "--user=root", f"--socket={server.socket}"]
    command += ["--init-command=SET @hours_ahead_of_utc = 0", DATABASE]
    started = time.perf_counter()
    with (ROOT / "upgrade.sql").open("rb") as script:
        subprocess.run(command, stdin=script, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    for table in (*(each.name for each in HISTORY), "netsky_sweep"):
        ((found,),) = server.execute(f"SELECT COUNT(*) FROM {DATABASE}.{table}")
        assert found == rows, f"{table} has {found}"
    sweeps = size(server, ["netsky_sweep"])
    print(
        f"{what}: {seconds:.0f} s; netsky_sweep has {sweeps:.2f} GB, all tables {size(server):.2f}",
        flush=True,
    )


def take_back(server: MariaDB) -> None:
    """As an installation is that had the column already, and no more."""
    new = [name for name in NEW_TABLES if name != "netsky_avg_lossrate"]
    old = [f"{table.name}_before_upgrade" for table in HISTORY]
    server.execute(f"USE {DATABASE}; DROP TABLE IF EXISTS {', '.join([*new, *old])}")
    for table in HISTORY:
        column = f"{table.name}_id INT UNSIGNED NOT NULL AUTO_INCREMENT"
        server.execute(f"ALTER TABLE {DATABASE}.{table.name} MODIFY {column}")


def size(server: MariaDB, tables: Sequence[str] = ()) -> float:
    """Gigabytes on the disk, of these tables or all."""
    files = (server.folder / "data" / DATABASE).iterdir()
    wanted = [file for file in files if not tables or file.name.startswith(tuple(tables))]
    return sum(file.stat().st_size for file in wanted) / 1e9


if __name__ == "__main__":
    main()
