"""How exact RTTs are while sweeping at full pace: `make bench-rtt`.

A sample of 4,000 targets lies behind a TUN device that answers after 5, 20, 50 and 200 ms, among
a million that the kernel of the far side answers for. The truth is what the kernel saw on the TUN
device: a packet socket's time stamps of request and reply.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from farside import make_network, tun_observer, tun_responder, write_far_library
from netsky.engines.icmp import IcmpEngine
from netsky.places import PROVINCES
from netsky.sweep import ProbePlan

DELAYS = (0.005, 0.02, 0.05, 0.2)
SAMPLE_OF_EACH = 1000
ROUNDS = 3
MEDIAN_LIMIT, P99_LIMIT = 0.2, 1.0  # ms


def main() -> None:
    behaviours = {f"10.{16 + index}.": ["delayed", delay] for index, delay in enumerate(DELAYS)}
    with tempfile.TemporaryDirectory() as folder, make_network() as network:
        directory, seen = Path(folder) / "library", Path(folder) / "seen.json"
        sampled, others = PROVINCES[: len(DELAYS)], PROVINCES[len(DELAYS) :]
        write_far_library(directory, targets=SAMPLE_OF_EACH, provinces=sampled)
        for index, province in enumerate(others):
            file = directory / "demo" / f"{province.slug}.txt"
            file.write_text(f"10.{16 + len(DELAYS) + index}.0.0/17\n")
        for _ in range(ROUNDS):
            with tun_responder(network.probe, behaviours), tun_observer(network.probe, seen):
                sweep = network.sweep(IcmpEngine(), directory, ProbePlan())
            truth = json.loads(seen.read_text())
            sample = sweep.library.slice_of(len(DELAYS) - 1).stop
            addresses = [dotted(address) for address in sweep.library.addresses[:sample].tolist()]
            measured = sweep.rtt_seconds[:sample, 0]
            errors = np.abs(measured - np.array([truth[address][0] for address in addresses]))
            median, p90, p99, worst = 1000 * np.quantile(errors, (0.5, 0.9, 0.99, 1))
            lost = sweep.packets_sent - sweep.packets_received
            print(
                f"{sweep.library.targets:,} targets in {sweep.duration_seconds:.1f} s, lost {lost};"
                f" error of {sample:,} RTTs in ms: median {median:.3f}, p90 {p90:.3f}, "
                f"p99 {p99:.3f}, worst {worst:.3f}"
            )
            if median > MEDIAN_LIMIT or p99 > P99_LIMIT:
                raise SystemExit(f"more than {MEDIAN_LIMIT} ms or {P99_LIMIT} ms: not exact enough")


def dotted(address: int) -> str:
    return ".".join(str(octet) for octet in address.to_bytes(4, "big"))


if __name__ == "__main__":
    main()
