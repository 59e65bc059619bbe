"""netsky.toml: what is set for all tools, for one tool, and the egresses and ISPs of this site.

database = "…"                  # an option of every tool, with _ for -
[probe]                         # options of one tool: probe, avg_lossrate, alert, library, trace, report
rate = 50_000
[library]                       # who has agreed that addresses are sought, whom others may ask
consent = "name, date"
contact = "noc@example.com"
[egress.unicom-1]               # an exit line: source, interface, fwmark
source = "192.0.2.10"
[isp.edu]                       # an ISP beside cu, cm, ct and demo
name = "教育网"
"""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from netsky.errors import InputError
from netsky.files import read_file
from netsky.places import ALL, BUILTIN_ISPS, ISP, ISP_SLUG, Egress, find_isp, split_names

TOOLS = ("probe", "avg_lossrate", "alert", "library", "trace", "report")
EGRESS_NAME = re.compile(r"[^\W_][\w.-]{0,39}")  # letters of any script: 联通-1

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FOR_REPORTS = {"circuit", "contact"}  # of an egress: they go to its carrier, in each report
_LONGEST_SAID = 100
_MOST_LEVELS = 8  # no setting needs more than three levels


@dataclass(frozen=True, slots=True)
class Settings:
    """A read netsky.toml; `options` are of every tool, `tool_options` of one by its name.

    `consent` says who has agreed that packets go to addresses which are no targets yet, `contact`
    whom their owners may ask. They are in the file only: it stays, and a command line does not.
    """

    file: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    tool_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    egresses: Mapping[str, Egress] = field(default_factory=dict)
    isps: Mapping[str, ISP] = field(default_factory=dict)
    consent: str | None = None
    contact: str | None = None

    def find_isps(self, names: str) -> list[ISP]:
        """The ISPs of names separated by commas; `all`: cu, cm, ct and those of this file."""
        if names == ALL:
            every = [isp for isp in (BUILTIN_ISPS | dict(self.isps)).values() if isp.in_all]
            if not every:
                raise InputError(f"{self.file}: each ISP has in_all = false: --isp all is none")
            return every
        found = [find_isp(name, self.isps) for name in split_names(names, "ISP")]
        return list(dict.fromkeys(found))

    def find_egresses(self, names: str) -> list[Egress]:
        """The egresses of names separated by commas; `all`: those of this file, or else `default`."""
        if names == ALL:
            every = [egress for egress in self.egresses.values() if egress.in_all]
            if self.egresses and not every:
                raise InputError(
                    f"{self.file}: each egress has in_all = false: --egress all is none"
                )
            return every or [self.find_egress("default")]
        found = [self.find_egress(name) for name in split_names(names, "egress")]
        return list(dict.fromkeys(found))

    def find_egress(self, name: str) -> Egress:
        """The egress of that name; `default` needs no definition. InputError lists the known."""
        if name in self.egresses:
            return self.egresses[name]
        if name == "default":
            return Egress()
        known = ", ".join(dict.fromkeys(["default", *self.egresses]))
        raise InputError(
            f"unknown egress {name!r}; known: {known} (define [egress.{_toml_key(name)}] in "
            "netsky.toml)"
        )


def read(file: Path) -> Settings:
    """Read and check netsky.toml; InputError names file and key.

    Options are for the caller to check, who knows them.
    """
    try:
        content = read_file(file, streams=True)
        _check_who_may_change(file, content.status)
        document = tomllib.loads(content.text())
    except OSError as error:
        raise InputError(f"cannot read the settings {file}: {error.strerror}") from error
    # It is not UTF-8, not TOML, or has a number of too many digits.
    except ValueError as error:
        raise InputError(f"{file} is not valid TOML: {error}") from error
    except RecursionError as error:
        raise InputError(f"{file} is not valid TOML: nested too deep") from error
    _check_plain(file, document)
    tables = {name: _table(file, name, document.pop(name, {})) for name in ("egress", "isp")}
    tools = {name: _table(file, name, document.pop(name, {})) for name in TOOLS}
    egresses = {name: _egress(file, name, value) for name, value in tables["egress"].items()}
    isps = {slug: _isp(file, slug, value) for slug, value in tables["isp"].items()}
    for isp in isps.values():
        if isp.home is not None and isp.home not in egresses:
            raise InputError(
                f"{file}: isp.{isp.slug}.home = {isp.home!r} is no exit: define "
                f"[egress.{_toml_key(isp.home)}]"
            )
    return Settings(
        file=file,
        options=document,
        tool_options=tools,
        egresses=egresses,
        isps=isps,
        **{
            key: _said(file, key, tools["library"].pop(key, None)) for key in ("consent", "contact")
        },
    )


def _said(file: Path, key: str, value: object) -> str | None:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise InputError(f"{file}: library.{key} = {value!r} must be a string that says something")
    return value


def _toml_key(name: str) -> str:
    """The name as TOML wants it written: letters of other scripts need quotes."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{name}"'


def _check_who_may_change(file: Path, status: os.stat_result) -> None:
    """Refuse a file that any user of this host may change: it says what is run, as whom we run."""
    if stat.S_ISCHR(status.st_mode):  # /dev/null, which all may write to, or a terminal
        return
    if status.st_mode & stat.S_IWOTH:
        raise InputError(
            f"{file} may be changed by every user of this host, and it says which programs are "
            f"run: chmod o-w {file}"
        )
    folder = file.resolve().parent
    if folder.stat().st_mode & stat.S_IWOTH and status.st_uid not in (0, os.geteuid()):
        raise InputError(
            f"{file} belongs to another user (uid {status.st_uid}) and lies where every user of "
            "this host may put one: copy it to a folder of yours, or give another with --config"
        )


def _check_plain(file: Path, document: dict[str, Any]) -> None:
    """Refuse what nobody writes on purpose, and what breaks lines of logs, paths and numbers later."""
    waiting: list[tuple[str, int, object]] = [("", 0, document)]
    while waiting:
        where, level, value = waiting.pop()
        if level > _MOST_LEVELS:
            raise InputError(f"{file}: {where[:40]} is nested too deep")
        if isinstance(value, dict):
            for key, entry in value.items():
                name = f"{where}.{key}" if where else key
                if not key.isprintable():
                    raise InputError(
                        f"{file}: the key {name!r} has characters in it that do not print"
                    )
                waiting.append((name, level + 1, entry))
        elif isinstance(value, list):
            waiting += [(where, level + 1, entry) for entry in value]
        elif isinstance(value, str) and _CONTROL.search(value):
            raise InputError(f"{file}: {where} has control characters in it")
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise InputError(f"{file}: {where} has a number beyond 64 bits")


def _table(file: Path, key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{file}: {key!r} must be a table: write [{key}], not {key} = …")
    return value


def _egress(file: Path, name: str, value: object) -> Egress:
    key = f"egress.{name}"
    if not EGRESS_NAME.fullmatch(name):
        raise InputError(f"{file}: [{key}]: a name is up to 40 letters, digits, '-', '_' and '.'")
    if name == ALL:
        raise InputError(f"{file}: [{key}]: that name stands for all egresses; choose another")
    types = {"source": str, "interface": str, "fwmark": int, "in_all": bool}
    entries = _entries(file, key, value, types | dict.fromkeys(_FOR_REPORTS, str))
    if "source" in entries:
        try:
            ipaddress.IPv4Address(entries["source"])
        except ValueError:
            raise InputError(
                f"{file}: {key}.source = {entries['source']!r} is not an IPv4 address"
            ) from None
    if not 0 < entries.get("fwmark", 1) < 2**32:
        raise InputError(f"{file}: {key}.fwmark = {entries['fwmark']} is not 1 to 4294967295")
    # The kernel would cut a longer name.
    if not 0 < len(entries.get("interface", "lo").encode()) < 16:
        raise InputError(f"{file}: {key}.interface = {entries['interface']!r} is no interface name")
    for said in sorted(_FOR_REPORTS & entries.keys()):
        if not 0 < len(entries[said].strip()) <= _LONGEST_SAID:
            raise InputError(
                f"{file}: {key}.{said} = {entries[said]!r} must say something, in {_LONGEST_SAID} "
                "characters at most"
            )
    return Egress(name, **entries)


def _isp(file: Path, slug: str, value: object) -> ISP:
    if not ISP_SLUG.fullmatch(slug):
        raise InputError(
            f"{file}: [isp.{slug}]: an ISP's name is 1 to 7 lower-case letters and digits, a "
            "letter first"
        )
    if slug == ALL:
        raise InputError(f"{file}: [isp.{slug}]: that name stands for all ISPs; choose another")
    entries = _entries(file, f"isp.{slug}", value, {"name": str, "in_all": bool, "home": str})
    usual = BUILTIN_ISPS[slug] if slug in BUILTIN_ISPS else ISP(slug, slug)
    return replace(usual, **entries)


def _entries(file: Path, key: str, value: object, types: dict[str, type]) -> dict[str, Any]:
    entries = _table(file, key, value)
    for name, entry in entries.items():
        if name not in types:
            raise InputError(f"{file}: unknown key {key}.{name}; known: {', '.join(sorted(types))}")
        if type(entry) is not types[name]:
            raise InputError(f"{file}: {key}.{name} = {entry!r} must be {_NAMES[types[name]]}")
    return entries


_NAMES = {str: "a string", int: "a whole number", bool: "true or false"}
