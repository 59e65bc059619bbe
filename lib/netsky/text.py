"""Text from outside, made fit for a log, a terminal or a message of ours."""

from __future__ import annotations

import json
import re

_BREAKS = re.compile(r"\s*[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]\s*")
_SPACES = "\u00a0\u3000"  # Chinese text has these, and they do not move the cursor


def one_line(text: object, *, limit: int | None = None) -> str:
    """`text` as one line that prints, of at most `limit` characters.

    For whatever a server, a program, a file or the command line says: an escape sequence in it
    could change the reader's terminal, and a line break could forge a line of the log. Line breaks
    and tabs become a space; see `printable` for the rest.
    """
    line = str(text)
    if not line.isprintable():
        line = printable(_BREAKS.sub(" ", line.strip()))
    if limit is not None and len(line) > limit:
        line = line[: limit - 1] + "…"
    return line


def printable(text: str) -> str:
    """`text` with each character that does not print written as in Python: `\\x1b`.

    Direction marks of Unicode do not print, nor do the bytes of a file name that are no character.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _SPACES else _escaped(c) for c in text)


def json_line(document: object) -> str:
    """A document as JSON on one line that prints.

    json itself escapes nothing but the characters below a space: direction marks would go out as they are.
    """
    line = json.dumps(document, ensure_ascii=False, allow_nan=False)
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
