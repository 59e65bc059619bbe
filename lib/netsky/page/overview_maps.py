"""The maps of the overview: the rise of each province on each line, and the exit to use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from netsky.judging.best_exit import BestExit, best_exits, home_exit
from netsky.judging.grading import Grade, Judgement, NotJudged, Thresholds
from netsky.overview import LineState, Overview
from netsky.page.names import cut, exit_codes
from netsky.page.shades import NOT_JUDGED, shade
from netsky.page.tile_map import Caption, Tile, tile_map
from netsky.page.words import MINUS, UNKNOWN, Words, beijing, percent, points
from netsky.places import ISP, Province

_CAPTION_WIDTH = 30  # Latin characters of the line below the title
_TITLE_WIDTH = 24
_SHORT_CODE, _LONG_SECONDS = 2, 0.0995  # what has room in a tile
_SPOKEN = 6  # provinces that the label of a map names


@dataclass(frozen=True, slots=True)
class LineMap:
    """The map of a line; `tone` is bad, doubt or ok."""

    line: LineState
    tone: str
    svg: Markup


def line_map(line: LineState, overview: Overview, words: Words) -> LineMap:
    state, tone = line_status(line, overview, words)
    judgements = {judgement.province: judgement for judgement in line.judged + line.not_judged}
    at = f" · {beijing(line.sweep.started_at, '%H:%M:%S')}" if line.sweep else ""
    below = cut(words("map_below", egress=line.egress), _CAPTION_WIDTH - len(at)) + at
    caption = Caption(map_title(line.isp, words), below, state, tone)

    def tile(province: Province) -> Tile:
        if not line.verdict:
            return Tile(NOT_JUDGED, words("tile_away"))
        return _tile(judgements.get(province), overview.thresholds, words)

    label = words("map_label", isp=words.isp(line.isp), egress=line.egress, state=state)
    up = [each for each in line.judged if each.grade not in (None, Grade.NONE)][:_SPOKEN]
    if up:
        rises = [f"{words.province(e.province)} {points(e.increase_ratio or 0.0)}" for e in up]
        label += f"; {words('worst_provinces', rises=words.listed(rises))}"
    return LineMap(line, tone, tile_map(caption, tile, label=label))


def map_title(isp: ISP, words: Words) -> str:
    return words("map_title", isp=cut(words.isp(isp), _TITLE_WIDTH))


def _tile(judgement: Judgement | None, thresholds: Thresholds, words: Words) -> Tile:
    if judgement is None:
        return Tile("sx", words("tile_unmeasured"))
    if judgement.increase_ratio is None:
        return Tile(NOT_JUDGED, words(f"tile_{judgement.not_judged}"))
    rise = points(judgement.increase_ratio)
    return Tile(shade(judgement.increase_ratio, thresholds), rise.replace("100.0", "100"))


def line_status(line: LineState, overview: Overview, words: Words) -> tuple[str, str]:
    """What is said of a line in a word, and its tone."""
    up = sum(each.grade not in (None, Grade.NONE) for each in line.judged)
    if up:
        return words("state_bad_tainted" if line.is_tainted else "state_bad", count=up), "bad"
    if not line.judged:
        away = words("state_away")
        return away if line.trouble else _nothing_judged(line, overview, words), "doubt"
    if line.open_incident:
        return words("state_open"), "bad"
    if line.is_tainted:
        return words("state_tainted"), "doubt"
    if line.not_judged:
        return words("state_partly", count=len(line.not_judged)), "doubt"
    return _fine(line, words), "ok"


def _fine(line: LineState, words: Words) -> str:
    noticed = sum(each.notice is not None for each in line.judged)
    if noticed:
        return words("state_noticed", count=noticed)
    worst = line.judged[0]
    if not worst.increase_ratio:
        return words("state_calm")
    province, rise = words.province(worst.province), points(worst.increase_ratio)
    return words("state_fine", province=province, rise=rise)


def _nothing_judged(line: LineState, overview: Overview, words: Words) -> str:
    if line.sweep and overview.is_old(line):
        return words("state_old", age=words.duration(overview.at - line.sweep.started_at))
    return words("state_none", reason=words(f"reason_{line.reason or NotJudged.NO_LOSS_RATE}"))


@dataclass(frozen=True, slots=True)
class BestMaps:
    """A map for each ISP that has data to choose by, and which code stands for which exit.

    `has_choice`: any ISP has more than one exit.
    """

    has_choice: bool
    maps: tuple[Markup, ...]
    codes: Mapping[str, str]

    @property
    def legend(self) -> list[str]:
        return [f"{code} {egress}" for egress, code in self.codes.items()]


def best_maps(overview: Overview, words: Words) -> BestMaps:
    codes = exit_codes(overview.egresses)
    isps = [isp for isp in overview.isps if sum(line.isp == isp for line in overview.lines) > 1]
    choices = [_Choice(isp, best_exits(overview, isp), home_exit(overview, isp)) for isp in isps]
    chosen = [choice for choice in choices if choice.best]
    shown = {egress for choice in chosen for egress in choice.named}
    return BestMaps(
        bool(isps),
        tuple(_best_map(choice, codes, words) for choice in chosen),
        {egress: code for egress, code in codes.items() if egress in shown},
    )


@dataclass(frozen=True, slots=True)
class _Choice:
    """The best exits of an ISP, and the one in use."""

    isp: ISP
    best: Mapping[Province, BestExit]
    home: str | None

    @property
    def moves(self) -> list[Province]:
        """The provinces that do better through another exit."""
        return [province for province, best in self.best.items() if best.is_move]

    @property
    def unknown(self) -> list[Province]:
        """Those that have data, but not through the exit in use."""
        return [province for province, best in self.best.items() if not best.current]

    @property
    def named(self) -> set[str]:
        return {self.best[province].best.egress for province in self.moves + self.unknown}


def _best_map(choice: _Choice, codes: Mapping[str, str], words: Words) -> Markup:
    moves = choice.moves
    if moves:
        state, tone = words("best_move", count=len(moves)), "go-text"
    elif len(choice.unknown) == len(choice.best):
        state, tone = words("best_none"), "doubt"
    elif choice.unknown:
        state, tone = words("best_partly", count=len(choice.unknown)), "doubt"
    else:
        state, tone = words("best_stay"), "ok"
    below = cut(words("best_below", egress=choice.home or UNKNOWN), _CAPTION_WIDTH)
    caption = Caption(map_title(choice.isp, words), below, state, tone)
    moved = [f"{words.province(each)} {choice.best[each].best.egress}" for each in moves[:_SPOKEN]]
    return tile_map(
        caption,
        lambda province: _best_tile(choice.best.get(province), codes, words),
        label=f"{caption.title}: {state} {words.listed(moved)}",
    )


def _best_tile(best: BestExit | None, codes: Mapping[str, str], words: Words) -> Tile:
    if not best:
        return Tile(NOT_JUDGED, words("tile_no_loss_rate"))
    code = codes[best.best.egress]
    if not best.current:
        return Tile(NOT_JUDGED, code)
    if not best.is_move:
        return Tile("s0", percent(best.current.loss_ratio))
    less = best.is_less_loss
    if not less and len(code) > _SHORT_CODE:  # there is no room for both
        return Tile("late", code)
    return Tile("go" if less else "late", f"{code} {gain_text(best)}")


def gain_text(best: BestExit) -> str:
    """How many points less than through the exit in use are lost, or how much earlier replies come."""
    less, sooner = best.gain_ratio or 0.0, best.gain_seconds or 0.0
    if best.is_less_loss:
        return f"{MINUS}{100 * less:.0f}"
    return f"{1000 * sooner:.0f}ms" if sooner < _LONG_SECONDS else f"{sooner:.1f}s"
