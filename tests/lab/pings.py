"""Send one echo request to each address and print who answered: inside of the lab.

    python pings.py SOURCE TTL FLOW ADDRESS…      {"10.16.0.0": ["198.18.0.2", 11], …}, 11: time exceeded

FLOW is a number that is in the checksum. An address that nobody answers for within a quarter of a second has null.
"""

import json
import socket
import struct
import sys
import time

WAIT_SECONDS = 0.25
ECHO_REPLY, TIME_EXCEEDED = 0, 11


def main(source, ttl, flow, *addresses):
    answers = dict.fromkeys(addresses)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as pings:
        pings.bind((source, 0))
        pings.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, int(ttl))
        pings.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        number = int(flow)
        for address in addresses:
            checksum = 0xFFFF - 0x0800 - number
            pings.sendto(struct.pack(">BBHHH", 8, 0, checksum, 0, number), (address, 0))
        deadline = time.monotonic() + WAIT_SECONDS
        while None in answers.values() and (left := deadline - time.monotonic()) > 0:
            pings.settimeout(left)
            try:
                packet, (sender, _) = pings.recvfrom(2048)
            except TimeoutError:
                break
            if packet[20] == ECHO_REPLY:
                answers[sender] = (sender, ECHO_REPLY)
            elif packet[20] == TIME_EXCEEDED:
                answers[socket.inet_ntoa(packet[44:48])] = (sender, TIME_EXCEEDED)
    sys.stdout.write(json.dumps(answers))


main(*sys.argv[1:])
