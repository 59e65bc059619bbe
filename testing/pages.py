"""What holds for every page: it is valid HTML, stands alone, and nothing from outside is part of its markup."""

from __future__ import annotations

import re
import warnings
from itertools import pairwise
from xml.etree import ElementTree as ET

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import html5lib  # type: ignore[import-untyped]

# Each of these has broken a page somewhere: markup, attributes, escape sequences, direction, templates.
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title><svg onload=alert(1)>",
    "\x1b[31mred\x1b[0m\x07",
    "\u202egpj.exe\u2066",
    "{{ 7 * 7 }}{% raw %}",
    "a\nb\tc&amp;lt;",
)


def check_page(text: str) -> ET.Element:
    """The page as a tree; AssertionError when it is not as every page of ours is."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree: ET.Element = parser.parse(text)
    assert parser.errors == [], parser.errors
    for each in tree.iter():
        each.tag = str(each.tag).rpartition("}")[2]  # SVG is in a namespace
    _check_ids(tree)
    _check_headings(tree)
    _check_nothing_is_loaded(tree, text)
    svgs = list(tree.iter("svg"))
    for svg in svgs:
        is_hidden = svg.get("aria-hidden") == "true"
        assert is_hidden or (svg.get("role") == "img" and svg.get("aria-label"))
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    return tree


def text_of_page(tree: ET.Element) -> str:
    """What a reader sees of it, styles and scripts left out."""
    return " ".join(_texts(tree))


def _texts(element: ET.Element) -> list[str]:
    if element.tag in ("style", "script"):
        return [element.tail or ""]
    inner = [text for child in element for text in _texts(child)]
    return [element.text or "", *inner, element.tail or ""]


def _check_ids(tree: ET.Element) -> None:
    ids = [each.get("id") for each in tree.iter() if each.get("id")]
    assert len(ids) == len(set(ids))
    named = {
        value
        for each in tree.iter()
        for key, value in each.items()
        if str(key).rpartition("}")[2] == "href"
    }
    assert {value[1:] for value in named if value.startswith("#")} <= set(ids)


def _check_headings(tree: ET.Element) -> None:
    levels = [int(each.tag[1]) for each in tree.iter() if re.fullmatch(r"h[1-6]", str(each.tag))]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def _check_nothing_is_loaded(tree: ET.Element, text: str) -> None:
    assert len(list(tree.iter("script"))) <= 1
    for each in tree.iter():
        assert not [name for name, _ in each.items() if name.startswith("on")]
        assert "src" not in dict(each.items())
    for match in re.finditer(r"url\(([^)]*)\)", text):
        assert match[1].startswith("#")
    assert "@import" not in text
    for link in tree.iter("link"):
        assert link.get("href") == "data:,"
