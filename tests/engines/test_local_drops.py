"""What the kernel counts of packets that this host itself threw away."""

import os
import resource
import threading

import pytest

from netsky.engines import local_drops
from netsky.engines.local_drops import (
    LocalDrops,
    parse_out_discards,
    parse_socket_drops,
    watch_local_drops,
)
from netsky.errors import EngineError
from testing.servers import wait_until

RAW_HEADER = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
"""
# As Linux 6.18 shows two sockets of ICMP, one of which was overrun.
RAW = f"""{RAW_HEADER}\
   1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 22178 2 000000002e1dd0a5 0
   1: 0100007F:0001 00000000:0000 07 00000000:00034200 00:00000000 00000000     0        0 22175 2 00000000b07ac8f5 6132
"""
SNMP = """\
Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits
Ip: 1 64 5 0 0 0 0 17 5 8 {discards} 23 0 0 0 0 0 0 0 8
Icmp: InMsgs InErrors InCsumErrors
Icmp: 1 2 3
IcmpMsg: InType0 OutType8
IcmpMsg: 4 5
"""


def test_drops_are_read_by_socket():
    assert parse_socket_drops(RAW) == {22178: 0, 22175: 6132}


def test_without_raw_sockets_there_are_no_drops():
    assert parse_socket_drops(RAW_HEADER) == {}


def test_refused_sends_are_read():
    assert parse_out_discards(SNMP.format(discards=42)) == 42


def test_the_files_of_this_kernel_are_understood():
    assert all(
        drops >= 0 for drops in parse_socket_drops(local_drops.RAW_SOCKETS.read_text()).values()
    )
    assert parse_out_discards(local_drops._SNMP.read_text()) >= 0


def all_sockets():
    return None


def thread_names():
    return [thread.name for thread in threading.enumerate()]


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Set what the kernel counts: drops by socket, and refused sends."""

    def count(sockets, discards=0):
        rows = [f"1: 0:1 0:0 07 0:0 00:0 0 0 0 {i} 2 0 {drops}\n" for i, drops in sockets.items()]
        # A sampling thread may read at any time: never half a file.
        for name, text in (
            ("raw", RAW_HEADER + "".join(rows)),
            ("snmp", SNMP.format(discards=discards)),
        ):
            (tmp_path / "new").write_text(text)
            (tmp_path / "new").rename(tmp_path / name)

    monkeypatch.setattr(local_drops, "RAW_SOCKETS", tmp_path / "raw")
    monkeypatch.setattr(local_drops, "_SNMP", tmp_path / "snmp")
    count({})
    return count


def test_what_was_dropped_before_does_not_count(kernel):
    kernel({1: 100}, discards=50)
    drops = LocalDrops(all_sockets)
    drops.sample()
    assert drops.total == 0


def test_drops_of_all_sockets_and_refused_sends_add_up(kernel):
    kernel({1: 100}, discards=50)
    drops = LocalDrops(all_sockets)
    kernel({1: 101, 2: 20, 3: 0}, discards=350)
    drops.sample()
    assert drops.total == 1 + 20 + 300


def test_only_the_sockets_that_count_are_added(kernel):
    counting = {1, 2}
    drops = LocalDrops(lambda: counting)
    kernel({1: 5, 2: 7, 3: 100})
    drops.sample()
    counting.remove(1)
    kernel({1: 1000, 2: 8, 3: 100})
    drops.sample()
    assert drops.total == 5 + 8


def test_a_growing_count_is_not_added_twice(kernel):
    drops = LocalDrops(all_sockets)
    for seen in (5, 5, 9):
        kernel({2: seen}, discards=seen)
        drops.sample()
    assert drops.total == 18


def test_the_drops_of_a_closed_socket_still_count(kernel):
    drops = LocalDrops(all_sockets)
    kernel({2: 20})
    drops.sample()
    kernel({3: 1})
    drops.sample()
    assert drops.total == 21


def test_drops_are_sampled_while_the_block_runs(kernel):
    with watch_local_drops(all_sockets) as drops:
        kernel({2: 20})
        wait_until(lambda: drops.total == 20, what="sampled")
        kernel({})
    assert drops.total == 20


def test_drops_up_to_the_very_end_are_seen(kernel, monkeypatch):
    monkeypatch.setattr(local_drops, "SAMPLE_SECONDS", 3600)
    with watch_local_drops(all_sockets) as drops:
        kernel({2: 7})
        assert drops.total == 0
    assert drops.total == 7


def test_sampling_ends_with_the_block(kernel):
    with watch_local_drops(all_sockets):
        assert "local-drops" in thread_names()
    assert "local-drops" not in thread_names()


@pytest.fixture
def no_descriptors():
    """Call it, and this process can open nothing more until the test ends."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def take_all():
        lowest = os.dup(0)
        os.close(lowest)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))

    yield take_all
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


UNREADABLE = r"^cannot read \S+/raw, which tells what this host drops: Too many open files$"


def test_counters_that_cannot_be_read_are_one_clear_line(kernel, no_descriptors):
    kernel({})
    no_descriptors()
    with pytest.raises(EngineError, match=UNREADABLE):
        LocalDrops(all_sockets)


def test_a_sweep_whose_drops_nobody_knows_does_not_count(kernel, no_descriptors):
    kernel({})

    def sweep():
        with watch_local_drops(all_sockets):
            assert "local-drops" in thread_names()
            no_descriptors()
            wait_until(lambda: "local-drops" not in thread_names(), what="end of sampling")

    with pytest.raises(EngineError, match=UNREADABLE):
        sweep()


def test_a_failure_of_the_sweep_is_told_before_that_of_its_counters(kernel, no_descriptors):
    kernel({})

    def sweep():
        with watch_local_drops(all_sockets):
            no_descriptors()
            raise EngineError("out of luck")

    with pytest.raises(EngineError, match="out of luck"):
        sweep()
