"""MySQL's option files (my.cnf), as far as a connection needs them.

PyMySQL's own reader takes no file with a mark in front, as editors of Windows write it, and none with
`!includedir` above its first section, as Debian ships it. Included files are not read: the file that
is named is the one that counts.
"""

from __future__ import annotations

import configparser
from pathlib import Path

from netsky.errors import InputError
from netsky.files import read_file

GROUP = "client"

# What PyMySQL calls the options that it would have read.
_ARGUMENTS = {
    "user": "user",
    "password": "password",
    "host": "host",
    "database": "database",
    "socket": "unix_socket",
    "port": "port",
    "bind_address": "bind_address",
    "default_character_set": "charset",
    "ssl_ca": "ssl_ca",
    "ssl_cert": "ssl_cert",
    "ssl_key": "ssl_key",
}


class OptionFileError(Exception):
    """The file cannot be understood; the text repeats nothing of it, which may be a password."""


def read_option_file(file: Path, group: str = GROUP) -> dict[str, str | int]:
    """The arguments for PyMySQL that a group of the file has.

    Raises InputError when it cannot be read at all, OptionFileError when it cannot be understood.
    """
    try:
        text = read_file(file).text()
    except OSError as error:
        raise InputError(
            f"cannot read {file} (read_default_file of the database URL): {error.strerror}"
        ) from error
    except ValueError as error:
        raise OptionFileError(str(error)) from None
    parser = configparser.RawConfigParser(allow_no_value=True, strict=False, delimiters=("=",))
    try:
        parser.read_string("\n".join(_own_lines(text)))
    except configparser.Error:
        raise OptionFileError(f"it needs a line [{group}] above `password = …`") from None
    if not parser.has_section(group):
        raise OptionFileError(f"it has no section [{group}]")
    arguments: dict[str, str | int] = {}
    for name, value in parser.items(group):
        argument = _ARGUMENTS.get(name.replace("-", "_"))
        if argument and value is not None:
            arguments[argument] = _unquoted(value)
    if "port" in arguments:
        try:
            arguments["port"] = int(arguments["port"])
        except ValueError:
            raise OptionFileError("port is no number") from None
    return arguments


def _own_lines(text: str) -> list[str]:
    """Its lines, without what would include other files, and none of which goes on with the last."""
    return [line for line in map(str.strip, text.splitlines()) if not line.startswith("!")]


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
