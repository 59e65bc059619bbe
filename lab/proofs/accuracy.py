"""How exact netsky measures: a full sweep at full pace, packet for packet against the truth.

Provinces lose nothing to everything, in six levels; four samples of a thousand targets answer after
known delays, and a packet socket on their devices sees when they really do.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lab.errors import LabError
from lab.network import files
from lab.network.addresses import Place
from lab.network.delay import RESPONDER, Means, device_of
from lab.network.faults import Loss
from lab.network.lab import Lab
from lab.proofs.whole_sweep import sweep_there
from netsky.errors import EngineError
from netsky.places import PROVINCES, Egress
from netsky.sweep import ProbePlan

ISP, EGRESS = "cu", "a"
LEVELS = (0.0, 0.001, 0.01, 0.05, 0.5, 1.0)
DELAYS = (0.005, 0.02, 0.05, 0.2)
SAMPLE_BITS = 22  # 1,024 targets

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Level:
    """What the provinces of one loss level sent and lost; `wrong` is how many are not exact."""

    loss: float
    provinces: int
    packets_sent: int
    truth: int
    lost: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Accuracy:
    """One engine's sweep against the truth; `errors` are of the samples' RTTs, in seconds, by delay."""

    engine: str
    targets: int
    duration: float
    local_drops: int
    levels: tuple[Level, ...]
    errors: tuple[Floats, ...]


def measure(lab: Lab, engine: str, folder: Path, *, targets: int, window: float = 10.0) -> Accuracy:
    """Sweep all targets of one ISP through one egress with known losses and delays."""
    files.write(folder, lab.routes, targets=targets)
    egress, plan = Egress("lab", source=str(lab.route(EGRESS).source)), ProbePlan(window=window)
    set_levels(lab, egress=EGRESS, isp=ISP)
    samples = list(_samples())
    for prefix, delay in zip(samples, DELAYS, strict=True):
        lab.set_delay(prefix, delay, means=Means.RESPONDER, egress=EGRESS)
    before = lab.truth()
    with ExitStack() as stack:
        seen = [stack.enter_context(_observed(lab, prefix, folder)) for prefix in samples]
        try:
            sweep, _ = sweep_there(
                lab.command, folder / "ipdata", ISP, engine, egress=egress, plan=plan
            )
        except (EngineError, RuntimeError) as error:
            raise LabError(f"the sweep with {engine} failed: {error}") from error
    truth = {slug: c.dropped for slug, c in lab.truth().since(before).of(EGRESS, ISP).items()}
    rtt_seconds = sweep.rtt_seconds[:, 0]
    rtts = dict(zip(sweep.library.addresses.tolist(), rtt_seconds.tolist(), strict=True))
    return Accuracy(
        engine=engine,
        targets=sweep.library.targets,
        duration=sweep.duration_seconds,
        local_drops=sweep.local_drops,
        levels=tuple(_levels(sweep.library.bounds, sweep.sent[:, 0], rtt_seconds, truth)),
        errors=tuple(_errors(file, rtts) for file in seen),
    )


def set_levels(lab: Lab, *, egress: str, isp: str, shift: int = 0) -> None:
    """Let the provinces lose at all levels in turn, the first at level number `shift`."""
    for index, province in enumerate(PROVINCES):
        level = Loss(LEVELS[(index + shift) % len(LEVELS)])
        lab.set_loss(level, egress=egress, isp=isp, province=province.slug)


def _samples() -> Iterator[IPv4Network]:
    """The first targets of provinces that lose nothing, a prefix for each delay."""
    for number in range(len(DELAYS)):
        place = Place(ISP, PROVINCES[number * len(LEVELS)].slug)
        yield IPv4Network((place.prefix.network_address, SAMPLE_BITS))


@contextmanager
def _observed(lab: Lab, prefix: IPv4Network, folder: Path) -> Iterator[Path]:
    """Write down when the kernel saw requests and replies of a sample; in that file, afterwards."""
    file = folder / f"{device_of(prefix)}.json"
    script = [sys.executable, "-I", "-S", str(RESPONDER), "observe", device_of(prefix), str(file)]
    command = lab.command(*script, namespace=lab.route(EGRESS).far)
    pipe = subprocess.PIPE
    # It has a session of its own, so that ^C reaches us, and we end it.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as observer:
        try:
            if observer.stdout is None or not observer.stdout.readline():
                raise LabError(f"nobody observes {prefix}")
            yield file
        finally:
            observer.communicate()  # this ends its standard input, and so the process


def _levels(
    bounds: npt.NDArray[np.int64],
    sent: npt.NDArray[np.bool_],
    rtt_seconds: npt.NDArray[np.float32],
    truth: dict[str, int],
) -> Iterator[Level]:
    per_province = np.add.reduceat(sent & np.isnan(rtt_seconds), bounds[:-1], dtype=np.int64)
    packets = np.add.reduceat(sent, bounds[:-1], dtype=np.int64)
    dropped = np.array([truth[province.slug] for province in PROVINCES])
    for index, loss in enumerate(LEVELS):
        rows = slice(index, None, len(LEVELS))
        yield Level(
            loss=loss,
            provinces=len(dropped[rows]),
            packets_sent=int(packets[rows].sum()),
            truth=int(dropped[rows].sum()),
            lost=int(per_province[rows].sum()),
            wrong=int(np.count_nonzero(per_province[rows] != dropped[rows])),
        )


def _errors(seen: Path, rtts: dict[int, float]) -> Floats:
    """How far the measured RTTs of a sample are from those on its device, in seconds."""
    truth: dict[str, Sequence[float]] = json.loads(seen.read_text(encoding="ascii"))
    pairs = [
        (rtts.get(int(IPv4Address(address)), np.nan), times[0]) for address, times in truth.items()
    ]
    errors = np.abs(np.array([measured - true for measured, true in pairs], np.float64))
    return errors[~np.isnan(errors)]  # there is no error for a reply that netsky has lost


def tables(result: Accuracy) -> str:
    """What was measured, as Markdown."""
    pace = f"{result.targets:,} targets in {result.duration:.1f} s"
    levels = [
        f"| {100 * level.loss:g} % | {level.provinces} | {level.packets_sent:,} | "
        f"{level.truth:,} | {level.lost:,} | {level.wrong} |"
        for level in result.levels
    ]
    delays = [
        f"| {delay} | {len(errors):,} | {_ms(errors, 0.5)} | {_ms(errors, 0.99)} | "
        f"{_ms(errors, 1)} |"
        for delay, errors in (
            *zip((f"{1000 * delay:g} ms" for delay in DELAYS), result.errors, strict=True),
            ("all", np.concatenate(result.errors)),
        )
    ]
    lines = [
        f"Engine `{result.engine}`: {pace}, at most {result.local_drops:,} dropped by the host itself.",
        "",
        "| loss set | provinces | packets sent | truly lost | measured as lost | not exact |",
        "|---|---|---|---|---|---|",
        *levels,
        "",
        "| delay | targets | error of RTT, median | p99 | worst |",
        "|---|---|---|---|---|",
        *delays,
        "",
    ]
    return "\n".join(lines)


def _ms(errors: Floats, quantile: float) -> str:
    return f"{1000 * float(np.quantile(errors, quantile)):.3f} ms"
