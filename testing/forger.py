"""A far side that forges replies as fast as it can, as soon as it has seen one request.

    python forger.py SECONDS PROCESSES [TARGETS]

Each forged packet has the id of the sweep, and its size, and looks as if it came from one of the
first TARGETS addresses behind 10.16.0.0; the rest of it is as a stranger would guess it. It says
"ready", then forges for so long, or until its standard input ends.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import time

import numpy as np

from netsky.engines.icmp_packet import ECHO_REPLY, EchoRequests
from netsky.engines.libc import Messages

BATCH = 512


def wait_for_request() -> tuple[int, int]:
    """The id of the first echo request that comes in, and who sent it."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        while True:
            packet, (source, _) = sock.recvfrom(2048)
            if packet[20] != ECHO_REPLY:
                ident = int.from_bytes(packet[24:26], "big")
                return ident, int.from_bytes(socket.inet_aton(source), "big")


def forge(messages: Messages, deadline: float) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        while time.monotonic() < deadline and not select.select([0], [], [], 0)[0]:
            for _ in range(20):
                try:
                    messages.send(sock.fileno(), 0, BATCH)
                except OSError:  # its own queue is full
                    continue


def forged(ident: int, probe: int, targets: int) -> Messages:
    requests = EchoRequests(BATCH, size=56, ident=ident, raw=True)
    slots = np.arange(BATCH, dtype=np.uint32) % targets
    requests.fill(np.full(BATCH, probe, np.uint32), slots, np.full(BATCH, 0x1234, np.uint64))
    header = requests._ip
    assert header is not None
    header["source"] = 0x0A100000 + slots
    # A reply is its request with another type; the checksum makes up for the difference.
    echo = requests._echo
    echo["checksum"] = (echo["checksum"].astype(np.uint32) + 0x0800 - 1) % 0xFFFF + 1
    echo["type"] = ECHO_REPLY
    return requests


def main(seconds: str, processes: str, targets: str = "1000") -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    messages = forged(*wait_for_request(), int(targets))
    for _ in range(int(processes) - 1):
        if os.fork() == 0:
            break
    forge(messages, time.monotonic() + float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
