"""What was found of faults in parts of provinces, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from lab.proofs.located import CASES, FLAPPING, Case, Result, Tally

_FAR_OFF = 0.5  # points: a pair whose live loss was further from what was counted is named

_HEADS = (
    "fault",
    "found",
    "named besides",
    "users lose",
    "loss rose by",
    "live loss rose by",
    "error of live loss, worst",
    "lost again",
)


def table(dead: float, result: Result) -> str:
    """A row for quiet, for each fault alone, and for all pairs; then the pairs that are not all right.

    All but counts of sweeps are points of loss.
    """
    alone = [case for case in CASES if len(case.troubles) == 1]
    pairs = [case for case in CASES if len(case.troubles) > 1]
    rows = [_row("none", "", result.quiet)]
    rows += [_row(case.name, _found([case], result), result.of[case.name]) for case in alone]
    together = [result.of[case.name] for case in pairs]
    cells = (
        f"two at once ({len(pairs)} pairs)",
        _found(pairs, result),
        f"{sum(tally.besides for tally in together)} of {sum(tally.sweeps for tally in together)}",
        *("", "", ""),
        f"{max(max(tally.errors) for tally in together):.2f}",
        "",
    )
    rows.append(f"| {' | '.join(cells)} |")
    head = f"{100 * dead:g} % of the addresses dead, {100 * FLAPPING:g} % flapping"
    if result.repeated:
        head += f" ({result.repeated} sweeps do not count, since the host was too slow)"
    lines = [f"{head}:", "", f"| {' | '.join(_HEADS)} |", "|" + "---|" * len(_HEADS), *rows, ""]
    return "\n".join([*lines, *(line for case in pairs for line in _amiss(case, result)), ""])


def _row(name: str, found: str, tally: Tally) -> str:
    cells = (
        name,
        found,
        f"{tally.besides} of {tally.sweeps}",
        f"{mean(tally.true_rises):+.2f}",
        f"{mean(tally.rises):+.2f}",
        f"{mean(tally.live_rises):+.2f}",
        f"{max(tally.errors):.2f}",
        f"{mean(tally.again):.0f} %" if tally.again else "",
    )
    return f"| {' | '.join(cells)} |"


def _prefixes(case: Case) -> list[str]:
    return [each.name for each in case.troubles if each.prefix]


def _found(cases: Sequence[Case], result: Result) -> str:
    """How many prefixes that failed were named, over all sweeps."""
    found = sum(result.of[case.name].found.total() for case in cases)
    wanted = sum(result.of[case.name].sweeps * len(_prefixes(case)) for case in cases)
    return f"{found} of {wanted}" if wanted else ""


def _amiss(case: Case, result: Result) -> list[str]:
    """What was not found of a pair, or named besides, or is far off: a line each."""
    tally = result.of[case.name]
    lines = [
        f"- {case.name}: {name} found in {tally.found[name]} of {tally.sweeps}"
        for name in _prefixes(case)
        if tally.found[name] < tally.sweeps
    ]
    if tally.besides:
        lines.append(f"- {case.name}: another one named in {tally.besides} of {tally.sweeps}")
    if max(tally.errors) > _FAR_OFF:
        lines.append(f"- {case.name}: live loss off by up to {max(tally.errors):.2f}")
    return lines
