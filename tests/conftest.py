"""What all tests share."""

import ipaddress
import signal
import socket

import pytest
from hypothesis import settings

from testing import lanes
from testing.netns import namespace
from testing.servers import mariadb, mariadb_with_schema, pushgateway, silent_port
from testing.stores import mariadb_store, store

__all__ = [
    "mariadb",
    "mariadb_store",
    "mariadb_with_schema",
    "namespace",
    "only_this_machine",
    "pushgateway",
    "silent_port",
    "store",
]

# A shell starts `make test &` with SIGINT ignored; the tests of ^C want it as it usually is.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("netsky", deadline=None)  # the machine may be busy
settings.load_profile("netsky")


def pytest_addoption(parser):
    parser.addoption("--quick", action="store_true", help="leave out what starts a process")


def pytest_configure(config):
    if config.getoption("quick"):
        lanes.leave_out_processes()
        # What was opened for the process that never came is nobody's.
        config.addinivalue_line("filterwarnings", "ignore::ResourceWarning")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return lanes.make_scheduler(config, log)


def pytest_collection_modifyitems(items):
    items.sort(key=is_alone)  # last, so that the other workers are idle once, and not each time


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    with lanes.beside_others(alone=is_alone(item)):
        return (yield)


def is_alone(item):
    return item.get_closest_marker("alone") is not None


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch):
    """A test that connects a socket to anything but loopback or a Unix socket fails."""

    def guarded(connect):
        def connect_here(self, address):
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
                pytest.fail(f"this test connects to {address}: only loopback is allowed")
            return connect(self, address)

        return connect_here

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, guarded(getattr(socket.socket, name)))


def _is_loopback(host):
    return host == "localhost" or ipaddress.ip_address(host).is_loopback
