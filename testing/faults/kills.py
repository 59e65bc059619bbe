"""Processes killed with SIGKILL, at random moments and at those that matter most."""

from __future__ import annotations

import random
import signal
import time

from testing.faults.proxy import Action, Fault, Moment, Proxy
from testing.faults.site_of_probe import Run, Site
from testing.servers import MariaDB

RANDOM = None
"""At any moment of a run; else when the proxy has come to a fault."""

# The last lets the acknowledgement pass: the sweep is about to leave the spool.
AIMS = (
    RANDOM,
    Fault(Moment.COMMITTED, Action.HOLD),
    RANDOM,
    Fault(Moment.COMMITTED, Action.PASS),
    RANDOM,
    Fault(Moment.CONNECTED, Action.HOLD),
    RANDOM,
    Fault(Moment.INSERT, Action.HOLD),
    Fault(Moment.COMMITTED, Action.PASS),
    Fault(Moment.COMMIT, Action.HOLD),
)
BACKLOG = 8
FLUSH_EVERY = 7  # kills; with another aim each time
REMOVAL_SECONDS = 0.01
SPOOL_SECONDS = 0.03
MOST_RUNS_A_KILL = 4
SECONDS_TO_COME = 30.0


def kill_probes(site: Site, proxy: Proxy, rng: random.Random, kills: int) -> int:
    """Kill so many runs and note after each what is there; so many were killed."""
    usual = site.run().seconds
    killed, first = 0, rng.randrange(len(AIMS) * FLUSH_EVERY)
    for turn in range(first, first + MOST_RUNS_A_KILL * kills):
        flush = turn % FLUSH_EVERY == FLUSH_EVERY - 1
        if flush:
            site.flush()  # what earlier ones have left, so that it does not grow and grow
            site.add_backlog(BACKLOG, rng)
        aim = AIMS[turn % len(AIMS)]
        if aim and flush:
            aim = Fault(aim.moment, aim.action, after=rng.randrange(BACKLOG))
        if aim:
            proxy.arm(aim)
        with site.start(*["--flush"] * flush) as run:
            if aim is RANDOM:
                run.ends_within(rng.uniform(0.3, 1.1) * usual)
            else:
                _wait_for(proxy, run)
            if aim and aim.action is Action.PASS:
                time.sleep(rng.uniform(0, REMOVAL_SECONDS))
            killed += run.kill()
            on_its_way = proxy.reached.is_set() and not flush
            proxy.disarm()
            before = len(site.ledger.completed)
            site.ledger.note_printed(run.printed())
            site.ledger.note_what_is_there()
            if on_its_way and len(site.ledger.completed) == before:
                site.ledger.problems.append(f"turn {turn}: a sweep is nowhere after {aim}")
        if killed == kills:
            break
    return killed


def kill_probes_while_they_make_the_spool(site: Site, rng: random.Random, kills: int) -> int:
    """Each in a folder of its own, which the next run uses; so many were killed."""
    killed = 0
    for turn in range(MOST_RUNS_A_KILL * kills):
        folder = site.folder / f"spool-{turn}"
        with site.start("--spool", str(folder)) as run:
            while not list(folder.glob("*.spool")) and run.process.poll() is None:
                time.sleep(0.0005)
            time.sleep(rng.uniform(0, SPOOL_SECONDS))
            killed += run.kill()
        site.run("--spool", str(folder))
        aside = [file.name for file in folder.glob("*.aside-*")]
        site.ledger.problems += [f"set aside, and only half made: {name}" for name in aside]
        site.ledger.note_what_is_there()
        if killed == kills:
            break
    return killed


def kill_server_under_single_runs(
    site: Site, server: MariaDB, proxy: Proxy, rng: random.Random, kills: int
) -> int:
    """While a run stores; it ends by itself, and keeps what is not stored."""
    usual = site.run().seconds
    for turn in range(kills):
        with site.start() as run:
            _kill_server(server, proxy, run, rng, usual if turn % 3 == 0 else None)
            code = run.finish()
            assert code in (0, 3), run.logged()
            assert site.ledger.note_printed(run.printed()) == 1, run.logged()
        server.start()
        site.ledger.note_what_is_there()
    return kills


def kill_server_under_flush(
    site: Site, server: MariaDB, proxy: Proxy, rng: random.Random, kills: int
) -> int:
    """While what has waited is written on."""
    usual = site.run().seconds
    for turn in range(kills):
        site.add_backlog(BACKLOG, rng)
        with site.start("--flush") as run:
            after = rng.randrange(BACKLOG)
            _kill_server(server, proxy, run, rng, usual if turn % 3 == 2 else None, after=after)
            assert run.finish() in (0, 3), run.logged()
        server.start()
        site.ledger.note_what_is_there()
    return kills


def kill_server_under_repetition(
    site: Site, server: MariaDB, proxy: Proxy, rng: random.Random, kills: int
) -> int:
    """While one process goes on with --every 2: it stores again by itself after each restart."""
    with site.start("--every", "2") as run:
        for turn in range(kills):
            _wait_for_the_next_sweep(site, run)
            _kill_server(server, proxy, run, rng, 3.0 if turn % 3 == 0 else None)
            time.sleep(rng.uniform(0, 1))
            assert run.process.poll() is None, run.logged()
            server.start()
        _wait_for_the_next_sweep(site, run)
        run.process.send_signal(signal.SIGTERM)
        assert run.finish(site.longest_allowed) == 0, run.logged()
        run.seconds = 0.0  # it is many runs
        site.ledger.note_printed(run.printed())
        assert "Traceback" not in run.logged(), run.logged()
    site.ledger.note_what_is_there()
    return kills


def _kill_server(
    server: MariaDB,
    proxy: Proxy,
    run: Run,
    rng: random.Random,
    within: float | None,
    *,
    after: int = 0,
) -> None:
    """At any moment of so many seconds, or (None) in the midst of a transaction."""
    if within is not None:
        time.sleep(rng.uniform(0, within))
    else:
        moment = rng.choice((Moment.INSERT, Moment.COMMIT, Moment.COMMITTED))
        proxy.arm(Fault(moment, Action.HOLD, after=after))
        _wait_for(proxy, run)
    server.kill()
    proxy.disarm()


def _wait_for(proxy: Proxy, run: Run) -> None:
    """Until the proxy has come to its fault or the run has ended."""
    end = time.monotonic() + SECONDS_TO_COME
    while not proxy.reached.wait(0.002) and run.process.poll() is None:
        assert time.monotonic() < end, f"never came there: {run.logged()}"


def _wait_for_the_next_sweep(site: Site, run: Run) -> None:
    before, end = site.ledger.count(), time.monotonic() + SECONDS_TO_COME
    while site.ledger.count() == before:
        assert time.monotonic() < end, f"no more sweeps are stored: {run.logged()}"
        time.sleep(0.02)
