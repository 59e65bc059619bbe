"""The options that all tools share, as click declares them, and what they stand for."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from netsky.cli import lock
from netsky.cli.config import SETTINGS, CommonOption, read_config, section_of
from netsky.errors import InputError
from netsky.places import ALL_EGRESSES, ISP, Egress, find_isp

if TYPE_CHECKING:  # imported late where they are used, so that `--help` is quick
    from netsky.cli.settings import Settings
    from netsky.outlets.delivery import Outlets
    from netsky.outlets.pushgateway import Pushgateway
    from netsky.store.database import Database

FILE = click.Path(path_type=Path)


class Number(click.FloatRange):
    """A finite number in a range: click alone lets `nan` through."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


@dataclass(frozen=True, slots=True)
class Common:
    """The values of the shared options of one run, and what they open."""

    isp: str
    egress: str
    database: str
    database_timeout: float
    group_readable: bool
    pushgateway: str | None
    push_timeout: float
    push_user: str | None
    push_password_file: Path | None
    no_push: bool
    textfile: Path | None
    every: float | None
    format: str
    lock_dir: Path | None
    settings: Settings

    def find_isp(self) -> ISP:
        return find_isp(self.isp, self.settings.isps)

    def find_egress(self) -> Egress:
        return self.settings.find_egress(self.egress)

    def find_egress_name(self) -> str | None:
        """The name of the egress, None for all of them."""
        return None if self.egress == ALL_EGRESSES else self.find_egress().name

    def open_database(self) -> Database:
        from netsky.store.connection import fill_url
        from netsky.store.database import Database

        if self.egress == ALL_EGRESSES and "{egress}" in self.database:
            raise InputError(
                "the database URL has {egress} in it, so that each egress has a database of its "
                "own: name one with --egress"
            )
        url = fill_url(self.database, self.isp, self.egress)
        source = click.get_current_context().get_parameter_source("database")
        if url.password is not None and source is ParameterSource.COMMANDLINE:
            raise InputError(
                "no password on the command line, where every user of this host sees it: set the "
                "URL in netsky.toml or NETSKY_DATABASE, or use ?read_default_file=FILE in it"
            )
        return Database(url, timeout=self.database_timeout, mode=self.file_mode)

    @property
    def file_mode(self) -> int:
        """Of SQLite files that are made."""
        from netsky.store.connection import PRIVATE, READABLE_BY_GROUP

        return READABLE_BY_GROUP if self.group_readable else PRIVATE

    def open_outlets(self) -> Outlets:
        from netsky.outlets.delivery import Outlets

        return Outlets(pushgateway=self._open_pushgateway(), textfile=self._textfile())

    def _textfile(self) -> str | None:
        """`textfile` with {isp} and {tool} filled in."""
        if self.textfile is None:
            return None
        name, context = str(self.textfile), click.get_current_context()
        tool = section_of(context.command)
        of_every_tool = "textfile" in self.settings.options and "textfile" not in (
            self.settings.tool_options.get(tool, {})
        )
        source = context.get_parameter_source("textfile")
        if "{tool}" not in name and (
            source is ParameterSource.ENVIRONMENT
            or (source is ParameterSource.DEFAULT_MAP and of_every_tool)
        ):
            raise InputError(
                f"textfile {name} is set for every tool, and each would replace the other's "
                f"figures: write {{tool}} in the name, or set it below [{tool}] in netsky.toml"
            )
        return name.replace("{isp}", self.isp).replace("{tool}", tool)

    def _open_pushgateway(self) -> Pushgateway | None:
        from netsky.outlets.pushgateway import Pushgateway

        if self.pushgateway is None or self.no_push:
            return None
        password = None
        if self.push_password_file is not None and self.push_user is None:
            raise InputError("--push-password-file needs --push-user")
        if self.push_password_file is not None:
            try:
                password = self.push_password_file.read_text(encoding="utf-8").partition("\n")[0]
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"cannot read the password of --push-user: {error}") from error
        return Pushgateway(
            self.pushgateway, timeout=self.push_timeout, user=self.push_user, password=password
        )

    def hold_lock(self) -> AbstractContextManager[None]:
        """The lock of this tool, egress and ISP."""
        tool = str(click.get_current_context().command.name)
        directory = self.lock_dir or lock.default_directory()
        return lock.hold(directory, tool=tool, egress=self.egress, isp=self.isp)

    def output_format(self) -> str:
        """`table`, `line` or `json`."""
        if self.format != "auto":
            return self.format
        return "table" if sys.stdout.isatty() else "line"


def _option(*names: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(*names, cls=CommonOption, **attributes)


_COMMON_OPTIONS = (
    _option(
        "--isp",
        required=True,
        help="Work on this ISP: cu, cm, ct, demo, or one that netsky.toml defines.",
    ),
    _option(
        "--config",
        type=FILE,
        is_eager=True,
        expose_value=False,
        callback=read_config,
        help="Read the settings from this file.  [default: netsky.toml if there is one]",
    ),
    _option(
        "--database",
        default="sqlite:///netsky_{isp}.db",
        metavar="URL",
        help="Keep the figures in this database; {isp} and {egress} are filled in.",
    ),
    _option(
        "--database-timeout",
        type=Number(1, 3600),
        default=10,
        metavar="SECONDS",
        help="Wait at most so long for a connection to the database, and for each of its answers.",
    ),
    _option(
        "--group-readable",
        is_flag=True,
        help="Make SQLite files that the group of this user may read, too.",
    ),
    _option(
        "--pushgateway",
        metavar="URL",
        help="Push the figures to this Pushgateway, http://HOST:PORT; without it nothing is pushed.",
    ),
    _option(
        "--push-timeout",
        type=Number(0.1, 3600),
        default=5,
        metavar="SECONDS",
        help="Wait at most so long for the Pushgateway.",
    ),
    _option(
        "--push-user",
        metavar="NAME",
        help="Log in to the Pushgateway as this user, with basic authentication.",
    ),
    _option(
        "--push-password-file",
        type=FILE,
        help="Read the password of --push-user from the first line of this file.",
    ),
    _option("--no-push", is_flag=True, help="Push nothing, whatever the settings say."),
    _option(
        "--textfile",
        type=FILE,
        help="Write the metrics to this file for node_exporter. Its name ends in .prom; {tool}, {isp} "
        "and {egress} are filled in.",
    ),
    _option(
        "--every",
        type=Number(2, 604_800),  # `update_time` has whole seconds
        metavar="SECONDS",
        help="Start a run every so many seconds until SIGTERM or ^C.",
    ),
    _option(
        "--format",
        type=click.Choice(["auto", "table", "line", "json"]),
        default="auto",
        help="Print the result in this form; auto is a table on a terminal, else a line.",
    ),
    _option(
        "--lock-dir",
        type=FILE,
        help="Keep the lock files in this folder.  [default: /run/lock or the temporary folder]",
    ),
)


_ONE_EGRESS = _option(
    "--egress",
    default="default",
    metavar="NAME",
    help="Work on this exit line; netsky.toml defines the lines.",
)
_ANY_EGRESS = _option(
    "--egress",
    default=ALL_EGRESSES,
    metavar="NAME",
    help="Work on this exit line only; netsky.toml defines the lines.",
)


def common_options(
    function: Callable[..., Any] | None = None, *, all_egresses: bool = False
) -> Callable[..., Any]:
    """Add the shared options to a tool, whose function gets them as its first argument.

    `all_egresses`: the tool is for all exit lines at once, unless `--egress` names one.
    """
    if function is None:
        return functools.partial(common_options, all_egresses=all_egresses)
    tool = function

    @functools.wraps(tool)
    def with_common(**options: Any) -> Any:
        names = [field.name for field in fields(Common) if field.name != "settings"]
        settings = click.get_current_context().meta[SETTINGS]
        common = Common(settings=settings, **{name: options.pop(name) for name in names})
        return tool(common, **options)

    isp, *others = _COMMON_OPTIONS
    for option in reversed((isp, _ANY_EGRESS if all_egresses else _ONE_EGRESS, *others)):
        with_common = option(with_common)
    return with_common
