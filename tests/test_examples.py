"""netsky.toml.example: loads as it is and with everything switched on, and lists every key."""

import dataclasses
import re
from itertools import pairwise

import click
import pytest

from netsky.cli import settings
from netsky.cli.config import SETTINGS, CommonOption, section_of
from netsky.places import ISP, Egress
from testing import ROOT
from tools import options as options_page

TOOLS = {section_of(tool): tool for tool in options_page.TOOLS.values()}


def commands_of(tool):
    """The commands that share a tool's table."""
    command = TOOLS[tool]
    return command.commands.values() if isinstance(command, click.Group) else [command]


def make_context(tool, *arguments):
    """Of the tool, or of a verb that stands for all of its verbs."""
    command, arguments = TOOLS[tool], ["--isp", "cu", *arguments]
    if isinstance(command, click.Group):
        parent = click.Context(command, info_name=tool)
        return command.commands["show"].make_context("show", arguments, parent=parent)
    return command.make_context(tool, arguments)


EXAMPLE = ROOT / "netsky.toml.example"

# A key or table right behind the `#`; prose has a space there.
SWITCHED_OFF = re.compile(r"^#(?=\[|[a-z_]+ = )", re.MULTILINE)
WITHOUT_DEFAULT = {
    "metrics_token_file",
    "metrics_url",
    "bgp",
    "every",
    "geo",
    "lock_dir",
    "memory",
    "output",
    "province",
    "push_password_file",
    "push_proxy",
    "push_user",
    "pushgateway",
    "textfile",
    "thorough",
}


def as_it_is():
    return EXAMPLE.read_text(encoding="utf-8")


def all_on():
    return SWITCHED_OFF.sub("", as_it_is())


def options(tool, *, common):
    return {
        option.name: option
        for command in commands_of(tool)
        for option in command.params
        if isinstance(option, click.Option)
        and not option.is_eager
        and isinstance(option, CommonOption) == common
        and option.name not in ("isp", "egress")  # definitions, at the top of the file
    }


@pytest.fixture
def read(tmp_path, monkeypatch):
    """The Settings and the options of a tool that is run beside this netsky.toml."""
    monkeypatch.chdir(tmp_path)

    def read_text(toml, *arguments, tool="probe"):
        (tmp_path / "netsky.toml").write_text(toml, encoding="utf-8")
        with make_context(tool, *arguments) as context:
            return context.meta[SETTINGS], context.params

    return read_text


def test_each_tool_may_have_its_table():
    assert set(settings.TOOLS) == set(TOOLS)


def test_as_it_is_it_sets_nothing(read):
    found, _ = read(as_it_is())
    assert found == settings.Settings(
        file=found.file, tool_options={tool: {} for tool in settings.TOOLS}
    )


@pytest.mark.parametrize("tool", sorted(TOOLS.keys() - {"library", "trace", "report"}))
def test_it_loads_with_every_key_switched_on(read, tool):
    found, params = read(all_on(), "--egress", "unicom-1", tool=tool)
    assert found.find_egress("unicom-1") == Egress(
        "unicom-1",
        "192.0.2.10",
        "eth1",
        0x65,
        circuit="ABC0123-45",
        contact="网络值班 010-0000-0000，noc@example.com",
    )
    assert found.isps == {"edu": ISP("edu", "教育网", home="unicom-1")}
    assert params["pushgateway"] == "http://127.0.0.1:9091"


@pytest.mark.parametrize("tool", TOOLS)
def test_it_lists_every_key_that_exists(read, tool):
    found, _ = read(all_on(), tool=tool)
    of_every_tool = {name for each in TOOLS for name in options(each, common=True)}
    assert set(found.options) == of_every_tool
    assert set(found.tool_options[tool]) == set(options(tool, common=False))
    every_egress_key = {field.name for field in dataclasses.fields(Egress)} - {"name"}
    assert all_on().count("[egress.") == 1
    for key in every_egress_key:
        assert getattr(found.egresses["unicom-1"], key) is not None


@pytest.mark.parametrize("tool", TOOLS)
def test_it_shows_the_defaults(read, tool):
    found, _ = read(all_on(), tool=tool)
    its_own = options(tool, common=True) | options(tool, common=False)
    shown = {**found.options, **found.tool_options[tool]}
    shown = {name: value for name, value in shown.items() if name in its_own}
    with make_context(tool, "--config", "/dev/null") as ctx:
        defaults = {
            name: option.get_default(ctx)
            for common in (True, False)
            for name, option in options(tool, common=common).items()
        }
    unset = {name for name in shown if name in WITHOUT_DEFAULT}
    assert unset == WITHOUT_DEFAULT & defaults.keys()
    assert {name: value for name, value in shown.items() if name not in unset} == {
        name: value for name, value in defaults.items() if name not in unset
    }


def test_an_unknown_key_in_it_would_be_an_error(read):
    with pytest.raises(settings.InputError, match="windw"):
        read(all_on().replace("\nwindow = ", "\nwindw = "))


def test_every_key_is_explained_right_above():
    lines = as_it_is().splitlines()
    for above, line in pairwise(lines):
        if SWITCHED_OFF.match(line) and not line.startswith("#["):
            assert above.startswith("# "), line
