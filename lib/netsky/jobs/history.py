"""What a rule may ask of the database about one ISP through one exit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from netsky.judging.usual import Buckets
from netsky.judging.usual_sweeps import Kept, Sweep
from netsky.loss import MeanLoss
from netsky.store.database import Database
from netsky.store.losses import losses
from netsky.store.usual import last_bucket, stored_buckets, stored_kept


@dataclass(frozen=True, slots=True)
class StoredHistory:
    """The sweeps of an ISP through an egress, and what a rule keeps of them; see netsky.judging."""

    database: Database
    isp: str
    egress: str

    def mean_loss(self, *, after: datetime, until: datetime) -> Sequence[MeanLoss]:
        return self.database.mean_loss(self.isp, after=after, until=until, egress=self.egress)

    def kept(self) -> Kept | None:
        with self.database.connector.transaction() as connection:
            return stored_kept(connection, self.isp, self.egress)

    def last_bucket(self, until: int) -> int | None:
        with self.database.connector.transaction() as connection:
            return last_bucket(connection, self.isp, self.egress, until)

    def buckets(self, numbers: Sequence[range]) -> Buckets:
        with self.database.connector.transaction() as connection:
            return stored_buckets(connection, self.isp, self.egress, numbers)

    def sweeps(self, *, since: float, until: float) -> Sequence[Sweep]:
        with self.database.connector.transaction() as connection:
            return losses(connection, self.isp, self.egress, since=since, until=until)
