"""How old the page of an incident is, as it stands in the page itself.

So a page can be marked where nothing can be read to write it anew: a database that is away leaves it as it
is, and nobody must take what it says for what is now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from markupsafe import escape

from netsky.page.environment import clean
from netsky.page.words import Words, beijing

STALE_CLASS = ' class="is-stale"'

HEAD_BYTES = 4096
"""In so many bytes from its beginning a page tells its age."""

_MARK = re.compile(
    r'<meta name="netsky-incident" content="(open|over|final) (\d{1,11}) (\d{1,11})">'
)
_HTML = re.compile(r'(<html lang="[\w-]+")>')
_BANNER = re.compile(r'(<p id="stale" class="stale" role="alert")(?: hidden)?>[^<]*</p>')


class Standing(StrEnum):
    """Whether a page has to be written again."""

    OPEN = "open"
    OVER = "over"  # what follows the end is not all in it
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class PageAge:
    """How a page stands, until when it is known what it tells, and when its incident opened."""

    standing: Standing
    as_of: datetime
    opened_at: datetime


def age_of(page: str) -> PageAge | None:
    """None: it is no page of ours, or one of a version that told no age."""
    found = _MARK.search(page)
    if found is None:
        return None
    as_of, opened_at = (datetime.fromtimestamp(int(found[number]), UTC) for number in (2, 3))
    return PageAge(Standing(found[1]), as_of, opened_at)


def old_words(as_of: datetime, now: datetime, words: Words) -> str:
    """What is said above all of a page that is not of now."""
    said = words("stale", at=beijing(as_of), age=words.duration(now - as_of))
    return f"■ {said}"


def marked_old(page: str, said: str) -> str:
    """The page with that above it; what it says of now is then told as of then."""
    page = _HTML.sub(rf"\1{STALE_CLASS}>", page, count=1)
    return _BANNER.sub(lambda found: f"{found[1]}>{escape(clean(said))}</p>", page, count=1)
