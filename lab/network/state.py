"""Which labs run: a small file for each, by which other shells find it."""

from __future__ import annotations

import json
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from lab.errors import LabError
from lab.network.holder import Holder
from netsky.errors import InputError

log = logging.getLogger(__name__)

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class State:
    """All that another process must know of a running lab."""

    name: str
    egresses: tuple[str, ...]
    hops: int
    holder: Holder


def save(state: State) -> None:
    """Let others find the lab; LabError when one of that name runs."""
    file = _file(state.name)
    _remove_stale(file)
    try:
        with NamedTemporaryFile("w", encoding="ascii", dir=_folder(), prefix=".") as temporary:
            json.dump(asdict(state), temporary)
            temporary.flush()
            # The file appears whole or not at all, and replaces no other.
            os.link(temporary.name, file)
    except FileExistsError:
        raise LabError(
            f"a lab {state.name!r} runs already: end it with `python -m lab down --name "
            f"{state.name}`, or choose another --name"
        ) from None
    except OSError as error:  # the error of a full disk does not name the file
        raise LabError(f"cannot write {file}: {error.strerror}") from None


def find(name: str) -> State:
    """The running lab of that name; LabError names those that run."""
    file = _file(name)
    _remove_stale(file)
    with suppress(FileNotFoundError):
        return _read(file)
    others = ", ".join(state.name for state in running()) or "none"
    raise LabError(f"no lab {name!r} runs (running: {others}): start it with `python -m lab up`")


def running() -> Iterator[State]:
    """All labs of this user. What those that are gone left behind is removed."""
    for file in sorted(_folder().glob("[!.]*.json")):
        try:
            _remove_stale(file)
            with suppress(FileNotFoundError):
                yield _read(file)
        except LabError as error:  # only that lab is broken
            log.warning("%s", error)


def remove(name: str) -> None:
    _file(name).unlink(missing_ok=True)


def check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise InputError(f"lab {name!r}: up to 40 lower-case letters, digits and '-'")


def _remove_stale(file: Path) -> None:
    with suppress(FileNotFoundError):
        if not _read(file).holder.alive:
            file.unlink()


def _read(file: Path) -> State:
    try:
        document: dict[str, Any] = json.loads(file.read_text(encoding="ascii"))
        holder, egresses = Holder(**document["holder"]), tuple(document["egresses"])
        return State(**document | {"holder": holder, "egresses": egresses})
    except (KeyError, TypeError, ValueError):
        raise LabError(f"{file} is broken and tells of no lab: remove it") from None


def _file(name: str) -> Path:
    check_name(name)
    return _folder() / f"{name}.json"


def _folder() -> Path:
    """The user's own folder for such files; nobody else may put one there."""
    if os.geteuid() == 0:
        folder = Path("/run/netsky-lab")
    elif runtime := os.environ.get("XDG_RUNTIME_DIR"):
        folder = Path(runtime, "netsky-lab")
    else:
        folder = Path(f"/tmp/netsky-lab-{os.geteuid()}")  # noqa: S108  checked below
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise LabError(f"{folder} is not a folder of this user: remove it")
    return folder
