"""A sweep as the rows that it becomes in the database: percent, milliseconds, UTC."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from netsky.aggregate import ProvinceQuality
from netsky.figures import FIGURES, Figure, Unit
from netsky.store.tables import metadata, row_name, sweeps, time_of

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SweepRows:
    """`update_time` is naive UTC in whole seconds; `rows` are by table, without ids and serial."""

    isp: str
    egress: str
    update_time: datetime
    rows: Mapping[str, Sequence[Row]]

    def moved(self, seconds: int) -> SweepRows:
        """The same sweep as if it had begun so many seconds later."""
        if not seconds:
            return self
        update_time = self.update_time + timedelta(seconds=seconds)
        rows = {
            table: [{**row, time_of(metadata.tables[table]).name: update_time} for row in rows]
            for table, rows in self.rows.items()
        }
        return replace(self, update_time=update_time, rows=rows)

    def numbered(self, serial: int) -> SweepRows:
        """The same sweep with its place in the order in which the sweeps of its exit came."""
        numbered = [{**row, "serial": serial} for row in self.rows[sweeps.name]]
        return replace(self, rows={**self.rows, sweeps.name: numbered})


def sweep_rows(
    isp: str,
    egress: str,
    started_at: datetime,
    qualities: Sequence[ProvinceQuality],
    *,
    tainted: bool = False,
    narrow: bool = True,
) -> SweepRows:
    """The rows of a sweep; the conversion from ratios and seconds is here and nowhere else.

    `narrow`: those of the three narrow tables, too.
    """
    update_time = column_time(started_at)
    wide = [
        {
            "isp": isp,
            "egress": egress,
            "province": quality.province.name,
            "started_at": update_time,
            "tainted": tainted,
            "prefixes": json.dumps(quality.fault.document()) if quality.fault else None,
            **{
                figure.column: _column_value(figure, quality) for figure in FIGURES if figure.column
            },
        }
        for quality in qualities
    ]
    rows = {
        f"netsky_{figure.kind}": [
            {
                "name": row_name(isp, quality.province, figure.kind),
                "value": _column_value(figure, quality),
                "province": quality.province.name,
                "update_time": update_time,
                "egress": egress,
            }
            for quality in qualities
        ]
        for figure in FIGURES
        if figure.kind and narrow
    }
    return SweepRows(isp, egress, update_time, {sweeps.name: wide, **rows})


def column_time(moment: datetime) -> datetime:
    """An aware time as the columns hold it."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def aware_time(column: datetime) -> datetime:
    """What a column holds as an aware time."""
    return column.replace(tzinfo=UTC)


def _column_value(figure: Figure, quality: ProvinceQuality) -> float | None:
    value: float | None = getattr(quality, figure.name)
    return None if value is None else _COLUMN_UNITS[figure.unit] * value


_COLUMN_UNITS = {Unit.COUNT: 1, Unit.RATIO: 100, Unit.SECONDS: 1000}  # percent, milliseconds
