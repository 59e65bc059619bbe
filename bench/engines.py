"""The engines side by side, with zmap and masscan where installed: `make bench`.

One million targets behind a veth pair, in network namespaces of this run's own; the far side is
this machine's kernel and answers for all of 10.0.0.0/8, so that whatever is missing was lost by
the program. Each runs as a whole command, as fast as it can. The result is a table, and JSON in
the file named on the command line.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from netsky.places import PROVINCES
from testing import ROOT
from testing.farside import Network, make_network

TARGETS_PER_PROVINCE = 1 << 15
TARGETS = TARGETS_PER_PROVINCE * len(PROVINCES)
AS_FAST_AS_IT_CAN = ["--window", "0", "--rate", "10000000"]


@dataclass(frozen=True)
class Result:
    """What one program did with the million: seconds, MiB, packets."""

    program: str
    wall: float
    user: float
    system: float
    peak_memory: float
    falsely_lost: int
    rtt: bool


def main(output: str) -> None:
    with tempfile.TemporaryDirectory() as folder, make_network() as network:
        directory = Path(folder)
        write_targets(directory)
        results = [
            netsky(network, directory, "icmp"),
            netsky(network, directory, "fping"),
            *(run(network, directory) for run in (zmap, masscan) if shutil.which(run.__name__)),
        ]
        send_only = floor(network, directory)
        profile = profile_of_icmp(network, directory)
    show(results, send_only, profile)
    machine = describe_machine()
    document = {
        "machine": machine,
        "targets": TARGETS,
        "results": [asdict(result) for result in results],
        "send_only_seconds": send_only,
        "profile_percent": profile,
    }
    Path(output).write_text(json.dumps(document, indent=2) + "\n")
    print(f"\n{machine}\nalso in {output}")


def write_targets(directory: Path) -> None:
    folder = directory / "demo"
    folder.mkdir()
    cidrs = [f"10.{16 + index}.0.0/17" for index in range(len(PROVINCES))]
    for province, cidr in zip(PROVINCES, cidrs, strict=True):
        (folder / f"{province.slug}.txt").write_text(f"{cidr}\n")
    (directory / "targets").write_text("\n".join(cidrs) + "\n")


def netsky(network: Network, directory: Path, engine: str) -> Result:
    command = [
        *(sys.executable, str(ROOT / "netsky_probe.py"), "--isp", "demo", "--engine", engine),
        *("--library", str(directory), "--lock-dir", str(directory), "--no-store"),
        *("--format", "json", *AS_FAST_AS_IT_CAN),
    ]
    output, wall, usage = measure(network, command)
    sweep = json.loads(output)["sweep"]
    lost = sweep["packets_sent"] - sweep["packets_received"]
    return result(f"netsky {engine}", wall, usage, lost, rtt=True)


def zmap(network: Network, directory: Path) -> Result:
    found = directory / "zmap"
    empty = directory / "empty"
    empty.touch()
    command = [
        *("zmap", "-M", "icmp_echoscan", "-C", str(empty), "-b", str(empty), "-q", "-c", "1"),
        *("-w", str(directory / "targets"), "-i", "exit0", "-S", network.wires[0].source),
        *("-G", far_address(network), "-r", "10000000", "-o", str(found), "--disable-syslog"),
    ]
    _, wall, usage = measure(network, command)
    lost = TARGETS - len(set(found.read_text().split()))
    return result("zmap", wall, usage, lost, rtt=False)


def masscan(network: Network, directory: Path) -> Result:
    found = directory / "masscan"
    command = [
        *("masscan", "--ping", "-iL", str(directory / "targets"), "--rate", "10000000"),
        *("--adapter", "exit0", "--adapter-ip", network.wires[0].source, "--wait", "1"),
        *("--router-mac", far_address(network), "-oL", str(found)),
    ]
    _, wall, usage = measure(network, command)
    replies = re.findall(r"^open icmp 0 (\S+)", found.read_text(), re.MULTILINE)
    return result("masscan", wall, usage, TARGETS - len(set(replies)), rtt=False)


def far_address(network: Network) -> str:
    """The MAC address at the other end of the wire."""
    links = json.loads(network.wires[0].far.run("ip", "-json", "link", "show", "dev", "wire"))
    return str(links[0]["address"])


def result(
    program: str, wall: float, usage: resource.struct_rusage, lost: int, *, rtt: bool
) -> Result:
    memory = usage.ru_maxrss / 1024
    return Result(program, wall, usage.ru_utime, usage.ru_stime, memory, lost, rtt)


def measure(network: Network, command: list[str]) -> tuple[str, float, resource.struct_rusage]:
    """Standard output, wall seconds and resources of a command in the probe's namespace."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            network.probe.command("timeout", "300", *command),
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{command} failed with {process.returncode}")
        output.seek(0)
        return output.read().decode(), wall, usage


SEND_ONLY = """
import pathlib, sys, time
import numpy as np
from netsky.targets import library
from netsky.engines import icmp_sender
from netsky.engines.icmp_socket import open_sockets
from netsky.places import Egress
from netsky.sweep import ProbePlan
targets = library.load(pathlib.Path(sys.argv[1]), "demo")
slots = np.random.default_rng(1).permutation(targets.targets).astype(np.uint32)
plan = ProbePlan(window=0, rate=10_000_000)
cookies = np.zeros(targets.targets, np.uint64)
with open_sockets(Egress(), ident=1, receive_buffer=4096) as sockets:
    sender = icmp_sender.Sender(sockets, targets, slots, plan, ident=1, cookies=cookies)
    started = time.perf_counter()
    sender.run(lambda packets: None)
    print(time.perf_counter() - started)
"""


def floor(network: Network, directory: Path) -> float:
    """Seconds to send a million requests that nobody answers: the least that a sweep can take."""
    with network.wires[0].drop("ip ttl >= 1"):
        return float(network.probe.run(sys.executable, "-c", SEND_ONLY, str(directory)))


# What perf's call graph calls them, outermost first; the far side runs inside of the send.
PARTS = {
    "__x64_sys_sendmmsg": "sending (sendmmsg), all that follows included",
    "raw_sendmsg": "  raw_sendmsg",
    "process_backlog": "  far side and way back, in the softirq of the send",
    "icmp_echo": "    far side makes the reply (icmp_echo)",
    "raw_local_deliver": "    reply into our socket (raw_local_deliver)",
    "__x64_sys_recvmmsg": "receiving (recvmmsg)",
}


def profile_of_icmp(network: Network, directory: Path) -> dict[str, float]:
    """Percent of the samples of a whole `netsky icmp` run that lie in each part."""
    if not shutil.which("perf"):
        return {}
    data = str(directory / "perf.data")
    run: Callable[..., str] = network.probe.run
    run(
        *("perf", "record", "-q", "-g", "-e", "cpu-clock", "-F", "997", "-o", data),
        *(sys.executable, str(ROOT / "netsky_probe.py"), "--isp", "demo", "--engine", "icmp"),
        *("--library", str(directory), "--lock-dir", str(directory), "--no-store", "-q"),
        *AS_FAST_AS_IT_CAN,
    )
    report = run("perf", "report", "-i", data, "--children", "-g", "none", "--sort", "symbol")
    percents = {
        symbol: float(percent)
        for percent, symbol in re.findall(
            r"^\s+([\d.]+)%\s+[\d.]+%\s+\[\S\] (\S+)", report, re.MULTILINE
        )
    }
    parts = {name: percents.get(symbol, 0.0) for symbol, name in PARTS.items()}
    kernel = percents.get("entry_SYSCALL_64_after_hwframe", 0.0)
    parts["Python and numpy, start-up included"] = 100 - kernel
    return parts


def show(results: list[Result], send_only: float, profile: dict[str, float]) -> None:
    print(f"\n{TARGETS:,} targets, as fast as each can; ratio is wall time to netsky icmp\n")
    print("program        wall s  user s   sys s  peak MiB  falsely lost  RTT  ratio")
    for each in results:
        print(
            f"{each.program:13} {each.wall:7.1f} {each.user:7.1f} {each.system:7.1f} "
            f"{each.peak_memory:9.0f} {each.falsely_lost:13,} {'yes' if each.rtt else 'no':>4} "
            f"{each.wall / results[0].wall:6.2f}"
        )
    print(f"\nsending alone, the far side dropping all of it: {send_only:.1f} s")
    print("\nwhere the time of netsky icmp goes (perf, percent of samples):")
    for name, percent in profile.items():
        print(f"{percent:7.1f} %  {name}")


def describe_machine() -> str:
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    return (
        f"{os.cpu_count()} cores {model[1] if model else ''}, "
        f"{int(memory[1]) >> 20 if memory else 0} GiB, Linux {os.uname().release}, "
        f"Python {sys.version.split()[0]}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
