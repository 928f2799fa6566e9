"""What a terminal of 80 columns shows of each record, with colours and without."""

import re

import pytest

from views.examples import EXAMPLES
from views.golden import same_as_golden

SHOWN = [name for name in EXAMPLES if not name.startswith(("attentions", "flow"))]
"""The others have tests of their own, beside what else is told of them."""
COLORED = {"force_terminal": True, "color_system": "truecolor", "no_color": False}


@pytest.mark.parametrize("name", SHOWN)
def test_without_colour(printed, name) -> None:
    same_as_golden(name, printed(EXAMPLES[name]()))


@pytest.mark.parametrize("name", SHOWN)
def test_with_colour(printed, name) -> None:
    shown = printed(EXAMPLES[name](), **COLORED)
    same_as_golden(f"{name}_colored", re.sub(r"\x1b\[([0-9;]*)m", r"⟨\1⟩", shown))


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_line_is_wider_than_the_terminal(printed, name) -> None:
    assert max(map(len, printed(EXAMPLES[name]()).splitlines())) <= 80
