"""The overview on a terminal of 80 columns and 24 lines: tiles, then what is wrong, and what was folded.

Whatever there is to say, it is SCREEN_LINES at most, so that the headline stays on the screen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from netsky.console import local_time
from netsky.console.tiles import tile_row_map
from netsky.judging.best_exit import best_exits, home_exit
from netsky.judging.grading import NotJudged
from netsky.judging.incidents import Incident
from netsky.overview import LineState, Overview
from netsky.page.headline import headline
from netsky.page.names import cut, line_name
from netsky.page.overview_maps import gain_text, line_status
from netsky.page.overview_panels import probe_sayings
from netsky.page.overview_words import HEADLINES, PAGE
from netsky.page.shades import shade
from netsky.page.words import Words, points
from netsky.places import ISP, Province

WORDS = Words("zh", HEADLINES, PAGE)
SCREEN_LINES, COLUMNS = 23, 80  # one line is the prompt's

_SIGNS = {"bad": "▲", "ok": "✓", "doubt": "■"}
_TONES = {"bad": "red", "ok": "green", "doubt": "magenta"}
_STYLES = {
    "s0": "dim",
    "s1": "default",
    "s2": "yellow",
    "s3": "black on yellow",
    "s4": "bold white on red",
}
# Of four cells at most.
_NOT_JUDGED = {
    NotJudged.NO_LOSS_RATE: "无",
    NotJudged.STALE: "旧",
    NotJudged.NO_BASELINE: "新",
    NotJudged.STALE_BASELINE: "均旧",
    NotJudged.IN_THE_FUTURE: "超前",
}
_NAMED_MOVES = 3
_LONGEST, _MOST_SAID = 2 * (COLUMNS - 1), 3  # a wide character does not begin in the last column


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of which as many are shown as there is room for, the most important first."""

    name: str
    lines: Sequence[tuple[str, str]]  # text and style

    def folded(self, room: int) -> list[Text]:
        shown = list(self.lines[:room])
        left = len(self.lines) - len(shown)
        texts = []
        for number, (text, style) in enumerate(shown):
            more = f" … 另有 {left}" if left and number == len(shown) - 1 else ""
            head = f"{self.name if not number else '':\N{IDEOGRAPHIC SPACE}<3} "
            body = cut(text, COLUMNS - cell_len(head) - cell_len(more))
            texts.append(Text.assemble((head, "bold"), (body, style), (more, "dim")))
        return texts


def headline_texts(overview: Overview) -> list[Text]:
    """What stands at the top, in lines."""
    said = headline(overview, WORDS)
    style = f"bold {_TONES[said.tone]}"
    at = f"  {local_time(overview.at)}"
    first = cut(f"{_SIGNS[said.tone]} {said.first}", _LONGEST - len(at))
    texts = [Text.assemble((first, style), (at, "dim"))]
    if said.second:
        texts.append(Text(cut(said.second, _LONGEST), style=style))
    return texts + [Text(cut(each, _LONGEST)) for each in said.rest[:_MOST_SAID]]


def overview_screen(overview: Overview) -> list[Table | Text]:
    """All of it."""
    head = headline_texts(overview)
    if not overview.lines:
        return [*head]
    legend = Text(
        f"比平时高出的百分点，{len(overview.lines)} 组中最坏的；? 有组未判定或本机丢包，旧/无/新 都未判定",
        style="dim",
    )
    tiles = tile_row_map(lambda province: _tile(overview, province))
    used = sum(_height(each) for each in head) + tiles.row_count + 1
    sections = [
        Section("故障", _incidents(overview)),
        Section("出口", _exits(overview)),
        Section("探测", _probes(overview)),
        Section("各组", _lines(overview)),
    ]
    return [*head, tiles, legend, *_folded(sections, SCREEN_LINES - used)]


def _height(text: Text) -> int:
    return 1 if text.cell_len <= COLUMNS else -(-text.cell_len // (COLUMNS - 1))


def _folded(sections: Sequence[Section], room: int) -> list[Text]:
    """A line for each that has any, then what is left to them in turn."""
    sections = [section for section in sections if section.lines]
    shares = [0] * len(sections)
    while room > 0 and any(
        share < len(of.lines) for share, of in zip(shares, sections, strict=True)
    ):
        for number, section in enumerate(sections):
            if room > 0 and shares[number] < len(section.lines):
                shares[number] += 1
                room -= 1
    return [
        text
        for share, section in zip(shares, sections, strict=True)
        for text in section.folded(share)
    ]


def _tile(overview: Overview, province: Province) -> tuple[str, str]:
    """The worst of all lines, and whether some of them cannot be trusted."""
    states = [
        judgement
        for line in overview.lines
        for judgement in line.judged + line.not_judged
        if judgement.province == province
    ]
    judged = [each for each in states if each.increase_ratio is not None]
    if not judged:
        reason = states[0].not_judged if states else None
        away = "?" if any(line.trouble for line in overview.lines) else "·"
        return _NOT_JUDGED[reason] if reason else away, "magenta"
    worst = max(each.increase_ratio or 0.0 for each in judged)
    is_whole = len(judged) == len(states) and not any(
        line.trouble or line.is_tainted for line in overview.lines
    )
    figure = points(worst).removeprefix("+")
    text = figure if len(figure) < len("10.0") else figure.partition(".")[0]
    return text + ("" if is_whole else "?"), _STYLES[shade(worst, overview.thresholds)]


def _incidents(overview: Overview) -> list[tuple[str, str]]:
    found = [(line, line.open_incident) for line in overview.lines]
    incidents = [(line, incident) for line, incident in found if incident]
    incidents.sort(key=lambda each: each[1].peak_increase_ratio, reverse=True)
    if incidents:
        return [(_incident(overview, *each), "red") for each in incidents]
    if any(line.trouble for line in overview.lines):
        return [(WORDS("incidents_unknown"), "magenta")]
    return [(WORDS("no_incidents"), "green")]


def _incident(overview: Overview, line: LineState, incident: Incident) -> str:
    names = [WORDS.province(each) for each in incident.provinces]
    provinces = WORDS.listed(names[:_NAMED_MOVES])
    if len(names) > _NAMED_MOVES:
        provinces = WORDS("and_provinces", rises=provinces, count=len(names))
    lasting = WORDS("lasting", duration=WORDS.duration(incident.lasted(overview.at)))
    return f"▲ {line_name(line, WORDS)} {provinces}{lasting}，最高 {points(incident.peak_increase_ratio)}"


def _exits(overview: Overview) -> list[tuple[str, str]]:
    """Of each ISP with a choice: who does better elsewhere, by how much."""
    isps = [isp for isp in overview.isps if sum(line.isp == isp for line in overview.lines) > 1]
    said = [_exit(overview, isp) for isp in isps]
    order = {"blue": 0, "magenta": 1, "green": 2}
    return sorted(said, key=lambda each: order[each[1]])


def _exit(overview: Overview, isp: ISP) -> tuple[str, str]:
    best = best_exits(overview, isp)
    home = home_exit(overview, isp)
    name = WORDS.isp_short(isp) + (f"（常用 {home}）" if home else "")
    moves = [(province, of) for province, of in best.items() if of.is_move]
    if moves:
        moves.sort(key=lambda each: each[1].gain_ratio or 0.0, reverse=True)
        gains = [
            f"{WORDS.province(province)}→{of.best.egress} {gain_text(of)}"
            for province, of in moves[:_NAMED_MOVES]
        ]
        state = WORDS("best_move", count=len(moves))
        more = "…" if len(moves) > _NAMED_MOVES else ""
        return f"{name} {state}：{'，'.join(gains)}{more}", "blue"
    unknown = sum(not of.current for of in best.values())
    if unknown or not best:
        return f"{name} {WORDS('best_none')}", "magenta"
    return f"{name} {WORDS('best_stay')}", "green"


def _probes(overview: Overview) -> list[tuple[str, str]]:
    said = [
        f"■ {each.badge} {each.text}" if each.badge else each.text
        for each in probe_sayings(overview, WORDS)
    ]
    return [(each, "magenta") for each in said] or [(WORDS("said_well"), "green")]


def _lines(overview: Overview) -> list[tuple[str, str]]:
    """What is said of each, what is bad first."""
    said: list[tuple[LineState, str, str]] = [
        (line, *line_status(line, overview, WORDS)) for line in overview.lines
    ]
    said.sort(key=lambda each: ("bad", "doubt", "ok").index(each[2]))
    return [(f"{line_name(line, WORDS)}  {state}", _TONES[tone]) for line, state, tone in said]
