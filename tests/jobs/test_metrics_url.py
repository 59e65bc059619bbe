"""The three tools with metrics_url: nothing is lost, whatever is away, and nothing is there twice."""

import json
import time

import pytest

from netsky.outlets.metrics import ALERT_JOB, BASELINE_JOB, PROBE_JOB
from testing.faults.three_tools import (
    ALERT,
    AVERAGE,
    PROBE,
    TOOLS,
    error_of,
    errors_of,
    fill_database,
    make_site,
    run,
    sweeps_in,
)
from testing.http import http_recorder
from testing.servers import free_port
from testing.victoria import exported, run_victoria


@pytest.fixture(scope="module")
def victoria(tmp_path_factory):
    with run_victoria(tmp_path_factory.mktemp("victoria")) as url:
        yield url


@pytest.fixture
def site(tmp_path):
    return make_site(tmp_path)


def sweeps_at(url, egress):
    """When the sweeps began that are known, in whole seconds, and what they say of it themselves."""
    found = exported(url, f'{{egress="{egress}"}}').get("netsky_sweep_timestamp_seconds", [])
    assert all(at == pytest.approx(1000 * value, abs=1) for at, value, _ in found)
    return [at // 1000 for at, _, _ in found]


def exit_of(site, name):
    (site / "netsky.toml").write_text(f'[egress.{name}]\nsource = "127.0.0.1"\n')
    return "--egress", name


def test_each_tool_sends_to_it_beside_the_pushgateway(victoria, site):
    fill_database(f"sqlite:///{site}/netsky_cu.db")
    with http_recorder(202) as (pushgateway, pushed):
        for tool in TOOLS:
            done = run(site, tool, "--metrics-url", victoria, "--pushgateway", pushgateway)
            assert (done.returncode, done.stderr) == (0, "")
    samples = exported(victoria, '{egress="default"}')
    jobs = {labels["job"] for found in samples.values() for _, _, labels in found}
    assert jobs == {PROBE_JOB, BASELINE_JOB, ALERT_JOB}
    assert {request.path.split("/")[3] for request in pushed} == jobs
    for metric in ("netsky_loss_ratio", "netsky_loss_baseline_ratio", "netsky_loss_increase_ratio"):
        assert len(samples[metric]) == 31, metric
    assert list((site / "spool" / "metrics").rglob("*.gz")) == []


def test_sweeps_that_neither_the_database_nor_it_took_are_filled_in_everywhere_once(victoria, site):
    line = exit_of(site, "cut-off")
    away = {"NETSKY_DATABASE": f"mysql://netsky@127.0.0.1:{free_port()}/netsky_cu"}
    nowhere = ("--metrics-url", f"http://127.0.0.1:{free_port()}")
    started = []
    for _ in range(2):
        done = run(site, PROBE, *line, *nowhere, "--format", "json", **away)
        assert len(errors_of(done, 3)) == 2
        started.append(json.loads(done.stdout)["sweep"]["started_at"])
        time.sleep(1.1)  # the database knows whole seconds
    # It is back, the database is not: these sweeps are not sent again when that is.
    done = run(site, PROBE, *line, "--metrics-url", victoria, **away)
    assert "database" in error_of(done, 3)
    assert len(sweeps_at(victoria, "cut-off")) == 3
    time.sleep(1.1)
    done = run(site, PROBE, *line, "--metrics-url", victoria)
    assert (done.returncode, done.stderr) == (0, "")
    assert sweeps_in(site / "netsky_cu.db") == 4
    at = sweeps_at(victoria, "cut-off")
    assert len(set(at)) == len(at) == 4
    assert len(set(started)) == 2


def test_a_flush_brings_what_waits(victoria, site):
    line = exit_of(site, "flushed")
    done = run(site, PROBE, *line, "--metrics-url", f"http://127.0.0.1:{free_port()}")
    assert "; metrics of 1 runs wait in spool/metrics/netsky_probe.cu.flushed" in error_of(done, 3)
    done = run(site, PROBE, *line, "--metrics-url", victoria, "--flush")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(sweeps_at(victoria, "flushed")) == 1
    assert sweeps_in(site / "netsky_cu.db") == 1


@pytest.mark.parametrize(("tool", "job"), [(AVERAGE, BASELINE_JOB), (ALERT, ALERT_JOB)])
def test_verdicts_and_means_wait_as_well(victoria, site, tool, job):
    fill_database(f"sqlite:///{site}/netsky_cu.db")
    done = run(site, tool, "--metrics-url", f"http://127.0.0.1:{free_port()}")
    assert "Connection refused" in error_of(done, 3)
    assert len(list((site / "spool" / "metrics" / f"{job}.cu.default").iterdir())) == 1
    assert run(site, tool, "--metrics-url", victoria).returncode == 0
    assert list((site / "spool" / "metrics").rglob("*.gz")) == []


def test_with_no_push_nothing_is_sent(site):
    with http_recorder() as (url, requests):
        done = run(site, PROBE, "--metrics-url", url, "--no-push")
    assert (done.returncode, requests) == (0, [])
    assert not (site / "spool" / "metrics").exists()
