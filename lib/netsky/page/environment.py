"""Making a page of a template: whatever comes from outside stays text.

Values are escaped, also in attributes, which the templates always quote. Before that, what would
change how other text reads goes: control characters and marks of direction become U+FFFD.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).parent / "templates"

# Control characters but the line break and the tab, marks of direction, and what no UTF-8 can hold.
_UNFIT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def clean(value: Any) -> Any:
    """What a template shows of a value: text without what would change how other text reads."""
    if isinstance(value, Markup):
        return value  # made of cleaned and escaped text already, by `element`
    if value is None:
        raise TypeError("a template shows nothing for None: say what is to stand there")
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", str(value))


def element(_name: str, /, *children: object, **attributes: object) -> Markup:
    """An element of HTML or SVG: `element("text", "广东", x=3, class_="n", text_anchor="end")`.

    Children that are no Markup are cleaned and escaped, and so are attributes. One that is None is
    left out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(clean(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(escape(clean(child)) for child in children)
    return Markup(f"<{_name}{given}>{inner}</{_name}>")  # noqa: S704 - all parts are escaped


def number(value: float) -> str:
    """A coordinate: at most one decimal, and no more characters than it needs."""
    return f"{value:.1f}".removesuffix(".0")


@dataclass(frozen=True, slots=True)
class Script:
    """A script that stands in a page, and what names it alone in the page's policy."""

    text: Markup
    source: str


@cache
def inline_script(name: str) -> Script:
    """A script of the templates; what it has to know it reads from the page's `data-` attributes."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Script(Markup(text), f"'sha256-{digest}'")  # noqa: S704 - a file of ours


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(template: str, **values: object) -> str:
    """The page that a template makes of these values."""
    return _environment().get_template(template).render(values)
