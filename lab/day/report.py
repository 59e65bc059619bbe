"""Scores summed up over lines, for people and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from lab.day.score import Incident, LineScore

Cell = int | float | None

LARGE = 0.07
AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class Summary:
    """A rule on all lines. Ratios from 0 to 1, minutes, None where there is nothing to sum up.

    `large_alerted` is of the incidents of LARGE and more, `small_alerted` of those below, `again_alerted`
    of those with an hour or more of a rise in the 12 hours before. `severe_seen` is of the incidents that were severe in truth; `covered` the part of all minutes of
    incidents that was in alert. What is `_per_day` is so for each line.
    """

    incidents: int
    alerted: float | None
    delay_median: float | None
    delay_p90: float | None
    large_alerted: float | None
    small_alerted: float | None
    again_alerted: float | None
    severe_seen: float | None
    covered: float | None
    false_recoveries: int
    after_end_median: float | None
    after_end_p90: float | None
    false_alerts_per_day: float
    borderline_per_day: float
    episodes: int
    episodes_alerted: float | None
    false_pages_per_day: float
    false_page_minutes_per_day: float


LABELS = {
    "incidents": "incidents",
    "alerted": "alerted",
    "delay_median": "delay, median min",
    "delay_p90": "delay, p90 min",
    "large_alerted": "of 7 points and more, alerted",
    "small_alerted": "of 5 to 7 points, alerted",
    "again_alerted": "after an hour or more of a rise, alerted",
    "severe_seen": "severe ones seen as severe",
    "covered": "time of incidents in alert",
    "false_recoveries": "false recoveries",
    "after_end_median": "in alert after the end, median min",
    "after_end_p90": "in alert after the end, p90 min",
    "false_alerts_per_day": "false alerts a day and line",
    "borderline_per_day": "borderline alerts a day and line",
    "episodes": "episodes of a line",
    "episodes_alerted": "episodes alerted",
    "false_pages_per_day": "false pages a day and line",
    "false_page_minutes_per_day": "minutes of false pages a day and line",
}
SHARES = (
    "alerted",
    "large_alerted",
    "small_alerted",
    "again_alerted",
    "severe_seen",
    "covered",
    "episodes_alerted",
)


def summarize(scores: Sequence[LineScore]) -> Summary:
    incidents = [incident for line in scores for incident in line.incidents]
    found = [incident for incident in incidents if incident.delay is not None]
    delays = [incident.delay for incident in found if incident.delay is not None]
    late = [incident.after_end for incident in found if incident.after_end is not None]
    days = sum(line.days for line in scores)
    episodes = sum(line.episodes for line in scores)
    return Summary(
        incidents=len(incidents),
        alerted=share(len(found), len(incidents)),
        delay_median=quantile(delays, 0.5),
        delay_p90=quantile(delays, 0.9),
        large_alerted=alerted_of(i for i in incidents if i.peak >= LARGE),
        small_alerted=alerted_of(i for i in incidents if i.peak < LARGE),
        again_alerted=alerted_of(i for i in incidents if i.past >= AN_HOUR),
        severe_seen=severe_seen(incidents),
        covered=share(sum(i.in_alert for i in incidents), sum(i.minutes for i in incidents)),
        false_recoveries=sum(incident.false_recoveries for incident in found),
        after_end_median=quantile(late, 0.5),
        after_end_p90=quantile(late, 0.9),
        false_alerts_per_day=sum(line.false_alerts for line in scores) / days,
        borderline_per_day=sum(line.borderline for line in scores) / days,
        episodes=episodes,
        episodes_alerted=share(sum(line.episodes_alerted for line in scores), episodes),
        false_pages_per_day=sum(line.false_pages for line in scores) / days,
        false_page_minutes_per_day=sum(line.false_page_minutes for line in scores) / days,
    )


def alerted_of(incidents: Iterable[Incident]) -> float | None:
    delays = [incident.delay for incident in incidents]
    return share(sum(delay is not None for delay in delays), len(delays))


def severe_seen(incidents: Sequence[Incident]) -> float | None:
    severe = [incident for incident in incidents if incident.is_severe]
    return share(sum(incident.seen_severe for incident in severe), len(severe))


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def quantile(values: Sequence[int], q: float) -> float | None:
    """One of the values, no mean of two."""
    return float(np.quantile(values, q, method="inverted_cdf")) if values else None


# An incident belongs to the first bound that it is below.
KINDS: Mapping[str, tuple[Callable[[Incident], float], Mapping[str, float]]] = {
    "height": (
        lambda incident: 100 * incident.peak,
        {"5-7 points": 7, "7-10": 10, "10-20": 20, "20-50": 50, "50-100": 101},
    ),
    "duration": (
        lambda incident: incident.minutes,
        {"under 10 min": 10, "10-30": 30, "30-120": 120, "2 h and more": np.inf},
    ),
    "onset": (
        lambda incident: incident.onset,
        {"within 2 min": 3, "3-15": 16, "over 15 min": np.inf},
    ),
    "floor": (
        lambda incident: 100 * incident.dead,
        {"under 10 % dead": 10, "10-20 %": 20, "20-30 %": 101},
    ),
    "past": (
        lambda incident: incident.past,
        {"no rise in 12 h": 1, "under 1 h of it": 60, "1-3 h": 180, "3 h and more": np.inf},
    ),
}


def by_kind(scores: Sequence[LineScore], kind: str) -> dict[str, dict[str, Cell]]:
    """Incidents apart by their kind: how many, how many alerted, severe ones seen as severe."""
    value_of, bounds = KINDS[kind]
    parts: dict[str, list[Incident]] = {label: [] for label in bounds}
    for line in scores:
        for incident in line.incidents:
            value = value_of(incident)
            label = next(label for label, bound in bounds.items() if value < bound)
            parts[label].append(incident)
    return {
        label: {
            "incidents": len(part),
            "alerted": share(sum(incident.delay is not None for incident in part), len(part)),
            "severe": sum(incident.is_severe for incident in part),
            "severe_seen": severe_seen(part),
            "covered": share(sum(i.in_alert for i in part), sum(i.minutes for i in part)),
        }
        for label, part in parts.items()
    }


def table(summaries: Mapping[str, Summary]) -> str:
    """Markdown: a column for each rule."""
    rows = [["", *summaries]]
    for field, label in LABELS.items():
        values = [asdict(summary)[field] for summary in summaries.values()]
        rows.append([label, *(show(value, percent=field in SHARES) for value in values)])
    return markdown(rows)


def kind_table(kind: str, parts: Mapping[str, Mapping[str, Mapping[str, Cell]]]) -> str:
    """Markdown: what became of the incidents of each kind, by rule."""
    first = next(iter(parts.values()))
    rows = [[kind, "incidents", *(f"{rule}: alerted, severe seen" for rule in parts)]]
    for label, cells in first.items():
        of_rules = [
            f"{show(of[label]['alerted'], percent=True)}, "
            f"{show(of[label]['severe_seen'], percent=True)}"
            for of in parts.values()
        ]
        rows.append([label, show(cells["incidents"], percent=False), *of_rules])
    return markdown(rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def show(value: Cell, *, percent: bool) -> str:
    if value is None:
        return "-"
    if percent:
        return f"{100 * value:.1f} %"
    return f"{value:.2f}" if isinstance(value, float) and value % 1 else f"{value:.0f}"
