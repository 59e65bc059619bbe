"""What could make the icmp engine cheaper still, tried one thing at a time: `make bench-variants`.

The same sweep of half a million targets behind a veth pair, as fast as it can, with one thing
changed. Every variant runs in turn with the engine as it is, and the ratio is of that pair; the
table has medians. What would change the engine for the better belongs into it, not in here.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from bench.engines import far_address
from netsky.places import PROVINCES
from testing.farside import Network, make_network

ROUNDS = 3

SWEEP = """
import json, pathlib, resource, socket, sys
import numpy as np
from netsky.targets import library
from netsky.engines import icmp, icmp_receiver, icmp_sender, icmp_socket, libc
from netsky.places import Egress
from netsky.sweep import ProbePlan
from bench.packet_sockets import use_packet_socket, use_packet_ring
directory, far_address, interface, source, variant = sys.argv[1:]
targets = library.load(pathlib.Path(directory), "demo")
exec(variant)
sweep = icmp.IcmpEngine().sweep(
    targets, Egress(), ProbePlan(window=0, rate=10_000_000), lambda packets: None
)
usage = resource.getrusage(resource.RUSAGE_SELF)
rtts = sweep.rtt_seconds[~np.isnan(sweep.rtt_seconds)]
print(json.dumps({
    "wall": sweep.duration_seconds,
    "user": usage.ru_utime,
    "system": usage.ru_stime,
    "lost": sweep.packets_sent - sweep.packets_received,
    "p99": float(np.quantile(rtts, 0.99)),
}))
"""

KERNEL_WRITES_IP_HEADER = """
EchoRequests = icmp_sender.EchoRequests
icmp_sender.EchoRequests = lambda *slots, raw, **options: EchoRequests(*slots, raw=False, **options)
socket.IPPROTO_RAW = socket.IPPROTO_ICMP
"""
KERNEL_CHOOSES_IP_ID = """
class EchoRequests(icmp_sender.EchoRequests):
    def __init__(self, *slots, **options):
        super().__init__(*slots, **options)
        self._ip["id"] = 0
        self._ip["fragment"] = 0
icmp_sender.EchoRequests = EchoRequests
"""
BUSY_POLL = """
set_receive_buffer = icmp_socket._set_receive_buffer
def busy_poll(sock, size):
    set_receive_buffer(sock, size)
    sock.setsockopt(socket.SOL_SOCKET, 46, 50)  # SO_BUSY_POLL, microseconds
icmp_socket._set_receive_buffer = busy_poll
"""
IN_ORDER = """
icmp._random_order = lambda targets, count: np.arange(targets * count, dtype=np.uint32)
"""
VARIANTS = {
    "batches of 8": "icmp_sender.BATCH = 8",
    "batches of 16": "icmp_sender.BATCH = 16",
    "batches of 64": "icmp_sender.BATCH = 64",
    "batches of 256": "icmp_sender.BATCH = 256",
    "batches of 1024": "icmp_sender.BATCH = 1024",
    "the kernel writes the IP header": KERNEL_WRITES_IP_HEADER,
    "the kernel chooses the IP id, no DF": KERNEL_CHOOSES_IP_ID,
    "no socket filter": "libc.attach_filter = lambda sock, instructions: None",
    "busy polling in the receiver": BUSY_POLL,
    "the receiver waits for each packet": "icmp_receiver.REST_SECONDS = 0.0004",
    "the receiver rests 1 ms": "icmp_receiver.REST_SECONDS = 0.001",
    "the receiver rests 20 ms": "icmp_receiver.REST_SECONDS = 0.02",
    "replies sorted out by 1,024": "icmp_receiver.SLOTS = 1024",
    "targets in order of address": IN_ORDER,
    "packet socket past the queue": "use_packet_socket(interface, source, far_address)",
    "packet ring past the queue": "use_packet_ring(interface, source, far_address)",
}


def main(*wanted: str) -> None:
    with tempfile.TemporaryDirectory() as folder, make_network() as network:
        library = Path(folder) / "demo"
        library.mkdir()
        for index, province in enumerate(PROVINCES):
            (library / f"{province.slug}.txt").write_text(f"10.{16 + index}.0.0/18\n")
        print(f"{(1 << 14) * len(PROVINCES):,} targets, medians of {ROUNDS} pairs")
        print(f"{'changed':38} wall s  user s   sys s    lost  RTT p99 ms  ratio")
        show("nothing", [sweep(network, folder, "") for _ in range(ROUNDS)], [1.0])
        for name, variant in VARIANTS.items():
            if not wanted or name in wanted:
                runs, ratios = [], []
                for _ in range(ROUNDS):
                    run, plain = sweep(network, folder, variant), sweep(network, folder, "")
                    runs.append(run)
                    ratios.append(run["wall"] / plain["wall"])
                show(name, runs, ratios)


def sweep(network: Network, folder: str, variant: str) -> dict[str, float]:
    wire = network.wires[0]
    arguments = [folder, far_address(network), wire.interface, wire.source, variant]
    here = str(Path(__file__).resolve().parents[1])
    command = ["env", f"PYTHONPATH={here}", sys.executable, "-c", SWEEP, *arguments]
    figures: dict[str, float] = json.loads(network.probe.run(*command))
    return figures


def show(name: str, runs: list[dict[str, float]], ratios: list[float]) -> None:
    median = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    print(
        f"{name:38} {median['wall']:6.2f} {median['user']:7.2f} {median['system']:7.2f} "
        f"{median['lost']:7.0f} {1000 * median['p99']:11.3f} {statistics.median(ratios):6.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
