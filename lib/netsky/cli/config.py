"""netsky.toml as click's `default_map`: each value is checked as if it stood on the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from netsky.cli.settings import Settings, read
from netsky.errors import InputError

SETTINGS = f"{__name__}.settings"  # where click's Context.meta holds the read Settings
DEFAULT_FILE = Path("netsky.toml")

# What is said once, so that the pictures agree with the alerts: below [alert], and for the report as well,
# which may have its own.
_SHARED = {"report": ("alert", ("elevated", "severe", "max_age", "max_baseline_age", "baseline"))}


class CommonOption(click.Option):
    """An option of every tool: it may stand at the top of netsky.toml."""


def read_config(ctx: click.Context, _option: click.Parameter, file: Path | None) -> Path | None:
    """Callback of `--config`; being eager it runs before the other options are looked up."""
    if file is None and os.path.exists(DEFAULT_FILE):  # noqa: PTH110 - False without permission
        file = DEFAULT_FILE
    settings = Settings() if file is None else read(file)
    ctx.meta[SETTINGS] = settings
    ctx.default_map = _default_map(ctx, settings)
    return file


def section_of(command: click.Command) -> str:
    """The table of netsky.toml that is a tool's own, `probe` say; its verbs share it."""
    return str(command.name).removeprefix("netsky_").removeprefix("get_")


def _default_map(ctx: click.Context, settings: Settings) -> dict[str, Any]:
    tool = ctx.find_root().command
    section = section_of(tool)
    commands = tool.commands.values() if isinstance(tool, click.Group) else [tool]
    own = {
        str(option.name): option
        for command in commands
        for option in command.params
        if isinstance(option, click.Option) and not option.is_eager
    }
    common = {
        name: option
        for name, option in own.items()
        # At the top of the file `isp` and `egress` are tables of definitions.
        if isinstance(option, CommonOption) and name not in ("isp", "egress")
    }
    other, shared = _SHARED.get(section, ("", ()))
    of_other = {
        key: value
        for key, value in settings.tool_options.get(other, {}).items()
        if key in shared and key in own
    }
    defaults: dict[str, Any] = {}
    of_other_tools = _common_names() - common.keys() - {"isp", "egress"}
    for prefix, options, values in (
        ("", common, settings.options),
        (f"{other}.", own, of_other),
        (f"{section}.", own, settings.tool_options.get(section, {})),
    ):
        for key, value in values.items():
            where = f"{settings.file}: {prefix}{key}"
            if not prefix and key in of_other_tools:
                continue  # the tools that have this option check it
            if key not in options:
                hint = f": it belongs below [{section}]" if key in own else ""
                known = ", ".join(sorted(options.keys() | (set() if prefix else of_other_tools)))
                raise InputError(f"{where} is not a known key{hint}; known are {known}")
            _check(ctx, options[key], where, value)
            defaults[key] = value
    return defaults


def _common_names() -> set[str]:
    """The options that may stand at the top of netsky.toml, of whichever tools."""
    from netsky.cli import destinations, lines, options, running

    groups = (
        lines.Lines,
        destinations.DatabaseOptions,
        destinations.OutletOptions,
        running.Running,
    )
    names = {name for group in groups for name in options.names_of(group)}
    return names | {"baseline", "verbose", "quiet"}


def _check(ctx: click.Context, option: click.Option, where: str, value: Any) -> None:
    types, wanted = _toml_types(option)
    entries = value if option.multiple and type(value) is list else []
    if type(value) not in types or any(type(entry) is not str for entry in entries):
        # A URL of whatever type may hold a password.
        shown = where if option.name in ("database", "metrics_url") else f"{where} = {value!r}"
        raise InputError(f"{shown} must be {wanted}")
    try:
        option.type_cast_value(ctx, value)
    except click.BadParameter as error:
        raise InputError(f"{where}: {error.message}") from error
    except ValueError as error:  # a path that this locale cannot write, say
        raise InputError(f"{where}: {error}") from error


def _toml_types(option: click.Option) -> tuple[tuple[type, ...], str]:
    if option.is_flag:
        return (bool,), "true or false"
    if option.multiple:
        return (list,), "a list of strings"
    if isinstance(option.type, click.types.IntParamType):
        return (int,), "a whole number"
    if isinstance(option.type, click.types.FloatParamType):
        return (int, float), "a number"
    return (str,), "a string"
