"""A full disk below the spool, the database, the textfile: told, nothing corrupt, and on it goes."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from testing import ROOT
from testing.commands import run_command
from testing.faults.disk import mount_disk
from testing.faults.three_tools import (
    ALERT,
    AVERAGE,
    PROBE,
    TOOLS,
    command_of,
    error_of,
    errors_of,
    fill_database,
    keep_a_sweep,
    make_site,
    run,
    sweeps_in,
)
from testing.netns import needs_root
from testing.servers import free_port

pytestmark = needs_root

SPOOL = "netsky_cu.default.spool"


@pytest.fixture
def site(tmp_path):
    return make_site(tmp_path)


@pytest.fixture
def disk(site):
    """In a folder `disk` of the site, 1 MB."""
    folder = site / "disk"
    folder.mkdir()
    with mount_disk(folder) as disk:
        yield disk


@pytest.fixture
def run_here(site, disk):
    """Run a tool where that disk is."""

    def run_there(tool, *arguments):
        return run_command(site, disk.command(*command_of(tool, *arguments)))

    return run_there


def sweeps_on(disk, name, folder):
    """How many whole sweeps are in an SQLite file on the disk."""
    copies = folder / f"copies-{len(list(folder.glob('copies-*')))}"
    disk.copy(f"{name}*", copies)
    return sweeps_in(copies / name)


@pytest.fixture
def no_database():
    """The option for a server that is down."""
    return f"--database=mysql://netsky@127.0.0.1:{free_port()}/netsky_cu"


# The spool


def test_on_a_full_disk_the_spool_keeps_what_waits_and_the_sweep_goes_directly(
    site, disk, run_here, no_database
):
    spool, database = "--spool=disk", "--database=sqlite:///out.db"
    assert "is the server running" in error_of(run_here(PROBE, spool, no_database), 3)
    disk.fill()
    error = error_of(run_here(PROBE, spool, database), 3)
    assert f"disk/{SPOOL}" in error
    assert "make room on the disk" in error or "is the disk of that file full" in error
    assert "this sweep is in the database all the same" in error
    assert sweeps_in(site / "out.db") == 1
    disk.free()
    assert sweeps_on(disk, SPOOL, site) == 1
    assert errors_of(run_here(PROBE, spool, database), 0) == []
    assert sweeps_in(site / "out.db") == 3
    assert sweeps_on(disk, SPOOL, site) == 0
    assert not list(disk.path().glob("*aside*"))


def test_a_sweep_that_neither_spool_nor_database_takes_is_said_to_be_lost(
    site, disk, run_here, no_database
):
    disk.fill()
    error = error_of(run_here(PROBE, "--spool=disk", no_database), 3)
    assert "is the server running" in error
    assert error.endswith("this sweep is lost")
    disk.free()
    assert "disk/netsky_cu.default.spool: 1" in error_of(
        run_here(PROBE, "--spool=disk", no_database), 3
    )


# Adds and flushes where less and less is left of the disk, with nothing waiting and two sweeps.
NEARLY_FULL = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.errors import DatabaseError
from netsky.places import PROVINCES
from netsky.store.rows import sweep_rows
from netsky.store.spool import Spool
from testing.samples import make_quality

disk, now = Path(sys.argv[1]), datetime.now(UTC)
qualities = [make_quality(province.slug) for province in PROVINCES]
outside = disk.parent / "out.db"

def sweep(seconds):
    return sweep_rows("cu", "default", now - timedelta(seconds=seconds), qualities)

def fill(leave):
    with filler.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - leave))

filler = disk / "filler"
database = Database(fill_url(f"sqlite:///{outside}", "cu", "default"), timeout=1)
kept = refused = 0
with database.connector.transaction(create=True):
    pass
for leave in (*range(0, 57_344, 4096), 65_536, 131_072, 196_608):
    for waiting in (0, 2):
        for file in disk.iterdir():
            file.unlink()
        with database.connector.transaction() as connection:
            connection.exec_driver_sql("DELETE FROM netsky_latency")
        spool = Spool(disk, "cu", "default", max_bytes=1 << 30, max_age=timedelta(days=1))
        for seconds in range(waiting):
            spool.add(sweep(10 + seconds))
        fill(leave)
        try:
            spool.add(sweep(0))
        except DatabaseError as error:
            refused += 1
            said_so = True
        else:
            kept += 1
            said_so = False
        filler.unlink()
        assert spool.state().sweeps == waiting + (not said_so), (leave, waiting, said_so)
        fill(leave)
        try:
            spool.flush(database)
        except DatabaseError:
            pass
        filler.unlink()
        spool.flush(database)
        assert not list(disk.glob("*aside*"))
        with database.connector.transaction() as connection:
            rows = connection.exec_driver_sql("SELECT COUNT(*) FROM netsky_latency").scalar()
        assert rows == 31 * (waiting + (not said_so)), (leave, waiting, said_so, rows)
print("kept" if kept else "", "refused" if refused else "")
"""


def test_whatever_is_left_of_the_disk_what_was_kept_is_kept(disk, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = subprocess.run(
        disk.command(sys.executable, "-c", NEARLY_FULL, str(disk.folder)),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("kept refused\n", 0), done.stderr


# The database, a file of SQLite


def test_on_a_full_disk_sweeps_wait_for_the_database_file(site, disk, run_here):
    database = "--database=sqlite:///disk/netsky.db"
    disk.fill()  # where there is no file yet
    error = error_text(run_here(PROBE, database))
    assert "disk/netsky.db" in error
    assert error.endswith(f"sweeps in spool/{SPOOL}: 1")
    disk.free()
    assert errors_of(run_here(PROBE, database), 0) == []
    assert sweeps_on(disk, "netsky.db", site) == 2
    disk.fill()  # where there is
    assert "sweeps in spool" in error_text(run_here(PROBE, database))
    for tool in (AVERAGE, ALERT):
        assert "disk/netsky.db" in error_of(run_here(tool, database), 1)
    disk.free()
    for tool in TOOLS:
        assert errors_of(run_here(tool, database), 0) == []
    assert sweeps_on(disk, "netsky.db", site) == 4
    assert sweeps_in(site / "spool" / SPOOL) == 0


def error_text(done):
    """What a probe says whose database file has no room."""
    error = error_of(done, 3)
    assert "make room on the disk" in error or "is the disk of that file full" in error
    return error


# Everything


def test_with_everything_on_a_full_disk_it_runs_on_and_goes_on_when_there_is_room(
    site, disk, run_here
):
    everything = ["--database=sqlite:///disk/netsky.db", "--lock-dir=disk"]
    everything.append("--textfile=disk/{tool}.prom")
    disk.fill()
    done = run_here(PROBE, "--spool=disk/spool", *everything)
    database, memory, textfile = errors_of(done, 3)
    assert "netsky_cu.default.memory is not written, and stays as it was: No space left" in memory
    assert database.endswith("this sweep is lost")
    assert "textfile disk/probe.prom: No space left on device" in textfile
    assert "received=62" in done.stdout
    for tool in (AVERAGE, ALERT):
        assert errors_of(run_here(tool, *everything), 1)
    disk.free()
    assert errors_of(run_here(PROBE, "--spool=disk/spool", *everything), 0) == []
    for tool in (AVERAGE, ALERT):
        assert errors_of(run_here(tool, *everything), 0) == []
    assert sweeps_on(disk, "netsky.db", site) == 1


# The textfile


@pytest.mark.parametrize("tool", TOOLS)
def test_a_textfile_stays_whole_on_a_full_disk_and_is_new_when_there_is_room(
    site, disk, run_here, tool
):
    file, option = disk.path("netsky.prom"), "--textfile=disk/netsky.prom"
    fill_database(f"sqlite:///{site}/netsky_cu.db")
    file.write_text("former 1\n")
    file.chmod(0o644)
    disk.fill()
    error = error_of(run_here(tool, option), 3)
    assert error == "not delivered: textfile disk/netsky.prom: No space left on device"
    assert file.read_text() == "former 1\n"
    assert {each.name for each in disk.path().iterdir()} == {"filler", "netsky.prom"}
    disk.free()
    assert errors_of(run_here(tool, option), 0) == []
    assert len(metrics_in(file)) > 31
    assert [each.name for each in disk.path().iterdir()] == ["netsky.prom"]


def metrics_in(file):
    """All samples of a textfile that must be whole."""
    text = file.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]


# The spool's file, damaged or of another version


def cut_off(file):
    file.write_bytes(file.read_bytes()[:9000])


def change_text(file):
    """Damage that SQLite's own check does not see."""
    content = file.read_bytes()
    assert content.count(b"netsky_CU_hunan_lossrate") > 1
    file.write_bytes(content.replace(b"netsky_CU_hunan_loss", b"netsky_CU_\xff\xfenan_loss"))


def make_older(file):
    file.unlink()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE netsky_lossrate (name, value, update_time)")
    file.chmod(0o600)


@pytest.mark.parametrize("harm", [cut_off, change_text, make_older])
def test_a_spool_that_cannot_be_used_is_set_aside_once_and_the_next_runs_work(site, harm):
    file = keep_a_sweep(site)
    harm(file)
    size = file.stat().st_size
    errors = [errors_of(done, done.returncode) for done in [run(site, PROBE) for _ in range(3)]]
    assert errors[1:] == [[], []]
    [aside] = (site / "spool").glob("*.aside-*")
    assert any(f"set aside as {aside.name}, a new one begun" in line for line in errors[0])
    assert aside.stat().st_size >= size
    assert aside.stat().st_mode & 0o777 == 0o600
    assert sweeps_in(site / "netsky_cu.db") == 3  # all three, whatever became of the first
    assert sweeps_in(site / "spool" / SPOOL) == 0
