"""The report on an incident that is sent to its carrier, as a page of two sheets of paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from netsky.incident_loss import ProvinceLoss
from netsky.incident_report import IncidentReport, Nature
from netsky.page.environment import render
from netsky.page.incident_asks import asks, contacts, traces, traces_notes
from netsky.page.incident_charts import MOST_CHARTS, charts, charts_note, minutes
from netsky.page.incident_findings import findings
from netsky.page.incident_tables import MOST_LINES, compare_note, compare_rows, parts, parts_notes
from netsky.page.incident_text import incident_text, province_names, state_of
from netsky.page.incident_words import incident_words
from netsky.page.words import Words, beijing, percent, points, utc

_MOST_NAMED = 4
_MOST_ROWS = 400  # of the table over time; the CSV has all
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
    text = incident_text(report, words)
    compared = [each.province for each in report.provinces[:MOST_CHARTS]]
    return render(
        "incident.html",
        words=words,
        report=report,
        title=_title(report, words),
        state=state_of(report.incident),
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
        script=None,
    )


def _title(report: IncidentReport, words: Words) -> str:
    provinces = province_names(report, words, _MOST_NAMED)
    isp = words.isp(report.isp)
    return words("title", isp=isp, provinces=provinces, egress=report.egress.name)


def _lead(report: IncidentReport, words: Words) -> str:
    """What has happened, in one sentence."""
    incident, shown = report.incident, report.provinces[:MOST_CHARTS]
    since = beijing(incident.opened_at, _MINUTE)
    now = [
        (each, each.newest_ratio if report.is_rising else each.peak_ratio)
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
    over = (
        words("not_over", at=_moment(report.data_until, words))
        if incident.cleared_at is None
        else words(
            "given_up_at" if incident.given_up else "over_at",
            at=beijing(incident.cleared_at, _MINUTE),
        )
    )
    severity = words(f"severity_{incident.peak_severity}")
    source = words("source", source=report.source) if report.source else words("no_source")
    return [
        Fact(
            words("began"),
            beijing(incident.opened_at, _MINUTE),
            words("utc", at=utc(incident.opened_at)),
        ),
        Fact(words("lasted"), words.duration(report.duration), over),
        _peak(report, words),
        Fact(
            words("severity"),
            severity,
            words("severity_note", count=incident.peak_provinces),
        ),
        Fact(words("whose"), f"{words.isp(report.isp)} · {report.egress.name}", source),
        Fact(
            words("where"),
            words("count_of", count=len(report.provinces)),
            province_names(report, words, _MOST_NAMED),
        ),
        _affected(report, words),
        _nature(report, words),
    ]


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
