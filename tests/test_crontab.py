"""crontab.example as it stands: each line in the bare environment of cron, from /."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from netsky.loss import NewBaseline
from netsky.places import PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing import ROOT
from testing.known_addresses import CONSENT, NETWORK, write_known_addresses
from testing.netns import needs_root
from testing.processes import processes_where
from testing.samples import make_quality, write_library
from testing.servers import program, wait_until
from testing.stores import store_periods, store_sweep

ENTRY = re.compile(r"^#?(?:@reboot|(?:[\d*/,-]+ ){4}[\d*/,-]+) (.+)$", re.MULTILINE)
COMMANDS = ENTRY.findall((ROOT / "crontab.example").read_text(encoding="utf-8"))
ONCE = [command for command in COMMANDS if "--every" not in command]
ISPS = ("cu", "cm", "ct")
REPEATED = [command for command in COMMANDS if "--every" in command]

# A file system of its own, in which /opt/netsky and /var/log/netsky are the test's, and nobody
# sleeps. A network of its own, in which the known addresses answer, and no other host is. The command
# runs as cron runs it: in / with a bare environment, by sh.
AS_CRON = f"""
set -e
ip link set lo up
ip route add local {NETWORK} dev lo
mount --make-rprivate /
mount -t tmpfs tmpfs /opt
mkdir /opt/netsky
mount --bind "$1/netsky" /opt/netsky
mount -t tmpfs tmpfs /var/log
mkdir /var/log/netsky
mount --bind "$1/log" /var/log/netsky
mount --bind /bin/true "$(command -v sleep)"
mount -t tmpfs tmpfs /run/lock
cd /
exec env -i PATH=/usr/bin:/bin LOGNAME=root SHELL=/bin/sh /bin/sh -c "$2"
"""


@pytest.fixture
def host(tmp_path):
    """An installation with libraries of loopback addresses and a log folder."""
    installed = tmp_path / "netsky"
    installed.mkdir()
    for file in (*ROOT.glob("netsky_*.py"), ROOT / "crontab.example"):
        shutil.copy(file, installed)
    (installed / ".venv").symlink_to(sys.prefix)
    for isp in ISPS:
        write_library(installed / "ipdata", isp=isp, targets=4)
        fill_database(database_of(installed, isp), isp)
    write_known_addresses(installed / "library", ISPS)
    # The exit that the examples name; and nobody waits ten seconds here.
    (installed / "netsky.toml").write_text(
        "[egress.unicom-1]\nsource = '127.0.0.1'\n[probe]\nwindow = 0.1\n"
        f"[library]\nlibrary = 'built'\n{CONSENT}"
    )
    (tmp_path / "log").mkdir()
    return tmp_path


def database_of(installed, isp):
    url = f"sqlite:///{installed}/netsky_{isp}.db"
    return Database(fill_url(url, isp, "default"), timeout=5)


def fill_database(database, isp):
    """What earlier lines have left: three sweeps of the past minute, and baselines."""
    now = datetime.now(UTC)
    qualities = [make_quality(province.slug, loss_ratio=0.0) for province in PROVINCES]
    for egress in ("default", "unicom-1"):
        for seconds in (20, 40, 60):
            store_sweep(database, isp, egress, now - timedelta(seconds=seconds), qualities)
        baselines = [NewBaseline(province, egress, 0.0, 3) for province in PROVINCES]
        database.store_baselines(isp, baselines, now)


def as_cron(host, command):
    unshare = [program("unshare"), "--mount", "--net", "/bin/sh", "-c", AS_CRON, "sh"]
    return [*unshare, str(host), command]


def run(host, command):
    done = subprocess.run(
        as_cron(host, command), capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("", ""), "cron would mail this"
    return done.returncode


def written(host, command):
    return log_of(host, command).count("\n")


def log_of(host, command):
    """What is in the log file that a line of the crontab writes to."""
    file = host / "log" / Path(re.search(r">>(\S+)", command)[1]).name
    return file.read_text(encoding="utf-8") if file.exists() else ""


def isps_of(command):
    """Those that have a line in the log; the report has one for all."""
    name = re.search(r"--isp (\w+)", command)[1]
    return ISPS if name == "all" and "netsky_report" not in command else (name,)


def expected_in_log(command, isp):
    return {
        "netsky_probe.py": rf" isp={isp} .* provinces=31 targets=124 sent=124 received=124 ",
        "netsky_get_avg_lossrate.py": rf" isp={isp} hours=12 .* renewed=62 left_alone=0 ",
        "netsky_alert.py": rf" isp={isp} .* active=- undetermined=- judged=31 ",
        "netsky_report.py overview": r" state=well lines=3 bad=- doubtful=- page=pages/index\.html$",
        "netsky_report.py day": r"^pages/day-\d{4}-\d\d-\d\d\.html$",
        "netsky_report.py month": r"^pages/month-\d{4}-\d\d\.html$",
        "netsky_library.py": rf" isp={isp} packets=4 published=4 .* not_judged=-$",
    }[re.search(r"netsky_(report\.py \w+|\w+\.py)", command)[0]]


def test_every_tool_has_its_lines():
    assert len(ONCE) == 12
    assert len(REPEATED) == 3


@needs_root
@pytest.mark.parametrize("command", ONCE)
def test_a_line_works_in_crons_bare_environment(host, command):
    if re.search(r"netsky_report\.py (day|month)", command):
        for isp in ISPS:
            store_periods(database_of(host / "netsky", isp), isp, "unicom-1")
    assert run(host, command) == 0
    lines = log_of(host, command).splitlines()
    if (
        "netsky_trace.py" in command
    ):  # no incident is open: it looks at quiet paths, and says nothing
        assert lines == []
        assert len(list(host.glob("netsky/evidence/*/*/quiet/*.json"))) == 1
        return
    for isp, line in zip(isps_of(command), lines, strict=True):
        assert re.search(expected_in_log(command, isp), line)


@needs_root
@pytest.mark.parametrize("command", REPEATED)
def test_a_line_that_repeats_works_until_it_is_ended(host, command):
    # Cron gives each command a session of its own.
    with subprocess.Popen(as_cron(host, command), start_new_session=True) as process:
        try:
            wait_until(lambda: written(host, command) == len(ISPS), what="the first round's lines")
            for isp in isps_of(command):
                assert re.search(expected_in_log(command, isp), log_of(host, command))
            members = processes_of(process.pid)
            assert len(members) == 2  # sh and the tool
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)
            wait_until(lambda: not processes_of(process.pid), what="end of the tool")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert written(host, command) == len(ISPS), "it ended without a word"


def processes_of(group):
    """The ids of the living processes of a process group."""
    return processes_where(lambda each: each.group == group and each.state != "Z")
