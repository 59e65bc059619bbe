"""What a sweep would do, found out without a packet sent or a figure stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from netsky.addresses import AddressLibrary
from netsky.errors import DatabaseError
from netsky.places import Egress
from netsky.store.database import Database
from netsky.sweep import ProbePlan


@dataclass(frozen=True, slots=True)
class DatabaseCheck:
    """Whether a database would take a sweep; `problem` says why it would not.

    `new`: it is an SQLite file that the first sweep makes.
    """

    url: str
    problem: str | None = None
    new: bool = False


@dataclass(frozen=True, slots=True)
class DryRun:
    """A sweep as it would be. `networks` counts the /24s, `most_in_network` the targets of the
    fullest one; `database` is None where nothing is stored.
    """

    library: AddressLibrary
    egress: Egress
    engine: str
    plan: ProbePlan
    database: DatabaseCheck | None
    checked_at: datetime
    networks: int
    most_in_network: int

    @property
    def packets(self) -> int:
        return self.library.targets * self.plan.count

    @property
    def seconds(self) -> float:
        """How long packets are sent; the last replies are waited for after that."""
        return self.plan.span(self.library.targets)

    @property
    def complete(self) -> bool:
        return self.database is None or self.database.problem is None


def dry_run(
    library: AddressLibrary,
    egress: Egress,
    plan: ProbePlan,
    *,
    engine: str,
    database: Database | None,
) -> DryRun:
    """What a sweep of `library` would be, with an engine that was opened already."""
    _, targets = np.unique(library.addresses >> np.uint32(8), return_counts=True)
    return DryRun(
        library=library,
        egress=egress,
        engine=engine,
        plan=plan,
        database=None if database is None else check_database(database),
        checked_at=datetime.now(UTC),
        networks=len(targets),
        most_in_network=int(targets.max()),
    )


def check_database(database: Database) -> DatabaseCheck:
    """Connect, and read nothing from the table of the loss rates. No SQLite file is made."""
    connector = database.connector
    file = sa.make_url(str(connector)).database if connector.is_sqlite else None
    if file and not Path(file).exists():
        folder = Path(file).absolute().parent
        problem = None if folder.is_dir() else f"database {connector}: no folder {folder}"
        return DatabaseCheck(str(connector), problem, new=True)
    try:
        with connector.transaction() as connection:
            connection.exec_driver_sql("SELECT COUNT(*) FROM netsky_lossrate WHERE 1 = 0")
    except DatabaseError as error:
        return DatabaseCheck(str(connector), str(error))
    return DatabaseCheck(str(connector))
