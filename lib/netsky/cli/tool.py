"""What makes a click command a tool of netsky: one error boundary, one set of exits.

Library errors become exit codes here and nowhere else. Settings come from the command line, then
the environment (`NETSKY_RATE=…`), then netsky.toml, then the defaults.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import click

from netsky import __version__, unexpected
from netsky.cli.config import CommonOption, read_config
from netsky.cli.log import set_up
from netsky.errors import InputError, NetskyError
from netsky.text import one_line

log = logging.getLogger(__name__)

DONE, FAILED, INCOMPLETE = 0, 1, 3

EXITS = (
    ("0", "All is done; with --every, SIGTERM or ^C has ended it."),
    ("1", "It failed or was interrupted; the last line of the log says why."),
    ("2", "An option, netsky.toml or another input is wrong; the message names it."),
    ("3", "It is done, but something was not measured, judged or delivered."),
    ("75", "Another run for this ISP and egress holds the lock."),
)


CONTEXT = {
    "auto_envvar_prefix": "NETSKY",
    "help_option_names": ["-h", "--help"],
    "show_default": True,
    "max_content_width": 100,
}


class Boundary(click.Command):
    """A command that makes one line and an exit code of an error; its callback returns the exit code."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        # SIGTERM does what ^C does: it ends processes, rolls transactions back and lets locks go.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _prepare_streams()
        set_up()
        try:
            code = super().main(*args, **kwargs | {"standalone_mode": False})
        except click.ClickException as error:
            _show(error)
            code = error.exit_code
        except click.Abort:
            log.error("interrupted")
            code = FAILED
        except SystemExit:  # so click ends when whoever reads a help text has seen enough (`head`)
            code = DONE
        except Exception as error:  # noqa: BLE001 - nobody wants a traceback at 3 a.m.
            code = report(error)
        try:
            sys.stdout.flush()
        except OSError:  # this was reported before; at its end Python would fail again
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(code)


class Tools(Boundary, click.Group):
    """A tool whose jobs are verbs, each a `Tool` of its own."""

    def __init__(self, name: str, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self.context_settings = dict(CONTEXT)
        click.version_option(__version__, prog_name=name)(self)


class Tool(Boundary):
    """A tool of netsky, or a verb of one."""

    def __init__(self, name: str, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        self.context_settings = dict(CONTEXT)
        self.params += [
            CommonOption(
                ["--config"],
                type=click.Path(path_type=Path),
                is_eager=True,
                expose_value=False,
                callback=read_config,
                help="Read the settings from this file.  [default: netsky.toml if there is one]",
            ),
            CommonOption(
                ["-v", "--verbose"],
                count=True,
                show_default=False,
                help="Say more; -vv says everything.",
            ),
            CommonOption(["-q", "--quiet"], is_flag=True, help="Say errors only."),
        ]
        click.version_option(__version__, prog_name=name)(self)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Before netsky.toml is read, so that -vv tells the stack of what goes wrong there, too.
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        _set_log_level(verbose=given.get("verbose") or 0, quiet=bool(given.get("quiet")))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        _set_log_level(verbose=ctx.params.pop("verbose"), quiet=ctx.params.pop("quiet"))
        for name, value in ctx.params.items():
            if name == "egress" or isinstance(value, Path):
                _check_file_name(name, value)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The tool's own options first, then those that all tools share, then the exit codes."""
        records = [(param, param.get_help_record(ctx)) for param in self.get_params(ctx)]
        own = [r for param, r in records if r and not isinstance(param, CommonOption)]
        common = [r for param, r in records if r and isinstance(param, CommonOption)]
        for title, rows in (
            ("Options", own),
            ("Options of every tool", common),
            ("Exit codes", EXITS),
        ):
            with formatter.section(title):
                formatter.write_dl(rows)


def _set_log_level(*, verbose: int, quiet: bool) -> None:
    level = logging.ERROR if quiet else max(logging.DEBUG, logging.WARNING - 10 * verbose)
    logging.getLogger().setLevel(level)


def report(error: Exception, where: str = "") -> int:
    """Log what ends a run, as one line that may begin with `where`; the exit code that it becomes."""
    prefix = f"{where}: " if where else ""
    if isinstance(error, NetskyError):
        log.error("%s%s", prefix, error)
        return error.exit_code
    log.error("%s%s", prefix, unexpected.describe(error))
    return FAILED


def _show(error: click.ClickException) -> None:
    """Show the error as click would, but in one line that prints: it may repeat an argument."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        usage, path = error.ctx.get_usage(), error.ctx.command_path
        click.echo(f"{usage}\nTry '{path} {error.ctx.help_option_names[0]}' for help.\n", err=True)
    click.echo(f"Error: {one_line(error.format_message())}", err=True)


def _check_file_name(option: str, value: str | Path) -> None:
    """Refuse what this locale cannot name a file, of the lock or the spool, say."""
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise InputError(
            f"--{option.replace('_', '-')}: no file can have the name {str(value)!r} in this locale, "
            f"which is {sys.getfilesystemencoding()}: set LC_ALL=C.UTF-8, and not PYTHONUTF8=0"
        ) from None


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller has closed it (`>&-`)
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        stream = getattr(sys, name)
        if isinstance(stream, TextIOWrapper):  # Chinese must not fail in a foreign locale
            stream.reconfigure(errors="backslashreplace")
