"""Where the source ends and the target begins is marked."""

import pytest

from views.page import markup
from whence.records import Token
from whence.views import html


@pytest.fixture
def translated(attribution_of):
    tokens = [
        Token("Good", 1, 0, 4, role="source"),
        Token(" morning", 2, 4, 12, role="source"),
        Token("<s>", 0, role="target", special=True),
        Token("Bonjour", 3, 13, 20, role="target"),
    ]
    return attribution_of(tokens=tokens, scores=[1.0, 2.0, 3.0, 4.0])


def test_the_target_has_a_line_of_its_own_behind_an_arrow(translated, attribution_of, printed):
    assert "\n  Good morning\n  → <s>Bonjour\n" in printed(translated)
    assert "→" not in printed(attribution_of())


def test_it_has_one_on_the_page_too(translated, attribution_of):
    page = markup(html.render([translated]))
    assert page.count("<br><span") == 1
    assert page.index("morning</bdi>") < page.index("→") < page.index("&lt;s&gt;</bdi>")
    assert "→" not in markup(html.render([attribution_of()]))
