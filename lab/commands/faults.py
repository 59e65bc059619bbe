"""The commands that let the lab's network fail, each at once and while it runs."""

from __future__ import annotations

from ipaddress import IPv4Network

import click

from lab.commands import options
from lab.commands.options import egress_option, hop_option, needed_egress, on_lab, percent, places
from lab.network.delay import Means
from lab.network.faults import PERIODS, Loss
from lab.network.lab import SEED, Lab

seed_option = click.option(
    "--seed", type=int, default=SEED, show_default=True, help="The same seed, the same addresses."
)


@click.command("loss")
@click.argument("amount", type=percent, required=False)
@click.option("--every", type=click.IntRange(1), metavar="N", help="Every N-th packet instead.")
@click.option(
    "--prefix", type=options.prefix, help="In this part of a province, on top of its own."
)
@places
@on_lab
def loss(
    lab: Lab,
    *,
    amount: float | None,
    every: int | None,
    prefix: IPv4Network | None,
    egress: str | None,
    isp: str | None,
    province: str | None,
) -> None:
    """Lose packets on their way: 8%, 0.01%, 0.

    \b
    lab loss --egress b --isp cu --province guangdong 8%
    lab loss --egress b --prefix 10.25.2.0/24 --every 10
    """
    if (amount is None) == (every is None):
        raise click.UsageError("give either a percentage or --every N")
    wanted = Loss(amount or 0.0, every)
    if prefix is None:
        lab.set_loss(wanted, egress=egress, isp=isp, province=province)
    elif isp is None and province is None:
        lab.set_prefix_loss(wanted, prefix, egress=egress)
    else:
        raise click.UsageError("--prefix says which ISP and province already")


@click.command("dead")
@click.argument("share", type=percent)
@seed_option
@places
@on_lab
def dead(
    lab: Lab,
    *,
    share: float,
    seed: int,
    egress: str | None,
    isp: str | None,
    province: str | None,
) -> None:
    """Let a share of the addresses never answer: 5%, to the nearest 1/1024."""
    lab.set_dead(share, egress=egress, isp=isp, province=province, seed=seed)


@click.command("flap")
@click.argument("share", type=percent)
@click.option(
    "--period",
    type=click.Choice(PERIODS),
    default=64,
    show_default=True,
    metavar="SECONDS",
    help=f"Up for one half of it, down for the other: {PERIODS[0]}, {PERIODS[1]}, …, {PERIODS[-1]}.",
)
@seed_option
@places
@on_lab
def flap(
    lab: Lab,
    *,
    share: float,
    period: int,
    seed: int,
    egress: str | None,
    isp: str | None,
    province: str | None,
) -> None:
    """Let a share of the addresses be up and down in turn."""
    lab.set_flapping(share, period=period, egress=egress, isp=isp, province=province, seed=seed)


@click.command("delay")
@click.argument("delay_ms", type=click.FloatRange(0), metavar="MS")
@click.option("--jitter", type=click.FloatRange(0), default=0, metavar="MS", help="More or less.")
@click.option("--prefix", type=options.prefix, required=True, help="In this part of a province.")
@click.option(
    "--by",
    type=click.Choice([means.value for means in Means]),
    help="[default: netem where the kernel has it]",
)
@egress_option
@on_lab
def delay(
    lab: Lab,
    *,
    delay_ms: float,
    jitter: float,
    prefix: IPv4Network,
    by: str | None,
    egress: str | None,
) -> None:
    """Let a part of a province, a sample of it, answer late; 0: at once again."""
    means = Means(by) if by else None
    lab.set_delay(prefix, delay_ms / 1000, jitter=jitter / 1000, means=means, egress=egress)


@click.command("limit")
@click.argument("rate", metavar="PER_SECOND|off")
@needed_egress
@hop_option
@on_lab
def limit(lab: Lab, *, rate: str, egress: str, hop: int) -> None:
    """Limit the ICMP messages that a router sends by itself: what mtr and traceroute see of it."""
    lab.set_limit(_per_second(rate), egress=egress, hop=hop)


@click.command("police")
@click.argument("rate", metavar="PER_SECOND|off")
@needed_egress
@hop_option
@on_lab
def police(lab: Lab, *, rate: str, egress: str, hop: int) -> None:
    """Limit the pings that a router passes, as carriers do."""
    lab.set_policing(_per_second(rate), egress=egress, hop=hop)


def _per_second(rate: str) -> int | None:
    if rate != "off" and not rate.isdecimal():
        raise click.UsageError(f"{rate!r} is neither a number a second, from 1, nor 'off'")
    return None if rate == "off" else int(rate)


@click.command("blackhole")
@click.argument("state", type=click.Choice(["on", "off"]))
@needed_egress
@hop_option
@on_lab
def blackhole(lab: Lab, *, state: str, egress: str, hop: int) -> None:
    """Let a router drop everything."""
    lab.set_blackhole(egress=egress, hop=hop, on=state == "on")


@click.command("silent")
@click.argument("state", type=click.Choice(["on", "off"]))
@needed_egress
@hop_option
@on_lab
def silent(lab: Lab, *, state: str, egress: str, hop: int) -> None:
    """Let a router send no message of its own, so that nobody sees it."""
    lab.set_silent(egress=egress, hop=hop, on=state == "on")


@click.command("hop-loss")
@click.argument("amount", type=percent)
@needed_egress
@hop_option
@click.option("--back", is_flag=True, help="What comes back from the far side, instead.")
@click.option("--branch", is_flag=True, help="Only what comes by the second way of `branch`.")
@on_lab
def hop_loss(lab: Lab, *, amount: float, egress: str, hop: int, back: bool, branch: bool) -> None:
    """Let a router lose packets on their way: 8%, 0.

    \b
    lab hop-loss --egress b --hop 2 8%
    lab hop-loss --egress b --hop 2 --back 8%
    """
    lab.set_hop_loss(Loss(amount), egress=egress, hop=hop, back=back, branch=branch)


@click.command("branch")
@click.argument("state", type=click.Choice(["on", "off"]))
@needed_egress
@hop_option
@on_lab
def branch(lab: Lab, *, state: str, egress: str, hop: int) -> None:
    """Let two ways of equal cost lead to a router, from hop 2 on."""
    lab.set_branch(egress=egress, hop=hop, on=state == "on")


@click.command("link")
@click.argument("egress")
@click.argument("state", type=click.Choice(["down", "up"]))
@on_lab
def link(lab: Lab, *, egress: str, state: str) -> None:
    """Pull an egress's cable, or plug it in again."""
    lab.set_link(egress=egress, up=state == "up")


FAULTS = {
    command.name or "": command
    for command in (
        loss,
        dead,
        flap,
        delay,
        limit,
        police,
        silent,
        blackhole,
        hop_loss,
        branch,
        link,
    )
}
