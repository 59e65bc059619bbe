"""Rules and national board on a real VictoriaMetrics: what metrics_url sends through a real vmagent, evaluated
by a real vmalert.

What differs from a Pushgateway: a value is gone 5 minutes after its own time, and what a newer run does
not mention stays until then. Neither may end an alert or let it stand.
"""

import json
import re
import subprocess
import time
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from netsky import figures
from netsky.figures import Gauge
from netsky.outlets import metrics
from netsky.outlets.metrics import MetricGroup
from netsky.outlets.time_series import TimeSeries
from testing import ROOT
from testing.commands import run_tool
from testing.http import http_recorder
from testing.prometheus import query
from testing.samples import write_library
from testing.servers import wait_until
from testing.sites import TOLD, VERDICTS, board_queries, metric_groups, substitute, verdicts
from testing.victoria import exported, flush, run_victoria, run_vmagent, run_vmalert

FOLDER = ROOT / "deploy" / "prometheus"
RELABELINGS = FOLDER / "site.relabel.yml"
MINUTE, HOUR = 60, 3600
BEIJING, HAINAN = ("beijing", "北京"), ("hainan", "海南")
SLOW = {"NetskyProvinceLatencyHigh", "NetskyLatencyHigh"}
SEVERITIES = ("medium", "heavy", "critical")


class Site:
    """What the tools of a site have sent; each exit is a case of its own."""

    def __init__(self, outlet):
        self._outlet = outlet
        self.now = time.time()

    def _say(self, job, egress, isp, ago, samples):
        group = MetricGroup(job, egress, isp, self.now - ago, samples)
        self._outlet.send([group])

    def sweep(
        self,
        egress,
        *,
        ago=0,
        isp="cu",
        lost=(0,),
        provinces=(BEIJING, HAINAN),
        latency=0.03,
        dropped_here=0,
        spooled=0,
        dropped=0,
    ):
        at = self.now - ago
        rows = [(province, loss) for province, loss in zip(provinces, lost, strict=False)]
        self._say(
            metrics.PROBE_JOB,
            egress,
            isp,
            ago,
            {
                figures.PACKETS_SENT: [(province, 1000) for province, _ in rows],
                figures.PACKETS_RECEIVED: [(province, 1000 - loss) for province, loss in rows],
                figures.LATENCY_MEAN: [(province, latency) for province, _ in rows],
                metrics.SWEEP_TIMESTAMP: [((), at)],
                metrics.SWEEP_LOCAL_DROPS: [((), dropped_here)],
                metrics.SPOOL_SWEEPS: [((), spooled)],
                metrics.SPOOL_DROPPED: [((), dropped)],
            },
        )

    def verdict(self, egress, *, ago=0, isp="cu", active=None, rises=(), not_judged=()):
        """`active`: of the severities which one stands, if any; None: nothing can be told."""
        alerts = [] if active is None else [((s,), int(s == active)) for s in SEVERITIES]
        self._say(
            metrics.ALERT_JOB,
            egress,
            isp,
            ago,
            {
                metrics.ALERT: alerts,
                metrics.ALERT_PROVINCES: alerts,
                metrics.INCREASE: rises,
                metrics.ALERT_NOT_JUDGED: [((*province, "stale"), 1) for province in not_judged],
                metrics.ALERT_TIMESTAMP: [((), self.now - ago)],
            },
        )

    def well(self, egress):
        """Sweeps and verdicts of now."""
        self.sweep(egress)
        self.verdict(egress, active="none")

    def say(self, job: str, gauge: Gauge, egress, labels, *, ago):
        self._say(job, egress, "cu", ago, {gauge: [(labels, self.now - ago)]})


def fill(site):
    site.well("well")
    # The probe and the alert have stopped; then loss was critical, and two sweeps waited.
    site.sweep("stopped", ago=10 * MINUTE, spooled=2)
    site.verdict("stopped", ago=10 * MINUTE, active="critical")
    site.sweep("half-a-day", ago=12 * HOUR - 20)
    site.verdict("half-a-day", ago=12 * HOUR - 20, active="none")
    # A mean that is computed each hour.
    site.well("hourly")
    at = metrics.BASELINE_TIMESTAMP
    site.say(metrics.BASELINE_JOB, at, "hourly", BEIJING, ago=50 * MINUTE)
    site.well("no-mean")
    site.say(metrics.BASELINE_JOB, at, "no-mean", BEIJING, ago=4 * HOUR)
    site.say(metrics.LIBRARY_JOB, metrics.LIBRARY_TIMESTAMP, "well", (), ago=13 * HOUR)
    # What a newer verdict does not mention.
    site.sweep("judged-again")
    site.verdict("judged-again", ago=2 * MINUTE, active="none", not_judged=[HAINAN])
    site.verdict("judged-again", active="none")
    site.sweep("not-judged")
    site.verdict("not-judged", active="none", not_judged=[HAINAN])
    site.sweep("cannot-be-told")
    site.verdict("cannot-be-told", ago=4 * MINUTE, active="critical")
    site.verdict("cannot-be-told")
    site.sweep("over")
    site.verdict("over", ago=4 * MINUTE, active="critical")
    site.verdict("over", active="none")
    # Of two provinces one is no longer measured.
    site.sweep("fewer", ago=2 * MINUTE, lost=(0, 1000))
    site.sweep("fewer", lost=(100,))
    for isp in ("cu", "cm"):
        site.sweep("dead", isp=isp, lost=(1000, 1000))
        site.verdict("dead", isp=isp, active="none")

    site.sweep("tainted", dropped_here=7)
    site.verdict("tainted", active="none")
    site.sweep("spool-full", ago=HOUR)
    site.sweep("spool-full", dropped=2)
    site.verdict("spool-full", active="none")
    site.sweep("spread", lost=(100, 100))
    site.verdict("spread", active="medium", rises=[(BEIJING, 0.08), (HAINAN, 0.08)])
    site.sweep("slow", latency=0.09)
    site.verdict("slow", active="none")


LATENCY_SO_FAR = "egress_isp_province:netsky_latency_mean_seconds:fresh"


def import_latency_so_far(url, now):
    """What the rules have recorded of `slow` in the hour before now."""
    labels = 'egress="slow",isp="cu",province="beijing",province_name="北京"'
    lines = [
        f"{LATENCY_SO_FAR}{{{labels}}} 0.03 {round(1000 * (now - ago))}\n"
        for ago in range(20 * MINUTE, HOUR, MINUTE)
    ]
    urlopen(f"{url}/api/v1/import/prometheus", "".join(lines).encode(), timeout=30).close()


def for_debians_vmalert(folder):
    """What docs/scale.md has done to the shipped rules, which a vmalert that is so old refuses."""
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    [command] = re.findall(
        r"^sed .+ netsky\.rules\.yml > netsky\.rules\.vmalert\.yml$", text, re.MULTILINE
    )
    (folder / "netsky.rules.yml").write_bytes((FOLDER / "netsky.rules.yml").read_bytes())
    subprocess.run(command, cwd=folder, shell=True, check=True, timeout=10)
    return folder / "netsky.rules.vmalert.yml"


def hasten(rules):
    """Let these evaluate each second, and wait for two."""
    text = re.sub(r"\bfor: \d+[sm]\b", "for: 2s", rules.read_text(encoding="utf-8"))
    text = text.replace("\n    interval: 1m\n", "\n    interval: 1s\n")
    assert "offset 30s" in text
    # Some passes ago: what a pass has recorded can be read a second later.
    rules.write_text(text.replace("offset 30s", "offset 5s"), encoding="utf-8")


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """The URL of VictoriaMetrics, where all has been evaluated, and what its Alertmanager was sent."""
    folder = tmp_path_factory.mktemp("victoria")
    with (
        run_victoria(folder) as url,
        run_vmagent(folder, victoria=url, relabelings=RELABELINGS) as agent,
        http_recorder() as (alertmanager, sent),
    ):
        outlet = TimeSeries(agent, folder / "spool", timeout=5, mode=0o600)
        site = Site(outlet)
        import_latency_so_far(url, site.now)
        fill(site)
        outlet.send(list(metric_groups()))
        probe(folder, agent)
        rules = for_debians_vmalert(folder)
        hasten(rules)
        notifier = folder / "notifier.yml"
        text = (FOLDER / "vmalert.notifier.yml").read_text(encoding="utf-8")
        notifier.write_text(text.replace("127.0.0.1:9093", urlsplit(alertmanager).netloc))
        with run_vmalert(folder, rules, victoria=url, notifier=notifier):
            # The last to come: each rule sees what the ones before it have recorded a while later.
            wait_for_all(lambda: firing(url, egress="dead") == {"NetskyExitDown"}, url)
            wait_for_all(lambda: firing(url, egress="slow") == SLOW, url)
            wait_for_all(lambda: "NetskyLossSpread" in firing(url, egress="spread"), url)
            yield url, sent


def wait_for_all(ready, url):
    """What is new VictoriaMetrics itself finds up to 10 seconds later."""
    wait_until(lambda: flush(url) or ready(), what="what is evaluated", seconds=150)


def probe(folder, agent):
    """One sweep of the probe itself, whose metrics are what it brings into vmagent."""
    write_library(folder / "library", isp="cu", targets=4)
    (folder / "netsky.toml").write_text('[egress.bj1-probe-1]\nsource = "127.0.0.1"\n')
    options = ("--library", "library", "--window", "0", "--egress", "bj1-probe-1")
    done = run_tool(folder, "netsky_probe", *options, "--metrics-url", agent)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def victoria(servers):
    return servers[0]


def firing(url, **labels):
    """The names of the alerts with these labels that fire."""
    matchers = "".join(f',{name}="{value}"' for name, value in labels.items())
    found = query(url, f'ALERTS{{alertstate="firing"{matchers}}}')
    return {series["metric"]["alertname"] for series in found}


@pytest.mark.parametrize(
    ("egress", "alerts"),
    [
        ("well", set()),
        (
            "stopped",
            {"NetskySweepStale", "NetskyAlertStale", "NetskyLossCritical", "NetskySpoolWaiting"},
        ),
        ("hourly", set()),
        ("no-mean", {"NetskyBaselineStale"}),
        ("judged-again", set()),
        ("not-judged", {"NetskyProvincesNotJudged"}),
        ("cannot-be-told", {"NetskyLossCritical"}),
        ("over", set()),
        ("dead", {"NetskyExitDown"}),
        ("tainted", {"NetskySweepTainted"}),
        ("spool-full", {"NetskySpoolLost"}),
        ("spread", {"NetskyLossMedium", "NetskyLossSpread", "NetskyProvinceLossElevated"}),
        ("slow", SLOW),
    ],
)
def test_what_is_known_of_an_exit_fires_and_nothing_else(victoria, egress, alerts):
    assert firing(victoria, egress=egress) == alerts


def test_what_is_about_no_exit(victoria):
    assert firing(victoria, egress="") == {"NetskyHeartbeat", "NetskyLibraryStale"}


def test_only_the_provinces_of_the_newest_sweep_count(victoria):
    [series] = query(victoria, 'egress_isp:netsky_loss:ratio{egress="fewer"}')
    assert float(series["value"][1]) == pytest.approx(0.1)


def test_a_probe_that_stopped_half_a_day_ago_stays_stopped(victoria):
    raw = 'last_over_time(netsky_sweep_timestamp_seconds{egress="half-a-day"}[12h])'
    wait_until(lambda: not query(victoria, raw), what="12 hours are over")
    time.sleep(3)  # for a few more evaluations
    assert firing(victoria, egress="half-a-day") == {"NetskySweepStale", "NetskyAlertStale"}
    [series] = query(victoria, 'egress_isp:netsky_sweep_age_seconds{egress="half-a-day"}')
    assert float(series["value"][1]) > 12 * HOUR


# Several sites


def test_what_the_probe_gave_vmagent_arrives_with_its_time_and_its_site(victoria):
    samples = exported(victoria, '{egress="bj1-probe-1",job="netsky_probe"}')
    [(milliseconds, seconds, labels)] = samples["netsky_sweep_timestamp_seconds"]
    assert milliseconds == pytest.approx(1000 * seconds, abs=1)
    assert labels == {
        "job": "netsky_probe",
        "egress": "bj1-probe-1",
        "isp": "cu",
        "site": "bj1",
    }
    assert len(samples["netsky_packets_sent"]) > 1


def test_a_server_without_vmagent_makes_the_site_itself(tmp_path):
    with run_victoria(tmp_path, f"-relabelConfig={RELABELINGS}") as url:
        outlet = TimeSeries(url, tmp_path / "spool", timeout=5, mode=0o600)
        outlet.send(list(metric_groups()))
        found = exported(url, "netsky_alert_timestamp_seconds")["netsky_alert_timestamp_seconds"]
    sites = {(labels["egress"], labels.get("site")) for _, _, labels in found}
    assert {("bj1-unicom-2", "bj1"), ("sh2-unicom-1", "sh2"), ("default", None)} <= sites


def test_whose_fault_it_is_is_told_as_on_prometheus_and_was_never_told_otherwise(victoria):
    wait_for_all(lambda: len(verdicts(victoria)) == len(TOLD), victoria)
    ever = {
        (
            (labels["site"], labels["isp"], labels["province"]),
            (rise, (labels["verdict"], labels["verdict_en"])),
        )
        for _, rise, labels in exported(victoria, f'{VERDICTS}{{site!=""}}')[VERDICTS]
    }
    assert ever == set(TOLD.items())


@pytest.mark.parametrize("expr", [pytest.param(expr, id=name) for name, _, expr in board_queries()])
def test_every_query_of_the_national_board_has_data_here_too(victoria, expr):
    assert query(victoria, substitute(expr))
    found = query(victoria, substitute(expr, site="bj1"))
    assert {series["metric"].get("site") for series in found} == {"bj1"}


def test_alerts_have_their_site_as_well(servers):
    _, sent = servers
    alerts = [alert["labels"] for request in sent for alert in json.loads(request.body)]
    of_site = [labels for labels in alerts if labels.get("egress", "").startswith("gz3-")]
    assert of_site
    assert {labels["site"] for labels in of_site} == {"gz3"}
