"""Names as a page shows them: of lines, cut to the room there is, and short codes for exits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from netsky.overview import LineState
from netsky.page.words import Words

_WIDE = "WF"
_CODE = re.compile(r"^([A-Za-z]).*?(\d{0,2})$")


def incident_page(isp: str, egress: str, number: int | None) -> str:
    """The file of an incident's report, without a suffix: in the folder of pages and in links to it."""
    return f"incident-{isp}-{egress}-{number}"


EXIT_WIDTH = 24
"""So much of an exit's name has room in a table, and in a sentence that names several."""


def cut(text: str, width: int) -> str:
    """As much of it as fits, a Chinese character counting two, with … where something is left out."""
    if text_width(text) <= width:
        return text
    kept = text
    while kept and text_width(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept}…"


def text_width(text: str) -> int:
    """In characters, a Chinese one counting two."""
    return sum(2 if unicodedata.east_asian_width(each) in _WIDE else 1 for each in text)


def line_name(line: LineState, words: Words) -> str:
    return f"{words.isp_short(line.isp)}×{line.egress}"


def line_names(lines: Sequence[LineState], words: Words, *, most: int) -> str:
    """The first of them, and that there are more."""
    names = words.listed([line_name(line, words) for line in lines[:most]])
    return words("and_more", names=names) if len(lines) > most else names


def exit_codes(egresses: Sequence[str]) -> Mapping[str, str]:
    """`U1` for unicom-1; A, B, C … for all, where two would be alike or a name does not begin with a letter."""
    codes = {}
    for egress in egresses:
        match = _CODE.match(egress)
        codes[egress] = f"{match[1].upper()}{match[2]}" if match else ""
    if all(codes.values()) and len(set(codes.values())) == len(codes):
        return codes
    return {egress: _letters(index) for index, egress in enumerate(egresses)}


def _letters(index: int) -> str:
    """A to Z, then AA, AB …"""
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
