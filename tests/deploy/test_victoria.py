"""The rules on a real VictoriaMetrics: what metrics_url sends, evaluated by a real vmalert.

What differs from a Pushgateway: a value is gone 5 minutes after its own time, and what a newer run does
not mention stays until then. Neither may end an alert or let it stand.
"""

import re
import time

import pytest

from netsky import figures
from netsky.figures import Gauge
from netsky.outlets import metrics
from netsky.outlets.metrics import MetricGroup
from netsky.outlets.time_series import TimeSeries
from testing import ROOT
from testing.http import http_recorder
from testing.prometheus import query
from testing.servers import wait_until
from testing.victoria import run_victoria, run_vmalert

RULES = ROOT / "deploy" / "prometheus" / "netsky.rules.yml"
MINUTE, HOUR = 60, 3600
BEIJING, HAINAN = ("beijing", "北京"), ("hainan", "海南")
SEVERITIES = ("medium", "heavy", "critical")


class Site:
    """What the tools of a site have sent; each exit is a case of its own."""

    def __init__(self, outlet):
        self._outlet = outlet
        self.now = time.time()

    def _say(self, job, egress, isp, ago, samples):
        group = MetricGroup(job, egress, isp, self.now - ago, samples)
        self._outlet.send([group])

    def sweep(self, egress, *, ago=0, isp="cu", lost=(0,), provinces=(BEIJING, HAINAN), spooled=0):
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
                metrics.SWEEP_TIMESTAMP: [((), at)],
                metrics.SWEEP_LOCAL_DROPS: [((), 0)],
                metrics.SPOOL_SWEEPS: [((), spooled)],
            },
        )

    def verdict(self, egress, *, ago=0, isp="cu", active=None, not_judged=()):
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


def for_vmalert(text):
    """The shipped rules as a quick vmalert takes them that is older than keep_firing_for."""
    text = re.sub(r"\n +keep_firing_for: .+", "", text)
    text = re.sub(r"\bfor: \d+[sm]\b", "for: 2s", text)
    return text.replace("\n    interval: 1m\n", "\n    interval: 1s\n")


@pytest.fixture(scope="module")
def victoria(tmp_path_factory):
    folder = tmp_path_factory.mktemp("victoria")
    with run_victoria(folder) as url, http_recorder() as (alertmanager, _):
        fill(Site(TimeSeries(url, folder / "spool", timeout=5, mode=0o600)))
        rules = folder / "rules.yml"
        rules.write_text(for_vmalert(RULES.read_text(encoding="utf-8")), encoding="utf-8")
        with run_vmalert(folder, rules, victoria=url, alertmanager=alertmanager):
            # The last to come: each rule sees what the ones before it have recorded a while later.
            dead = {"NetskyExitDown"}
            wait_until(lambda: firing(url, egress="dead") == dead, what="a dead exit", seconds=150)
            yield url


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
