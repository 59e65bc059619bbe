"""The verbs of netsky_library.py that send: what one ISP's run does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from netsky import console
from netsky.cli.library_sending import Campaign, ask_whether
from netsky.cli.tool import DONE
from netsky.console.library_turns import DiscoveryView, EstimateView, RefreshView
from netsky.errors import LibraryError
from netsky.jobs.library_discover import Discovery, DiscoveryPlan
from netsky.jobs.library_refresh import Refresh
from netsky.places import ISP, PROVINCES, Egress, Province, find_provinces
from netsky.targets import publishing
from netsky.targets.library_state import LibraryState


@dataclass(frozen=True, slots=True)
class Discoveries:
    """`discover` for each ISP that is asked for; names as on the command line."""

    campaign: Campaign
    province: Sequence[str]
    per_block: int
    thorough: Sequence[str]
    yes: bool

    def run(self) -> int:
        """Run it; the exit code."""
        return self.campaign.run(self._run_one)

    def _run_one(self, isp: ISP, egress: Egress) -> int:
        sending = self.campaign.sending
        candidates = sending.candidates_of(isp)
        state = self.campaign.load(isp) or LibraryState.begin(candidates)
        job = Discovery(state, candidates, self._plan(isp), sending.candidates, time.time)
        permission = sending.permission(isp, candidates)
        estimate = job.estimate(sending.rate)
        view = EstimateView(estimate, isp, egress.name, sending.rate)
        if sending.dry_run:
            self.campaign.alone.show(view)
            return DONE
        if not sending.replace:
            publishing.check_ours(sending.library, isp.slug)
        asker = self.campaign.asker(egress, permission)
        ask_whether(view.text(), yes=self.yes)
        with console.progress_bar(f"{isp.name} {egress.name}", estimate.packets) as progress:
            asker.progress = progress
            report = job.run(asker)
        return self.campaign.end(isp, egress, report, DiscoveryView(report))

    def _plan(self, isp: ISP) -> DiscoveryPlan:
        thorough = tuple(find_provinces(self.thorough))
        provinces: Sequence[Province] = find_provinces(self.province)
        return DiscoveryPlan(
            provinces=tuple(provinces or (() if thorough else PROVINCES)),
            place=self.campaign.sending.place(isp),
            per_block=self.per_block,
            thorough=thorough,
            most_packets=self.campaign.sending.max_packets,
        )


@dataclass(frozen=True, slots=True)
class Refreshes:
    """`refresh` for each ISP that is asked for."""

    campaign: Campaign

    def run(self, *, rollback: bool) -> int:
        """Run it; the exit code."""
        return self.campaign.run(self._roll_back if rollback else self._run_one, sends=not rollback)

    def _roll_back(self, isp: ISP, _egress: Egress) -> int:
        publishing.roll_back(self.campaign.sending.library, isp.slug)
        return DONE

    def _run_one(self, isp: ISP, egress: Egress) -> int:
        sending = self.campaign.sending
        candidates = sending.candidates_of(isp)
        state = self.campaign.load(isp)
        if state is None:
            raise LibraryError(f"nothing is known of addresses of {isp.slug}: run `discover` first")
        job = Refresh(
            state,
            candidates,
            sending.place(isp),
            sending.candidates,
            sending.max_packets,
            time.time,
        )
        permission = sending.permission(isp, candidates)
        if sending.dry_run:
            view = EstimateView(job.estimate(sending.rate), isp, egress.name, sending.rate)
            self.campaign.alone.show(view)
            return DONE
        asker = self.campaign.asker(egress, permission)
        with console.progress_bar(f"{isp.name} {egress.name}", len(state.pool)) as progress:
            asker.progress = progress
            report = job.run(asker)
        return self.campaign.end(isp, egress, report, RefreshView(report))
