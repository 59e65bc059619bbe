"""One morning, with real servers: loss comes and goes, the alert with it, and Prometheus sees it."""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from netsky.places import PROVINCES
from testing.commands import run_command, run_tool, tool_command
from testing.farside import Network, far_prefix, network, write_far_library
from testing.netns import needs_root
from testing.prometheus import query, run_prometheus, scraping_pushgateway
from testing.servers import MariaDB, wait_until

__all__ = ["network"]

EGRESS = "story"
SLUGS = [province.slug for province in PROVINCES]
TABLES = ("netsky_lossrate", "netsky_abnormalrate", "netsky_latency", "netsky_avg_lossrate")


@dataclass(frozen=True)
class Morning:
    """A data centre with a network that can be spoiled, all its servers, and a quick clock."""

    folder: Path
    network: Network
    mariadb: MariaDB
    pushgateway: str
    prometheus: str

    @property
    def database(self):
        """Through its Unix socket, which can be reached from every network namespace."""
        return f"mysql+pymysql://root@localhost/netsky_{{isp}}?unix_socket={self.mariadb.socket}"

    def sweep(self, *, loss=None):
        """One sweep by the probe, while the far side drops that percentage of each province."""
        time.sleep(1.1)  # `update_time` has whole seconds
        rules = [
            f"ip daddr {far_prefix(SLUGS.index(slug))} numgen inc mod 100 < {percent}"
            for slug, percent in (loss or {}).items()
        ]
        arguments = ["--library", "library", "--window", "0", "--egress", EGRESS]
        command = tool_command("netsky_probe", *arguments, "--no-push")
        [wire] = self.network.wires
        with wire.drop(*rules):
            done = run_command(
                self.folder, self.network.probe.command(*command), NETSKY_DATABASE=self.database
            )
            assert (done.returncode, done.stderr) == (0, "")
            dropped = wire.dropped()
        assert self.newest_losses() == {
            slug: pytest.approx(packets / 2)  # of 200, in percent
            for slug, packets in zip(loss or (), dropped, strict=True)
        }

    def newest_losses(self):
        rows = self.mariadb.execute(
            "SELECT name, value FROM netsky_cu.netsky_lossrate WHERE value > 0 AND update_time = "
            "(SELECT MAX(update_time) FROM netsky_cu.netsky_lossrate)"
        )
        return {name.split("_")[2]: value for name, value in rows}

    def an_hour_passes(self):
        for table in TABLES:
            self.mariadb.execute(
                f"UPDATE netsky_cu.{table} SET update_time = update_time - INTERVAL 1 HOUR "
                "ORDER BY update_time"
            )
        for table, column in (
            ("netsky_sweep", "started_at"),
            ("netsky_usual", "start"),
            ("netsky_usual", "swept_at"),
            ("netsky_usual_bucket", "start"),
        ):
            self.mariadb.execute(
                f"UPDATE netsky_cu.{table} SET {column} = {column} - INTERVAL 1 HOUR "
                f"ORDER BY {column}"
            )

    def average(self):
        self.run("netsky_get_avg_lossrate", f"egresses={EGRESS} renewed=31 left_alone=0")

    def judge(self, expected):
        self.run("netsky_alert", expected, "--egress", EGRESS)

    def run(self, tool, expected, *arguments):
        arguments = [*arguments, "--pushgateway", self.pushgateway]
        done = run_tool(self.folder, tool, *arguments, NETSKY_DATABASE=self.database)
        assert (done.returncode, done.stderr) == (0, "")
        assert expected in done.stdout

    def sees(self, **active):
        """Wait until Prometheus has just these severities as 1 and the others as 0."""
        wanted = {"medium": 0.0, "heavy": 0.0, "critical": 0.0} | active
        promql = f'netsky_alert{{job="netsky_alert",egress="{EGRESS}",isp="cu"}}'

        def seen():
            series = query(self.prometheus, promql)
            return wanted == {s["metric"]["severity"]: float(s["value"][1]) for s in series}

        wait_until(seen, what=f"Prometheus sees {wanted}")

    def increase(self, slug):
        promql = f'netsky_loss_increase_ratio{{egress="{EGRESS}",province="{slug}"}}'
        [series] = query(self.prometheus, promql)
        return float(series["value"][1])


@pytest.fixture
def morning(network, mariadb_with_schema, pushgateway, tmp_path):
    write_far_library(tmp_path / "library", targets=200, isp="cu")
    (tmp_path / "netsky.toml").write_text(f"[egress.{EGRESS}]\nsource = '192.0.2.1'\n")
    folder = tmp_path / "prometheus"
    folder.mkdir()
    with run_prometheus(folder, scraping_pushgateway(pushgateway)) as prometheus:
        yield Morning(tmp_path, network, mariadb_with_schema, pushgateway, prometheus)


@needs_root
def test_an_alert_goes_from_medium_over_heavy_and_critical_to_none(morning):
    for _ in range(3):
        morning.sweep()
    morning.average()
    morning.judge("active=- undetermined=- judged=31")
    morning.sees()

    # Three provinces begin to lose packets.
    three = dict.fromkeys(["guangdong", "guangxi", "hainan"], 7)
    morning.an_hour_passes()
    morning.average()
    morning.sweep(loss=three)
    morning.judge("active=medium undetermined=- judged=31 elevated=3 severe=0")
    morning.sees(medium=1)
    assert morning.increase("hainan") == pytest.approx(0.07)

    # An hour later nothing of it has been learned; a fourth province joins them.
    morning.an_hour_passes()
    morning.average()
    four = three | {"fujian": 6}
    morning.sweep(loss=four)
    morning.judge("active=heavy undetermined=- judged=31 elevated=4 severe=0")
    morning.sees(heavy=1)
    assert morning.increase("hainan") == pytest.approx(0.07)
    assert morning.increase("fujian") == pytest.approx(0.06)

    # One of them breaks down.
    morning.sweep(loss=four | {"fujian": 6, "xizang": 60})
    morning.judge("active=critical,heavy undetermined=- judged=31 elevated=4 severe=1")
    morning.sees(heavy=1, critical=1)

    # All is well again.
    morning.sweep()
    morning.judge("active=- undetermined=- judged=31 elevated=0 severe=0 worst=-")
    morning.sees()
    assert morning.increase("xizang") == 0
