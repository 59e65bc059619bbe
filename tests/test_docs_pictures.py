"""docs/pictures: today's tables of the runs that were kept, and pictures that stand alone."""

import html
import json
import re

import pytest
from rich.cells import cell_len

from testing import ROOT
from testing.documents import text_of
from tools import pictures, screenshots

READMES = [ROOT / "README.md", ROOT / "README.zh-CN.md"]

PICTURES = sorted(pictures.FOLDER.glob("*.svg"))
TEXT = re.compile(r'<text class="netsky-r\d+" [^>]*textLength="([\d.]+)"[^>]*>([^<]+)</text>')

of_each_picture = pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.name)


def kept(name):
    return json.loads((pictures.FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def test_the_pictures_are_those_of_the_runs_kept():
    drawn = pictures.pictures()
    assert sorted(drawn) == PICTURES
    for file, picture in drawn.items():
        assert file.read_text(encoding="utf-8") == picture, "run `make docs`"


def without_later_fields(now, before):
    """Of what is said now what was said then, too: fields are added and none is renamed."""
    if isinstance(before, dict):
        return {name: without_later_fields(now[name], value) for name, value in before.items()}
    if isinstance(before, list):
        return [without_later_fields(*pair) for pair in zip(now, before, strict=True)]
    return now


def test_the_picture_of_a_sweep_shows_what_the_tool_printed():
    rows = kept("sweep")["provinces"]
    drawn = pictures.sweep_view(kept("sweep")).document()["provinces"]
    assert without_later_fields(drawn, rows) == rows


def test_the_picture_of_a_verdict_shows_what_the_tool_printed():
    run = kept("alert")
    assert without_later_fields(pictures.alert_view(run).document(), run) == run


def test_the_runs_kept_are_of_an_outage():
    assert kept("alert")["alert"]["active"] == ["medium", "critical"]


@of_each_picture
def test_a_picture_is_small_and_loads_nothing(file):
    text = file.read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert re.findall(r"https?://[^\"]+|url\(|href", text) == ["http://www.w3.org/2000/svg"]


@of_each_picture
def test_each_character_has_the_place_that_a_terminal_gives_it(file):
    runs = TEXT.findall(file.read_text(encoding="utf-8"))
    assert any(cell_len(text) == 2 * len(text) for _, text in runs)
    for length, text in runs:
        assert float(length) == pytest.approx(12.2 * cell_len(html.unescape(text)), rel=1e-4)


def test_the_screenshots_are_of_todays_pages():
    assert screenshots.record() == json.loads(text_of(screenshots.RECORD)), "run `make screenshots`"
    for readme in READMES:
        for name in screenshots.PICTURES:
            assert f"](docs/pictures/{name})" in text_of(readme)
