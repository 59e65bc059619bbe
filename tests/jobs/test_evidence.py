"""Evidence by itself: in a lab whose fault is known, and whatever may come between."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest

from lab.network.faults import Loss
from lab.network.making import make_lab
from lab.proofs.site import Site
from netsky.addresses import AddressLibrary
from netsky.console.trace import path_change_text
from netsky.engines.icmp_socket import HOW_TO_ALLOW
from netsky.errors import EngineError
from netsky.evidence import Evidence, Reason
from netsky.jobs import evidence
from netsky.jobs.evidence import (
    DueTaking,
    Keeping,
    Taken,
    TracedLine,
    find_due,
    finish,
    mtr_deadline,
    take,
)
from netsky.judging.grading import Severity
from netsky.judging.incidents import Incident
from netsky.places import BUILTIN_ISPS, Egress, find_province
from netsky.store.evidence_files import read_evidence, write_taking
from netsky.store.evidence_names import quiet_files, stamp
from netsky.targets import memory_file
from netsky.targets.library import LibraryFiles
from netsky.targets.memory import ALWAYS, nothing_of
from netsky.trace import Finding, MtrReport, TracePlan
from testing import ROOT
from testing.commands import run_command, run_tool
from testing.evidence import make_report, make_taking
from testing.memories import answered_always
from testing.netns import namespace, needs_root
from testing.processes import processes_where
from testing.samples import write_library
from testing.servers import program, wait_until

__all__ = ["namespace"]

PROVINCES = (find_province("guangdong"), find_province("hunan"))
NOBODY = "65534"
MTR = """Start: 2026-11-28T18:10:20+0000
HOST: probe          Loss%   Snt   Last   Avg  Best  Wrst StDev
  1.|-- 198.51.100.1  0.0%    20    0.1   0.1   0.1   0.2   0.0"""
QUICK = ("--rounds", "1", "--rate", "10000")


def fake_mtr(folder, script=f"echo '{MTR}'"):
    """The variable PATH with an mtr of ours in front."""
    folder.mkdir(exist_ok=True)
    file = folder / "mtr"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@needs_root
def test_a_fault_is_evidenced_by_itself_and_compared_once_it_is_over(tmp_path):
    """hop-loss, probe, alert, evidence; then all is well, and the same targets are traced again."""
    with make_lab(hops=4) as lab:
        story = Story(Site(lab, tmp_path), fake_mtr(tmp_path / "bin"))
        story.begin()
        assert story.take() == (0, "")
        ((_, quiet),) = quiet_files(tmp_path / "evidence", "cu", "b")
        assert [each["province"] for each in json.loads(quiet.read_text())["provinces"]] == [
            "hunan",
            "guangdong",
        ]
        assert story.take() == (0, ""), "an hour has not passed"
        routers = [str(wire.far) for wire in lab.route("b").wires[:-1]]
        quiet.write_text(quiet.read_text().replace(f'"{routers[3]}"', '"192.0.2.1"'))

        lab.set_hop_loss(Loss(0.3), egress="b", hop=3)
        incident = story.probe_and_judge(2)
        assert incident["open"]
        lab.set_loss(Loss(0.05), egress="a", isp="cm")
        with ThreadPoolExecutor(1) as pool:
            sweep = pool.submit(story.sweep_beside)
            code, line = story.take()
            measured, dropped = sweep.result()
        assert measured.document["sweep"]["local_drops"] == 0
        assert measured.lost == dropped
        assert code == 0
        assert " reason=opened verdicts=" in line
        folder = f"cu/b/{stamp(datetime.fromisoformat(incident['opened_at']))}"
        (opened,) = story.check_kept(folder)
        assert (tmp_path / "evidence/cu/b/latest").resolve().name == folder.rpartition("/")[2]
        for report in opened.reports:
            verdict = report.located.verdict
            assert (verdict.finding, verdict.after, verdict.at_latest) == (Finding.BEGINS, 2, 3)
            assert [other.located.verdict.finding for other in report.compared] == [Finding.CLEAN]
            assert len(report.quiet) == 4
            (change,) = report.changes
            told = f"路径在第 4 跳改变：原 192.0.2.1，现 {routers[3]}（{change.targets} 个目标）"
            assert path_change_text(change) == told
        assert opened.complete
        assert story.take() == (0, ""), "nothing is due"

        lab.set_hop_loss(Loss(0), egress="b", hop=3)
        assert not story.probe_and_judge(3)["open"]
        code, line = story.take()
        assert (code, " reason=cleared " in line) == (0, True)
        _, cleared = story.check_kept(folder)
        assert {r.province: set(r.targets) for r in cleared.reports} == {
            r.province: set(r.targets) for r in opened.reports
        }
        assert {r.located.verdict.finding for r in cleared.reports} == {Finding.CLEAN}


class Story:
    """A site in a lab whose probe has long known its targets."""

    def __init__(self, site, path):
        self.site = site
        self.path = path

    def begin(self):
        self.site.set_up(targets=400)
        self._probe()
        answered_always(self.site.folder / "memory" / "netsky_cu.b.memory")
        self._probe()
        self._probe()
        self.site.run("netsky_get_avg_lossrate", "cu")

    def _probe(self):
        options = ("--province", "guangdong,hunan", "--window", "0.5")
        return self.site.probe("cu", "b", *options)

    def probe_and_judge(self, times):
        """The incident after so many sweeps."""
        for _ in range(times):
            self._probe()
            verdict = self.site.alert("cu", "b")
        return verdict["incident"]

    def take(self):
        """The exit code of netsky_trace.py as cron starts it, and what it printed."""
        command = self.site.command("netsky_trace", "cu", "--egress", "b", "--rounds", "5")
        done = self.site.lab.run("/usr/bin/env", f"PATH={self.path}", *command)
        assert done.stderr == ""
        return done.returncode, done.stdout

    def sweep_beside(self):
        """A sweep through the exit that is compared with, and what it should have lost."""
        before = self.site.lab.truth()
        measured = self.site.probe("cm", "a", "--window", "5", "--no-store")
        counts = self.site.lab.truth().since(before).of("a", "cm")
        return measured, {province: count.dropped for province, count in counts.items()}

    def check_kept(self, folder):
        """The takings of the folder, as the database has them, too."""
        evidence = read_evidence(self.site.folder / "evidence", folder)
        assert evidence.not_read == ()
        with closing(sqlite3.connect(self.site.folder / "netsky_cu.db")) as database:
            rows = database.execute(
                "SELECT DISTINCT reason, after_hop, at_latest_hop FROM netsky_trace ORDER BY taken_at"
            ).fetchall()
            [(noted,)] = database.execute("SELECT evidence FROM netsky_incident").fetchall()
        assert noted == folder
        of_takings = [
            (taking.reason.value, verdict.after, verdict.at_latest)
            for taking in evidence.takings
            for verdict in [taking.reports[0].located.verdict]
        ]
        assert rows == of_takings
        return evidence.takings


@pytest.fixture
def incident():
    """An open incident of cu, whose users are this host; their memory says who was lost lately."""
    with TemporaryDirectory() as folder:  # for users that may not see pytest's own folders
        Path(folder).chmod(0o777)
        yield with_incident(Path(folder))


def with_incident(tmp_path):
    write_library(tmp_path / "ipdata", isp="cu", targets=60, provinces=PROVINCES)
    run_tool(tmp_path, "netsky_probe", "--window", "0")
    library = LibraryFiles(tmp_path / "ipdata", "cu", PROVINCES).current()
    memory = nothing_of(library.addresses)
    lost = np.arange(len(memory.lost)) % 10 == 0
    always = np.full_like(memory.answered, ALWAYS)
    memory_file.write(
        tmp_path / "memory" / "netsky_cu.default.memory",
        replace(memory, answered=always, lost=lost),
        mode=0o600,
    )
    with closing(sqlite3.connect(tmp_path / "netsky_cu.db")) as database, database:
        database.execute(
            "INSERT INTO netsky_incident (id, isp, egress, opened_at, changed_at, severity,"
            " peak_severity, peak_increase, peak_provinces, provinces) VALUES (7, 'cu', 'default',"
            " ?1, ?1, 'critical', 'critical', 44, 2, '广东,湖南')",
            (datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),),
        )
    return tmp_path


def command(folder, *options):
    script = str(ROOT / "netsky_trace.py")
    locks = ("--lock-dir", str(folder))
    return [sys.executable, script, "--isp", "cu", "--mtr", "1", *QUICK, *locks, *options]


def run(folder, *options, before=(), path=None):
    environment = {"PATH": path or fake_mtr(folder / "bin")}
    return run_command(folder, [*before, *command(folder, *options)], **environment)


def kept(folder):
    """The takings of the incident, and what could not be read."""
    with closing(sqlite3.connect(folder / "netsky_cu.db")) as database:
        [(opened_at,)] = database.execute("SELECT opened_at FROM netsky_incident").fetchall()
    start = stamp(datetime.fromisoformat(opened_at).replace(tzinfo=UTC))
    return read_evidence(folder / "evidence", f"cu/default/{start}")


def rows(folder):
    with closing(sqlite3.connect(folder / "netsky_cu.db")) as database:
        return database.execute("SELECT province, reason FROM netsky_trace").fetchall()


def test_the_lost_are_traced_first_and_healthy_ones_beside_them(incident):
    assert run(incident).returncode == 0
    (taking,) = kept(incident).takings
    assert {report.province for report in taking.reports} == set(PROVINCES)
    for report in taking.reports:
        lasts = [int(target.rpartition(".")[2]) for target in report.targets]
        assert len(lasts) == 20
        assert sum(last % 10 == 0 for last in lasts) == 6, "all that were lost"
    assert sorted(rows(incident)) == [("广东", "opened"), ("湖南", "opened")]


def test_what_the_database_says_does_not_lead_elsewhere(incident):
    with closing(sqlite3.connect(incident / "netsky_cu.db")) as database, database:
        database.execute(
            "UPDATE netsky_incident SET evidence = '../elsewhere', provinces = '广东,北京',"
            " prefixes = 'nonsense'"
        )
    done = run(incident)
    assert done.returncode == 3, "nobody is known of Beijing"
    (taking,) = kept(incident).takings
    assert taking.problems == ("北京：地址库里没有这个省的目标",)
    assert not list(incident.parent.glob("elsewhere*"))


def test_what_could_not_be_recorded_is_by_the_next_run(incident):
    with closing(sqlite3.connect(incident / "netsky_cu.db")) as database, database:
        database.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON netsky_trace BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    done = run(incident)
    assert done.returncode == 3
    assert "is kept, and recorded by the next run: " in done.stderr
    assert rows(incident) == []
    with closing(sqlite3.connect(incident / "netsky_cu.db")) as database, database:
        database.execute("DROP TRIGGER refuse")
    assert run(incident).returncode == 0
    assert len(rows(incident)) == 2


def killed_while(folder, script, reached):
    """Kill the tool by -9 when `reached`; its mtr does what the script says."""
    environment = os.environ | {"PATH": fake_mtr(folder / "bin", script)}
    options = command(folder)
    with subprocess.Popen(options, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as tool:
        wait_until(lambda: reached(folder), what="the moment")
        os.kill(tool.pid, signal.SIGKILL)


def test_killed_while_it_traces_it_is_taken_again(incident):
    killed_while(incident, "exit 1", lambda folder: len(kept(folder).takings) == 1)
    (noted,) = kept(incident).takings
    assert (noted.reports, noted.finished) == ((), False)
    wait_until(lambda: datetime.now(UTC) - noted.taken_at > timedelta(seconds=1), what="a second")
    assert run(incident).returncode == 0
    evidence = kept(incident)
    assert [len(taking.reports) for taking in evidence.takings] == [0, 2]
    assert evidence.not_read == ()
    assert len(rows(incident)) == 2


def test_killed_while_mtr_runs_the_traces_are_there_and_mtr_is_gone(incident):
    pid = incident / "pid"

    def mtr_runs(folder):
        return pid.exists() and run(folder).returncode == 75  # another one leaves at once

    killed_while(incident, f"echo $$ > {pid}; exec sleep 300", mtr_runs)
    (taking,) = kept(incident).takings
    assert len(taking.reports) == 2
    assert not taking.finished
    assert len(rows(incident)) == 2
    wait_until(
        lambda: (
            not processes_where(
                lambda each: (
                    each.arguments[:2] == ["sleep", "300"] and each.pid == int(pid.read_text())
                )
            )
        ),
        what="the end of mtr",
    )
    shown = run(incident, "--show", "latest", "--format", "table")
    assert "mtr 没有取得：运行中途被终止" in shown.stdout


@needs_root
def test_without_rights_it_is_one_line_and_nothing_is_kept(incident):
    (incident / "evidence").mkdir(mode=0o777)
    (incident / "evidence").chmod(0o777)
    for file in incident.glob("netsky_cu.db*"):
        file.chmod(0o666)
    ordinary = ("--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--")
    done = run(incident, before=(program("setpriv"), *ordinary))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"ISP cu, egress default: {HOW_TO_ALLOW}")
    assert kept(incident).takings == ()


def test_a_folder_that_takes_nothing_is_told_and_nothing_is_sent(incident):
    (incident / "evidence").write_text("a file")
    done = run(incident)
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert " is not written: Not a directory: see to the disk and the rights of" in line
    assert rows(incident) == []


@needs_root
def test_a_full_disk_is_told_and_nothing_half_written_stays(incident):
    script = f'mount -t tmpfs -o size=4k tmpfs {incident}/evidence && exec "$@"'
    (incident / "evidence").mkdir()
    unshare = (
        program("unshare"),
        "--mount",
        "sh",
        "-c",
        f"{script}; ls -A {incident}/evidence",
        "sh",
    )
    done = run(incident, before=unshare)
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert " is not written: No space left on device: see to the disk" in line


def test_without_a_memory_who_answers_is_looked_for_and_one_line_says_why(incident):
    (incident / "memory").rename(incident / "elsewhere")
    done = run(incident)
    assert done.returncode == 0
    (taking,) = kept(incident).takings
    assert taking.complete
    lines = done.stderr.splitlines()
    assert len(lines) == 1, lines
    assert "memory memory/netsky_cu.default.memory cannot be used" in lines[0]
    assert lines[0].endswith(
        ": No such file or directory (--memory: the folder of netsky_probe.py)"
    )
    (incident / "netsky.toml").write_text("[probe]\nmemory = 'elsewhere'\n")
    assert run(incident, "--now").stderr == ""


@needs_root
def test_a_host_that_cannot_send_gets_one_line_and_the_incident_keeps_its_state(
    incident, namespace
):
    namespace.run("ip", "link", "set", "lo", "down")
    done = run(incident, before=namespace.command())
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "ISP cu, egress default: egress 'default': interface 'lo' is down: " in line
    assert kept(incident).takings == ()
    assert state(incident) == (None, None)


@needs_root
def test_a_host_of_ipv6_alone_gets_one_line_and_the_incident_keeps_its_state(incident, namespace):
    namespace.run("ip", "address", "add", "2001:db8::1/64", "dev", "lo")
    namespace.run("ip", "address", "delete", "127.0.0.1/8", "dev", "lo")
    done = run(incident, before=namespace.command())
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "egress 'default': this host has no route to any target through it" in line
    assert state(incident) == (None, None)


def state(folder):
    """Where there is evidence of the incident, and when it was cleared."""
    with closing(sqlite3.connect(folder / "netsky_cu.db")) as database:
        return database.execute("SELECT evidence, cleared_at FROM netsky_incident").fetchone()


@needs_root
def test_without_dns_all_is_taken_and_a_database_by_name_is_one_line(incident, namespace):
    assert run(incident, before=namespace.command()).returncode == 0
    (taking,) = kept(incident).takings
    assert taking.complete
    named = ("--database", "mysql+pymysql://netsky@db.invalid/netsky_{isp}")
    done = run(incident, *named, before=namespace.command())
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "db.invalid" in line
    assert len(kept(incident).takings) == 1


def test_an_incident_whose_exit_is_down_waits_and_leaves_other_lines_their_quiet_paths(incident):
    (incident / "netsky.toml").write_text(
        '[egress.gone]\ninterface = "absent0"\n[egress.here]\nsource = "127.0.0.1"\n'
    )
    with closing(sqlite3.connect(incident / "netsky_cu.db")) as database, database:
        database.execute("UPDATE netsky_incident SET egress = 'gone'")
    done = run(incident, "--egress", "all")
    assert (done.returncode, done.stdout) == (1, "")
    (error,) = [line for line in done.stderr.splitlines() if " ERROR " in line]
    assert "ISP cu, egress gone: egress 'gone': " in error
    line = incident / "evidence/cu/gone"
    assert not (line / "latest").is_symlink()
    assert [file.name for file in line.iterdir()] == ["not-taken.json"]
    assert len(quiet_files(incident / "evidence", "cu", "here")) == 1
    assert quiet_files(incident / "evidence", "cu", "gone") == []
    waiting = run(incident, "--egress", "all")
    assert (waiting.returncode, waiting.stdout) == (0, "")
    assert " ERROR " not in waiting.stderr
    assert quiet_files(incident / "evidence", "cu", "gone") == [], "it waits, too"
    again = run(incident, "--egress", "gone", "--now")
    assert "absent0" in again.stderr, "a person is told at once"
    [tried] = json.loads((line / "not-taken.json").read_text()).values()
    assert tried["tries"] == 2


def test_of_what_is_due_of_a_line_at_once_no_more_is_taken_than_an_hour_may_have(incident):
    """Three takings this hour, of an incident that is over now, while another one has opened."""
    now = datetime.now(UTC).replace(microsecond=0)
    opened, cleared = now - timedelta(minutes=50), now - timedelta(minutes=10)
    folder = f"cu/default/{stamp(opened)}"
    for minutes, reason in ((1, Reason.OPENED), (6, Reason.AFTER), (11, Reason.GROWTH)):
        taken_at = opened + timedelta(minutes=minutes)
        taking = make_taking(egress="default", reason=reason, taken_at=taken_at)
        write_taking(incident / "evidence", folder, taking, mode=0o600)
    with closing(sqlite3.connect(incident / "netsky_cu.db")) as database, database:
        database.execute(
            "INSERT INTO netsky_incident (id, isp, egress, opened_at, changed_at, cleared_at, severity,"
            " peak_severity, peak_increase, peak_provinces, provinces, evidence) VALUES (3, 'cu',"
            " 'default', ?1, ?2, ?2, 'critical', 'critical', 44, 1, '广东', ?3)",
            (*(f"{each:%Y-%m-%d %H:%M:%S}" for each in (opened, cleared)), folder),
        )
    done = run(incident)
    assert done.returncode == 0, done.stderr
    assert [line.split()[4] for line in done.stdout.splitlines()] == ["reason=opened"]
    assert run(incident).stdout == ""


def test_the_files_of_an_incident_that_is_long_over_are_not_read(monkeypatch, tmp_path):
    now = datetime.now(UTC)
    read = []
    over = [
        Incident(
            now - timedelta(days=9),
            now,
            now - age,
            Severity.HEAVY,
            Severity.HEAVY,
            0.2,
            1,
            PROVINCES[:1],
        )
        for age in (timedelta(hours=25), timedelta(hours=27))
    ]
    monkeypatch.setattr(evidence, "incidents", lambda *_, **__: over)
    monkeypatch.setattr(evidence, "read_evidence", lambda *_: read.append(1) or Evidence(()))
    line = TracedLine(BUILTIN_ISPS["cu"], Egress("b"), (), SimpleNamespace(connector=None), None)
    found = find_due(line, Keeping(tmp_path, 0o600), at_once=False)
    assert (found.due, len(read)) == ([], 1)


def test_looks_at_who_answers_count_against_the_45_seconds(monkeypatch, tmp_path):
    now, given = [1000.0], []
    place = AddressLibrary("cu", PROVINCES[:1], np.array([0x7F000001], np.uint32), np.array([0, 1]))

    class Choice:
        def failing(self, *_):
            now[0] += 20
            return place, []

    def together(*_, seconds, **__):
        given.append(seconds)
        raise EngineError("enough")

    monkeypatch.setattr(evidence, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(evidence, "check_traces", lambda _: None)
    monkeypatch.setattr(evidence, "trace_together", together)
    line = TracedLine(BUILTIN_ISPS["cu"], Egress("b"), (), None, Choice())
    opened = datetime(2026, 11, 28, 18, 9, tzinfo=UTC)
    open_one = Incident(
        opened, opened, None, Severity.HEAVY, Severity.HEAVY, 0.2, 1, PROVINCES[:1], id=7
    )
    due = DueTaking(line, open_one, Reason.OPENED, Evidence(()), "cu/b/20261128T180900Z")
    with pytest.raises(EngineError, match="enough"):
        take(due, Keeping(tmp_path, 0o600), TracePlan(), {})
    assert given == [25]


def test_of_several_lines_the_first_have_mtr_too(monkeypatch, tmp_path):
    """Their traces are made first, one line after the other: that of the first began 135 s ago."""
    given = []

    def take_mtr(target, egress, *, deadline):
        given.append((egress.name, deadline))
        return MtrReport(target, ("mtr",), MTR)

    monkeypatch.setattr(evidence, "time", SimpleNamespace(monotonic=lambda: 1135.0))
    monkeypatch.setattr(evidence, "take_mtr", take_mtr)
    report = replace(make_report(), mtr=())
    taken = [
        Taken(
            TracedLine(BUILTIN_ISPS["cu"], Egress(name), (), None, None),
            make_taking(egress=name, reports=(report,), finished=False),
            f"cu/{name}/20261128T180900Z",
            started,
        )
        for name, started in (("a", 1000.0), ("b", 1045.0), ("c", 1090.0))
    ]
    deadline = mtr_deadline(taken)
    keeping = Keeping(tmp_path, 0o600)
    done = [finish(each, keeping, targets=1, deadline=deadline) for each in taken]
    assert given == [("a", 40.0), ("b", 40.0), ("c", 40.0)]
    assert all(each.complete for each in done)


def test_a_line_that_cannot_be_looked_at_leaves_the_others_their_turn(incident):
    with closing(sqlite3.connect(incident / "netsky_cu.db")) as database, database:
        database.execute("DELETE FROM netsky_incident")
    lines = ("--isp", "cm,cu", "--database", f"sqlite:///{incident}/netsky_cu.db")
    first, second, third = (run(incident, *lines) for _ in range(3))
    assert first.returncode == 2
    assert "ISP cm, egress default: no address library in " in first.stderr
    assert (second.returncode, third.returncode) == (0, 0)
    assert len(quiet_files(incident / "evidence", "cu", "default")) == 1


def test_a_line_that_may_not_be_traced_leaves_the_others_their_turn(incident):
    with closing(sqlite3.connect(incident / "netsky_cu.db")) as database, database:
        database.execute("DELETE FROM netsky_incident")
    (incident / "ipdata/sources.txt").write_text("127.0.0.1\n")
    (incident / "netsky.toml").write_text(
        '[egress.not]\nsource = "127.0.0.9"\n[egress.here]\nsource = "127.0.0.1"\n'
    )
    first, second, third = (run(incident, "--egress", "all") for _ in range(3))
    assert first.returncode == 2
    assert "ISP cu, egress not: the library ipdata is only for the source " in first.stderr
    assert (second.returncode, third.returncode) == (0, 0)
    assert len(quiet_files(incident / "evidence", "cu", "here")) == 1


def test_a_database_that_is_away_is_one_line(tmp_path):
    done = run(tmp_path, "--database", "mysql+pymysql://netsky@127.0.0.1:1/netsky_{isp}")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "ISP cu, egress default: database mysql+pymysql://netsky@127.0.0.1:1/netsky_cu: " in line


def test_what_is_kept_is_listed_and_shown_and_a_person_may_ask_for_more(incident):
    assert run(incident, "--list", "--format", "table").stdout == "没有保存的证据\n"
    assert run(incident).returncode == 0
    (first,) = kept(incident).takings
    wait_until(lambda: datetime.now(UTC) - first.taken_at > timedelta(seconds=1), what="a second")
    assert run(incident, "--now").returncode == 0
    listing = json.loads(run(incident, "--list", "--format", "json").stdout)
    [entry] = listing["evidence"]
    assert [each["reason"] for each in entry["takings"]] == ["opened", "by_hand"]
    start = entry["folder"].rpartition("/")[2]
    document = json.loads(run(incident, "--show", start, "--format", "json").stdout)
    assert document["takings"][0]["taken_at"] == first.taken_at.isoformat()
    assert document["takings"][0]["provinces"][0]["mtr"][0]["state"] == "taken"
    for start in ("20200101T000000Z", ""):
        done = run(incident, "--show", start)
        assert done.returncode == 2
        assert "--list shows what there is" in done.stderr
