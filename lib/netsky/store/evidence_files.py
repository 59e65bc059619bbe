"""Where evidence is kept: a folder for each incident, and one of each line for quiet times.

    evidence/cu/unicom-1/20261128T180900Z/            an incident, by when it was opened
        20261128T181000Z-opened.json                  a taking, see `evidence_document`
        20261128T181000Z-guangdong-10.25.0.1.mtr.txt  what mtr printed in it
    evidence/cu/unicom-1/latest                       a link to the newest incident that was traced
    evidence/cu/unicom-1/not-taken.json               how often in a row it could not be traced
    evidence/cu/unicom-1/quiet/20261128T180000Z.json  paths in quiet times

Each file is written aside and renamed. The texts are there before the JSON that has them, too.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from netsky.clock import CLOCK_TOLERANCE
from netsky.evidence import Evidence, QuietPaths, Reason, Taking
from netsky.evidence_document import parse_quiet, parse_taking, quiet_document, taking_document
from netsky.files import MIB, read_file, replace_file
from netsky.store.evidence_names import QUIET, moment_of, quiet_files, stamp
from netsky.text import json_line, printable

log = logging.getLogger(__name__)

LATEST = "latest"
NOT_TAKEN = "not-taken.json"
LONGEST_FILE = 64 * MIB
_TRIED = timedelta(days=1)  # what was tried no more for so long waits no longer

KEPT_QUIET = timedelta(days=7)
_MOST_QUIET = 7 * 24  # files, whatever a clock says of their age

_MOST_IN_AN_HOUR = 60  # incidents of a line; an alert takes a minute to stand
_FOLDER = re.compile(r"[a-z][a-z0-9]{0,6}/[^\W_][\w.-]{0,39}/\d{8}T\d{6}Z")
_FILE = re.compile(r"(\d{8}T\d{6}Z)-([a-z_]+)\.json")


@dataclass(frozen=True, slots=True)
class KeptIncident:
    """What is kept of an incident: how many bytes, and which takings, oldest first."""

    isp: str
    egress: str
    opened_at: datetime
    folder: str
    size: int
    takings: tuple[Noted, ...]


@dataclass(frozen=True, slots=True)
class FailedTries:
    """So many times in a row nothing could be traced for an incident, last at that time."""

    folder: str
    number: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Noted:
    """That evidence was taken, as the name of its file says."""

    taken_at: datetime
    reason: Reason
    file: Path


def incident_folder(isp: str, egress: str, opened_at: datetime) -> str:
    """Where the evidence of an incident is, below the folder of all; so it stands in netsky_incident."""
    return f"{isp}/{egress}/{stamp(opened_at)}"


def is_incident_folder(folder: str) -> bool:
    """Whether evidence may be kept there: what the database says must not lead elsewhere."""
    if _FOLDER.fullmatch(folder) is None:
        return False
    try:
        moment_of(folder.rpartition("/")[2])
    except ValueError:
        return False
    return True


def file_name(taking: Taking) -> str:
    return f"{stamp(taking.taken_at)}-{taking.reason}.json"


def write_taking(root: Path, folder: str, taking: Taking, *, mode: int) -> None:
    """Keep a taking in `folder` of `root`, in the place of what was kept of it before. Raises OSError.

    `mode` is that of files; folders let the same ones in.
    """
    into = root / folder
    _make_folder(into, mode)
    for leftover in into.glob(".*"):  # of a run that was killed while it wrote
        leftover.unlink()
    moment = stamp(taking.taken_at)
    for report in taking.reports:
        for mtr in report.mtr:
            if mtr.text is not None:
                name = f"{moment}-{report.province.slug}-{mtr.target}.mtr.txt"
                lines = (" ".join(mtr.command), *mtr.text.split("\n"))
                text = "\n".join(map(printable, lines))  # whoever shows the file has a terminal
                replace_file(into / name, text.encode(), mode=mode)
    document = json_line(taking_document(taking))
    replace_file(into / file_name(taking), f"{document}\n".encode(), mode=mode)
    if taking.reports:
        _link(into)


def read_evidence(root: Path, folder: str) -> Evidence:
    """All that is kept of an incident; `folder` is what netsky_incident says. It raises nothing."""
    if not is_incident_folder(folder):
        return Evidence((), (f"evidence {folder!r} is no folder of evidence",))
    try:
        noted = list_takings(root, folder)
    except OSError as error:
        return Evidence((), (f"evidence {root / folder} cannot be read: {error.strerror}",))
    takings, not_read = [], []
    for each in noted:
        try:
            takings.append(read_taking(each.file))
        except (OSError, ValueError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            not_read.append(f"{each.file.name} cannot be read: {reason}")
    return Evidence(tuple(takings), tuple(not_read))


def read_taking(file: Path) -> Taking:
    """OSError: it cannot be read; ValueError: it is damaged."""
    return parse_taking(json.loads(read_file(file, limit=LONGEST_FILE).text()))


def list_takings(root: Path, folder: str) -> list[Noted]:
    """What was taken, by the names of the files, oldest first. OSError when there is no such folder."""
    noted = []
    for file in sorted((root / folder).iterdir()):
        if found := _FILE.fullmatch(file.name):
            with suppress(ValueError):  # a name that another program gave
                noted.append(Noted(moment_of(found[1]), Reason(found[2]), file))
    return noted


def remove_taking(root: Path, folder: str, taking: Taking) -> None:
    """Take away what was noted of a taking of which nothing came, and its folder when that is all."""
    with suppress(OSError):
        (root / folder / file_name(taking)).unlink()
        (root / folder).rmdir()


def failed_tries(root: Path, folder: str) -> FailedTries | None:
    """How often nothing could be traced for that incident since its last taking; None: never."""
    return _failed_tries((root / folder).with_name(NOT_TAKEN)).get(folder)


def note_failed_try(root: Path, folder: str, now: datetime, *, mode: int) -> None:
    """Count one more. Where that cannot be written it is not."""
    line = (root / folder).parent
    # An incident that is open and one that is over may wait beside each other.
    tries = {f: t for f, t in _failed_tries(line / NOT_TAKEN).items() if now - t.last_at < _TRIED}
    number = 1 + (tries[folder].number if folder in tries else 0)
    tries[folder] = FailedTries(folder, number, now)
    document = {f: {"tries": t.number, "last": stamp(t.last_at)} for f, t in tries.items()}
    with suppress(OSError):
        _make_folder(line, mode, above=1)
        replace_file(line / NOT_TAKEN, f"{json.dumps(document)}\n".encode(), mode=mode)


def forget_failed_tries(root: Path, folder: str) -> None:
    """Of all incidents of its line, since its exit is up again."""
    with suppress(OSError):
        (root / folder).with_name(NOT_TAKEN).unlink()


def _failed_tries(file: Path) -> dict[str, FailedTries]:
    """By the folder of the incident; nothing where the file is damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        document = json.loads(read_file(file).text())
        return {f: FailedTries(f, t["tries"], moment_of(t["last"])) for f, t in document.items()}
    return {}


def write_quiet(root: Path, quiet: QuietPaths, *, mode: int) -> None:
    """Keep what paths look like in quiet times. Raises OSError."""
    into = root / quiet.isp / quiet.egress / QUIET
    _make_folder(into, mode)
    document = json.dumps(quiet_document(quiet), allow_nan=False, separators=(",", ":"))
    replace_file(into / f"{stamp(quiet.taken_at)}.json", f"{document}\n".encode(), mode=mode)
    for leftover in into.glob(".*"):  # of a run that was killed while it wrote
        leftover.unlink()
    for _, file in quiet_files(root, quiet.isp, quiet.egress)[:-_MOST_QUIET]:
        file.unlink(missing_ok=True)


def read_quiet(root: Path, isp: str, egress: str, *, since: datetime) -> list[QuietPaths]:
    """What the paths of a line looked like in quiet times, oldest first; what is damaged is passed over."""
    looks = []
    for taken_at, file in quiet_files(root, isp, egress):
        if taken_at >= since:
            try:
                looks.append(parse_quiet(json.loads(read_file(file, limit=LONGEST_FILE).text())))
            except (OSError, ValueError) as error:
                log.warning("%s is passed over: %s", file, error)
    return looks


def kept_incidents(root: Path) -> list[KeptIncident]:
    """All incidents of which something is kept, newest first. Raises OSError."""
    found = []
    for path in root.glob("*/*/????????T??????Z"):
        folder = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
        if is_incident_folder(folder) and path.is_dir():
            size = sum(file.lstat().st_size for file in path.iterdir())
            noted = tuple(list_takings(root, folder))
            isp, egress, opened = folder.split("/")
            found.append(KeptIncident(isp, egress, moment_of(opened), folder, size, noted))
    return sorted(found, key=lambda each: (each.opened_at, each.folder), reverse=True)


def prune(root: Path, *, keep: timedelta, most_bytes: int, now: datetime) -> list[str]:
    """Delete incidents that are too old, and the oldest while there is too much; which. Raises OSError.

    What is kept of quiet times counts, too, and has half of that at most. The newest incident stays, and the
    newest look of each line. Nothing is too old only because a clock is ahead: the newest tells the time, too.
    """
    for leftover in root.glob("*/*/.removed-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    size = _prune_quiet(root, most_bytes // 2, now)
    kept = kept_incidents(root)
    removed = []
    for index, each in enumerate(kept):
        size += each.size
        too_old = each.opened_at < min(now, kept[0].opened_at) - keep
        if index and (too_old or size > most_bytes):
            size -= each.size
            path = root / each.folder
            aside = path.with_name(f".removed-{path.name}-{secrets.token_hex(4)}")
            path.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
            removed.append(each.folder)
    for line in root.glob("*/*"):
        _mend_link(line)
    return removed


def _prune_quiet(root: Path, most_bytes: int, now: datetime) -> int:
    """Delete the oldest looks of all lines while there is too much; how many bytes are left."""
    looks = []  # whether it is the newest of its line, when it was, how many bytes, and where
    latest = stamp(now + CLOCK_TOLERANCE)
    for folder in root.glob(f"*/*/{QUIET}"):
        # What a clock that was ahead has written goes first.
        files = sorted(folder.glob("*.json"), key=lambda file: (file.stem <= latest, file.stem))
        looks += [
            (file is files[-1], file.stem <= latest, file.stem, file.lstat().st_size, file)
            for file in files
        ]
    size = 0
    for newest, _, _, in_bytes, file in sorted(looks, reverse=True):
        if newest or size + in_bytes <= most_bytes:
            size += in_bytes
        else:
            file.unlink()
    return size


def taken_of_line(root: Path, isp: str, egress: str) -> list[datetime]:
    """When evidence was taken of the newest incidents of a line by itself."""
    line = root / isp / egress
    names = sorted(path.name for path in line.glob("????????T??????Z") if path.is_dir())
    return [
        noted.taken_at
        for name in names[-_MOST_IN_AN_HOUR:]
        for noted in list_takings(root, f"{isp}/{egress}/{name}")
        if noted.reason is not Reason.BY_HAND
    ]


def _make_folder(folder: Path, mode: int, *, above: int = 2) -> None:
    """Who may read the files may enter the folders, and nobody else."""
    entered = mode | (mode & 0o444) >> 2
    for each in reversed([folder, *list(folder.parents)[:above]]):
        each.mkdir(mode=entered, parents=True, exist_ok=True)


def _link(folder: Path) -> None:
    """Let `latest` beside the folder lead to it, at once; what is no link there stays."""
    link = folder.with_name(LATEST)
    if link.exists() and not link.is_symlink():
        return
    for leftover in folder.parent.glob(f".{LATEST}.*"):  # of a run that was killed here
        leftover.unlink()
    aside = folder.with_name(f".{LATEST}.{secrets.token_hex(8)}")
    aside.symlink_to(folder.name)
    aside.replace(link)


def _mend_link(line: Path) -> None:
    """Let `latest` of a line lead to what there is, if that to which it led is gone or empty."""
    link = line / LATEST
    if link.is_symlink() and next(link.glob("*.json"), None) is None:
        link.unlink()
        for folder in sorted(line.glob("????????T??????Z"), reverse=True):
            if next(folder.glob("*.json"), None) is not None:
                _link(folder)
                return
