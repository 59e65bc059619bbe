"""What netsky needs to probe the lab: netsky.toml with its egresses, and address libraries.

With these netsky can send nothing outside of the lab, whatever is left out on its command line:
every egress, `default` too, has a source and an interface that are only there, and the library
itself is for no other source. Database, spool and locks are apart from those of a real site.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from lab.network import addresses
from lab.network.addresses import PLACES, PROVINCE_BITS, addresses_of
from netsky.errors import InputError
from netsky.places import BUILTIN_ISPS, find_province

MOST_TARGETS = 1 << (32 - PROVINCE_BITS)
DATABASE = "netsky_{isp}.db"
GEO = "geo.csv"


def write(
    folder: Path, routes: Sequence[addresses.Route], *, targets: int = MOST_TARGETS
) -> tuple[Path, Path]:
    """Write `netsky.toml` and `ipdata/<isp>/<province>.txt`, `targets` a province; where they are.

    `geo.csv` beside them says whose the addresses are, for `netsky_library.py build --lab`.
    """
    from netsky.targets.sources import SOURCES_FILE

    if not 1 <= targets <= MOST_TARGETS:
        raise InputError(f"{targets} targets a province: from 1 to {MOST_TARGETS} are possible")
    folder = folder.absolute()
    settings, library, locks = folder / "netsky.toml", folder / "ipdata", folder / "lock"
    for place in PLACES:
        file = library / place.isp / f"{place.province}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{addresses_of(place.prefix, targets)}\n", encoding="ascii")
    sources = "".join(f"{route.source}\n" for route in routes)
    (library / SOURCES_FILE).write_text(sources, encoding="ascii")
    locks.mkdir(exist_ok=True)
    (folder / GEO).write_text(geo_text(), encoding="utf-8")
    settings.write_text(settings_text(routes, folder), encoding="utf-8")
    return settings, library


def geo_text() -> str:
    """Whose addresses the lab's are, as a source of geo data, each province with two cities."""
    rows = ["start,end,province,city,isp"]
    for place in PLACES:
        province, isp = find_province(place.province).name, BUILTIN_ISPS[place.isp].name
        for number, half in enumerate(place.prefix.subnets(), 1):
            rows.append(f"{half[0]},{half[-1]},{province},{province}{number}市,{isp}")
    return "\n".join(rows) + "\n"


def settings_text(routes: Sequence[addresses.Route], folder: Path) -> str:
    lines = [
        "# For a lab: the egresses are nowhere else, and nothing here is shared with a real site.",
        f"database = {_quoted(f'sqlite:///{folder}/{DATABASE}')}",
        f"lock_dir = {_quoted(folder / 'lock')}",
        "no_push = true",
        "",
        "[probe]",
        f"library = {_quoted(folder / 'ipdata')}",
        f"spool = {_quoted(folder / 'spool')}",
        "",
        "[library]",
        f"library = {_quoted(folder / 'ipdata')}",
        f"candidates = {_quoted(folder / 'library')}",
        'consent = "a lab: it has no strangers"',
        'contact = "whoever runs this lab"',
        "",
        "[trace]",
        f"library = {_quoted(folder / 'ipdata')}",
        f"memory = {_quoted(folder / 'memory')}",
        f"evidence = {_quoted(folder / 'evidence')}",
    ]
    for name, route in [("default", routes[0]), *((route.egress, route) for route in routes)]:
        lines += ["", f"[egress.{name}]"]
        lines += [f'source = "{route.source}"', f'interface = "{route.interface}"']
        if name == "default":  # which is the first exit under another name
            lines.append("in_all = false")
    return "\n".join(lines) + "\n"


def _quoted(text: object) -> str:
    """The text as a string of TOML, which has JSON's escapes."""
    return json.dumps(str(text), ensure_ascii=False)
