"""Surroundings that are not as they should be: no traceback, an exit code that tells, and on it goes."""

import os
import signal
import subprocess

import pytest

from netsky.places import PROVINCES
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
    make_site,
    run,
    sweeps_in,
)
from testing.netns import needs_root

DATABASE = "netsky_cu.db"
LOCK_OF = {
    PROBE: "netsky_probe.default.cu.lock",
    AVERAGE: "netsky_get_avg_lossrate.all.cu.lock",
    ALERT: "netsky_alert.default.cu.lock",
}

every_tool = pytest.mark.parametrize("tool", TOOLS)


@pytest.fixture
def site(tmp_path):
    """With what earlier runs have left: three sweeps, means."""
    make_site(tmp_path)
    fill_database(f"sqlite:///{tmp_path}/{DATABASE}")
    return tmp_path


@pytest.fixture
def read_only(site):
    """That site on a disk that cannot be written to; the second is a folder beside it that can."""
    (site / "beside").mkdir()
    (site / "disk").mkdir()
    with mount_disk(site / "disk") as disk:
        subprocess.run(["cp", "-r", site / "library", site / DATABASE, disk.path()], check=True)
        disk.make_read_only()
        yield disk


def run_in(disk, tool, *arguments):
    """Run a tool in the folder of the disk itself."""
    there = ["sh", "-c", 'cd disk && exec "$@"', "sh", *command_of(tool, *arguments)]
    return run_command(disk.folder.parent, disk.command(*there))


# Locks


@pytest.mark.parametrize("tool", [PROBE, ALERT])
def test_a_lock_file_of_a_dead_process_is_no_hindrance(site, tool):
    lock = site / LOCK_OF[tool]
    with subprocess.Popen(
        command_of(tool, "--every", "600"), cwd=site, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline()
        assert lock.read_text() == f"{process.pid}\n"
        os.kill(process.pid, signal.SIGKILL)
    assert lock.exists()
    assert errors_of(run(site, tool), 0) == []


def test_a_lock_file_that_names_a_living_process_which_does_not_hold_it_is_no_hindrance(site):
    (site / LOCK_OF[PROBE]).write_text(f"{os.getpid()}\n")
    assert errors_of(run(site, PROBE), 0) == []


@needs_root
@every_tool
def test_a_folder_for_locks_that_cannot_be_written_to_is_named(read_only, tool):
    done = run_in(read_only, tool, "--lock-dir=.")
    assert error_of(done, 2) == (
        f"cannot use the lock file {LOCK_OF[tool]}: Read-only file system: give a folder that only "
        "this user may write to with --lock-dir"
    )
    assert done.stdout == ""


# Folders


@needs_root
def test_in_a_folder_that_cannot_be_written_to_sweeps_go_directly_into_a_database_elsewhere(
    site, read_only
):
    elsewhere = ("--lock-dir=../beside", "--database=sqlite:///../beside/netsky.db")
    error, memory = errors_of(run_in(read_only, PROBE, *elsewhere), 3)
    assert "netsky_cu.default.memory is not written, and stays as it was: Read-only" in memory
    assert "spool spool/netsky_cu.default.spool: Read-only file system" in error
    assert "with --spool" in error
    assert "this sweep is in the database all the same" in error
    assert sweeps_in(site / "beside" / "netsky.db") == 1
    assert errors_of(run_in(read_only, PROBE, *elsewhere, "--spool=../beside/spool"), 0) == []
    for tool in (AVERAGE, ALERT):
        assert errors_of(run_in(read_only, tool, *elsewhere), 0) == []


@needs_root
@every_tool
def test_with_the_database_in_a_folder_that_cannot_be_written_to_an_error_says_so(read_only, tool):
    errors = errors_of(run_in(read_only, tool, "--lock-dir=../beside"), 3 if tool == PROBE else 1)
    [error] = [line for line in errors if DATABASE in line]
    assert "readonly database" in error or "unable to open database file" in error
    if tool == PROBE:
        assert error.endswith("this sweep is lost")


def test_a_file_where_the_spools_folder_should_be_costs_no_sweep(site):
    (site / "spool").write_text("a file")
    for _ in range(3):
        error = error_of(run(site, PROBE), 3)
        assert "spool/netsky_cu.default.spool: " in error
        assert "this sweep is in the database all the same" in error
    assert sweeps_in(site / DATABASE) == 6
    assert (site / "spool").read_text() == "a file"


def test_a_folder_where_the_spools_file_should_be_costs_no_sweep(site):
    (site / "spool" / "netsky_cu.default.spool").mkdir(parents=True)
    for _ in range(2):
        assert "unable to open database file" in error_of(run(site, PROBE), 3)
    assert sweeps_in(site / DATABASE) == 5


# Where the output goes


@needs_root
@every_tool
def test_a_log_on_a_full_disk_costs_nothing_but_the_log(site, tool):
    (site / "log").mkdir()
    with mount_disk(site / "log") as disk:
        disk.fill()
        redirected = ["sh", "-c", 'exec "$@" >>log/netsky.log 2>&1', "sh"]
        done = run_command(site, disk.command(*redirected, *command_of(tool, "--textfile=a.prom")))
        assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
        assert disk.path("netsky.log").stat().st_size == 0
    assert (site / "a.prom").stat().st_size > 1000
    assert sweeps_in(site / DATABASE) == 3 + (tool == PROBE)


@every_tool
def test_closed_streams_cost_nothing(site, tool):
    closed = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    done = run_command(site, [*closed, *command_of(tool, "--textfile=a.prom")])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (site / "a.prom").stat().st_size > 1000
    assert sweeps_in(site / DATABASE) == 3 + (tool == PROBE)


@every_tool
def test_a_reader_that_has_gone_away_costs_nothing(site, tool):
    script = '{ "$@"; echo "exit $?" >&2; } | head -0'
    command = command_of(tool, "--format=table", "--textfile=a.prom")
    done = run_command(site, ["sh", "-c", script, "sh", *command])
    assert done.stderr in ("exit 0\n", "exit 1\n")  # 0: it was written before the reader went
    assert (site / "a.prom").stat().st_size > 1000
    assert sweeps_in(site / DATABASE) == 3 + (tool == PROBE)


# The environment

# As cron has it, and less: no HOME, no place for temporary files.
BARE = ("env", "-i", "PATH=/usr/bin:/bin", "TMPDIR=/nonexistent", "LC_ALL=C")


@every_tool
@pytest.mark.parametrize("output_format", ["table", "line", "json"])
def test_chinese_in_a_bare_environment_and_locale_c(site, tool, output_format):
    """With Python kept from mending it."""
    command = [*BARE, "PYTHONUTF8=0", *command_of(tool, f"--format={output_format}")]
    done = subprocess.run(command, cwd=site, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode("ascii")
    name = PROVINCES[0].name
    if output_format == "table":
        assert name.encode("ascii", "backslashreplace").decode() in shown
    assert "beijing" in shown or output_format == "line"


def test_a_chinese_egress_in_locale_c_is_itself_or_an_error_that_says_what_to_do(site):
    """An egress is part of the names of files."""
    (site / "netsky.toml").write_text(
        '[egress."联通-1"]\n[probe]\negress = "联通-1"\n', encoding="utf-8"
    )
    assert errors_of(run_command(site, [*BARE, *command_of(PROBE)]), 0) == []
    assert (site / "netsky_probe.联通-1.cu.lock").exists()
    error = error_of(run_command(site, [*BARE, "PYTHONUTF8=0", *command_of(PROBE)]), 2)
    assert "in this locale, which is ascii: set LC_ALL=C.UTF-8" in error
