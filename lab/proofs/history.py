"""Half a day of history within seconds: one measured sweep, stored as every sweep of the past hours."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

from lab.proofs.site import Measured, Site
from netsky.aggregate import ProvinceQuality
from netsky.places import find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows

HOURS, EVERY_MINUTES = 12, 30
SWING = 0.3  # from sweep to sweep the loss goes up and down by this share


def make_history(site: Site, isp: str, egress: str, measured: Measured) -> int:
    """Store the sweep again and again, its loss a little higher or lower; how many times."""
    database = Database(fill_url(site.database_url, isp, egress), timeout=10)
    draw = random.Random(egress)  # noqa: S311  the same each time
    ages = range(EVERY_MINUTES, 60 * HOURS, EVERY_MINUTES)
    for minutes in reversed(ages):
        moment = datetime.now(UTC) - timedelta(minutes=minutes)
        database.store(sweep_rows(isp, egress, moment, list(_alike(measured, draw))))
    return len(ages)


def _alike(measured: Measured, draw: random.Random) -> Iterator[ProvinceQuality]:
    names = {field.name for field in fields(ProvinceQuality)}
    for row in measured.document["provinces"]:
        figures = {name: value for name, value in row.items() if name in names}
        quality = ProvinceQuality(**figures | {"province": find_province(row["province"])})
        factor = 1 + draw.uniform(-SWING, SWING)
        yield replace(quality, loss_ratio=min(1.0, factor * quality.loss_ratio))
