"""A real VictoriaMetrics of our own, as the servers in `servers`; what is asked of it is in `prometheus`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from testing.http import answers
from testing.servers import free_port, program, running

END = 4102444800  # else VictoriaMetrics leaves out what is of this second


@contextmanager
def run_victoria(folder: Path, *options: str) -> Iterator[str]:
    """VictoriaMetrics with its data below `folder`; its URL. Twice the same sample is one, as documented."""
    port = free_port()
    command = [program("victoria-metrics"), f"-storageDataPath={folder / 'data'}"]
    command += [f"-httpListenAddr=127.0.0.1:{port}", "-dedup.minScrapeInterval=1ms", *options]
    command += ["-retentionPeriod=100y", "-memory.allowedBytes=64MB", "-search.latencyOffset=0s"]
    url = f"http://127.0.0.1:{port}"
    with running(command, ready=lambda: answers(f"{url}/health"), log=folder / "log"):
        yield url


def flush(url: str) -> None:
    """What was taken can be read from now on."""
    urlopen(f"{url}/internal/force_flush", timeout=30).close()


def exported(url: str, selector: str) -> dict[str, list[tuple[int, float, dict[str, Any]]]]:
    """All samples by metric: milliseconds, value, and the labels of the series."""
    flush(url)
    samples: dict[str, list[tuple[int, float, dict[str, Any]]]] = {}
    with urlopen(
        f"{url}/api/v1/export?{urlencode({'match[]': selector, 'end': END})}", timeout=30
    ) as answer:
        for line in answer:
            series = json.loads(line)
            labels = series["metric"]
            name = labels.pop("__name__")
            for at, value in zip(series["timestamps"], series["values"], strict=True):
                samples.setdefault(name, []).append((at, value, labels))
    return samples


@contextmanager
def run_vmagent(folder: Path, *, victoria: str, relabelings: Path) -> Iterator[str]:
    """vmagent, which hands on what it takes, relabeled; its URL."""
    port = free_port()
    command = [program("vmagent"), f"-httpListenAddr=127.0.0.1:{port}"]
    command += [f"-remoteWrite.url={victoria}/api/v1/write", "-remoteWrite.flushInterval=100ms"]
    command += [f"-remoteWrite.relabelConfig={relabelings}"]
    command += [f"-remoteWrite.tmpDataPath={folder / 'vmagent'}", "-memory.allowedBytes=64MB"]
    url = f"http://127.0.0.1:{port}"
    with running(command, ready=lambda: answers(f"{url}/health"), log=folder / "vmagent.log"):
        yield url


@contextmanager
def run_vmalert(folder: Path, rules: Path, *, victoria: str, notifier: Path) -> Iterator[None]:
    """vmalert, which evaluates these rules each second, asks `victoria` and writes there what comes out.

    `notifier` is its configuration of whom to tell.
    """
    port = free_port()
    command = [program("vmalert"), f"-rule={rules}", f"-httpListenAddr=127.0.0.1:{port}"]
    command += [f"-datasource.url={victoria}", f"-remoteWrite.url={victoria}"]
    command += [f"-notifier.config={notifier}", "-evaluationInterval=1s"]
    command += ["-remoteWrite.flushInterval=200ms"]
    url = f"http://127.0.0.1:{port}"
    with running(command, ready=lambda: answers(f"{url}/health"), log=folder / "vmalert.log"):
        yield
