"""A table with a column for each query: rows are joined by their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard

from netsky_dashboards import style
from netsky_dashboards.layout import Panel, Size, now_as_table, organize, place


@dataclass(frozen=True, slots=True)
class Value:
    """A column from a query of its own; the labels of the query are columns too."""

    title: str
    expr: str
    properties: style.Properties


def value_table(
    panel: table.Panel,
    title: str,
    description: str,
    size: Size,
    *,
    labels: Mapping[str, str],
    values: Sequence[Value],
    more: Mapping[str, str],
) -> Panel:
    """Rows by labels, a column for each value; `more` are labels that only some queries have."""
    lettered = list(zip(ascii_uppercase, values, strict=False))
    titles = {f"Value #{letter}": value.title for letter, value in lettered}
    hidden = [field for field, title in titles.items() if not title]
    shown = {field: title for field, title in titles.items() if title}
    panel.with_transformation(dashboard.DataTransformerConfig("merge", options={}))
    panel.with_transformation(organize({**labels, **shown, **more}, without=["Time", *hidden]))
    for value in values:
        if value.properties:
            panel.override_by_name(value.title, value.properties)
    targets = [now_as_table(value.expr, ref_id=letter) for letter, value in lettered]
    return place(panel, title, description, size, *targets)
