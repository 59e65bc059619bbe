"""The building of candidates: sources read, joined, held against the last build, and stored."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from netsky.errors import InputError, SourceError
from netsky.places import PROVINCES
from netsky.targets import candidate_files
from netsky.targets.candidate_files import BuildRecord, SourceRecord
from netsky.targets.candidates import (
    LAB_RESERVED,
    RESERVED,
    Amounts,
    Built,
    Change,
    amounts_of,
    build,
    change_between,
)
from netsky.targets.default_source import default_source
from netsky.targets.geo import Source, read_source
from netsky.targets.geo.cidr_lists import read_lists
from netsky.targets.geo.join import Ranges
from netsky.targets.geo.names import ISPS, isp_of_list

log = logging.getLogger(__name__)

# Two versions of a source that are months apart differ by less, so a larger change is a bad file.
MOST_OF_ISP, MOST_OF_PROVINCE = 0.05, 0.20


@dataclass(frozen=True, slots=True)
class BuildReport:
    """Candidates as they are now, and what is different from those before (None: there were none)."""

    record: BuildRecord
    built: Built
    amounts: Amounts
    change: Change | None


def build_candidates(
    directory: Path,
    geo: Sequence[Path],
    bgp: Path | None,
    *,
    accept_change: bool,
    lab: bool = False,
) -> BuildReport:
    """Build candidates from the sources (none: the data set that is installed) and store them.

    Nothing is sent. Raises InputError when a source cannot be used, when an ISP has no address in
    them, or when more has changed than a new version of a source would change; with `accept_change`
    the latter is accepted. `lab`: addresses of a lab are taken, and no others. Whenever it raises, the candidates that were there are as they were.
    """
    licences: Mapping[Path, str] = {}
    if not geo:
        file, licence = default_source()
        geo, licences = [file], {file: licence}
    sources = [read_source(path) for path in geo]
    built = build(sources, _announced(bgp), reserved=LAB_RESERVED if lab else RESERVED)
    amounts = amounts_of(built.candidates)
    _check_complete(amounts, built)
    before = candidate_files.load(directory)
    change = change_between(before, built.candidates) if before else None
    if change and not accept_change:
        _check_change(change)
    record = BuildRecord(
        built_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sources=[_record(source, licences.get(source.path)) for source in sources],
        announced=None if bgp is None else str(bgp.absolute()),
    )
    candidate_files.save(directory, built.candidates, record)
    return BuildReport(record, built, amounts, change)


def _announced(folder: Path | None) -> Mapping[str, Ranges]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder of CIDR lists by ISP")
    announced = read_lists(folder, isp_of_list)
    if missing := set(ISPS) - announced.keys():
        raise SourceError(
            f"{folder}: no list is named after {', '.join(sorted(missing))} (chinanet.txt, unicom.txt, "
            "cmcc.txt): with one missing its blocks would look like another's"
        )
    return announced


def _check_complete(amounts: Amounts, built: Built) -> None:
    for isp, total in zip(ISPS, amounts.addresses.sum(axis=1).tolist(), strict=True):
        if not total:
            names = ", ".join(f"{name} ({addresses:,})" for name, addresses in built.unmatched)
            raise SourceError(
                f"the sources have no address of {isp} in any of the 31 provinces; the largest names "
                f"of other ISPs in them: {names or 'none'}"
            )


def _check_change(change: Change) -> None:
    """Raise InputError when more is new or gone than a bad file alone would explain."""
    said = []
    for index, isp in enumerate(ISPS):
        before, moved = int(change.before[index].sum()), int(change.moved[index])
        for what, all_of in (("new", change.new), ("gone", change.gone)):
            addresses = int(all_of[index].sum()) - moved
            if before and addresses > MOST_OF_ISP * before:
                said.append(f"{isp}: {addresses:,} of {before:,} addresses are {what}")
            for number, province in enumerate(PROVINCES):
                its_before, its = int(change.before[index, number]), int(all_of[index, number])
                if its_before and its > MOST_OF_PROVINCE * its_before:
                    said.append(
                        f"{isp} {province.slug}: {its:,} of {its_before:,} addresses are {what}"
                    )
    if said:
        raise InputError(
            f"more has changed than {MOST_OF_ISP:.0%} of an ISP or {MOST_OF_PROVINCE:.0%} of a "
            "province: is it the right source? If so, say --accept-change. The candidates are as "
            "they were",
            lines=said,
        )


def _record(source: Source, licence: str | None) -> SourceRecord:
    table = source.table
    return SourceRecord(
        path=str(source.path.absolute()),
        kind=table.kind,
        rows=table.rows,
        built=table.built,
        sha256=source.sha256,
        size=source.size,
        licence=licence,
    )


def age_in_days(record: SourceRecord, today: date) -> int | None:
    """How old a source's data are, None when it does not say."""
    return None if record.built is None else (today - date.fromisoformat(record.built)).days
