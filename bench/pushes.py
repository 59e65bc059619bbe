"""What a push costs a Pushgateway with so many groups, and VictoriaMetrics: seconds of the server's CPU.

Each group is a sweep of 31 provinces; both servers are of Debian, in a temporary folder and gone afterwards.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from netsky.aggregate import aggregate
from netsky.outlets.metrics import MetricGroup, probe_metrics
from netsky.outlets.pushgateway import Pushgateway
from netsky.outlets.time_series import TimeSeries
from netsky.places import PROVINCES
from testing.samples import make_sweep
from testing.servers import accepts_connections, free_port, program, start_server, stop_server

PUSHES = 20
FLAG = "--push.disable-consistency-check"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, nargs="+", default=[1, 20, 60, 240])
    groups = parser.parse_args().groups
    gateway = ["prometheus-pushgateway", "--persistence.file=", "--web.listen-address=127.0.0.1:{}"]
    victoria = ["victoria-metrics", "-httpListenAddr=127.0.0.1:{}", "-storageDataPath=data"]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, command, send in (
        ("Pushgateway", gateway, push),
        (f"Pushgateway {FLAG}", [*gateway, FLAG], push),
        ("metrics_url", victoria, post),
    ):
        for count in groups:
            bench(name, command, send, count)


def push(url: str, group: MetricGroup) -> None:
    Pushgateway(url, timeout=30).push(group)


def post(url: str, group: MetricGroup) -> None:
    TimeSeries(url, Path("waits"), timeout=30, mode=0o600).send([group])


def bench(
    name: str, command: list[str], send: Callable[[str, MetricGroup], None], groups: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        port = free_port()
        started = [program(command[0]), *(part.format(port) for part in command[1:])]
        server = start_server(
            started, ready=lambda: accepts_connections(port), log=Path(folder, "log")
        )
        try:
            url = f"http://127.0.0.1:{port}"
            for number in range(groups):
                send(url, group_of(number))
            before, walls = cpu_seconds(server.pid), []
            for number in range(PUSHES):
                begun = time.perf_counter()
                send(url, group_of(number % groups))
                walls.append(time.perf_counter() - begun)
            cost = (cpu_seconds(server.pid) - before) / PUSHES
        finally:
            stop_server(server)
            os.chdir("/")
    print(f"{name:55} {groups:4} groups: {1000 * cost:6.1f} ms CPU, {1000 * median(walls):6.1f} ms")


def group_of(number: int) -> MetricGroup:
    sweep = make_sweep({province.slug: [0.03, 0.04] for province in PROVINCES})
    group = probe_metrics(sweep, aggregate(sweep, abnormal_rtt=0.3))
    return replace(group, egress=f"exit-{number}", at=time.time())


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
