"""A taking of evidence as JSON, and back: seconds, ratios, times in UTC, null for what there is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from netsky.evidence import IncidentThen, QuietPaths, Reason, Taking
from netsky.hop_document import hop_document, parse_hop, parse_quiet_hop, quiet_hop_document
from netsky.places import PROVINCES
from netsky.trace import (
    Compared,
    Finding,
    Located,
    MtrReport,
    MtrState,
    PathChange,
    Trace,
    Traced,
    TracePlan,
    TraceReport,
    Untold,
    Verdict,
    pool_ends,
    pool_hops,
)

Document = Mapping[str, Any]

FORMAT = 1
_BY_SLUG = {province.slug: province for province in PROVINCES}


def taking_document(taking: Taking) -> Document:
    return {
        "format": FORMAT,
        "isp": taking.isp,
        "egress": taking.egress,
        "reason": taking.reason.value,
        "taken_at": _iso(taking.taken_at),
        "finished": taking.finished,
        "incident": _incident_document(taking.incident),
        "provinces": [_report_document(report) for report in taking.reports],
        "problems": list(taking.problems),
    }


def parse_taking(document: Document) -> Taking:
    """The taking of its document; ValueError says what in it is not as it should be."""
    with _checked(document):
        egress = document["egress"]
        return Taking(
            document["isp"],
            egress,
            Reason(document["reason"]),
            _time(document["taken_at"]),
            _incident(document["incident"]),
            tuple(_report(each, egress) for each in document["provinces"]),
            tuple(document["problems"]),
            document["finished"],
        )


def quiet_document(quiet: QuietPaths) -> Document:
    return {
        "format": FORMAT,
        "isp": quiet.isp,
        "egress": quiet.egress,
        "taken_at": _iso(quiet.taken_at),
        "provinces": [
            {"province": province.slug, "hops": [quiet_hop_document(hop) for hop in hops]}
            for province, hops in quiet.paths.items()
        ],
    }


def parse_quiet(document: Document) -> QuietPaths:
    """ValueError says what in it is not as it should be."""
    with _checked(document):
        paths = {
            _BY_SLUG[each["province"]]: tuple(map(parse_quiet_hop, each["hops"]))
            for each in document["provinces"]
        }
        return QuietPaths(document["isp"], document["egress"], _time(document["taken_at"]), paths)


@contextmanager
def _checked(document: Document) -> Iterator[None]:
    try:
        if document["format"] != FORMAT:
            raise ValueError(f"its format is {document['format']!r}, not {FORMAT}")
        yield
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise ValueError(f"it lacks something, or has it in another form ({error!r})") from error


def _incident_document(incident: IncidentThen) -> Document:
    return {
        "id": incident.id,
        "opened_at": _iso(incident.opened_at),
        "cleared_at": None if incident.cleared_at is None else _iso(incident.cleared_at),
        "severity": incident.severity,
        "provinces": [province.slug for province in incident.provinces],
        "prefixes": list(incident.prefixes),
    }


def _incident(document: Document) -> IncidentThen:
    cleared_at = document["cleared_at"]
    return IncidentThen(
        document["id"],
        _time(document["opened_at"]),
        None if cleared_at is None else _time(cleared_at),
        document["severity"],
        tuple(_BY_SLUG[slug] for slug in document["provinces"]),
        tuple(document["prefixes"]),
    )


def _report_document(report: TraceReport) -> Document:
    traced = report.traced
    return {
        "province": report.province.slug,
        "province_name": report.province.name,
        "plan": asdict(report.plan),
        "candidates": report.candidates,
        "candidates_answering": report.answering,
        "started_at": _iso(traced.started_at),
        "duration_seconds": traced.duration_seconds,
        "packets_sent": traced.packets_sent,
        "local_drops": traced.local_drops,
        "not_sent": dict(traced.not_sent),
        **_located_document(report.located),
        "compared": [
            {
                "egress": other.egress,
                "problem": other.problem,
                **(_located_document(other.located) if other.located else {"verdict": None}),
            }
            for other in report.compared
        ],
        "path_changes": [asdict(change) for change in report.changes],
        "quiet_hops": [quiet_hop_document(hop) for hop in report.quiet],
        "mtr": [asdict(mtr) for mtr in report.mtr],
    }


def _report(document: Document, egress: str) -> TraceReport:
    located = _located(document)
    traced = Traced(
        egress,
        _time(document["started_at"]),
        document["duration_seconds"],
        document["packets_sent"],
        (*located.affected, *located.healthy),
        document["local_drops"],
        document["not_sent"],
    )
    return TraceReport(
        _BY_SLUG[document["province"]],
        TracePlan(**document["plan"]),
        traced,
        located,
        document["candidates"],
        document["candidates_answering"],
        tuple(map(_compared, document["compared"])),
        tuple(map(_mtr, document["mtr"])),
        tuple(map(parse_quiet_hop, document["quiet_hops"])),
        tuple(map(_change, document["path_changes"])),
    )


def _located_document(located: Located) -> Document:
    """What the traces say together, then each of them; hops are pooled over the affected ones."""
    verdict = located.verdict
    return {
        "verdict": {
            "finding": verdict.finding.value,
            "after_hop": verdict.after,
            "at_latest_hop": verdict.at_latest,
            "limited_hops": list(verdict.limited),
            "silent_hops": list(verdict.silent),
            "untold": verdict.untold,
        },
        "branch": None
        if located.branch is None
        else {"hop": located.branch[0], "address": located.branch[1]},
        "hops": [
            {
                "hop": hop.ttl,
                "addresses": list(hop.addresses),
                "packets_sent": hop.sent,
                "packets_received": hop.answered,
                "latency_mean_seconds": hop.rtt_mean_seconds,
            }
            for hop in (*located.hops, located.end)
        ],
        "affected": [_trace_document(trace) for trace in located.affected],
        "healthy": [_trace_document(trace) for trace in located.healthy],
    }


def _located(document: Document) -> Located:
    verdict, branch = document["verdict"], document["branch"]
    affected = tuple(map(_trace, document["affected"]))
    return Located(
        Verdict(
            Finding(verdict["finding"]),
            verdict["after_hop"],
            verdict["at_latest_hop"],
            tuple(verdict["limited_hops"]),
            tuple(verdict["silent_hops"]),
            None if verdict["untold"] is None else Untold(verdict["untold"]),
        ),
        pool_hops(affected),
        pool_ends(affected),
        affected,
        tuple(map(_trace, document["healthy"])),
        None if branch is None else (branch["hop"], branch["address"]),
    )


def _trace_document(trace: Trace) -> Document:
    return {
        "target": trace.target,
        "flow": trace.flow,
        "hops": [hop_document(hop) for hop in trace.hops],
        "end": hop_document(trace.end),
        "unreachable_from": list(trace.unreachable),
    }


def _trace(document: Document) -> Trace:
    return Trace(
        document["target"],
        document["flow"],
        tuple(map(parse_hop, document["hops"])),
        parse_hop(document["end"]),
        tuple(document["unreachable_from"]),
    )


def _compared(document: Document) -> Compared:
    located = None if document["verdict"] is None else _located(document)
    return Compared(document["egress"], located, document["problem"])


def _change(document: Document) -> PathChange:
    before, now = (tuple(document[name]) for name in ("before", "now"))
    return PathChange(document["hop"], before, now, document["targets"])


def _mtr(document: Document) -> MtrReport:
    return MtrReport(
        document["target"],
        tuple(document["command"]),
        document["text"],
        document["not_taken"],
        MtrState(document["state"]),
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no time zone")
    return moment
