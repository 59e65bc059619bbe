"""A database that fails in every way a network and a server can: nothing is lost, nothing twice, and
no run lasts longer than promised.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from testing.faults.ledger import Tally
from testing.faults.proxy import Action, Fault, Moment, run_proxy
from testing.faults.site_of_probe import Site, make_site
from testing.servers import MariaDB

# The slowest first: they all wait at the same time.
FAULTS = (
    Fault(Moment.CONNECTED, Action.DRIP),
    Fault(Moment.CONNECTED, Action.HOLD),
    Fault(Moment.CONNECTED, Action.RESET),
    Fault(Moment.GREETED, Action.HOLD),
    Fault(Moment.GREETED, Action.RESET),
    Fault(Moment.GREETED, Action.CUT),
    Fault(Moment.INSERT, Action.HOLD),
    Fault(Moment.INSERT, Action.RESET),
    Fault(Moment.INSERT, Action.CLOSE),
    Fault(Moment.COMMIT, Action.HOLD),
    Fault(Moment.COMMIT, Action.RESET),
    Fault(Moment.COMMITTED, Action.HOLD),
    Fault(Moment.COMMITTED, Action.RESET),
    Fault(Moment.COMMITTED, Action.CLOSE),
)
TOO_LATE_TO_MATTER = Fault(Moment.LEAVING, Action.RESET)
AFTER_IT_IS_STORED = Fault(Moment.INCIDENTS, Action.HOLD)
AT_ONCE = 4
DATABASE_TIMEOUT = 2.0  # a drip of a byte a second meets every wait of its own


@dataclass(frozen=True)
class Outcome:
    """Of the run that met the fault: then so many sweeps waited, and so many were stored.

    `tally` is after another run without a fault.
    """

    site: Site
    code: int
    printed: int
    log: str
    waiting: int
    stored: int
    tally: Tally


def meet(fault: Fault, folder: Path, mariadb: MariaDB) -> Outcome:
    with run_proxy(mariadb.port) as proxy:
        proxy.arm(fault)
        site = make_site(folder, mariadb, port=proxy.port, database_timeout=DATABASE_TIMEOUT)
        with site.start() as faulty:
            code = faulty.finish()
            printed = site.ledger.note_printed(faulty.printed())
            log = faulty.logged()
        waiting, stored = site.ledger.waiting(), site.ledger.count()
        proxy.disarm()
        site.run()
        return Outcome(site, code, printed, log, waiting, stored, site.ledger.settle())


@pytest.fixture(scope="module")
def outcomes(mariadb, tmp_path_factory):
    """Of each fault, as it comes."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        folders = {
            fault: tmp_path_factory.mktemp("site")
            for fault in (*FAULTS, TOO_LATE_TO_MATTER, AFTER_IT_IS_STORED)
        }
        yield {
            fault: threads.submit(meet, fault, folder, mariadb) for fault, folder in folders.items()
        }


@pytest.mark.parametrize("fault", FAULTS[::-1], ids=str)
def test_a_sweep_outlives_the_fault_and_is_stored_once(outcomes, fault):
    outcome = outcomes[fault].result()
    assert (outcome.code, outcome.printed, outcome.waiting) == (3, 1, 1), outcome.log
    assert outcome.stored == (1 if fault.moment is Moment.COMMITTED else 0)
    [line] = outcome.log.splitlines()
    assert " ERROR not delivered: database" in line
    assert outcome.site.ledger.problems == []
    assert outcome.tally == Tally(completed=2, stored=2, doubled=0, lost=0, half_written=0)
    assert outcome.site.longest_run <= outcome.site.longest_allowed


def test_after_the_acknowledgement_a_lost_connection_is_not_worth_a_word(outcomes):
    outcome = outcomes[TOO_LATE_TO_MATTER].result()
    assert (outcome.code, outcome.log) == (0, "")
    assert (outcome.printed, outcome.waiting, outcome.stored) == (1, 0, 1)
    assert outcome.tally == Tally(completed=2, stored=2, doubled=0, lost=0, half_written=0)


def test_a_server_that_does_not_say_whether_there_is_an_incident_costs_a_warning(outcomes):
    outcome = outcomes[AFTER_IT_IS_STORED].result()
    assert (outcome.code, outcome.printed, outcome.waiting, outcome.stored) == (0, 1, 0, 1)
    [line] = outcome.log.splitlines()
    assert " WARNING database" in line
    assert ": open incidents are not known" in line
    assert list((outcome.site.folder / "memory").iterdir()), "it has learned all the same"
    assert outcome.tally == Tally(completed=2, stored=2, doubled=0, lost=0, half_written=0)
