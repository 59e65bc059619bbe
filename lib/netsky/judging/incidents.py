"""When alerts add up to an incident: opened, changed and cleared by what verdicts say one after the other.

    opened    an alert stands in 2 of 3 verdicts
    changed   more provinces, or a heavier severity than ever in it
    cleared   3 verdicts in a row without an alert
    given up  no verdict that counts for 12 hours: its exit or its probe is gone, and what became of it
              nobody knows

There is at most one open incident for each ISP and exit. A verdict counts once for each sweep, so that
judging a sweep again changes nothing. One that cannot tell does not count: it neither opens nor clears.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from netsky.clock import CLOCK_TOLERANCE, MOST_BETWEEN_SWEEPS
from netsky.judging.grading import GONE_AFTER, Judgement, Severity, Verdict
from netsky.places import Province

VERDICTS = 3
"""So many verdicts are remembered, and so many without an alert clear an incident."""

ALERTS_TO_OPEN = 2

GIVEN_UP_AFTER = GONE_AFTER
"""An incident on whose line no verdict counted for so long is not open any more, but was not seen to end."""

MOST_PREFIXES = 100
"""Of an incident so many prefixes are kept, those that were named first."""

# What was judged before a longer pause, or before a clock jumped as far, says nothing of now.
_PAUSE = 2 * MOST_BETWEEN_SWEEPS

_BY_WEIGHT = list(Severity)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of a verdict: on the sweep that started `sweep_at`, and whether an alert stood.

    `severity` is the heaviest that stood, None: none did. `increase_ratio` is the largest of
    `provinces`, those that the alert was about, worst first, and `prefixes` what was found to fail in them.
    """

    sweep_at: datetime
    severity: Severity | None = None
    increase_ratio: float = 0.0
    provinces: tuple[Province, ...] = ()
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which alerts stood for one ISP through one exit.

    `opened_at` is the start of the first sweep with an alert, `cleared_at` that of the first of those
    without, None: it is open. `severity` is that of the newest alert. `peak_increase_ratio` is the
    largest increase of a province, `peak_provinces` the most provinces at once, `provinces` are all that
    were ever in it, and so are `prefixes`, as far as any were named. `evidence` is a note of other tools.
    `given_up`: at `cleared_at` it was judged last, and not seen to end. `id`: None until it is stored.
    """

    opened_at: datetime
    changed_at: datetime
    cleared_at: datetime | None
    severity: Severity
    peak_severity: Severity
    peak_increase_ratio: float
    peak_provinces: int
    provinces: tuple[Province, ...]
    prefixes: tuple[str, ...] = ()
    evidence: str | None = None
    given_up: bool = False
    id: int | None = None

    @property
    def is_open(self) -> bool:
        return self.cleared_at is None

    def lasted(self, now: datetime) -> timedelta:
        """How long, until it was cleared or until now."""
        return max(timedelta(0), (self.cleared_at or now) - self.opened_at)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of a line: the last verdicts that counted, oldest first, and its incident.

    An incident that is cleared is part of it only right after the verdict that cleared it.
    """

    recent: tuple[Seen, ...] = ()
    incident: Incident | None = None

    @property
    def open_incident(self) -> Incident | None:
        return self.incident if self.incident and self.incident.is_open else None


def after(watch: Watch, verdict: Verdict) -> Watch:
    """What is known after one more verdict; the same as before when it does not count."""
    seen = _seen(verdict, _concerned(watch))
    if seen is None or (watch.recent and _is_overtaken(seen, watch.recent[-1])):
        return watch
    before = watch.recent
    if before and abs(seen.sweep_at - before[-1].sweep_at) > _PAUSE:
        before = ()
    recent = (*before, seen)[-VERDICTS:]
    incident = watch.open_incident
    if incident is None:
        alerts = [each for each in recent if each.severity]
        return Watch(recent, _opened(alerts) if len(alerts) >= ALERTS_TO_OPEN else None)
    # One that a clock ahead has opened cannot have begun after a sweep of its own.
    incident = replace(incident, opened_at=min(incident.opened_at, seen.sweep_at))
    if seen.severity:
        incident = _with(incident, seen)
    elif len(recent) == VERDICTS and not any(each.severity for each in recent):
        cleared_at = max(incident.opened_at, min(each.sweep_at for each in recent))
        incident = replace(incident, cleared_at=cleared_at)
    return Watch(recent, incident)


def given_up(watch: Watch, now: datetime) -> Incident | None:
    """The open incident of a line as it is when nobody has judged it for too long; else None."""
    incident = watch.open_incident
    if incident is None:
        return None
    last = max([incident.changed_at, *(seen.sweep_at for seen in watch.recent)])
    if now - last <= GIVEN_UP_AFTER:
        return None
    return replace(incident, cleared_at=max(incident.opened_at, last), given_up=True)


def _concerned(watch: Watch) -> set[Province]:
    """The provinces that a verdict must judge, or it cannot tell that all is well."""
    if watch.open_incident:
        return set(watch.open_incident.provinces)
    return {province for each in watch.recent for province in each.provinces}


def _seen(verdict: Verdict, concerned: Collection[Province]) -> Seen | None:
    """What is to be remembered of a verdict; None when it does not count."""
    sweeps = [judgement.newest.measured_at for judgement in verdict.judged if judgement.newest]
    if not sweeps:
        return None
    if verdict.active:
        # In the order of all judgements, which is the worst first, whatever severity each is of.
        alerting = {judgement.province for each in verdict.active.values() for judgement in each}
        judgements = [each for each in verdict.judged if each.province in alerting]
        return Seen(
            max(sweeps),
            max(verdict.active, key=_BY_WEIGHT.index),
            max(judgement.increase_ratio or 0.0 for judgement in judgements),
            tuple(judgement.province for judgement in judgements),
            tuple(prefix for judgement in judgements for prefix in _prefixes(judgement)),
        )
    if any(judgement.province in concerned for judgement in verdict.not_judged):
        return None
    return Seen(max(sweeps))


def _prefixes(judgement: Judgement) -> list[str]:
    fault = judgement.newest.fault if judgement.newest else None
    return [part.prefix for part in fault.prefixes if part.prefix] if fault else []


def _is_overtaken(seen: Seen, last: Seen) -> bool:
    """Whether that sweep, or the one after it, was judged already: by another run, say."""
    return timedelta(0) <= last.sweep_at - seen.sweep_at <= CLOCK_TOLERANCE


def _opened(alerts: Sequence[Seen]) -> Incident:
    first, *later = alerts
    opened_at = min(each.sweep_at for each in alerts)
    severity = first.severity or Severity.MEDIUM
    incident = Incident(
        opened_at,
        opened_at,
        None,
        severity,
        severity,
        first.increase_ratio,
        len(first.provinces),
        first.provinces,
        first.prefixes[:MOST_PREFIXES],
    )
    for seen in later:
        incident = _with(incident, seen)
    return replace(incident, changed_at=later[-1].sweep_at)


def _with(incident: Incident, seen: Seen) -> Incident:
    """The incident with one more alert in it."""
    severity = seen.severity or incident.severity
    peak = max(incident.peak_severity, severity, key=_BY_WEIGHT.index)
    new = tuple(each for each in seen.provinces if each not in incident.provinces)
    is_news = bool(new) or peak is not incident.peak_severity
    return replace(
        incident,
        changed_at=seen.sweep_at if is_news else incident.changed_at,
        severity=severity,
        peak_severity=peak,
        peak_increase_ratio=max(incident.peak_increase_ratio, seen.increase_ratio),
        peak_provinces=max(incident.peak_provinces, len(seen.provinces)),
        provinces=incident.provinces + new,
        prefixes=tuple(dict.fromkeys(incident.prefixes + seen.prefixes))[:MOST_PREFIXES],
    )
