"""The units as systemd reads them, and the tools with no more privilege than the units give."""

import configparser
import os
import re
import shlex
import subprocess
import sys
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
from testing.samples import make_quality, write_library
from testing.servers import program
from testing.stores import store_periods, store_sweep
from tools.options import COMMANDS

UNITS = ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
TIMERS = sorted(UNITS.glob("*.timer"))
NOBODY = 65534

each_service = pytest.mark.parametrize("file", SERVICES, ids=lambda file: file.stem)


def entries(file, section):
    """The settings of a section; of one that stands there twice the last."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str
    parser.read(file, encoding="utf-8")
    return dict(parser[section])


def installed(tmp_path):
    """The units with /opt/netsky in the test's folder, so that the programs they start exist."""
    place = tmp_path / "netsky"
    place.mkdir()
    (place / ".venv").symlink_to(sys.prefix)
    folder = tmp_path / "units"
    for file in UNITS.rglob("*.*"):
        if file.is_file():
            target = folder / file.relative_to(UNITS)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(file.read_text(encoding="utf-8").replace("/opt/netsky", str(place)))
    return folder


def test_there_is_a_service_and_a_timer_for_each_tool_that_runs_by_itself():
    tools = ("probe", "avg", "alert", "library", "trace", "report", "day", "month")
    names = {f"netsky-{tool}@" for tool in tools}
    assert {file.stem for file in SERVICES} == {file.stem for file in TIMERS} == names
    scripts = {entries(file, "Service")["ExecStart"].split()[1] for file in SERVICES}
    assert scripts == {script.name for script in ROOT.glob("netsky_*.py")}


@pytest.mark.parametrize("kind", ["service", "timer"])
def test_systemd_has_nothing_to_say_against_the_units(tmp_path, kind):
    folder = installed(tmp_path)
    units = [str(folder / f"{file.stem}cm.{kind}") for file in SERVICES]
    for unit in units:
        template = folder / Path(unit).name.replace("@cm", "@")
        Path(unit).symlink_to(template)
    command = [program("systemd-analyze"), "verify", "--man=no", "--recursive-errors=no", *units]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    complaints = [line for line in done.stderr.splitlines() if "netsky" in line]
    assert complaints == []
    assert done.returncode == 0, done.stderr


@each_service
def test_the_units_are_shut_off_as_well_as_systemd_can_measure(file):
    """0 is best, 10 is worst; a unit without any setting has 9.6."""
    sends = "AmbientCapabilities" in entries(file, "Service")
    limit = 25 if sends else 18
    command = [program("systemd-analyze"), "security", "--offline=true", "--no-pager"]
    done = subprocess.run(
        [*command, f"--threshold={limit}", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def times_of(timer, iterations):
    """The next times at which a timer elapses, as hour, minute and second."""
    calendar = entries(UNITS / timer, "Timer")["OnCalendar"]
    command = [program("systemd-analyze"), "calendar", f"--iterations={iterations}", calendar]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    times = re.findall(r"(\d\d):(\d\d):(\d\d) UTC", done.stdout.partition("Next elapse")[2])
    assert len(times) == iterations
    return [tuple(map(int, time)) for time in times]


def seconds_of(timer):
    """At which seconds of each minute a timer elapses."""
    return {second for _, _, second in times_of(timer, 4)}


def test_sweeps_begin_each_minute_and_verdicts_are_half_a_minute_apart():
    assert seconds_of("netsky-probe@.timer") == {0}
    assert seconds_of("netsky-alert@.timer") == {18, 48}
    assert seconds_of("netsky-trace@.timer") == {28}, "between two verdicts"


def test_eight_looks_a_day_three_hours_apart():
    hours = sorted(hour for hour, _, _ in times_of("netsky-library@.timer", 8))
    assert hours == [0, 3, 6, 9, 12, 15, 18, 21]


def test_the_refresh_may_write_what_it_publishes_and_what_it_knows():
    options = {option.name: option for option in COMMANDS["netsky_library refresh"].params}
    folders = [options[name].default for name in ("library", "candidates")]
    unit = entries(UNITS / "netsky-library@.service", "Service")
    assert unit["ReadWritePaths"] == " ".join(f"-/opt/netsky/{folder}" for folder in folders)


@pytest.fixture
def place(tmp_path):
    """A folder of `nobody` with a library on loopback and what earlier runs have left."""
    write_library(tmp_path / "library", isp="cu", targets=4)
    database = Database(fill_url(f"sqlite:///{tmp_path}/netsky.db", "cu", "default"), timeout=5)
    now = datetime.now(UTC)
    for seconds in (10, 20, 30):
        qualities = [make_quality(province.slug, loss_ratio=0.0) for province in PROVINCES]
        store_sweep(database, "cu", "default", now - timedelta(seconds=seconds), qualities)
    baselines = [NewBaseline(province, "default", 0.0, 3) for province in PROVINCES]
    database.store_baselines("cu", baselines, now)
    write_known_addresses(tmp_path / "known", ["cu"])
    give_to_all(tmp_path)
    for folder in list(tmp_path.parents)[:-1]:
        folder.chmod(folder.stat().st_mode | 0o011)  # nobody may pass through
    return tmp_path


def give_to_all(place):
    for path in (place, *place.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def run_as_the_unit_does(file, place):
    """Its command and environment, with the user's and the bounding set of capabilities it gives."""
    service = entries(file, "Service")
    names = re.findall("CAP_(\\w+)", service["CapabilityBoundingSet"])
    capabilities = ",".join(["-all", *(f"+{name.lower()}" for name in names)])
    drop = [program("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    drop += [f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
    drop += [f"--bounding-set={capabilities}", "--no-new-privs"]
    network = f'ip link set lo up; ip route add local {NETWORK} dev lo; exec "$@"'
    alone = [program("unshare"), "--net", "/bin/sh", "-c", network, "sh"]
    _python, script, *arguments = shlex.split(service["ExecStart"])
    settings = f"""
database = "sqlite:///{place}/netsky.db"
[probe]
library = "library"
engine = "icmp"
window = 0.1
[trace]
library = "library"
[library]
candidates = "known"
library = "built"
engine = "icmp"
{CONSENT}
"""
    (place / "netsky.toml").write_text(settings)
    variables = service["Environment"].replace("%i", "cu")
    for folder in ("/var/lib/netsky", "/var/cache/netsky-report"):
        variables = variables.replace(folder, str(place))
    return subprocess.run(
        [*alone, *drop, sys.executable, str(ROOT / script), *arguments],
        cwd=place,
        env=dict(variable.split("=", 1) for variable in variables.split()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_root
@each_service
def test_an_ordinary_user_with_the_units_capabilities_can_do_the_job(file, place):
    if file.stem in ("netsky-day@", "netsky-month@"):
        database = Database(fill_url(f"sqlite:///{place}/netsky.db", "cu", "default"), timeout=5)
        store_periods(database, "cu", "default")
        give_to_all(place)
    done = run_as_the_unit_does(file, place)
    assert (done.returncode, done.stderr) == (0, "")
    if file.stem == "netsky-trace@":  # nothing is due, but the hourly look
        assert done.stdout == ""
        assert list((place / "evidence/cu/default/quiet").glob("*.json"))
    else:
        told = {"netsky-report@": " page=", "netsky-day@": "/day-", "netsky-month@": "/month-"}
        assert told.get(file.stem, " isp=cu ") in done.stdout


def test_a_web_server_may_read_the_pages_and_nothing_else_of_netsky():
    nginx = (ROOT / "deploy" / "nginx" / "netsky.conf").read_text(encoding="utf-8")
    for name in ("report", "day", "month"):
        unit = entries(UNITS / f"netsky-{name}@.service", "Service")
        pages = f"/var/cache/{unit['CacheDirectory']}"
        assert f"NETSKY_OUTPUT={pages}" in unit["Environment"]
        assert unit["CacheDirectoryMode"] == "0755"
        assert unit["StateDirectoryMode"] == "0750"
        assert f"root {pages};" in nginx


def test_days_and_months_are_written_when_they_are_over_in_beijing():
    """After midnight there, which is 16:00 UTC, and after the hour is summed up."""
    assert {time[:2] for time in times_of("netsky-day@.timer", 3)} == {(16, 25)}
    assert {time[:2] for time in times_of("netsky-month@.timer", 3)} == {(16, 35)}
    kept = entries(UNITS / "netsky-trace@.service", "Service")["Environment"]
    shown = entries(UNITS / "netsky-report@.service", "Service")["Environment"]
    [evidence] = re.findall(r"NETSKY_EVIDENCE=\S+", kept)
    assert evidence in shown
