"""Killed, and killed again: every sweep that was completed is stored exactly once."""

import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from testing.faults import kills
from testing.faults.ledger import ISP
from testing.faults.proxy import Action, Fault, Moment, run_proxy
from testing.faults.site_of_probe import make_site
from testing.servers import DURABLE, MariaDB, run_mariadb, wait_until

SEED = 20240506
PROBE_KILLS = 20
SPOOL_KILLS = 3
SERVER_KILLS = 3  # in each test


def settle(site):
    """All faults are over: each completed sweep is there once, and no run took too long."""
    tally = site.settle()
    assert site.ledger.problems == []
    assert tally.right, tally
    assert site.longest_run <= site.longest_allowed


@pytest.fixture(scope="module")
def durable():
    with run_mariadb(DURABLE) as server:
        yield server


@pytest.fixture
def proxy(durable: MariaDB):
    with run_proxy(durable.port) as proxy:
        yield proxy


@pytest.fixture
def site(tmp_path, durable, proxy):
    return make_site(tmp_path, durable, port=proxy.port)


@pytest.fixture
def rng():
    print(f"seed {SEED}")  # noqa: T201 - pytest shows it when the test fails
    return random.Random(SEED)


def test_a_killed_probe_loses_and_doubles_no_sweep(durable, tmp_path):
    def kill(number):
        with run_proxy(durable.port) as proxy:
            site = make_site(tmp_path / str(number), durable, port=proxy.port)
            killed = kills.kill_probes(site, proxy, random.Random(SEED + number), PROBE_KILLS // 2)
            settle(site)
            return killed, site.ledger.between

    with ThreadPoolExecutor(2) as threads:
        (killed, between), (killed_too, between_too) = threads.map(kill, range(2))
    assert killed + killed_too == PROBE_KILLS, f"seed {SEED}"
    # Held between commit and removal, a sweep must have been found in both places.
    assert min(between, between_too) >= 1, f"seed {SEED}"


def test_a_probe_killed_while_it_makes_the_spool_leaves_one_that_can_be_used(site, rng):
    assert kills.kill_probes_while_they_make_the_spool(site, rng, SPOOL_KILLS) == SPOOL_KILLS
    settle(site)


def test_a_server_killed_under_single_runs_has_each_sweep_once(site, durable, proxy, rng):
    kills.kill_server_under_single_runs(site, durable, proxy, rng, SERVER_KILLS)
    settle(site)


def test_a_server_killed_under_flush_has_each_sweep_once_oldest_first(site, durable, proxy, rng):
    kills.kill_server_under_flush(site, durable, proxy, rng, SERVER_KILLS)
    settle(site)
    _first_run, *times, _last_run = site.ledger.times_in_order_of_storing()
    assert len(times) == SERVER_KILLS * kills.BACKLOG
    assert times == sorted(times)


def test_a_server_killed_under_repetition_is_found_again_and_has_each_sweep_once(
    site, durable, proxy, rng
):
    kills.kill_server_under_repetition(site, durable, proxy, rng, SERVER_KILLS)
    settle(site)


def test_of_two_probes_at_once_exactly_one_runs(site, proxy):
    site.database_timeout = 10.0  # the winner waits in the proxy until the other one has gone
    for _ in range(10):
        before = site.ledger.count()
        proxy.arm(Fault(Moment.CONNECTED, Action.HOLD))
        with site.start() as one, site.start() as two:
            wait_until(lambda: any(run.ends_within(0.01) for run in (one, two)), what="one left")
            loser, winner = (one, two) if one.ends_within(0) else (two, one)
            assert loser.finish() == 75, loser.logged()
            assert f"(pid {winner.process.pid}, " in loser.logged()
            assert winner.process.poll() is None, winner.logged()
            proxy.disarm()
            assert winner.finish() == 0, winner.logged()
            site.ledger.note_printed(winner.printed())
            assert loser.printed() == ""
        assert site.ledger.count() == before + 1
    settle(site)


def test_a_lock_file_that_nobody_holds_hinders_nobody(site):
    dead = subprocess.Popen(["true"])
    dead.wait()
    lock = site.folder / f"netsky_probe.default.{ISP}.lock"
    for left in (f"{dead.pid}\n", f"{os.getpid()}\n", "\0" * 50):
        lock.write_text(left)
        site.run()
        assert lock.read_text() != left
    settle(site)
