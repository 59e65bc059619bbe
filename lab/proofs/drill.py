"""A rehearsal of an outage: what the tools say, against what was done to the network.

quiet ── some provinces of one ISP lose packets through one egress ── quiet again
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from lab.network.faults import Loss
from lab.proofs.history import HOURS, make_history
from lab.proofs.site import Measured, Site
from netsky.judging.incidents import ALERTS_TO_OPEN
from netsky.places import find_province

ISP, EGRESS = "cu", "b"
FAULT = {"guangdong": 0.078, "guangxi": 0.078, "hainan": 0.078, "hunan": 0.2}  # loss, by province
EXPECTED = {"medium", "critical"}  # three are elevated, one is severe
WHAT = {
    "history": "历史",
    "injected": "注入",
    "first seen": "发现",
    "alerted": "告警",
    "taken back": "撤除",
    "cleared": "解除",
}
AFTER = {"first seen": "injected", "alerted": "injected", "cleared": "taken back"}
EVERYDAY_LOSS, DEAD_SHARE = 0.002, 0.03


@dataclass(frozen=True, slots=True)
class Plan:
    """How many targets a province, enough that chance hardly moves a grade; how many rounds of what."""

    targets: int = 4000
    window: float = 4.0
    quiet: int = 2
    faulty: int = 4
    recovery: int = 3


@dataclass(frozen=True, slots=True)
class Look:
    """One sweep through an egress, its truth, and what the alert made of it."""

    at: float
    egress: str
    measured: Measured
    dropped: Mapping[str, int]
    active: frozenset[str]

    @property
    def exact(self) -> bool:
        return self.measured.lost == self.dropped

    def __str__(self) -> str:
        sent, lost = sum(self.measured.sent.values()), sum(self.measured.lost.values())
        truth = sum(self.dropped.values())
        return (
            f"出口 {self.egress}：发出 {sent:,}，实测丢包 {lost:,}（{100 * lost / sent:.2f}%），"
            f"真值 {truth:,}{'' if self.exact else ' 不符 WRONG'}；{_listed(self.active)}"
        )


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, `at` seconds after the start."""

    at: float
    what: str
    text: str

    def __str__(self) -> str:
        return f"{WHAT[self.what]} {self.what:11} {self.text}"


@dataclass
class Drill:
    """A rehearsal under way; `pages` is the folder for what people are shown."""

    site: Site
    say: Callable[[str], None]
    pages: Path
    plan: Plan = field(default_factory=Plan)
    started: float = field(default_factory=time.monotonic)
    events: list[Event] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    def run(self) -> bool:
        """Rehearse and tell it as it goes; whether all was as it should be."""
        lab = self.site.lab
        self.site.set_up(targets=self.plan.targets)
        lab.set_loss(Loss(EVERYDAY_LOSS))
        lab.set_dead(DEAD_SHARE)
        self._make_history()
        self._rounds(self.plan.quiet)
        for province, ratio in FAULT.items():
            lab.set_loss(Loss(ratio), egress=EGRESS, isp=ISP, province=province)
        self._note("injected", f"出口 {EGRESS}：{_percents(FAULT)}")
        self._rounds(self.plan.faulty)
        self._write_page("overview", "--isp", ISP)
        lab.set_loss(Loss(EVERYDAY_LOSS), egress=EGRESS, isp=ISP)
        self._note("taken back", f"出口 {EGRESS}：丢包回到 {100 * EVERYDAY_LOSS:g}%")
        self._rounds(self.plan.recovery)
        self._tell()
        if self.plan.faulty >= ALERTS_TO_OPEN:
            self._write_page("incident", "--isp", ISP, "--egress", EGRESS)
        return all(look.exact for look in self.looks) and self._alerted_rightly()

    def _make_history(self) -> None:
        for route in self.site.lab.routes:
            sweeps = make_history(self.site, ISP, route.egress, self._sweep(route.egress))
        self._note("history", f"{HOURS} 小时：各出口测一轮，存为 {sweeps} 轮")
        self._show("netsky_get_avg_lossrate", "--format", "line")

    def _rounds(self, number: int) -> None:
        """Sweep all egresses at once, and let the alert judge, so many times."""
        egresses = [route.egress for route in self.site.lab.routes]
        for _ in range(number):
            before = self.site.lab.truth()
            with ThreadPoolExecutor(len(egresses)) as pool:
                sweeps = list(pool.map(self._sweep, egresses))
            truth = self.site.lab.truth().since(before)
            for egress, measured in zip(egresses, sweeps, strict=True):
                counts = truth.of(egress, ISP)
                self._look(egress, measured, {slug: counts[slug].dropped for slug in counts})

    def _sweep(self, egress: str) -> Measured:
        return self.site.probe(ISP, egress, "--window", str(self.plan.window))

    def _look(self, egress: str, measured: Measured, dropped: Mapping[str, int]) -> None:
        """Let the alert judge a sweep; tell what has changed."""
        if egress == EGRESS and "first seen" not in self._times():
            self._note_first_seen(measured)
        alert = self.site.alert(ISP, egress)["alert"]
        look = Look(self._now, egress, measured, dropped, frozenset(alert["active"]))
        before = [earlier.active for earlier in self.looks if earlier.egress == egress]
        self.looks.append(look)
        self.say(f"{look.at:6.1f} s  {look}")
        if look.active != (before[-1] if before else frozenset()):
            what = "alerted" if look.active else "cleared"
            self._note(what, f"出口 {egress}：{_listed(look.active)}")
            if look.active:
                self._show_to_operator(egress)

    def _show_to_operator(self, egress: str) -> None:
        """What is on the screen of somebody who looks now."""
        provinces = [option for slug in FAULT for option in ("--province", slug)]
        quick = ("--no-store", "--window", f"{self.plan.window:g}")
        self._show("netsky_probe", "--egress", egress, *provinces, *quick, "--format", "table")
        self._show("netsky_alert", "--egress", egress, "--format", "table")

    def _show(self, tool: str, *options: str) -> None:
        self.say(f"\n$ {' '.join((f'{tool}.py', '--isp', ISP, *options))}")
        self.say(self.site.run(tool, ISP, *options).rstrip() + "\n")

    def _note_first_seen(self, measured: Measured) -> None:
        seen = {slug: measured.ratio(slug) for slug in FAULT}
        if all(ratio > DEAD_SHARE + FAULT[slug] / 2 for slug, ratio in seen.items()):
            self._note("first seen", f"出口 {EGRESS}：{_percents(seen)}")

    def _write_page(self, verb: str, *lines: str) -> None:
        """What people are shown: all lines in the outage, and its report for the carrier."""
        options = (*lines, "--output", str(self.pages.resolve()))
        self.site.report(verb, *options)
        self.say(f"\n$ {' '.join(('netsky_report.py', verb, *options))}")

    @property
    def _now(self) -> float:
        return time.monotonic() - self.started

    def _note(self, what: str, text: str) -> None:
        event = Event(self._now, what, text)
        self.events.append(event)
        self.say(f"{event.at:6.1f} s  {event}")

    def _times(self) -> dict[str, float]:
        return {event.what: event.at for event in self.events}

    def _tell(self) -> None:
        self.say("\n每轮实测与真值 each sweep against the truth")
        for look in self.looks:
            self.say(f"{look.at:6.1f} s  {look}")
        self.say("\n时间线 timeline")
        times = self._times()
        for event in self.events:
            cause = AFTER.get(event.what)
            after = f"（{WHAT[cause]}后 {event.at - times[cause]:.1f} s）" if cause in times else ""
            self.say(f"{event.at:6.1f} s  {event}{after}")

    def _alerted_rightly(self) -> bool:
        """Whether exactly the faulty rounds of the faulty egress were alerted, as what they were."""
        per_round = len(self.site.lab.routes)
        faulty = range(self.plan.quiet, self.plan.quiet + self.plan.faulty)
        return all(
            look.active
            == (EXPECTED if number // per_round in faulty and look.egress == EGRESS else set())
            for number, look in enumerate(self.looks)
        )


def _percents(ratios: Mapping[str, float]) -> str:
    return "、".join(
        f"{find_province(slug).name} {100 * ratio:.1f}%" for slug, ratio in ratios.items()
    )


def _listed(severities: Collection[str]) -> str:
    return "、".join(sorted(severities)) or "无告警"
