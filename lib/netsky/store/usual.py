"""What the rule `usual` keeps of a line: netsky_usual, a row a province, and netsky_usual_bucket, one in ten minutes.

A bucket is what netsky.judging.usual has of it, float32[FIELDS, columns] in base64: every ten minutes a line needs
some 200 of them, and to read them as JSON took as long as all else together. The JSON of earlier versions is read,
too: for each province by slug [all targets, those that usually answer or null, the latency or null].
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from netsky.judging.grading import Grade
from netsky.judging.usual import (
    A_DAY,
    A_WEEK,
    BUCKET_SECONDS,
    FIELDS,
    NEVER,
    QUIET,
    SWEEPS,
    Buckets,
    Floats,
    Usual,
)
from netsky.judging.usual_columns import COLUMNS, IS_LOSS, Kind, column_of, nothing_known_of
from netsky.judging.usual_rule import GRADES
from netsky.judging.usual_sweeps import Kept
from netsky.places import PROVINCES
from netsky.store.replacing import replace_rows
from netsky.store.rows import aware_time
from netsky.store.tables import PROVINCES_BY_CHINESE, usual, usual_bucket

# Ratios are stored in percent, seconds in ms.
_UNITS = np.where(IS_LOSS, 100.0, 1000.0)
_CODES = {grade: code for code, grade in GRADES.items()}
# Columns of netsky_usual, and the fields of `Usual` that they hold.
_VALUES = {
    "value": "loss",
    "scatter": "scatter",
    "noise": "noise",
    "seasonal": "seasonal",
    "level": "level",
}
_COUNTS = ("days", "sweeps", "calm")
_BUCKETS = {"begins": 0, "accepted": 0, "risen_since": NEVER}  # and what NULL means


def store_kept(connection: sa.Connection, isp: str, egress: str, kept: Kept | None) -> None:
    """Put what is kept of a line in place of what was; None: another rule keeps nothing."""
    line = {"isp": isp, "egress": egress}
    if kept is None:
        if connection.scalar(sa.select(usual.c.start).filter_by(**line).limit(1)):
            connection.execute(sa.delete(usual).filter_by(**line))
        return
    known = np.flatnonzero(~np.isnan(kept.usual.loss))
    band = kept.usual.band
    replace_rows(connection, usual, [{**line, **_row(kept, band, int(column))} for column in known])


def _row(kept: Kept, band: tuple[Floats, Floats], column: int) -> dict[str, Any]:
    now, standing = kept.usual, kept.standing
    kind, index = divmod(column, len(PROVINCES))
    low, high = band
    unit = float(_UNITS[column])
    measured_at = float(standing.measured_at[column])
    return {
        "province": PROVINCES[index].name,
        "targets": list(Kind)[kind],
        "low": unit * float(low[column]),
        "high": unit * float(high[column]),
        **{name: _stored(getattr(now, of)[column], unit) for name, of in _VALUES.items()},
        **{name: int(getattr(now, name)[column]) for name in _COUNTS},
        **{
            name: None
            if getattr(now, name)[column] == unset
            else _start(getattr(now, name)[column])
            for name, unset in _BUCKETS.items()
        },
        "grade": GRADES[int(standing.grades[column])].value,
        "recent": json.dumps([_stored(rise, unit) for rise in standing.recent[:, column]]),
        "noticed": float(standing.noticed[column]),
        "swept_at": None if np.isinf(measured_at) else _time(measured_at),
        "start": _start(now.number),
    }


def stored_kept(connection: sa.Connection, isp: str, egress: str) -> Kept | None:
    """What is kept of a line; None: nothing."""
    rows = connection.execute(sa.select(usual).filter_by(isp=isp, egress=egress)).mappings().all()
    if not rows:
        return None
    empty, standing = nothing_known_of().usual, nothing_known_of().standing
    arrays = {
        each.name: getattr(empty, each.name).copy()
        for each in fields(Usual)
        if each.name != "number"
    }
    for row in rows:
        column = column_of(PROVINCES_BY_CHINESE[row["province"]], Kind(row["targets"]))
        unit = float(_UNITS[column])
        for name, of in _VALUES.items():
            arrays[of][column] = _value(row[name], unit)
        for name in _COUNTS:
            arrays[name][column] = row[name]
        for name in _BUCKETS:
            if row[name] is not None:
                arrays[name][column] = _number(row[name])
        standing.grades[column] = _CODES[Grade(row["grade"])]
        standing.recent[:, column] = [_value(rise, unit) for rise in json.loads(row["recent"])]
        standing.noticed[column] = row["noticed"] or 0
        if row["swept_at"] is not None:
            standing.measured_at[column] = _seconds(row["swept_at"])
    number = max(_number(row["start"]) for row in rows)
    return Kept(
        Usual(number, **arrays),
        replace(standing, at=float(standing.measured_at.max())),
    )


def store_buckets(
    connection: sa.Connection, isp: str, egress: str, buckets: Mapping[int, Floats]
) -> None:
    """Put these buckets in, by number."""
    line = {"isp": isp, "egress": egress}
    rows = [
        {**line, "start": _start(number), "provinces": _packed(values)}
        for number, values in buckets.items()
    ]
    for first in range(0, len(rows), 100):
        replace_rows(connection, usual_bucket, rows[first : first + 100])


def prune_buckets(connection: sa.Connection, isp: str, *, now: datetime) -> int:
    """Delete what is too old to tell what is usual (`now` is aware); how many buckets."""
    oldest = _start(int(now.timestamp()) // BUCKET_SECONDS - A_WEEK - A_DAY)
    old = sa.delete(usual_bucket).where(usual_bucket.c.isp == isp, usual_bucket.c.start < oldest)
    return connection.execute(old).rowcount


def stored_buckets(
    connection: sa.Connection, isp: str, egress: str, numbers: Sequence[range]
) -> Buckets:
    """Of these buckets those that are stored."""
    start = usual_bucket.c.start
    spans = [start.between(_start(each.start), _start(each.stop - 1)) for each in numbers]
    query = sa.select(start, usual_bucket.c.provinces).filter_by(isp=isp, egress=egress)
    found = Buckets(COLUMNS)
    for at, provinces in connection.execute(query.where(sa.or_(*spans)).order_by(start)):
        found.put(_number(at), _unpacked(provinces))
    return found


def last_bucket(connection: sa.Connection, isp: str, egress: str, until: int) -> int | None:
    """The number of the last bucket that is stored, up to that one."""
    start = usual_bucket.c.start
    query = sa.select(sa.func.max(start)).filter_by(isp=isp, egress=egress)
    last = connection.scalar(query.where(start <= _start(until)))
    return None if last is None else _number(last)


_NOTHING = [0 if figure in (SWEEPS, QUIET) else None for figure in range(FIELDS)]


def _packed(values: Floats) -> str:
    """A bucket as text."""
    return b64encode(values.astype("<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> Floats:
    """float64[FIELDS, columns] of such a text."""
    if text.startswith("{"):
        return _values(json.loads(text))
    return np.frombuffer(b64decode(text), "<f4").reshape(FIELDS, -1).astype(np.float64)


def _values(document: Mapping[str, Sequence[Sequence[float | None] | None]]) -> Floats:
    """float64[FIELDS, columns] of what JSON has; before there were latencies it was shorter."""
    nothing = [None] * len(Kind)
    provinces = [
        [*document.get(province.slug, ()), *nothing][: len(Kind)] for province in PROVINCES
    ]
    columns = [figures or _NOTHING for kind in zip(*provinces, strict=True) for figures in kind]
    return np.array(columns, np.float64).T.copy()  # None becomes NaN


def _stored(value: float, unit: float) -> float | None:
    return None if np.isnan(value) else unit * float(value)


def _value(stored: float | None, unit: float) -> float:
    return np.nan if stored is None else stored / unit


def _start(number: int) -> datetime:
    """When a bucket begins, as the columns hold it."""
    return _time(int(number) * BUCKET_SECONDS)


def _number(start: datetime) -> int:
    return int(_seconds(start) // BUCKET_SECONDS)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _seconds(column: datetime) -> float:
    return aware_time(column).timestamp()
