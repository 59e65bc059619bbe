"""docs/metrics.md: every metric with its labels, as it is really pushed, and queries that work."""

import json
import re
import sqlite3
from unittest.mock import patch
from urllib.request import urlopen

import pytest

from netsky.cli.engine_options import ChosenEngine
from netsky.judging.grading import NotJudged, Severity
from netsky.outlets.metrics import JOBS
from netsky.targets import candidate_files
from netsky.targets.candidate_files import BuildRecord
from testing import ROOT
from testing.answering import Clock, World, candidates
from testing.commands import run_tool, run_verb
from testing.memories import answered_always
from testing.prometheus import query, run_prometheus, scraping_pushgateway
from testing.samples import write_library
from testing.servers import run_pushgateway, wait_until

DOCUMENT = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(netsky_\w+)` \| (.*?) \|", re.MULTILINE)
QUERIES = re.findall(r"^```promql\n(.+?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)
OF_THE_GROUP = {"job", "instance", "egress", "isp"}


def documented():
    """By job: the labels of each metric."""
    sections = re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]
    jobs = {re.match(r"job `(\w+)`", section): section for section in sections}
    return {
        job[1]: {name: re.findall(r"`(\w+)`", labels) for name, labels in ROW.findall(section)}
        for job, section in jobs.items()
        if job
    }


@pytest.fixture(scope="module")
def pushed(tmp_path_factory):
    """The URL of a Pushgateway to which all three tools have pushed, with all there may be."""
    folder = tmp_path_factory.mktemp("pushed")
    write_library(folder / "library", isp="cu", targets=4)
    with run_pushgateway(folder) as url:
        to = ["--pushgateway", url]
        probe = ["netsky_probe", "--library", "library", "--window", "0", *to]
        assert run_tool(folder, *probe).returncode == 0
        answered_always(folder / "memory" / "netsky_cu.default.memory")
        assert run_tool(folder, *probe).returncode == 0
        average = ["netsky_get_avg_lossrate", "--min-samples", "1", *to]
        assert run_tool(folder, *average).returncode == 0
        forget_mean(folder / "netsky_cu.db", "beijing")  # so that it is not judged
        open_incident(folder / "netsky_cu.db")
        assert run_tool(folder, "netsky_alert", *to).returncode == 3
        discover(folder, *to)
        yield url


def discover(folder, *to):
    """Find addresses in a made-up world, so that a library is pushed, too."""
    candidate_files.save(folder / "candidates", candidates(8, 2), BuildRecord("2026-11-28", []))
    (folder / "netsky.toml").write_text('[library]\nconsent = "me"\ncontact = "me"\n')
    verb = ("discover", "--isp", "cu", "--candidates", "candidates", "--library", "found", "--yes")
    world = World(Clock(), steady=0.2)
    with patch.object(ChosenEngine, "open", lambda _self, _egress: world):
        assert run_verb(folder, "netsky_library", *verb, *to).returncode == 0


def open_incident(file):
    """One that begins now, so that there is something to be pushed of it."""
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT INTO netsky_incident (isp, egress, opened_at, changed_at, severity, peak_severity,"
            " peak_increase, peak_provinces, provinces) VALUES ('cu', 'default', '2026-11-25 12:00:00',"
            " '2026-11-25 12:00:00', 'critical', 'critical', 44, 1, '北京')"
        )
    connection.close()


def forget_mean(file, province):
    with sqlite3.connect(file) as connection:
        connection.execute(f"DELETE FROM netsky_avg_lossrate WHERE name LIKE '%{province}%'")
    connection.close()


def test_every_metric_of_every_job_is_there_with_its_labels():
    assert documented() == {
        job: {gauge.name: list(gauge.labels) for gauge in gauges} for job, gauges in JOBS.items()
    }


def test_what_is_documented_is_what_is_really_pushed(pushed):
    with urlopen(f"{pushed}/api/v1/metrics", timeout=5) as answer:
        groups = json.load(answer)["data"]
    found = {}
    for group in groups:
        metrics = {
            name: sorted(set(metric["labels"]) - OF_THE_GROUP)
            for name, family in group.items()
            if name.startswith("netsky_")
            for metric in family["metrics"]
        }
        found[group["labels"]["job"]] = metrics
    assert found == {
        job: {name: sorted(labels) for name, labels in metrics.items()}
        for job, metrics in documented().items()
    }


@pytest.mark.parametrize("value", [*NotJudged, *Severity])
def test_values_of_labels_are_listed(value):
    assert f"`{value}`" in DOCUMENT


def test_every_query_returns_data(pushed, tmp_path):
    assert len(QUERIES) == 6
    with run_prometheus(tmp_path, scraping_pushgateway(pushed)) as prometheus:
        wait_until(lambda: query(prometheus, "netsky_alert_judged_provinces"), what="a scrape")
        for promql in QUERIES:
            # There is no yesterday here.
            assert query(prometheus, promql.replace("offset 1d", "")), promql
