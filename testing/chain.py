"""From what is probed to the notices, with the configurations as shipped: only the sweeps are made up."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from netsky.outlets.metrics import probe_metrics
from netsky.outlets.pushgateway import Pushgateway
from netsky.places import PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing import ROOT
from testing.alertmanager import run_alertmanager, run_webhook
from testing.commands import run_tool
from testing.prometheus import run_prometheus
from testing.samples import make_quality, make_sweep
from testing.servers import free_port, run_pushgateway
from testing.stores import store_sweep

PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTMANAGER = ROOT / "deploy" / "alertmanager"
SHIPPED_WEBHOOK = "http://127.0.0.1:8060/dingtalk/netsky/send"

FINE = dict.fromkeys((province.slug for province in PROVINCES), 0.002)
DEAD = dict.fromkeys(FINE, 1.0)

_TARGETS = 1000


def some_lossy(provinces: int, loss: float) -> dict[str, float]:
    """By province the loss ratio, where so many of them have this one and the others are fine."""
    return FINE | dict.fromkeys(list(FINE)[:provinces], loss)


@dataclass
class Chain:
    """Servers that run, and the notices that the webhook was sent so far."""

    folder: Path
    pushgateway: str
    prometheus: str
    notices: list[dict[str, Any]]
    minute: float  # what a minute of the shipped waits takes, in seconds

    def line(self, egress: str = "unicom-1", isp: str = "cu") -> Line:
        """A line that has been fine for some minutes, with its mean computed."""
        made = Line(self.folder, self.pushgateway, egress, isp)
        for minutes in (4, 3, 2, 1):
            made.sweep(FINE, ago=timedelta(minutes=minutes))
        made.run("netsky_get_avg_lossrate")
        made.judge()
        return made


class Line:
    """What the probe would leave behind of a line, in a database and pushed; the other tools are real."""

    def __init__(self, folder: Path, pushgateway: str, egress: str, isp: str) -> None:
        self.folder, self.pushgateway, self.egress, self.isp = folder, pushgateway, egress, isp
        url = fill_url(f"sqlite:///{folder}/netsky_{{isp}}.db", isp, egress)
        self.database = Database(url, timeout=5)

    def sweep(self, losses: Mapping[str, float], *, ago: timedelta = timedelta(0)) -> None:
        """By province the loss ratio."""
        started_at = datetime.now(UTC) - ago
        qualities = [
            make_quality(
                province,
                loss_ratio=loss,
                targets=_TARGETS,
                packets_sent=_TARGETS,
                packets_received=round(_TARGETS * (1 - loss)),
            )
            for province, loss in losses.items()
        ]
        store_sweep(self.database, self.isp, self.egress, started_at, qualities)
        sweep = make_sweep({province: [0.03] for province in losses}, egress=self.egress)
        library = dataclasses.replace(sweep.library, isp=self.isp)
        sweep = dataclasses.replace(sweep, library=library, started_at=started_at)
        Pushgateway(self.pushgateway, timeout=5).push(probe_metrics(sweep, qualities))

    def run(self, tool: str, *arguments: str) -> None:
        arguments = ("--pushgateway", self.pushgateway, *arguments)
        done = run_tool(self.folder, tool, *arguments, isp=self.isp)
        assert done.returncode in (0, 3), done.stderr

    def judge(self, *arguments: str) -> None:
        self.run("netsky_alert", "--egress", self.egress, *arguments)

    def sweep_and_judge(self, losses: Mapping[str, float]) -> None:
        self.sweep(losses)
        self.judge()


def alertmanager_config(*, webhook: str | None = None, times: int = 1) -> str:
    """The shipped configuration, its notices sent to `webhook` or nowhere, so many times as fast."""
    text = (ALERTMANAGER / "alertmanager.yml").read_text(encoding="utf-8")
    assert SHIPPED_WEBHOOK in text
    text = text.replace(SHIPPED_WEBHOOK, webhook or f"http://127.0.0.1:{free_port()}/")
    return _faster(text, r"\b(group_wait|group_interval): (\d+[smh])", times)


def prometheus_config(folder: Path, *, pushgateway: str, alertmanager: str, times: int = 1) -> str:
    """The shipped configuration, so many times as fast; its rules go into `folder`.

    What looks back for hours and what alerts on netsky itself keep their times.
    """
    rules = (PROMETHEUS / "netsky.rules.yml").read_text(encoding="utf-8")
    network, itself = rules.split("  - name: netsky_itself\n")
    network = _faster(network, r"\b(for|keep_firing_for|interval): (\d+[smh])", times)
    for waits in ("offset 3m", "offset 30s", "netsky_loss_provinces[1m"):
        assert waits in network
        shorter = re.sub(r"\d+[smh]$", lambda found: _divided(found[0], times), waits)
        network = network.replace(waits, shorter)
    rules = f"{network}  - name: netsky_itself\n{itself}"
    (folder / "netsky.rules.yml").write_text(rules, encoding="utf-8")
    text = (PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8")
    for shipped, url in (("127.0.0.1:9091", pushgateway), ("127.0.0.1:9093", alertmanager)):
        assert f'targets: ["{shipped}"]' in text
        text = text.replace(f'targets: ["{shipped}"]', f'targets: ["{urlsplit(url).netloc}"]')
    return _faster(text, r"\b(scrape_interval|evaluation_interval): (\d+[smh])", times)


def _faster(text: str, pattern: str, times: int) -> str:
    """Divide each duration of these settings, which are name and value."""
    return re.sub(pattern, lambda found: f"{found[1]}: {_divided(found[2], times)}", text)


def _divided(duration: str, times: int) -> str:
    """`1m` by 30 is `2000ms`."""
    if times == 1:
        return duration
    seconds = int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]
    return f"{seconds * 1000 // times}ms"


@contextmanager
def run_chain(folder: Path, *, times: int = 1, exits: int = 2) -> Iterator[Chain]:
    """Pushgateway, Prometheus, Alertmanager and a webhook, all waits of them divided by `times`.

    There are so many exits, `unicom-1` the first.
    """
    tables = [f'[egress.unicom-{n}]\nsource = "127.0.0.1"\n' for n in range(1, exits + 1)]
    (folder / "netsky.toml").write_text("".join(tables), encoding="utf-8")
    folders = {name: folder / name for name in ("pushgateway", "prometheus", "alertmanager")}
    for made in folders.values():
        made.mkdir()
    (folders["alertmanager"] / "netsky.tmpl").write_bytes(
        (ALERTMANAGER / "netsky.tmpl").read_bytes()
    )
    with (
        run_webhook() as (webhook, notices),
        run_pushgateway(folders["pushgateway"]) as pushgateway,
        run_alertmanager(
            folders["alertmanager"], alertmanager_config(webhook=webhook, times=times)
        ) as alertmanager,
        run_prometheus(
            folders["prometheus"],
            prometheus_config(
                folders["prometheus"],
                pushgateway=pushgateway,
                alertmanager=alertmanager,
                times=times,
            ),
        ) as prometheus,
    ):
        yield Chain(folder, pushgateway, prometheus, notices, 60 / times)
