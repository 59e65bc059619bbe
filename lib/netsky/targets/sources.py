"""Which egresses an address library is for: a library of test addresses must not leave its network.

    <directory>/sources.txt    source addresses, one address, CIDR or range a line (optional)

Where there is such a file, the addresses of the library are only ever probed through an egress
whose `source` is one of these, whatever settings and command line say or leave out.
"""

from __future__ import annotations

import os
from ipaddress import IPv4Address
from pathlib import Path

from netsky.errors import InputError, LibraryError
from netsky.places import Egress
from netsky.targets.address_text import BadLines, read_intervals

SOURCES_FILE = "sources.txt"


def check_source(directory: Path, egress: Egress) -> None:
    """Raise InputError when the library in `directory` is not to be probed through `egress`."""
    file = directory / SOURCES_FILE
    if not os.path.lexists(file):
        return
    bad = BadLines()
    allowed = read_intervals(file, bad, targets=False)
    if bad.count:
        raise LibraryError(
            f"{bad.count:,} bad line(s) in {file}: mend or delete them", lines=bad.lines()
        )
    if egress.source is not None:
        source = int(IPv4Address(egress.source))
        if ((allowed.first <= source) & (source <= allowed.last)).any():
            return
    leaves = "names no source" if egress.source is None else f"sends from {egress.source}"
    raise InputError(
        f"the library {directory} is only for the source addresses in {file}, and egress "
        f"{egress.name!r} {leaves}: give the settings that belong to this library with --config, "
        "and one of their egresses with --egress"
    )
