"""What the lab's commands share: how amounts are written, which lab is meant, errors in one line."""

from __future__ import annotations

import functools
import logging
import signal
import sys
from collections.abc import Callable
from ipaddress import IPv4Network
from typing import Any, NoReturn

import click

from lab.network.addresses import ISPS
from lab.network.making import DEFAULT_NAME, find_lab
from netsky.errors import InputError, NetskyError
from netsky.places import find_province

log = logging.getLogger(__name__)

FAILED = 1


class Commands(click.Group):
    """The commands; what goes wrong becomes one line and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        logging.basicConfig(format="%(message)s")
        try:
            code = super().main(*args, **kwargs | {"standalone_mode": False})
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            code = FAILED
        except NetskyError as error:
            log.error("%s", error)
            code = error.exit_code
        except (OSError, UnicodeDecodeError) as error:  # a broken pipe is met by click
            log.error("%s", error)
            code = FAILED
        sys.exit(code)


def percent(text: str) -> float:
    """A ratio as a person writes it: 8%, 0.01%, 0."""
    number = text.removesuffix("%")
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100 or (value and number == text):
        raise click.BadParameter(f"{text!r} is no percentage like 8% or 0.01%, nor 0")
    return value / 100


def prefix(text: str) -> IPv4Network:
    """A part of a province: 10.16.2.0/24."""
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def province(text: str) -> str:
    """The slug of a province, of which the Chinese name will do."""
    try:
        return find_province(text).slug
    except InputError as error:
        raise click.BadParameter(str(error)) from None


name_option = click.option(
    "--name", default=DEFAULT_NAME, show_default=True, help="Which lab, where several run."
)
egress_option = click.option("--egress", help="Only through this one. [default: all]")
needed_egress = click.option("--egress", required=True, help="Which egress.")
isp_option = click.option("--isp", type=click.Choice(ISPS), help="[default: all]")
province_option = click.option(
    "--province", type=province, help="Slug or Chinese name. [default: all]"
)
hop_option = click.option(
    "--hop", type=click.IntRange(1), required=True, help="Which router, from 1."
)


def on_lab(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the context's lab, or else the running one of `--name`, as first argument."""

    @name_option
    @functools.wraps(callback)
    def with_lab(*, name: str, **options: Any) -> Any:
        lab = click.get_current_context().obj or find_lab(name)
        return callback(lab, **options)

    return with_lab


def places(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose places."""
    return egress_option(isp_option(province_option(callback)))
