"""What stands beside the maps: the incidents, and how far the probes can be believed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from markupsafe import Markup, escape

from netsky.judging.grading import NotJudged
from netsky.judging.incidents import Incident
from netsky.overview import LineState, Overview
from netsky.page.environment import element
from netsky.page.names import incident_page, line_name, line_names
from netsky.page.words import UNKNOWN, Words, beijing, percent, points

OLD_LIBRARY = timedelta(days=30)

_MOST_PROVINCES = 4
_MOST_PREFIXES = 6
_MOST_NAMES = 3
_MOST_SAYINGS = 3
_MOST_OVER = 8


@dataclass(frozen=True, slots=True)
class Card:
    """An open incident; `report` is the file of its report, or there is none, and `command` makes it."""

    title: str
    peak: str
    severity: str
    since: str
    prefixes: str
    report: str
    command: str


def incident_cards(overview: Overview, words: Words, reports: Collection[str]) -> list[Card]:
    """Of all open incidents, the worst first."""
    found = [
        (line, incident)
        for line in overview.lines
        for incident in line.incidents
        if incident.is_open
    ]
    found.sort(key=lambda each: each[1].peak_increase_ratio, reverse=True)
    cards = []
    for line, incident in found:
        name = f"{incident_page(line.isp.slug, line.egress, incident.id)}.html"
        lasting = words.duration(incident.lasted(overview.at))
        prefixes = words.listed(incident.prefixes[:_MOST_PREFIXES])
        if len(incident.prefixes) > _MOST_PREFIXES:
            prefixes = words("and_more", names=prefixes)
        cards.append(
            Card(
                words(
                    "incident_title",
                    isp=words.isp_short(line.isp),
                    provinces=_provinces(incident, words),
                    egress=line.egress,
                ),
                words("incident_peak", peak=points(incident.peak_increase_ratio)),
                words(incident.peak_severity),
                words(
                    "incident_since",
                    at=beijing(incident.opened_at, "%m-%d %H:%M"),
                    duration=lasting,
                ),
                words("incident_prefixes", prefixes=prefixes) if prefixes else "",
                name if name in reports else "",
                words("incident_command", id=f"--isp {line.isp.slug} --egress {line.egress}"),
            )
        )
    return cards


def over_incidents(overview: Overview, words: Words, reports: Collection[str]) -> list[str]:
    """Those of the past day that are over or given up, the newest first; each links to its report where there is one."""
    found = [
        (incident.cleared_at, incident, line)
        for line in overview.lines
        for incident in line.incidents
        if incident.cleared_at
    ]
    found.sort(key=lambda each: each[0], reverse=True)
    said: list[str] = []
    for cleared_at, incident, line in found[:_MOST_OVER]:
        text = words(
            "given_up_one" if incident.given_up else "cleared_one",
            from_=beijing(incident.opened_at, "%H:%M"),
            until=beijing(cleared_at, "%H:%M"),
            isp=words.isp_short(line.isp),
            egress=line.egress,
            provinces=_provinces(incident, words),
            peak=points(incident.peak_increase_ratio),
        )
        name = f"{incident_page(line.isp.slug, line.egress, incident.id)}.html"
        linked = element("a", text, href=name) if name in reports else escape(text)
        badge = element("span", f"■ {words('given_up')}", class_="badge doubt")
        said.append(Markup("{} {}").format(badge, linked) if incident.given_up else linked)
    if len(found) > _MOST_OVER:
        said.append(words("more_incidents", count=len(found) - _MOST_OVER))
    return said


def _provinces(incident: Incident, words: Words) -> str:
    names = words.listed([words.province(each) for each in incident.provinces[:_MOST_PROVINCES]])
    count = len(incident.provinces)
    return words("and_provinces", rises=names, count=count) if count > _MOST_PROVINCES else names


@dataclass(frozen=True, slots=True)
class Saying:
    """What is wrong with the probes, and with which lines."""

    badge: str
    text: str


def probe_sayings(overview: Overview, words: Words) -> list[Saying]:
    """The most telling three; none if all is as it should be."""
    old = overview.at - OLD_LIBRARY

    def said(kind: str, is_so: Callable[[LineState], bool], **values: object) -> list[Saying]:
        lines = [line for line in overview.lines if is_so(line)]
        if not lines:
            return []
        names = line_names(lines, words, most=_MOST_NAMES)
        badge = "unjudged" if kind in ("partly", "new") else kind
        return [Saying(words(f"badge_{badge}"), words(f"said_{kind}", lines=names, **values))]

    def is_unjudged(line: LineState) -> bool:
        return not (line.trouble or line.judged or overview.is_old(line))

    reason = next((line.trouble for line in overview.lines if line.trouble), "")
    found = [
        *said("away", lambda line: line.trouble is not None, reason=reason),
        *said("old", lambda line: not line.trouble and overview.is_old(line)),
        *said("tainted", lambda line: line.is_tainted),
        *said("new", lambda line: is_unjudged(line) and line.reason is NotJudged.NO_BASELINE),
        *said(
            "unjudged", lambda line: is_unjudged(line) and line.reason is not NotJudged.NO_BASELINE
        ),
        *said("partly", lambda line: bool(line.judged and line.not_judged)),
        *said("spooled", lambda line: bool(line.spooled)),
        *said(
            "library",
            lambda line: line.library_at is not None and line.library_at < old,
            days=OLD_LIBRARY.days,
        ),
    ]
    if overview.never_measured:
        names = [f"{words.isp_short(isp)}×{egress}" for isp, egress in overview.never_measured]
        shown = words.listed(names[:_MOST_NAMES])
        if len(names) > _MOST_NAMES:
            shown = words("and_more", names=shown)
        found = [*found[: _MOST_SAYINGS - 1], Saying("", words("never_measured", lines=shown))]
    return found[:_MOST_SAYINGS]


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """A line in the table of the probes; `is_old`, `is_spooled`: not to be trusted."""

    name: str
    age: str
    is_old: bool
    is_tainted: bool
    spool: str
    is_spooled: bool
    baseline: str
    dead: str


def probe_rows(overview: Overview, words: Words) -> list[ProbeRow]:
    """All lines; what cannot be trusted is first where there are many."""
    lines: Sequence[LineState] = sorted(overview.lines, key=lambda line: not line.is_doubtful)
    return [_probe_row(line, overview, words) for line in lines]


def _probe_row(line: LineState, overview: Overview, words: Words) -> ProbeRow:
    sweep = line.sweep
    return ProbeRow(
        name=line_name(line, words),
        age=words.age(sweep.started_at, overview.at) if sweep else UNKNOWN,
        is_old=overview.is_old(line),
        is_tainted=line.is_tainted,
        spool=UNKNOWN if line.spooled is None else str(line.spooled),
        is_spooled=bool(line.spooled),
        baseline=words.age(line.baseline_at, overview.at) if line.baseline_at else UNKNOWN,
        dead=percent(sweep.dead_ratio, 0) if sweep else UNKNOWN,
    )


def library_sayings(overview: Overview, words: Words) -> list[str]:
    """Of each ISP's address library: how old."""
    said = []
    for isp in overview.isps:
        lines = [line for line in overview.lines if line.isp == isp]
        published = next((line.library_at for line in lines if line.library_at), None)
        if published:
            age = words.age(published, overview.at)
            said.append(words("library_of", isp=words.isp_short(isp), age=age))
    return said
