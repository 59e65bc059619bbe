"""What folders and files of evidence are called; apart, so that a run with nothing to do loads no more."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

QUIET = "quiet"

_STAMP = "%Y%m%dT%H%M%SZ"


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_STAMP)


def moment_of(name: str) -> datetime:
    """The time in a name; ValueError when it is none."""
    return datetime.strptime(name, _STAMP).replace(tzinfo=UTC)


def quiet_files(root: Path, isp: str, egress: str) -> list[tuple[datetime, Path]]:
    """When paths of a line were looked at in quiet times, oldest first, and where that is kept."""
    files = sorted((root / isp / egress / QUIET).glob("????????T??????Z.json"))
    found = []
    for file in files:
        with suppress(ValueError):
            found.append((moment_of(file.stem), file))
    return found


def newest_look(root: Path, isp: str, egress: str, *, until: datetime) -> datetime | None:
    """When paths of a line were looked at last in quiet times; None: never.

    A run with nothing to do asks it of each line: of a week of names one is read.
    """
    latest = f"{stamp(until)}.json"
    with suppress(OSError):
        names = os.listdir(root / isp / egress / QUIET)  # noqa: PTH208 - of thousands it is quicker
        for name in sorted((name for name in names if name <= latest), reverse=True):
            with suppress(ValueError):
                return moment_of(name.removesuffix(".json"))
    return None
