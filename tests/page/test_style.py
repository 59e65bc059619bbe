"""The colours: every text can be read on what it stands on, by day and by night."""

import re
from itertools import product

import pytest

from netsky.page.environment import TEMPLATES

CSS = (TEMPLATES / "style.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
)
# What is written, on what.
TEXTS = [
    *((f"s{n}t", f"s{n}") for n in range(5)),
    *product(("text", "muted", "link"), ("page", "panel")),
    *product(("bad", "ok", "doubt-ink"), ("panel",)),
    ("muted", "bad-band"),
    ("bad", "bad-band"),
    ("ok", "ok-band"),
    ("doubt-ink", "doubt-band"),
    *product(("text",), ("bad-band", "ok-band", "doubt-band", "hatch-ground", "faint")),
    ("doubt-text", "doubt"),
    ("go-text", "go"),
]


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_both_have_the_same_colours():
    assert set(LIGHT) == set(DARK)
    assert len(LIGHT) > 30


@pytest.mark.parametrize(("text", "ground"), TEXTS)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_has_a_contrast_of_4_5_at_least(colours, text, ground):
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_worse_stands_out_more_from_the_page(colours):
    steps = [contrast(colours[f"s{n}"], colours["panel"]) for n in range(1, 5)]
    assert steps == sorted(steps)
    assert contrast(colours["edge"], colours["panel"]) > 7


def test_a_narrow_page_is_told_from_paper():
    for file in TEMPLATES.glob("*.css"):
        queries = re.findall(r"@media ([^{]*width[^{]*)\{", file.read_text(encoding="utf-8"))
        assert all(query.startswith("screen and") for query in queries)
