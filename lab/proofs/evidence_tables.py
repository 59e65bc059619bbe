"""What traces told of the lab's paths, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from lab.proofs.evidence import SURROUNDINGS, Judged


def table(judged: Sequence[Judged]) -> str:
    """What came out, by loss and surroundings, as Markdown."""
    heads = (
        "loss",
        "routers",
        "traces",
        "exact",
        "right",
        "not told",
        "none lost",
        "wrong",
        "hops wide",
    )
    lines = [f"| {' | '.join((*heads[:3], 'quiet times', *heads[3:]))} |", "|---" * 10 + "|"]
    for loss in sorted({each.case.loss for each in judged}):
        for routers in SURROUNDINGS:
            for known in (False, True):
                row = [
                    each
                    for each in judged
                    if (each.case.loss, each.case.surroundings, each.known)
                    == (loss, routers, known)
                ]
                if row:
                    lines.append(_row(loss, row, routers, known=known))
    wrong = [each for each in judged if each.outcome == "wrong"]
    return "\n".join([*lines, "", *map(_wrong_line, wrong), ""])


def _wrong_line(judged: Judged) -> str:
    case, (after, at_latest) = judged.case, judged.interval or (0, 0)
    way = "back" if case.back else "forward"
    limits = f"{'newly ' if case.newly else ''}limited to {case.per_second}/s"
    others = f", {case.limited} {limits}, {case.silent} silent" if case.limited else ""
    times = "known" if judged.known else "not known"
    return (
        f"wrong, quiet times {times}: {100 * case.loss:g} % {way} at hop {case.hop}{others}: told "
        f"({after}, {at_latest}]"
    )


def _row(loss: float, row: Sequence[Judged], routers: str, *, known: bool) -> str:
    def share(*outcomes: str) -> str:
        return f"{100 * sum(each.outcome in outcomes for each in row) / len(row):.1f} %"

    widths = [each.interval[1] - each.interval[0] for each in row if each.interval]
    cells = (
        f"{100 * loss:g} %",
        routers,
        str(len(row)),
        "known" if known else "not known",
        share("exact"),
        share("exact", "right"),
        share("untold"),
        share("unseen"),
        share("wrong"),
        f"{sum(widths) / len(widths):.1f}" if widths else "-",
    )
    return f"| {' | '.join(cells)} |"
