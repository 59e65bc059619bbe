"""How all panels look: colours, thresholds, units, columns, legends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.models import common, dashboard, units

from netsky_dashboards.words import (
    BASELINE_LATE,
    LIBRARY_LATE,
    LIBRARY_STALE,
    RULES,
    STALE_AFTER,
    seconds,
)

RATIO, SECONDS = units.PercentUnit, units.Seconds
PERCENT, MILLISECONDS = units.Percent, units.Milliseconds
COUNT = units.LocaleFormat
DURATION = units.DurationSeconds
MOMENT = "time:YYYY-MM-DD HH:mm:ss"

GOOD, UNKNOWN, NEUTRAL = "green", "purple", "blue"
CLEAR = "transparent"
ELEVATED, SEVERE = "orange", "red"

Steps = Iterable[tuple[float | None, str]]
"""From which value which colour; None is the lowest."""

LOSS_RATIO: Steps = [(None, GOOD), (RULES.elevated, ELEVATED), (RULES.severe, SEVERE)]
LOSS_PERCENT: Steps = [
    (None, GOOD),
    (RULES.elevated * 100, ELEVATED),
    (RULES.severe * 100, SEVERE),
]
ALL_GOOD: Steps = [(None, GOOD)]
NONE_IS_GOOD: Steps = [(None, GOOD), (1, ELEVATED)]
PLAIN: Steps = [(None, NEUTRAL)]


def _ages(late: timedelta, stale: timedelta) -> Steps:
    return [(None, GOOD), (seconds(late), ELEVATED), (seconds(stale), SEVERE)]


AGE = _ages(RULES.max_age, STALE_AFTER)
BASELINE_AGE = _ages(BASELINE_LATE, RULES.max_baseline_age)
LIBRARY_AGE = _ages(LIBRARY_LATE, LIBRARY_STALE)


def thresholds(steps: Steps) -> dashboard_builders.ThresholdsConfig:
    return (
        dashboard_builders.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value, colour) for value, colour in steps])
    )


def on_plain(steps: Steps) -> Steps:
    """The same for cells: where most are good, colour is for what is not."""
    return [(value, CLEAR if colour == GOOD else colour) for value, colour in steps]


def by_thresholds() -> dashboard_builders.FieldColor:
    return dashboard_builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)


def mapping(texts: Mapping[str, tuple[str, str | None]]) -> dashboard.ValueMapping:
    """Values to texts and colours."""
    return dashboard.ValueMap(
        {
            value: dashboard.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(texts.items())
        }
    )


NO_NUMBER = dashboard.SpecialValueMap(
    dashboard.DashboardSpecialValueMapOptions(
        match=dashboard.SpecialValueMatch.NA_N, result=dashboard.ValueMappingResult(text="-")
    )
)
"""Nothing replied: there is no latency."""

ALERT_STATE_VALUES = {"stands": 1.0, "undetermined": 0.5, "none": 0.0}
"""So that the maximum of several states is the one to show."""


def alert_states(colour: str, *, good: str = GOOD) -> dashboard.ValueMapping:
    stands, undetermined, none = (f"{value:g}" for value in ALERT_STATE_VALUES.values())
    return mapping(
        {stands: ("告警", colour), undetermined: ("无法断定", UNKNOWN), none: ("正常", good)}
    )


Properties = list[dashboard.DynamicConfigValue]


def look(
    *,
    unit: str | None = None,
    decimals: int | None = None,
    steps: Steps | None = None,
    states: dashboard.ValueMapping | None = None,
    name: str | None = None,
) -> Properties:
    """What sets a column or a series apart from the others of its panel."""
    properties = {
        "unit": unit,
        "decimals": decimals,
        "thresholds": thresholds(steps).build() if steps else None,
        "color": by_thresholds().build() if steps or states else None,
        "mappings": [states] if states else None,
        "displayName": name,
    }
    return [
        dashboard.DynamicConfigValue(key, value)
        for key, value in properties.items()
        if value is not None
    ]


def column(
    *,
    unit: str | None = None,
    decimals: int | None = None,
    steps: Steps | None = None,
    states: dashboard.ValueMapping | None = None,
    width: int | None = None,
    link: dashboard.DashboardLink | None = None,
) -> Properties:
    """The same for a column of a table, filled with its colour; what is good is left plain."""
    properties = look(
        unit=unit, decimals=decimals, steps=on_plain(steps) if steps else None, states=states
    )
    if steps or states:
        filled = common.TableColoredBackgroundCellOptions(
            mode=common.TableCellBackgroundDisplayMode.BASIC
        )
        properties.append(dashboard.DynamicConfigValue("custom.cellOptions", filled))
    if width:
        properties.append(dashboard.DynamicConfigValue("custom.width", width))
    if link:
        properties.append(dashboard.DynamicConfigValue("links", [link]))
    return properties


def band(*, down_to: str | None = None) -> Properties:
    """A series without a line; with `down_to` grey down to the series of that name."""
    grey = dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color="#8e8e8e")
    properties = {"custom.lineWidth": 0, "color": grey}
    if down_to:
        properties |= {"custom.fillBelowTo": down_to, "custom.fillOpacity": 25}
    return [dashboard.DynamicConfigValue(key, value) for key, value in properties.items()]


def legend(*calculations: str) -> common_builders.VizLegendOptions:
    """Below the graph; with calculations a table beside it, sorted by the last one, worst first."""
    options = common_builders.VizLegendOptions().show_legend(show_legend=True)
    if not calculations:
        options.display_mode(common.LegendDisplayMode.LIST)
        return options.placement(common.LegendPlacement.BOTTOM)
    options.display_mode(common.LegendDisplayMode.TABLE).placement(common.LegendPlacement.RIGHT)
    options.calcs(list(calculations)).sort_desc(sort_desc=True)
    return options.sort_by({"max": "Max", "lastNotNull": "Last *"}[calculations[-1]])


def no_legend() -> common_builders.VizLegendOptions:
    options = common_builders.VizLegendOptions().show_legend(show_legend=False)
    options.display_mode(common.LegendDisplayMode.LIST)
    return options.placement(common.LegendPlacement.BOTTOM)


def all_series() -> common_builders.VizTooltipOptions:
    options = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    return options.sort(common.SortOrder.DESCENDING)


FILLED = common.TableColoredBackgroundCellOptions(mode=common.TableCellBackgroundDisplayMode.BASIC)
UNFILLED = dashboard.DynamicConfigValue("custom.cellOptions", common.TableAutoCellOptions())
