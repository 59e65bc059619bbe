"""The report on an incident that is sent to its carrier, as a page of two sheets of paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from netsky.incident_loss import ProvinceLoss
from netsky.incident_report import IncidentReport, Nature, State
from netsky.page.environment import inline_script, render
from netsky.page.incident_age import Standing, old_words
from netsky.page.incident_asks import asks, contacts, traces, traces_notes
from netsky.page.incident_charts import MOST_CHARTS, charts, charts_note, minutes
from netsky.page.incident_findings import findings
from netsky.page.incident_tables import MOST_LINES, compare_note, compare_rows, parts, parts_notes
from netsky.page.incident_text import incident_text, newest_known, province_names
from netsky.page.incident_words import incident_words
from netsky.page.names import EXIT_WIDTH, cut
from netsky.page.words import Words, beijing, percent, points, utc

_MOST_NAMED = 4
_MINUTE = "%m-%d %H:%M"


@dataclass(frozen=True, slots=True)
class Fact:
    """One of the figures at the top: its name, itself, and what is to be known of it."""

    name: str
    value: str
    note: str


def incident_page(report: IncidentReport, language: str) -> str:
    """The whole page."""
    words = incident_words(language)
    text, as_of = incident_text(report, words), newest_known(report)
    compared = [each.province for each in report.provinces[:MOST_CHARTS]]
    return render(
        "incident.html",
        words=words,
        report=report,
        title=_title(report, words),
        state=report.state.value,
        standing=standing(report),
        old=old_words(as_of, report.made_at, words) if report.state is State.OLD else "",
        epoch=int(as_of.timestamp()),
        opened=int(report.incident.opened_at.timestamp()),
        max_age=int(report.thresholds.max_age.total_seconds()),
        as_of=beijing(as_of),
        date=beijing(as_of, "%Y-%m-%d"),
        time=beijing(as_of, "%H:%M:%S"),
        known_at=beijing(as_of, _MINUTE),
        lead=_lead(report, words),
        facts=_facts(report, words),
        findings=findings(report, words),
        charts=charts(report, words),
        charts_note=charts_note(report, words),
        compared=[words.province(each) for each in compared],
        compare_rows=compare_rows(report, compared, words),
        compare_note=compare_note(report, words),
        lines_left=max(0, len(report.lines) - MOST_LINES),
        parts=parts(report, words),
        parts_notes=parts_notes(report, words),
        asks=asks(report, words),
        contacts=contacts(report, words),
        traces=traces(report, words),
        traces_at=beijing(report.failing.taken_at, _MINUTE) if report.failing else "",
        traces_notes=traces_notes(report, words),
        minutes=minutes(report),
        text=text,
        text_size=len(text.encode()),
        made=beijing(report.made_at),
        script=inline_script("overview.js") if report.incident.is_open else None,
    )


def standing(report: IncidentReport) -> Standing:
    """Whether the page has to be written again."""
    if report.is_final:
        return Standing.FINAL
    return Standing.OPEN if report.incident.is_open else Standing.OVER


def _title(report: IncidentReport, words: Words) -> str:
    provinces = province_names(report, words, _MOST_NAMED)
    isp = words.isp(report.isp)
    return words("title", isp=isp, provinces=provinces, egress=report.egress.name)


def _lead(report: IncidentReport, words: Words) -> str:
    """What has happened, in one sentence."""
    incident, shown = report.incident, report.provinces[:MOST_CHARTS]
    since = beijing(incident.opened_at, _MINUTE)
    is_now = report.is_rising and report.state is State.OPEN
    now = [
        (each, each.newest_ratio if is_now else each.peak_ratio)
        for each in shown
        if each.peak_ratio is not None
    ]
    if not now:
        return words("lead_unknown", since=since)
    listed = words.listed(
        [
            words("of_province", ratio=percent(ratio), province=words.province(each.province))
            for each, ratio in now
        ]
    )
    values = {"since": since, "usual": _usual_of(shown, words), "now": listed}
    if report.state is State.OLD:
        return words("lead_old", **values, until=beijing(newest_known(report), _MINUTE))
    if report.is_rising:
        return words("lead_open", **values)
    if incident.cleared_at is None:
        return words("lead_fallen", **values)
    end = beijing(incident.cleared_at, _MINUTE)
    if incident.given_up:
        return words("lead_given_up", **values, end=end)
    return words("lead_cleared", **values, end=end, duration=words.duration(report.duration))


def _usual_of(provinces: Sequence[ProvinceLoss], words: Words) -> str:
    usuals = sorted(each.usual_ratio for each in provinces if each.usual_ratio is not None)
    if not usuals:
        return words("not_known")
    least, most = percent(usuals[0]), percent(usuals[-1])
    return least if least == most else words("range", least=least, most=most)


def _facts(report: IncidentReport, words: Words) -> list[Fact]:
    incident = report.incident
    severity = words(f"severity_{incident.peak_severity}")
    source = words("source", source=report.source) if report.source else words("no_source")
    return [
        Fact(
            words("began"),
            beijing(incident.opened_at, _MINUTE),
            words("utc", at=utc(incident.opened_at)),
        ),
        _lasted(report, words),
        _peak(report, words),
        Fact(
            words("severity"),
            severity,
            words("severity_note", count=incident.peak_provinces),
        ),
        Fact(
            words("whose"),
            f"{words.isp(report.isp)} · {cut(report.egress.name, EXIT_WIDTH)}",
            source,
        ),
        Fact(
            words("where"),
            words("count_of", count=len(report.provinces)),
            province_names(report, words, _MOST_NAMED),
        ),
        _affected(report, words),
        _nature(report, words),
    ]


def _lasted(report: IncidentReport, words: Words) -> Fact:
    duration = words.duration(report.duration)
    match report.state:
        case State.OPEN:
            note = words("not_over", at=_moment(report.data_until, words))
        case State.OLD:
            duration = words("at_least", duration=duration)
            note = words("no_newer", at=beijing(newest_known(report), _MINUTE))
        case _:
            name = "given_up_at" if report.incident.given_up else "over_at"
            note = words(name, at=_moment(report.incident.cleared_at, words))
            if report.incident.given_up:
                duration = words("at_least", duration=duration)
    return Fact(words("lasted"), duration, note)


def _moment(at: datetime | None, words: Words) -> str:
    return words("not_known") if at is None else beijing(at, _MINUTE)


def _peak(report: IncidentReport, words: Words) -> Fact:
    worst = report.provinces[0]
    if worst.peak_ratio is None:
        rise = points(report.incident.peak_increase_ratio)
        return Fact(words("peak"), words("not_known"), words("peak_alert", rise=rise))
    note = words(
        "peak_note",
        at=_moment(worst.peak_at, words),
        usual=percent(worst.usual_ratio),
        rise=points(worst.increase_ratio).removeprefix("+"),
    )
    value = f"{words.province(worst.province)} {percent(worst.peak_ratio)}"
    return Fact(words("peak"), value, note)


def _affected(report: IncidentReport, words: Words) -> Fact:
    parts = [part for each in report.faults for part in (*each.fault.prefixes, each.fault.rest)]
    sent, lost = sum(part.packets_sent for part in parts), sum(part.packets_lost for part in parts)
    if not sent:
        return Fact(words("affected"), words("not_known"), words("affected_unknown"))
    return Fact(words("affected"), f"{lost:,} / {sent:,}", words("affected_note"))


def _nature(report: IncidentReport, words: Words) -> Fact:
    again = report.lost_again_ratio
    note = words("nature_unknown_note")
    if again is not None:
        note = words("nature_note", again=percent(again, 0))
    elif report.nature is not Nature.UNKNOWN:
        note = words("affected_note")
    return Fact(words("nature"), words(f"nature_{report.nature.value}"), note)
