"""What netsky needs to probe the lab: netsky.toml with its egresses, and address libraries."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lab.network import addresses
from lab.network.addresses import PLACES, PROVINCE_BITS, addresses_of
from netsky.errors import InputError

MOST_TARGETS = 1 << (32 - PROVINCE_BITS)


def write(
    folder: Path, routes: Iterable[addresses.Route], *, targets: int = MOST_TARGETS
) -> tuple[Path, Path]:
    """Write `netsky.toml` and `ipdata/<isp>/<province>.txt`, `targets` a province; where they are."""
    if not 1 <= targets <= MOST_TARGETS:
        raise InputError(f"{targets} targets a province: from 1 to {MOST_TARGETS} are possible")
    settings, library = folder / "netsky.toml", folder / "ipdata"
    for place in PLACES:
        file = library / place.isp / f"{place.province}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{addresses_of(place.prefix, targets)}\n", encoding="ascii")
    settings.write_text(settings_text(routes, library), encoding="utf-8")
    return settings, library


def settings_text(routes: Iterable[addresses.Route], library: Path) -> str:
    lines = ["[probe]", f'library = "{library.absolute()}"']
    for route in routes:
        lines += ["", f"[egress.{route.egress}]", f'source = "{route.source}"']
    return "\n".join(lines) + "\n"
