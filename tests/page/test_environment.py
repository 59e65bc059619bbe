"""Whatever comes from outside stays text, in elements, attributes and templates."""

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from netsky.page.environment import _environment, clean, element, number
from testing.pages import HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text):
    made = element("p", text, title=text)
    assert made.count("<") == 2
    assert made.count('"') == 2
    assert not set(made) & set("\x1b\x07\u202e\u2066")
    template = _environment().from_string('<p title="{{ text }}">{{ text }}</p>')
    assert template.render(text=text).count("<") == 2
    assert "49" not in template.render(text=text)


def test_line_breaks_and_other_scripts_are_left_as_they_are():
    assert clean("广东\n\tA") == "广东\n\tA"


def test_what_was_made_of_clean_parts_is_not_escaped_again():
    assert element("g", element("b", "<")) == Markup("<g><b>&lt;</b></g>")
    assert element("rect", class_="a", text_anchor="end", x=None) == Markup(
        '<rect class="a" text-anchor="end"></rect>'
    )


def test_nothing_is_shown_for_what_is_missing():
    with pytest.raises(UndefinedError):
        _environment().from_string("{{ absent }}").render()
    with pytest.raises(TypeError, match="None"):
        _environment().from_string("{{ value }}").render(value=None)


@pytest.mark.parametrize(("value", "text"), [(3, "3"), (2.04, "2"), (2.06, "2.1"), (-0.5, "-0.5")])
def test_coordinates_are_short(value, text):
    assert number(value) == text
