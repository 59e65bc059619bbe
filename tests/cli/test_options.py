"""What the shared options stand for, where one setting serves three tools."""

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

import netsky_library
import netsky_probe
import netsky_report
import netsky_trace
from netsky.cli.probing import MemoryOptions
from netsky.loss import NewBaseline
from netsky.places import find_province
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing.commands import run_tool
from testing.samples import make_quality
from testing.stores import store_sweep

CHECK = netsky_library.main.commands["check"]
TEXTFILE = "textfile netsky_{isp}.prom is set for every tool, and each would replace the other's"


@pytest.fixture
def folder(tmp_path):
    """A folder with a database that has something to judge."""
    url = fill_url(f"sqlite:///{tmp_path}/netsky_cu.db", "cu", "default")
    database, now = Database(url, timeout=5), datetime.now(UTC)
    store_sweep(database, "cu", "default", now, [make_quality("hunan", loss_ratio=0.0)])
    database.store_baselines("cu", [NewBaseline(find_province("hunan"), "default", 0, 3)], now)
    return tmp_path


def alert_and_average(folder, *arguments, **environment):
    for tool, options in (
        ("netsky_alert", []),
        ("netsky_get_avg_lossrate", ["--min-samples", "1"]),
    ):
        yield run_tool(folder, tool, *options, *arguments, **environment)


def prom_files(folder):
    return sorted(file.name for file in folder.glob("*.prom"))


def test_a_textfile_for_every_tool_has_the_tool_in_its_name(folder):
    (folder / "netsky.toml").write_text("textfile = 'netsky_{tool}_{isp}_{egress}.prom'\n")
    for done in alert_and_average(folder):
        assert (done.returncode, done.stderr) == (0, "")
    names = ["netsky_alert_cu_default.prom", "netsky_avg_lossrate_cu_default.prom"]
    assert prom_files(folder) == names


def test_a_textfile_for_every_tool_without_the_tool_in_its_name_is_refused(folder):
    (folder / "netsky.toml").write_text("textfile = 'netsky_{isp}.prom'\n")
    for done in alert_and_average(folder):
        assert done.returncode == 2
        assert TEXTFILE in done.stderr
    (folder / "netsky.toml").write_text("")
    for done in alert_and_average(folder, NETSKY_TEXTFILE="netsky_{isp}.prom"):
        assert done.returncode == 2
        assert TEXTFILE in done.stderr


def test_one_textfile_for_several_lines_is_refused(folder):
    (folder / "netsky.toml").write_text("[egress.a]\n[egress.b]\n")
    for name, what in (("x.prom", "isp"), ("x_{isp}.prom", "egress")):
        arguments = ("--textfile", name, "--egress", "a,b")
        done = run_tool(folder, "netsky_alert", *arguments, isp="cu,cm")
        assert done.returncode == 2
        assert f"this run is about more than one {what}" in done.stderr
    assert prom_files(folder) == []


def test_a_textfile_of_one_tool_needs_no_tool_in_its_name(folder):
    (folder / "netsky.toml").write_text("[alert]\ntextfile = 'a_{isp}.prom'\n")
    for done in alert_and_average(folder, "--format", "line"):
        assert (done.returncode, done.stderr) == (0, "")
    assert prom_files(folder) == ["a_cu.prom"]
    (folder / "netsky.toml").unlink()
    for done in alert_and_average(folder, "--textfile", "b_{isp}.prom"):
        assert (done.returncode, done.stderr) == (0, "")
    assert "b_cu.prom" in prom_files(folder)


def test_an_egress_must_be_known(folder):
    for done in alert_and_average(folder, "--egress", "unicom-9"):
        assert done.returncode == 2
        assert "unknown egress 'unicom-9'" in done.stderr


def test_no_egress_may_be_called_all(folder):
    (folder / "netsky.toml").write_text("[egress.all]\n")
    for done in alert_and_average(folder):
        assert done.returncode == 2
        assert "[egress.all]: that name stands for all egresses" in done.stderr


def params_of(command, *, of=None):
    """The options of a run for cu; a verb is `of` its tool."""
    parent = click.Context(of) if of else None
    with command.make_context(command.name, ["--isp", "cu"], parent=parent) as context:
        return context.params


@pytest.mark.parametrize(
    ("toml", "environment", "wanted"),
    [
        ("", {}, "memory"),
        ("[probe]\nspool = 'data/spool'\n", {}, "data/memory"),
        ("[probe]\nspool = 'data/spool'\nmemory = 'elsewhere'\n", {}, "elsewhere"),
        ("[probe]\nspool = 'data/spool'\n", {"NETSKY_SPOOL": "run/spool"}, "run/memory"),
        ("[probe]\nmemory = 'elsewhere'\n", {"NETSKY_MEMORY": "here"}, "here"),
    ],
)
def test_the_tools_look_for_the_memory_where_the_probe_has_it(
    tmp_path, monkeypatch, toml, environment, wanted
):
    monkeypatch.chdir(tmp_path)
    Path("netsky.toml").write_text(toml)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    probe = params_of(netsky_probe.main)
    memory = MemoryOptions(probe["memory"]).open(
        "cu", "default", spool=probe["spool"], mode=0, cities=Path(), writes=True, partial=False
    )
    tools = [params_of(netsky_trace.main), params_of(CHECK, of=netsky_library.main)]
    places = [memory.file.parent, *(params["memory"] for params in tools)]
    assert places == [Path(wanted)] * 3


def test_a_tool_may_look_for_a_memory_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("netsky.toml").write_text("probe.memory = 'a'\ntrace.memory = 'b'\nlibrary.memory = 'c'\n")
    trace, library = params_of(netsky_trace.main), params_of(CHECK, of=netsky_library.main)
    assert (trace["memory"], library["memory"]) == (Path("b"), Path("c"))


@pytest.mark.parametrize(
    ("toml", "wanted"),
    [
        ("", "spool"),
        ("probe.spool = 'data/spool'\n", "data/spool"),
        ("probe.spool = 'a'\nreport.spool = 'b'\n", "b"),
    ],
)
def test_the_report_looks_for_waiting_sweeps_where_the_probe_keeps_them(
    tmp_path, monkeypatch, toml, wanted
):
    monkeypatch.chdir(tmp_path)
    Path("netsky.toml").write_text(toml)
    show = netsky_report.main.commands["show"]
    assert params_of(show, of=netsky_report.main)["spool"] == Path(wanted)
