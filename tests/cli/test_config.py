"""netsky.toml as defaults of the options: precedence, and the same checks as on the command line."""

import click
import pytest

from netsky.cli.config import SETTINGS
from netsky.cli.destinations import DatabaseOptions, OutletOptions
from netsky.cli.judging import ThresholdOptions
from netsky.cli.lines import Lines
from netsky.cli.options import Number, takes
from netsky.cli.running import Running
from netsky.cli.tool import Tool
from netsky.errors import InputError
from netsky.places import Egress
from testing.commands import run_command, tool_command


@click.command("netsky_probe", cls=Tool)
@takes(lines=Lines, database=DatabaseOptions, outlets=OutletOptions, running=Running)
@click.option("--rate", type=click.IntRange(1), default=100_000)
@click.option("--window", type=Number(0, 86400), default=10)
@click.option("--province", multiple=True)
@click.option("--no-store", is_flag=True)
def tool(**options):
    """Like the real ones, without anything to do."""


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def parse(tmp_path):
    """The options of a run with this netsky.toml and these arguments."""

    def parse_arguments(toml, *arguments):
        (tmp_path / "netsky.toml").write_text(toml)
        with tool.make_context("netsky_probe", ["--isp", "cu", *arguments]) as context:
            return context.params

    return parse_arguments


def test_without_a_file_the_defaults_hold():
    with tool.make_context("netsky_probe", ["--isp", "cu"]) as context:
        assert context.params["rate"] == 100_000
        assert context.meta[SETTINGS].file is None


def test_the_file_comes_before_the_default(parse):
    toml = "push_timeout = 2.5\nverbose = 2\n[probe]\nrate = 5\nwindow = 0\nno_store = true\n"
    options = parse(f"{toml}province = ['hunan', '广东']\ntextfile = 'x.prom'\n")
    assert (options["rate"], options["window"], options["no_store"]) == (5, 0.0, True)
    assert (options["push_timeout"], options["verbose"]) == (2.5, 2)
    assert options["province"] == ("hunan", "广东")
    assert str(options["textfile"]) == "x.prom"


def test_a_tool_passes_over_what_the_file_says_for_tools_with_more_options(tmp_path):
    @click.command("netsky_probe", cls=Tool)
    @takes(running=Running)
    def small(**options):
        """Without a database or a Pushgateway."""

    file = tmp_path / "netsky.toml"
    file.write_text("database = 'sqlite:///x.db'\npush_timeout = 2\nformat = 'json'\n")
    with small.make_context("netsky_probe", []) as context:
        assert context.params["format"] == "json"
    file.write_text("datbase = 'sqlite:///x.db'\n")
    with pytest.raises(InputError, match="datbase is not a known key"):
        small.make_context("netsky_probe", [])


def test_the_environment_comes_before_the_file(parse, monkeypatch):
    monkeypatch.setenv("NETSKY_RATE", "6")
    assert parse("[probe]\nrate = 5")["rate"] == 6


def test_the_command_line_comes_first(parse, monkeypatch):
    monkeypatch.setenv("NETSKY_RATE", "6")
    assert parse("[probe]\nrate = 5", "--rate", "7")["rate"] == 7


def test_a_shared_option_of_one_tool_comes_before_that_of_all_tools(parse):
    assert parse("format = 'json'\n[probe]\nformat = 'line'")["format"] == "line"


def test_the_section_of_another_tool_is_not_for_this_one(parse):
    assert parse("[alert]\nrate = 5\nwhatever = 1")["rate"] == 100_000


def test_a_required_option_may_stand_in_the_file(tmp_path):
    (tmp_path / "netsky.toml").write_text("[probe]\nisp = 'cm'")
    with tool.make_context("netsky_probe", []) as context:
        assert context.params["isp"] == "cm"


@pytest.mark.parametrize("by", ["option", "environment"])
def test_another_file_may_be_given(tmp_path, monkeypatch, by):
    (tmp_path / "netsky.toml").write_text("[probe]\nrate = 5")
    (tmp_path / "other.toml").write_text("[probe]\nrate = 8\n[egress.b]\n")
    arguments = ["--isp", "cu"]
    if by == "option":
        arguments += ["--config", "other.toml"]
    else:
        monkeypatch.setenv("NETSKY_CONFIG", "other.toml")
    with tool.make_context("netsky_probe", arguments) as context:
        assert context.params["rate"] == 8
        assert context.meta[SETTINGS].find_egress("b") == Egress("b")


def test_a_given_file_must_exist():
    with pytest.raises(InputError, match=r"cannot read the settings no\.toml"):
        tool.make_context("netsky_probe", ["--isp", "cu", "--config", "no.toml"])


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("speed = 1", "netsky.toml: speed is not a known key; known are baseline, database, "),
        ("[probe]\nspeed = 1", "netsky.toml: probe.speed is not a known key; known are "),
        ("[prob]\nrate = 1", "netsky.toml: prob is not a known key"),
        ("rate = 1", "rate is not a known key: it belongs below [probe]; known are"),
        ("config = 'x.toml'", "config is not a known key"),
        ("no-push = true", "no-push is not a known key"),
        ("[probe]\nrate = '5'", "probe.rate = '5' must be a whole number"),
        ("[probe]\nrate = 5.0", "probe.rate = 5.0 must be a whole number"),
        ("[probe]\nrate = true", "probe.rate = True must be a whole number"),
        ("[probe]\nrate = 0", "probe.rate: 0 is not in the range x>=1."),
        ("[probe]\nwindow = '1'", "probe.window = '1' must be a number"),
        ("[probe]\nwindow = false", "probe.window = False must be a number"),
        ("[probe]\nwindow = -0.5", "probe.window: -0.5 is not in the range"),
        ("[probe]\nwindow = nan", "probe.window: nan is not a finite number"),
        ("[probe]\nwindow = inf", "probe.window: inf is not in the range"),
        ("[probe]\nprovince = 'hunan'", "probe.province = 'hunan' must be a list"),
        ("[probe]\nprovince = ['hunan', 1]", "province = ['hunan', 1] must be a list of strings"),
        ("no_push = 1", "no_push = 1 must be true or false"),
        ("no_push = 'yes'", "no_push = 'yes' must be true or false"),
        ("push_user = 1", "push_user = 1 must be a string"),
        ("database = ['a']", "database must be a string"),
        ("format = 'xml'", "format: 'xml' is not one of 'auto'"),
        ("textfile = 1979-05-27", "textfile = datetime.date(1979, 5, 27) must be a string"),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_key(parse, toml, message):
    with pytest.raises(InputError) as refusal:
        parse(toml)
    assert str(refusal.value).startswith("netsky.toml: ")
    assert message in str(refusal.value)


def test_what_is_wrong_is_refused_even_if_the_command_line_overrides_it(parse):
    with pytest.raises(InputError, match=r"probe\.rate: 0 is not in the range"):
        parse("[probe]\nrate = 0", "--rate", "7")


def test_a_path_that_the_locale_cannot_write_is_refused_with_file_and_key(tmp_path):
    (tmp_path / "netsky.toml").write_text("textfile = '北京.prom'", encoding="utf-8")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = run_command(tmp_path, tool_command("netsky_alert"), **ascii_only)
    assert run.returncode == 2
    [line] = run.stderr.splitlines()
    assert "netsky.toml: textfile: 'ascii' codec can't encode" in line


def test_a_database_of_the_wrong_type_is_not_repeated_which_may_hold_a_password(parse):
    with pytest.raises(InputError, match=r"database must be a string") as refusal:
        parse('database = ["mysql://netsky:geheim@127.0.0.1/x"]')
    assert "geheim" not in str(refusal.value)


def test_the_report_takes_the_thresholds_of_the_alert_unless_it_has_its_own(tmp_path):
    @click.command("netsky_report", cls=Tool)
    @takes(judged=ThresholdOptions, lines=Lines)
    def report(**_options):
        """Like the real one."""

    def thresholds(toml):
        (tmp_path / "netsky.toml").write_text(toml)
        with report.make_context("netsky_report", ["--isp", "cu"]) as context:
            names = ("elevated", "severe", "max_age", "max_baseline_age", "baseline")
            return [context.params[name] for name in names]

    alert = (
        "[alert]\nelevated = 3\nsevere = 6\nmax_age = 60\nmax_baseline_age = 2\nmin_targets = 1\n"
    )
    assert thresholds("") == [5, 10, 180, 24, "usual"]
    assert thresholds(alert) == [3, 6, 60, 2, "usual"]
    assert thresholds(f"{alert}baseline = 'mean'\n") == [3, 6, 60, 2, "mean"]
    assert thresholds(f"{alert}[report]\nsevere = 8\n") == [3, 8, 60, 2, "usual"]
    with pytest.raises(InputError, match=r"netsky.toml: alert.elevated = 'x' must be a number"):
        thresholds("[alert]\nelevated = 'x'\n")
