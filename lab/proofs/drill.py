"""A rehearsal: what the tools say, against what is done to the network and counted by it.

Each act of the story is made in the lab, for one ISP through one egress. Each minute of it is a sweep
through all egresses and a verdict on each, by the tools as cron runs them; they are told a time that
goes a minute ahead from sweep to sweep, so that an evening passes within minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.network.faults import Loss
from lab.network.truth import Count
from lab.proofs.history import make_history, remember
from lab.proofs.site import Measured, Site
from lab.proofs.story import DEAD_SHARE, EGRESS, EVERYDAY_LOSS, ISP, Act, story
from netsky.places import PROVINCES, find_province

HISTORY = timedelta(hours=12)
ELEVATED, SEVERE, MANY = 0.05, 0.10, 4
TRIES = 10
MOST_SECONDS = 20.0
FASTER = 0.8  # what made this host busy may be over
A_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many targets a province, enough that chance hardly moves a grade; the acts that are played.

    So many sweeps are remembered before: of fewer than 300 it is not told what a prefix usually loses.
    """

    targets: int = 1000
    remembered: int = 350
    window: float = 2.5
    acts: Sequence[Act] = story(targets=1000)


@dataclass(frozen=True, slots=True)
class Look:
    """A minute at one egress: a sweep, what the lab counted, and what the alert made of it."""

    at: datetime
    egress: str
    act: Act
    measured: Measured
    counts: Mapping[str, Count]
    quiet: Mapping[str, float]
    verdict: Mapping[str, Any]

    @property
    def exact(self) -> bool:
        """The sweep has lost what the lab has dropped, in each province."""
        return self.measured.lost == {slug: count.dropped for slug, count in self.counts.items()}

    @property
    def truth(self) -> dict[str, float]:
        """By how much each province loses more than in quiet, of the replies that usually come."""
        return {
            slug: (count.dropped / count.seen - self.quiet[slug]) / (1 - self.quiet[slug])
            for slug, count in self.counts.items()
        }

    @property
    def should(self) -> set[str]:
        """The severities that should stand by what was counted."""
        rises = list(self.truth.values())
        elevated = sum(ELEVATED <= rise < SEVERE for rise in rises)
        some = {"heavy" if elevated >= MANY else "medium"} if elevated else set()
        return some | ({"critical"} if max(rises) >= SEVERE else set())

    @property
    def prefixes(self) -> list[str]:
        """What the alert names of Guangdong and others."""
        return [part["prefix"] for row in self.verdict["provinces"] for part in row["prefixes"]]

    @property
    def right(self) -> bool:
        """Exact, alerted as it should be, in the provinces that it should be, and with its prefix."""
        graded = {row["province"] for row in self.verdict["provinces"] if row["grade"] != "none"}
        failing = {slug for slug, rise in self.truth.items() if rise >= ELEVATED}
        fails_here = self.act.dead and self.egress == EGRESS
        return (
            self.exact
            and set(self.verdict["alert"]["active"]) == self.should
            and graded == failing
            and self.prefixes == ([str(self.act.dead)] if fails_here else [])
        )

    def __str__(self) -> str:
        sent, lost = sum(self.measured.sent.values()), sum(self.measured.lost.values())
        truth = sum(count.dropped for count in self.counts.values())
        failing = sum(rise >= ELEVATED for rise in self.truth.values())
        prefixes = f" {'、'.join(self.prefixes)}" if self.prefixes else ""
        return (
            f"{self.at:%H:%M} 出口 {self.egress}  丢包 {lost:,}（{100 * lost / sent:.2f}%），真值 "
            f"{truth:,}；升高 {failing} 省，告警 {_listed(self.verdict['alert']['active'])}{prefixes}"
            f"{'' if self.right else '  不符 WRONG'}"
        )


@dataclass
class Drill:
    """A rehearsal under way; `pages` is the folder for what people are shown."""

    site: Site
    say: Callable[[str], None]
    pages: Path
    plan: Plan = field(default_factory=Plan)
    looks: list[Look] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    quiet: dict[str, dict[str, float]] = field(default_factory=dict)
    window: float = 0.0

    def __post_init__(self) -> None:
        self.window = self.plan.window

    def run(self) -> bool:
        """Rehearse and tell it as it goes; whether all was as it should be."""
        acts = self.plan.acts
        lasts = sum((act.minutes * A_MINUTE + act.after for act in acts), timedelta(0))
        self.site = replace(self.site, ahead=-lasts)
        self.site.set_up(targets=self.plan.targets)
        self.site.lab.set_loss(Loss(EVERYDAY_LOSS))
        self.site.lab.set_dead(DEAD_SHARE)
        self._make_history()
        worst = max(acts, key=lambda act: len(act.loss))
        for act in acts:
            self._play(act)
            if act is worst:
                self._write_page("overview")
        self._tell()
        self._write_page("incident", "--egress", EGRESS)
        return not self.wrong and all(look.right for look in self.looks)

    @property
    def _exits(self) -> list[str]:
        return [route.egress for route in self.site.lab.routes]

    def _make_history(self) -> None:
        self._sweep()
        for egress in self._exits:
            remember(self.site, ISP, egress, sweeps=self.plan.remembered)
        for egress, (measured, counts) in self._sweep().items():
            make_history(self.site, ISP, egress, measured, HISTORY)
            self.quiet[egress] = {slug: c.dropped / c.seen for slug, c in counts.items()}
        self._note(f"历史 history：{HISTORY // timedelta(hours=1)} 小时")
        self._show("netsky_get_avg_lossrate", "--format", "line")

    def _play(self, act: Act) -> None:
        if act.after:
            self._pass(act.after)
        self._set_faults(act)
        self._note(f"{act.name}{_losses(act)}")
        for number in range(act.minutes):
            self.site = replace(self.site, ahead=self.site.ahead + A_MINUTE)
            looks = self._minute(act)
            if number == 1 and act.fails:
                self._show("netsky_alert", "--egress", EGRESS, "--format", "table")
        [last] = [look for look in looks if look.egress == EGRESS]
        self._check_incident(act, last)

    def _pass(self, span: timedelta) -> None:
        """Let the last sweeps be those of all that time, in which the averaging has run, too."""
        self.site = replace(self.site, ahead=self.site.ahead + span)
        for look in self.looks[-len(self._exits) :]:
            make_history(self.site, ISP, look.egress, look.measured, span)
        self._show("netsky_get_avg_lossrate", "--format", "line")

    def _set_faults(self, act: Act) -> None:
        lab = self.site.lab
        lab.set_loss(Loss(EVERYDAY_LOSS), egress=EGRESS, isp=ISP)
        for province, ratio in act.loss.items():
            lab.set_loss(Loss(ratio), egress=EGRESS, isp=ISP, province=province)
        prefixes = {each.dead for each in self.plan.acts if each.dead}
        for prefix in prefixes:
            lab.set_prefix_loss(Loss(1.0 if prefix == act.dead else 0.0), prefix, egress=EGRESS)

    def _minute(self, act: Act) -> list[Look]:
        """Sweep all egresses at once, and let the alert judge each."""
        swept = self._sweep()
        with ThreadPoolExecutor(len(swept)) as pool:
            verdicts = list(pool.map(lambda egress: self.site.alert(ISP, egress), swept))
        now = self.site.now
        looks = [
            Look(now, egress, act, measured, counts, self.quiet[egress], verdict)
            for (egress, (measured, counts)), verdict in zip(swept.items(), verdicts, strict=True)
        ]
        self.looks += looks
        for look in looks:
            self.say(str(look))
        return looks

    def _sweep(self) -> dict[str, tuple[Measured, Mapping[str, Count]]]:
        """Sweep all egresses at once, again if this host was too busy; beside it what was counted."""
        for _ in range(TRIES):
            before = self.site.lab.truth()
            with ThreadPoolExecutor(len(self._exits)) as pool:
                swept = list(pool.map(self._probe, self._exits))
            counted = self.site.lab.truth().since(before)
            if all(measured.whole for measured in swept):
                self.window = max(self.plan.window, FASTER * self.window)
                each = zip(self._exits, swept, strict=True)
                return {egress: (measured, counted.of(egress, ISP)) for egress, measured in each}
            self.window = min(2 * self.window, MOST_SECONDS)
            self.say("本机太忙，放慢重测 this host was too busy, and sweeps again, more slowly")
        raise LabError(
            f"this host is too busy for a rehearsal: {TRIES} times it could not send all"
        )

    def _probe(self, egress: str) -> Measured:
        return self.site.probe(ISP, egress, "--window", f"{self.window:g}")

    def _check_incident(self, act: Act, look: Look) -> None:
        """At the end of an act an incident is open if something fails, and else none is."""
        incident = look.verdict["incident"]
        is_open = bool(incident and incident["open"])
        if incident:
            state = "未结束 open" if is_open else "已结束 cleared"
            self._note(
                f"  故障事件 {incident['id']} {state}：最多 {incident['peak_provinces']} 省"
                f"，网段 {'、'.join(incident['prefixes']) or '无'}"
            )
        if is_open != act.fails:
            self.wrong.append(f"{act.name}：故障事件状态不符 incident {incident}")

    def _show(self, tool: str, *options: str) -> None:
        name, *verb = tool.split()
        self.say(f"\n$ {' '.join((f'{name}.py', *verb, '--isp', ISP, *options))}")
        self.say(self.site.run(tool, ISP, *options).rstrip() + "\n")

    def _write_page(self, verb: str, *options: str) -> None:
        """What people are shown: all lines in the worst of it, and the report for the carrier."""
        self._show(f"netsky_report {verb}", *options, "--output", str(self.pages.resolve()))

    def _note(self, text: str) -> None:
        line = f"{self.site.now:%H:%M} {text}"
        self.timeline.append(line)
        self.say(line)

    def _tell(self) -> None:
        """The incidents, and what happened when; each line that is not as it should be again."""
        self._show("netsky_alert", "--egress", "all", "--incidents", "--format", "table")
        self.say("时间线 timeline (UTC)")
        for line in self.timeline:
            self.say(line)
        exact = sum(look.exact for look in self.looks)
        right = sum(look.right for look in self.looks)
        self.say(
            f"\n{len(self.looks)} 轮，与真值逐省一致 exact {exact}，告警与真值相符 alerted rightly {right}"
        )
        for problem in [*map(str, (look for look in self.looks if not look.right)), *self.wrong]:
            self.say(problem)


def written_since(pages: Path, began: float) -> list[Path]:
    """The pages of this drill in the order in which they were written: the report on its outage is the last."""
    times = {file: file.stat().st_mtime for file in pages.glob("*.html")}
    return sorted((file for file, time in times.items() if time >= began), key=times.__getitem__)


def _losses(act: Act) -> str:
    losses = [f"{find_province(slug).name} {100 * ratio:.1f}%" for slug, ratio in act.loss.items()]
    if len(losses) == len(PROVINCES):
        losses = [f"31 省各 {100 * max(act.loss.values()):.1f}%"]
    if act.dead:
        losses.append(f"{act.dead} 100%")
    return f"：出口 {EGRESS} {'、'.join(losses)}" if losses else ""


def _listed(severities: Sequence[str]) -> str:
    return "、".join(sorted(severities)) or "无"
