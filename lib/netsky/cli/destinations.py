"""Where figures go, and come from: the database, the Pushgateway, VictoriaMetrics, a textfile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import click
from click.core import ParameterSource

from netsky.cli.config import section_of
from netsky.cli.options import FILE, Number, Option, common_option
from netsky.cli.settings import Settings
from netsky.errors import InputError
from netsky.files import read_file

_PASSWORD_BYTES = 64 << 10

if TYPE_CHECKING:  # imported late where they are used, so that `--help` is quick
    from netsky.outlets.delivery import Outlets
    from netsky.outlets.pushgateway import Pushgateway
    from netsky.outlets.time_series import TimeSeries
    from netsky.store.database import Database


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """The database of an ISP and exit."""

    database: str
    database_timeout: float
    group_readable: bool
    narrow_tables: bool

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        common_option(
            "--database",
            default="sqlite:///netsky_{isp}.db",
            metavar="URL",
            help="Keep the figures in this database; {isp} and {egress} are filled in.",
        ),
        common_option(
            "--database-timeout",
            type=Number(1, 3600),
            default=10,
            metavar="SECONDS",
            help="Wait at most so long for a connection to the database, and for each of its "
            "answers.",
        ),
        common_option(
            "--group-readable",
            is_flag=True,
            help="Make SQLite files that the group of this user may read, too.",
        ),
        common_option(
            "--narrow-tables/--no-narrow-tables",
            default=True,
            help="Write sweeps into netsky_lossrate, netsky_abnormalrate and netsky_latency, too; "
            "netsky itself reads netsky_sweep.",
        ),
    )

    @property
    def by_egress(self) -> bool:
        """Whether each exit has a database of its own."""
        return "{egress}" in self.database

    def open(self, isp: str, egress: str) -> Database:
        from netsky.store.connection import fill_url
        from netsky.store.database import Database
        from netsky.store.hosts import this_host

        url = fill_url(self.database, isp, egress)
        source = click.get_current_context().get_parameter_source("database")
        if url.password is not None and source is ParameterSource.COMMANDLINE:
            raise InputError(
                "no password on the command line, where every user of this host sees it: set the "
                "URL in netsky.toml or NETSKY_DATABASE, or use ?read_default_file=FILE in it"
            )
        return Database(url, timeout=self.database_timeout, mode=self.file_mode, host=this_host())

    @property
    def file_mode(self) -> int:
        """The mode of SQLite files that are made."""
        from netsky.store.connection import PRIVATE, READABLE_BY_GROUP

        return READABLE_BY_GROUP if self.group_readable else PRIVATE


@dataclass(frozen=True, slots=True)
class OutletOptions:
    """Where metrics go."""

    pushgateway: str | None
    push_timeout: float
    push_user: str | None
    push_password_file: Path | None
    push_proxy: str | None
    metrics_url: str | None
    metrics_token_file: Path | None
    metrics_spool: Path
    no_push: bool
    textfile: Path | None
    settings: Settings

    OPTIONS: ClassVar[tuple[Option, ...]] = (
        common_option(
            "--pushgateway",
            metavar="URL",
            help="Push the figures to this Pushgateway, http://HOST:PORT; without it nothing is "
            "pushed.",
        ),
        common_option(
            "--push-timeout",
            type=Number(0.1, 3600),
            default=5,
            metavar="SECONDS",
            help="Wait at most so long for the Pushgateway, and for --metrics-url.",
        ),
        common_option(
            "--push-user",
            metavar="NAME",
            help="Log in to the Pushgateway as this user, with basic authentication.",
        ),
        common_option(
            "--push-password-file",
            type=FILE,
            help="Read the password of --push-user from the first line of this file.",
        ),
        common_option(
            "--push-proxy",
            metavar="URL",
            help="Reach the Pushgateway and --metrics-url through this HTTP proxy; without it none is "
            "used, whatever the environment says.",
        ),
        common_option(
            "--metrics-url",
            metavar="URL",
            help="Send the figures with their own time to this VictoriaMetrics or vmagent, "
            "http://HOST:8428; what it does not take is sent by a later run.",
        ),
        common_option(
            "--metrics-token-file",
            type=FILE,
            help="Read the bearer token for --metrics-url from the first line of this file.",
        ),
        common_option(
            "--metrics-spool",
            type=FILE,
            default="spool/metrics",
            metavar="DIR",
            help="Keep the figures for --metrics-url in this folder until they are taken.",
        ),
        common_option(
            "--no-push",
            is_flag=True,
            help="Push nothing and write no textfile, whatever the settings say.",
        ),
        common_option(
            "--textfile",
            type=FILE,
            help="Write the metrics to this file for node_exporter. Its name ends in .prom; {tool}, "
            "{isp} and {egress} are filled in.",
        ),
    )

    def open(self, *, several: Iterable[str] = ()) -> Outlets:
        """The outlets, for all lines of a run; InputError when they cannot be used as set.

        `several` names what differs between the lines that are delivered apart: isp, egress.
        """
        from netsky.outlets.delivery import Outlets

        name = self._textfile()
        for what in several:
            if name is not None and f"{{{what}}}" not in name:
                raise InputError(
                    f"textfile {name}: this run is about more than one {what}, and each would "
                    f"replace the other's figures: write {{{what}}} in the name"
                )
        return Outlets(
            pushgateway=self._open_pushgateway(),
            time_series=self.open_time_series(),
            textfile=name,
        )

    def _textfile(self) -> str | None:
        """`textfile` with {tool} filled in; with --no-push only one that the command line names."""
        context = click.get_current_context()
        given = context.get_parameter_source("textfile") is ParameterSource.COMMANDLINE
        if self.textfile is None or (self.no_push and not given):
            return None
        name = str(self.textfile)
        tool = section_of(context.find_root().command)
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
        return name.replace("{tool}", tool)

    def _open_pushgateway(self) -> Pushgateway | None:
        from netsky.outlets.pushgateway import Pushgateway

        if self.pushgateway is None or self.no_push:
            return None
        password = None
        if self.push_password_file is not None and self.push_user is None:
            raise InputError("--push-password-file needs --push-user")
        if self.push_password_file is not None:
            password = _first_line(self.push_password_file, "the password of --push-user")
        return Pushgateway(
            self.pushgateway,
            timeout=self.push_timeout,
            user=self.push_user,
            password=password,
            proxy=self.push_proxy,
        )

    def open_time_series(self) -> TimeSeries | None:
        """What --metrics-url names; InputError when it cannot be used as set."""
        from netsky.outlets.time_series import TimeSeries
        from netsky.store.connection import PRIVATE

        if self.metrics_url is None or self.no_push:
            return None
        source = click.get_current_context().get_parameter_source("metrics_url")
        if "@" in self.metrics_url and source is ParameterSource.COMMANDLINE:
            raise InputError(
                "no password on the command line, where every user of this host sees it: set the "
                "URL in netsky.toml or NETSKY_METRICS_URL, or use --metrics-token-file"
            )
        token = None
        if self.metrics_token_file is not None:
            token = _first_line(self.metrics_token_file, "the token for --metrics-url")
        return TimeSeries(
            self.metrics_url,
            self.metrics_spool,
            timeout=self.push_timeout,
            mode=PRIVATE,
            token=token,
            proxy=self.push_proxy,
        )


def _first_line(file: Path, what: str) -> str:
    """The secret in a file; InputError, which repeats nothing of it."""
    try:
        text = read_file(file, limit=_PASSWORD_BYTES, streams=True).text()
    except OSError as error:
        reason = error.strerror
    except ValueError as error:
        reason = str(error)
    else:
        password = text.partition("\n")[0].removesuffix("\r")
        if password.strip():
            return password
        reason = "its first line is empty"
    raise InputError(f"cannot read {what} in {file}: {reason}")
