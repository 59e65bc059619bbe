"""What the carrier is asked for, whom it may call back, and what traces it is given."""

from __future__ import annotations

from dataclasses import dataclass

from netsky.evidence import Reason
from netsky.incident_report import IncidentReport
from netsky.page.incident_findings import suspects
from netsky.page.incident_text import prefixes, province_names, reverse_command
from netsky.page.incident_traces import Block, blocks
from netsky.page.words import Words

MOST_SAMPLES = 6
_MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Trace:
    """A report of mtr, and the words around it."""

    tone: str
    state: str
    title: str
    block: Block


def asks(report: IncidentReport, words: Words) -> list[tuple[str, str]]:
    """What we ask for, each with the command or the addresses it is about."""
    provinces = province_names(report, words, _MOST_NAMED)
    egress = report.egress.name
    if report.source:
        reverse = words("ask_reverse", provinces=provinces, source=report.source)
        asks = [(reverse, reverse_command(report.source))]
    else:
        asks = [(words("ask_no_source", provinces=provinces, egress=egress), "")]
    if report.samples:
        targets = words.listed(report.samples[:MOST_SAMPLES])
        asks.append((words("ask_targets", targets=targets), ""))
    elif listed := prefixes(report):
        asks.append((words("ask_prefixes", prefixes=words.listed(listed[:MOST_SAMPLES])), ""))
    if hops := suspects(report, words):
        asks.append((words("ask_hop", hops=words.listed(hops[:_MOST_NAMED])), ""))
    return [*asks, (words("ask_answer"), "")]


def contacts(report: IncidentReport, words: Words) -> list[str]:
    egress = report.egress
    return [
        words("call", contact=egress.contact)
        if egress.contact
        else words("no_contact", egress=egress.name),
        words("circuit", circuit=egress.circuit)
        if egress.circuit
        else words("no_circuit", egress=egress.name),
        words("number", number=report.number),
    ]


def traces(report: IncidentReport, words: Words) -> list[Trace]:
    shown = []
    for block in blocks(report):
        is_over = block.reason is Reason.CLEARED
        tone, state = ("ok", "healthy") if is_over else ("bad", "failing")
        title = words(
            "to_target",
            target=block.target,
            province=words.province(block.province),
            egress=block.egress,
        )
        shown.append(Trace(tone, words(state), title, block))
    return shown


def traces_notes(report: IncidentReport, words: Words) -> list[str]:
    """Why there is no evidence, or not all of it."""
    if report.evidence is None:
        return [words("no_evidence", reason=words("why_none"))]
    taking = report.failing
    problems = [*report.evidence.not_read, *(taking.problems if taking else ())]
    if taking is None:
        found = words("why_problems", problems=words.listed(problems))
        return [words("no_evidence", reason=found if problems else words("why_empty"))]
    if not taking.finished:
        problems.append(words("unfinished"))
    return [words("also_missing", problems=words.listed(problems))] if problems else []
