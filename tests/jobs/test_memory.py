"""The probe and its memory: written where figures are stored, and never in the way of a sweep."""

import itertools
import json
import math
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sqlalchemy as sa

import netsky.jobs.probe
from netsky.aggregate import aggregate
from netsky.jobs.memory import Remembering
from netsky.jobs.probe import Storage
from netsky.outlets.delivery import Outlets
from netsky.places import PROVINCES, find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from netsky.store.incidents import Line, record_verdict
from netsky.store.spool import Spool
from netsky.sweep import ProbePlan
from netsky.targets import memory_file
from netsky.targets.cities import CITIES_FILE
from netsky.targets.memory import NEW, nothing_of
from testing.commands import run_tool
from testing.memories import answered_always
from testing.netns import needs_root
from testing.samples import STARTED_AT, make_sweep, write_library
from testing.verdicts import ALERT, MINUTE, QUIET, verdict

TARGETS = 31 * 4
FILE = "netsky_demo.default.memory"
NUMBERS = itertools.count()
HUNAN = PROVINCES.index(find_province("hunan"))


@pytest.fixture
def folder(tmp_path):
    write_library(tmp_path / "library", targets=4)
    return tmp_path


def probe(folder, *arguments):
    """The document of a run, and its log."""
    # One of its own each: two sweeps of one second in one database are remarked on in the log.
    database = f"--database=sqlite:///{next(NUMBERS)}.db"
    options = ("--library", "library", "--window", "0.1", "--timeout", "2000", "--format", "json")
    options += (database,)
    done = run_tool(folder, "netsky_probe", *options, *arguments, isp="demo")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_what_a_sweep_taught_is_in_the_folder_beside_the_spool(folder):
    probe(folder, "--spool", "data/spool")
    memory = memory_file.read(folder / "data" / "memory" / FILE)
    assert len(memory.addresses) == TARGETS
    assert (memory.answered > NEW).all()
    assert (folder / "data" / "memory" / FILE).stat().st_mode & 0o777 == 0o600
    probe(folder, "--memory", "elsewhere", "--group-readable")
    assert (folder / "elsewhere" / FILE).stat().st_mode & 0o777 == 0o640


def test_the_next_sweep_goes_on_from_it(folder):
    shares = []
    for _ in range(3):
        probe(folder)
        shares.append(int(memory_file.read(folder / "memory" / FILE).answered[0]))
    assert NEW < shares[0] < shares[1] < shares[2]


def test_once_targets_are_usually_alive_their_loss_is_told(folder):
    first, _ = probe(folder)
    assert {p["live_targets"] for p in first["provinces"]} == {0}
    assert {p["live_loss_ratio"] for p in first["provinces"]} == {None}
    answered_always(folder / "memory" / FILE)
    document, _ = probe(folder)
    assert {p["live_targets"] for p in document["provinces"]} == {4}
    assert {p["live_loss_ratio"] for p in document["provinces"]} == {0}


def test_a_look_by_hand_uses_it_and_leaves_it_as_it_is(folder):
    unknown, log = probe(folder, "--no-store", "--no-push")
    assert {p["live_targets"] for p in unknown["provinces"]} == {None}
    assert (log, (folder / "memory").exists()) == ("", False)
    probe(folder)
    answered_always(folder / "memory" / FILE)
    before = (folder / "memory" / FILE).read_bytes()
    document, log = probe(folder, "--no-store", "--no-push")
    assert {p["live_targets"] for p in document["provinces"]} == {4}
    assert (folder / "memory" / FILE).read_bytes() == before
    (folder / "memory" / FILE).write_bytes(b"nonsense")
    document, log = probe(folder, "--no-store", "--no-push")
    assert log.count("\n") == 1
    assert "cannot be used and is left alone" in log
    assert [each.name for each in (folder / "memory").iterdir()] == [FILE]


def test_a_sweep_of_some_provinces_forgets_nothing_of_the_others(folder):
    probe(folder)
    before = memory_file.read(folder / "memory" / FILE)
    probe(folder, "--province", "hunan")
    after = memory_file.read(folder / "memory" / FILE).of(before.addresses)
    moved = after.answered > before.answered
    assert np.flatnonzero(moved).tolist() == list(range(4 * HUNAN, 4 * HUNAN + 4))


def test_what_has_left_the_library_is_forgotten(folder):
    probe(folder)
    shutil.rmtree(folder / "library")
    write_library(folder / "library", targets=3)
    probe(folder)
    memory = memory_file.read(folder / "memory" / FILE)
    assert len(memory.addresses) == 31 * 3
    assert (memory.answered > NEW + (65535 - NEW) // 64 + 1).all(), "two sweeps taught it"


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"netsky memory 2\n", b"netsky memory 1\n{}"]
)
def test_one_that_cannot_be_used_is_set_aside_with_one_line(folder, content):
    for _ in range(2):  # the second one takes the place of the first
        (folder / "memory").mkdir(exist_ok=True)
        (folder / "memory" / FILE).write_bytes(content)
        document, log = probe(folder)
        assert document["sweep"]["packets_received"] == TARGETS
        assert log.count("\n") == 1
        assert f"it is set aside as {FILE}.aside, and a new one begun" in log
        aside = folder / "memory" / f"{FILE}.aside"
        assert aside.read_bytes() == content
        assert len(memory_file.read(folder / "memory" / FILE).addresses) == TARGETS
        assert len(list((folder / "memory").iterdir())) == 2


def test_one_that_cannot_be_read_is_left_alone_with_one_line(folder):
    (folder / "memory" / FILE).mkdir(parents=True)
    document, log = probe(folder)
    assert {p["live_targets"] for p in document["provinces"]} == {None}
    assert log.count("\n") == 1
    assert "cannot be read and is left alone: it is a folder and not a file" in log
    assert (folder / "memory" / FILE).is_dir()


def test_a_folder_that_cannot_be_made_costs_one_line(folder):
    (folder / "file").write_text("in the way")
    document, log = probe(folder, "--memory", "file/below")
    assert document["sweep"]["packets_received"] == TARGETS
    assert log.count("\n") == 1
    assert "(--memory)" in log


@needs_root
def test_on_a_full_disk_the_sweep_goes_on_with_one_line(folder):
    from testing.faults.disk import mount_disk

    (folder / "disk").mkdir()
    with mount_disk(folder / "disk") as disk:
        probe(folder, "--memory", str(disk.path()))
        before = disk.path(FILE).read_bytes()
        disk.fill()
        document, log = probe(folder, "--memory", str(disk.path()))
        assert document["sweep"]["packets_received"] == TARGETS
        assert log.count("\n") == 1
        assert "is not written, and stays as it was: No space left on device" in log
        assert disk.path(FILE).read_bytes() == before


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path):
    memory = nothing_of(np.arange(5, dtype=np.uint32))
    leftover, other = tmp_path / f".{FILE}.0123456789abcdef", tmp_path / ".other.memory.0"
    leftover.write_bytes(b"half")
    other.write_bytes(b"half")
    remembering(tmp_path).keep(memory)
    assert {each.name for each in Path(tmp_path).iterdir()} == {FILE, other.name}


def remembering(folder):
    return Remembering(folder / FILE, 0o600, folder / CITIES_FILE)


def sweep_with(memory, sweep):
    """What is known before a sweep; what it teaches is learned."""
    known = memory.recall(sweep)
    memory.learn(sweep, known, in_incident=())
    return known


def test_of_a_tainted_sweep_nothing_is_learned(tmp_path):
    memory = remembering(tmp_path)
    sweep = make_sweep({"hunan": [0.1, math.nan]})
    sweep_with(memory, sweep)
    before = (tmp_path / FILE).read_bytes()
    tainted = replace(sweep, local_drops=1)
    assert sweep_with(memory, tainted).memory.live.tolist() == [False, False]
    assert (tmp_path / FILE).read_bytes() == before
    sweep_with(memory, sweep)
    assert (tmp_path / FILE).read_bytes() != before


def test_of_provinces_that_are_swept_in_turns_each_has_its_days(tmp_path):
    memory = replace(remembering(tmp_path), partial=True)
    addresses = make_sweep({"hunan": [math.nan], "hubei": [math.nan]}).library.addresses
    memory.keep(replace(nothing_of(addresses), answered=np.zeros(2, np.uint16)))
    midnight = STARTED_AT.replace(hour=0, minute=0)
    for day, (index, slug) in itertools.product(range(9), enumerate(("hunan", "hubei"))):
        part = make_sweep({slug: [math.nan]})
        library = replace(part.library, addresses=addresses[index : index + 1])
        at = midnight + timedelta(days=day, seconds=30 * index)
        sweep_with(memory, replace(part, library=library, started_at=at))
    remembered = memory_file.read(memory.file)
    assert remembered.silent_days.tolist() == [8, 8]
    assert remembered.dead.all()


def test_a_fault_is_not_learned(tmp_path):
    memory = remembering(tmp_path)
    good, bad = (make_sweep({"hunan": [rtt] * 40, "hubei": [0.1] * 40}) for rtt in (0.1, math.nan))
    for minute in range(60):
        sweep_with(memory, replace(good, started_at=STARTED_AT + timedelta(minutes=minute)))
    for minute in range(60, 120):
        known = sweep_with(memory, replace(bad, started_at=STARTED_AT + timedelta(minutes=minute)))
    assert known.memory.live.all()


@pytest.fixture
def failing(tmp_path):
    """A memory after an hour of quiet, and a sweep in which 127.16.1.0/24 is dead."""
    memory = remembering(tmp_path)
    good = make_sweep({"hunan": [0.1] * 1024, "hubei": [0.1] * 1024})
    rtts = good.rtt_seconds.copy()
    rtts[256:512] = math.nan
    for minute in range(60):
        known = sweep_with(memory, replace(good, started_at=STARTED_AT + timedelta(minutes=minute)))
        assert known.faults == {}
    return memory, replace(good, rtt_seconds=rtts, started_at=STARTED_AT + timedelta(hours=1))


def test_the_part_that_fails_is_told_with_the_sweep(failing, caplog):
    memory, bad = failing
    known = sweep_with(memory, bad)
    [quality, other] = aggregate(bad, abnormal_rtt=0.3, live=known.memory.live, faults=known.faults)
    [part] = quality.fault.prefixes
    assert (part.prefix, part.cities) == ("127.16.1.0/24", ())
    assert other.fault is None
    assert memory_file.read(memory.file).provinces["hunan"].prefixes == ("127.16.1.0/24",)
    assert caplog.messages == [], "a library of a person's has no cities"


def test_in_a_memory_without_a_loss_the_usual_loss_is_not_told_before_it_is_near_zero(failing):
    memory, bad = failing
    assert (
        sweep_with(replace(memory, writes=False), bad).faults["hunan"].prefixes[0].usual_loss_ratio
        is None
    )
    good = replace(bad, rtt_seconds=np.full_like(bad.rtt_seconds, 0.1))
    for minute in range(60, 350):
        sweep_with(memory, replace(good, started_at=STARTED_AT + timedelta(minutes=minute)))
    bad = replace(bad, started_at=STARTED_AT + timedelta(minutes=350))
    [part] = sweep_with(memory, bad).faults["hunan"].prefixes
    assert 0 < part.usual_loss_ratio < 0.0011


def test_all_that_the_memory_knows_is_in_the_figures_of_the_probe(failing):
    memory, bad = failing
    known = memory_file.read(memory.file)
    silent_days = known.silent_days.copy()
    silent_days[250:260] = 9  # six of them answer now
    memory.keep(replace(known, silent_days=silent_days, days=9))
    report = netsky.jobs.probe.probe(
        SimpleNamespace(sweep=lambda *_arguments: bad),
        bad.library,
        bad.egress,
        ProbePlan(),
        abnormal_rtt=0.3,
        storage=None,
        memory=memory,
        outlets=Outlets(),
        progress=lambda _packets: None,
    )
    hunan, hubei = report.qualities
    assert [part.prefix for part in hunan.fault.prefixes] == ["127.16.1.0/24"]
    assert (hunan.live_targets, hunan.live_packets_lost, hunan.dead_targets) == (1024, 256, 4)
    assert (hubei.fault, hubei.live_packets_lost, hubei.dead_targets) == (None, 0, 0)


def test_the_city_of_a_part_is_told_where_the_library_knows_it(failing):
    memory, bad = failing
    memory.cities.write_text(
        "127.16.0.0-127.16.0.255  # 株洲市\n127.16.1.0-127.16.9.255  # 长沙市\n"
    )
    fault = sweep_with(memory, bad).faults["hunan"]
    assert [part.cities for part in fault.prefixes] == [("长沙市",)]
    assert fault.rest.cities == ()


def test_cities_that_cannot_be_read_cost_one_warning(failing, caplog):
    memory, bad = failing
    memory.cities.write_text("127.16.0.0/24  # 株洲市\n")
    [part] = sweep_with(memory, bad).faults["hunan"].prefixes
    assert (part.prefix, part.cities) == ("127.16.1.0/24", ())
    [line] = caplog.messages
    assert f"{memory.cities} cannot be used: a line is no range with a city behind it" in line


def test_a_province_in_an_open_incident_of_this_line_is_not_learned(folder):
    database = f"sqlite:///{folder}/incidents.db"
    options = ("--library", "library", "--window", "0.1", "--database", database)
    connector = Database(sa.make_url(database), timeout=5).connector

    def provinces():
        assert run_tool(folder, "netsky_probe", *options, isp="demo").returncode == 0
        return memory_file.read(folder / "memory" / FILE).provinces

    def record(line, *losses, first=STARTED_AT):
        for number, each in enumerate(losses):
            record_verdict(connector, line, verdict(each, first + number * MINUTE))

    provinces()
    answered_always(folder / "memory" / FILE)
    record(Line("demo", "other"), ALERT, ALERT)
    assert {each.incident_seconds for each in provinces().values()} == {None}
    record(Line("demo", "default"), ALERT, ALERT)
    found = provinces()
    assert [slug for slug, each in found.items() if each.incident_seconds is not None] == ["hunan"]
    assert found["hunan"].sweeps == 1
    assert {each.sweeps for slug, each in found.items() if slug != "hunan"} == {2}
    record(Line("demo", "default"), QUIET, QUIET, QUIET, first=STARTED_AT + 2 * MINUTE)
    assert provinces()["hunan"].incident_seconds is None


def test_it_is_remembered_with_no_database_in_reach(folder):
    done = run_tool(
        folder,
        "netsky_probe",
        "--library=library",
        "--window=0.1",
        f"--database=sqlite:///{folder}/missing/folder/x.db",
        isp="demo",
    )
    assert done.returncode == 3
    assert "incidents" not in done.stderr, "one that does not answer is not asked"
    assert (memory_file.read(folder / "memory" / FILE).answered > NEW).all()


def test_a_server_that_never_answers_is_not_waited_for(tmp_path, silent_port, monkeypatch, caplog):
    monkeypatch.setattr(netsky.jobs.probe, "INCIDENT_SECONDS", 0.1)
    url = fill_url(f"mysql://netsky@127.0.0.1:{silent_port}/netsky_cu", "cu", "default")
    waiting = Spool(tmp_path, "cu", "default", max_bytes=1, max_age=timedelta(1))
    storage = Storage(Database(url, timeout=3600), waiting)
    assert storage.in_incident("cu", "default") is None
    [line] = caplog.messages
    assert "no end within 0.1 s: given up: open incidents are not known" in line
