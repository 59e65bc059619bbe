"""Databases of our own, SQLite and MariaDB alike, with a second way into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from netsky.aggregate import ProvinceQuality
from netsky.places import PROVINCES, find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows
from netsky.store.tables import avg_lossrate, line, lossrate, metadata, row_name, sweeps
from testing.samples import make_quality
from testing.servers import MariaDB

_serial = count(1)


@dataclass(frozen=True)
class Loss:
    """A row of the loss table of ISP cu; `percent` None is NULL."""

    province: str
    percent: float | None
    at: datetime
    egress: str = "default"


@dataclass(frozen=True)
class Store:
    """A database of its own for one test, and a second way into it."""

    url: str
    engine: sa.Engine

    @property
    def database(self) -> Database:
        return Database(fill_url(self.url, "cu", "default"), timeout=5)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        columns = "name, value, province, update_time, egress"
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(metadata.tables[table]).order_by(sa.text("1")))
            return [tuple(row._mapping[name] for name in columns.split(", ")) for row in rows]

    def sweeps(self) -> list[dict[str, Any]]:
        """What is in netsky_sweep, in the order of its key."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(sweeps).order_by(*sweeps.primary_key))
            return [dict(row) for row in rows.mappings()]

    def execute(self, sql: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(sql))

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(sql))]

    def create_tables(self) -> None:
        metadata.create_all(self.engine)

    def add_losses(self, *losses: Loss) -> None:
        """Losses that no sweep of ours has written, in the order in which they came."""
        self._add_to_sweeps(losses)
        rows = [
            {
                "name": row_name("cu", find_province(loss.province), "lossrate"),
                "value": loss.percent,
                "province": find_province(loss.province).name,
                "update_time": loss.at.astimezone(UTC).replace(tzinfo=None, microsecond=0),
                "egress": loss.egress,
            }
            for loss in losses
        ]
        with self.engine.begin() as connection:
            connection.execute(lossrate.insert(), rows)

    def _add_to_sweeps(self, losses: Sequence[Loss]) -> None:
        rows = [
            {
                "isp": "cu",
                "egress": loss.egress,
                "province": find_province(loss.province).name,
                "started_at": loss.at.astimezone(UTC).replace(tzinfo=None, microsecond=0),
                "lossrate": loss.percent,
                "serial": next(_serial),
            }
            for loss in losses
        ]
        exits = {loss.egress for loss in losses}
        with self.engine.begin() as connection:
            connection.execute(sweeps.insert(), rows)
            known = sa.select(line.c.egress).where(line.c.isp == "cu")
            for egress in exits - set(connection.scalars(known)):
                connection.execute(line.insert().values(isp="cu", egress=egress, serial=0))

    def add_baseline(
        self, province: str, percent: float, at: datetime, egress: str = "default"
    ) -> None:
        name = row_name("cu", find_province(province), "lossrate")
        update_time = at.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        row = {"name": name, "egress": egress, "value": percent, "update_time": update_time}
        with self.engine.begin() as connection:
            connection.execute(avg_lossrate.insert(), row)


@pytest.fixture
def mariadb_store(mariadb: MariaDB) -> Iterator[Store]:
    name = f"test_{next(_serial)}"
    mariadb.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    # Without TLS: each connection would read the host's certificates for it.
    engine = sa.create_engine(
        mariadb.url(name), poolclass=sa.NullPool, connect_args={"ssl_disabled": True}
    )
    made = Store(mariadb.url(name), engine)
    metadata.create_all(made.engine)
    yield made
    mariadb.execute(f"DROP DATABASE {name}")


@pytest.fixture(params=["sqlite", "mariadb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "mariadb":
        made: Store = request.getfixturevalue("mariadb_store")
        return made
    url = f"sqlite:///{tmp_path}/netsky.db"
    return Store(url, sa.create_engine(url, poolclass=sa.NullPool))


def store_sweep(
    database: Database,
    isp: str,
    egress: str,
    started_at: datetime,
    qualities: Sequence[ProvinceQuality],
) -> None:
    """Write a sweep as the probe does."""
    database.store(sweep_rows(isp, egress, started_at, qualities))


def store_each_hour(
    database: Database, newest: datetime, hours: int, qualities: Sequence[ProvinceQuality]
) -> None:
    """So many sweeps, as one process stores them that knows its statements already: the newest first."""
    with database.connector.kept_open():
        for hour in range(hours):
            store_sweep(database, "cu", "default", newest - timedelta(hours=hour), qualities)


def store_periods(database: Database, isp: str, egress: str) -> None:
    """A sweep of yesterday and one of the last month, in Beijing, summed up: what a report on either needs."""
    now = datetime.now(UTC)
    month = _month_begins(now) - timedelta(hours=1)
    qualities = [make_quality(province.slug, loss_ratio=0.0) for province in PROVINCES]
    for at in (month, now - timedelta(days=1)):
        store_sweep(database, isp, egress, at.replace(microsecond=0), qualities)
    list(database.roll_up(isp, egress))


def _month_begins(now: datetime) -> datetime:
    """The beginning of the month in Beijing."""
    there = timezone(timedelta(hours=8))
    return now.astimezone(there).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
