"""Hours of history within seconds: one measured sweep, stored and remembered as every sweep of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta

import numpy as np

from lab.proofs.site import Measured, Site
from netsky.aggregate import ProvinceQuality
from netsky.jobs.memory import Remembering
from netsky.places import Egress, find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.rows import sweep_rows
from netsky.sweep import Sweep
from netsky.targets import library, memory_file
from netsky.targets.cities import CITIES_FILE

EVERY = timedelta(minutes=10)
SWING = 0.3  # from sweep to sweep the loss goes up and down by this share


def make_history(site: Site, isp: str, egress: str, measured: Measured, span: timedelta) -> int:
    """Store the sweep again and again, its loss a little higher or lower; how many times."""
    database = Database(fill_url(site.database_url, isp, egress), timeout=10)
    draw = random.Random(egress)  # noqa: S311  the same each time
    sweeps = span // EVERY - 1
    for number in range(sweeps, 0, -1):
        moment = site.now - number * EVERY
        database.store(sweep_rows(isp, egress, moment, list(_alike(measured, draw))))
    return sweeps


def remember(site: Site, isp: str, egress: str, *, sweeps: int) -> None:
    """Let the last sweep, which alone is in the memory, be what each of so many sweeps has taught."""
    file = site.folder / "memory" / memory_file.file_name(isp, egress)
    remembering = Remembering(file, 0o600, site.folder / CITIES_FILE)
    targets = library.load(site.folder / "ipdata", isp)
    lost = memory_file.read(file).of(targets.addresses).lost
    rtts = np.where(lost, np.float32("nan"), np.float32(0.01))[:, None]
    for number in range(sweeps, 0, -1):
        sent, started_at = np.ones_like(rtts, np.bool_), site.now - number * EVERY
        sweep = Sweep(targets, Egress(egress), "history", started_at, 1.0, rtts, sent)
        known = remembering.recall(sweep)
        if known:
            remembering.learn(sweep, known, in_incident=())


def _alike(measured: Measured, draw: random.Random) -> Iterator[ProvinceQuality]:
    names = {field.name for field in fields(ProvinceQuality)}
    for row in measured.document["provinces"]:
        figures = {name: value for name, value in row.items() if name in names}
        quality = ProvinceQuality(**figures | {"province": find_province(row["province"])})
        factor = 1 + draw.uniform(-SWING, SWING)
        lost = _swung(quality.packets_lost, quality.packets_sent, factor)
        quality = replace(
            quality,
            packets_received=quality.packets_sent - lost,
            loss_ratio=lost / quality.packets_sent,
        )
        live_sent, live_lost = quality.live_packets_sent, quality.live_packets_lost
        if live_sent is not None and live_lost is not None:
            live_received = live_sent - _swung(live_lost, live_sent, factor)
            quality = replace(quality, live_packets_received=live_received)
        yield quality


def _swung(lost: int, sent: int, factor: float) -> int:
    """What is lost whole stays so."""
    return lost if lost == sent else min(sent, round(factor * lost))
