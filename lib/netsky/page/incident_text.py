"""A report on an incident as a short text, to paste into WeCom, DingTalk or a ticket.

WeCom takes 2,048 bytes, and a Chinese character is three of them. So lists are cut first, then sentences that
can be missed are left out, and none is ever cut in its middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from netsky.incident_report import IncidentReport, State
from netsky.page.incident_findings import Findings, findings
from netsky.page.incident_sentences import ONE_WAY
from netsky.page.words import Words, beijing, percent, utc
from netsky.text import one_line

MOST_BYTES = 2047
MOST_CHARACTERS = 2000
_LISTED = (6, 4, 3, 2, 1)  # names in a list, tried in this order

# These go first when the text is too long, in this order.
_CAN_BE_MISSED = (
    "t_changed",
    "t_nature",
    "t_targets",
    "t_prefixes",
    "t_where",
    "t_verdict",
    "t_circuit",
    "t_contact",
)


def incident_text(report: IncidentReport, words: Words) -> str:
    """Lines that are whole sentences, in 2,000 characters and 2,047 bytes at most."""
    found = findings(report, words)
    for most in _LISTED:
        lines = _lines(report, found, words, most)
        if fits(text := _joined(lines)):
            return text
    for name in _CAN_BE_MISSED:
        lines = [line for line in lines if line[0] != name]
        if fits(text := _joined(lines)):
            break
    return text


def fits(text: str) -> bool:
    return len(text.encode()) <= MOST_BYTES and len(text) <= MOST_CHARACTERS


def _joined(lines: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{one_line(text)}\n" for _, text in lines)


def _lines(
    report: IncidentReport, found: Findings, words: Words, most: int
) -> list[tuple[str, str]]:
    """Each line with its name; at most so many names in a list."""
    egress = report.egress
    state = words(report.state.value)
    isp = words.isp(report.isp)
    provinces = province_names(report, words, most)
    lines = [
        (
            "t_title",
            words("t_title", isp=isp, provinces=provinces, egress=egress.name, state=state),
        ),
        ("t_time", _time(report, words)),
        *_losses(report, words, most),
        *_tainted(report, words),
        *_nature(report, words),
        ("t_verdict", words("t_verdict", verdict=found.headline)),
        *(("t_where", words("t_where", where=where)) for where in found.where[:most]),
        *(("t_changed", words("t_changed", changed=each)) for each in found.changed[:1]),
        *_prefixes(report, words, most),
    ]
    if report.samples:
        targets = words.listed(report.samples[:most])
        lines.append(("t_targets", words("t_targets", targets=targets)))
    lines.append(("t_ask", _ask(report, words)))
    if egress.circuit:
        lines.append(("t_circuit", words("t_circuit", circuit=egress.circuit)))
    if egress.contact:
        lines.append(("t_contact", words("t_contact", contact=egress.contact)))
    return [*lines, ("t_number", words("t_number", number=report.number))]


def province_names(report: IncidentReport, words: Words, most: int) -> str:
    names = [words.province(each.province) for each in report.provinces]
    shown = words.listed(names[:most])
    if len(names) <= most:
        return shown
    return words("provinces_more", provinces=shown, count=len(names))


def _time(report: IncidentReport, words: Words) -> str:
    incident = report.incident
    at, in_utc = beijing(incident.opened_at, "%Y-%m-%d %H:%M"), utc(incident.opened_at)
    duration = words.duration(report.duration)
    if incident.cleared_at is None:
        until = beijing(newest_known(report), "%m-%d %H:%M")
        name = "t_old" if report.state is State.OLD else "t_began"
        return words(name, at=at, utc=in_utc, until=until, duration=duration)
    end = beijing(incident.cleared_at, "%m-%d %H:%M")
    if incident.given_up:
        return words("t_given_up", at=at, end=end, utc=in_utc)
    return words("t_over", at=at, end=end, utc=in_utc, duration=duration)


def newest_known(report: IncidentReport) -> datetime:
    """Until when it is known how an open incident stands."""
    if report.state is State.OLD:
        return report.data_until or report.incident.opened_at
    return report.made_at


def _losses(report: IncidentReport, words: Words, most: int) -> list[tuple[str, str]]:
    known = [each for each in report.provinces if each.peak_ratio is not None]
    if not known:
        return []
    losses = words.listed(
        [
            words(
                "t_loss_of",
                province=words.province(each.province),
                peak=percent(each.peak_ratio),
                usual=percent(each.usual_ratio),
            )
            for each in known[:most]
        ]
    )
    if len(known) > most:
        losses = words("t_loss_more", losses=losses, count=len(report.provinces))
    return [("t_loss", words("t_loss", losses=losses))]


def _tainted(report: IncidentReport, words: Words) -> list[tuple[str, str]]:
    if not report.only_tainted:
        return []
    said = words("only_tainted", count=report.tainted)
    return [("t_tainted", words("t_tainted", said=said))]


def _nature(report: IncidentReport, words: Words) -> list[tuple[str, str]]:
    if not report.faults:
        return []
    nature, again = words(f"nature_{report.nature.value}"), report.lost_again_ratio
    if again is None:
        return [("t_nature", words("t_nature", nature=nature))]
    return [("t_nature", words("t_nature_again", nature=nature, again=percent(again, 0)))]


def _prefixes(report: IncidentReport, words: Words, most: int) -> list[tuple[str, str]]:
    every = prefixes(report)
    if not every:
        return []
    shown = words.listed(every[:most])
    if len(every) <= most:
        return [("t_prefixes", words("t_prefixes", prefixes=shown))]
    return [("t_prefixes", words("t_prefixes_more", prefixes=shown, count=len(every)))]


def prefixes(report: IncidentReport) -> list[str]:
    """All that failed during the incident, those that lost most in the worst sweep first."""
    worst = [part.prefix for _, part in report.parts if part.prefix]
    return list(dict.fromkeys([*worst, *report.incident.prefixes]))


def _ask(report: IncidentReport, words: Words) -> str:
    if report.source is None:
        return words("t_ask_no_source", one_way=words(ONE_WAY))
    return words("t_ask", command=reverse_command(report.source), one_way=words(ONE_WAY))


def reverse_command(source: str) -> str:
    """What the carrier would run: the form of mtr that its desk reads, to our address."""
    return f"mtr -n -r -w -c 100 {source}"
