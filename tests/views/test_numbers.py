import doctest
import importlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whence.views.numbers import MINUS, correlation, number, p_value, percentage, share, signed

FINITE = st.floats(-1e12, 1e12)


@pytest.mark.parametrize("name", ["colors", "numbers", "token_text"])
def test_examples_in_docstrings_hold(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(f"whence.views.{name}"))
    assert tried
    assert not failed


@given(FINITE)
def test_a_signed_number_says_its_sign(value: float) -> None:
    assert signed(value)[0] == (MINUS if value < 0 else "+" if value > 0 else "0")


@given(FINITE)
def test_a_number_keeps_three_digits(value: float) -> None:
    assert float(number(value).replace(MINUS, "-")) == pytest.approx(value, rel=6e-3)


@given(st.lists(st.floats(-1.0, 1.0), min_size=1), st.floats(1e-4, 1e6))
def test_a_column_has_one_number_of_decimals(fractions: list[float], scale: float) -> None:
    assert len({len(signed(f * scale, scale).partition(".")[2]) for f in fractions}) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [(17.3, "17.3"), (12345.6, "12346"), (3.1e-7, "3.1e−7"), (-0.5, "−0.5"), (2e9, "2e9"), (math.nan, "nan")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0.02, 17.3, "0.12%"), (-1.0, 8.0, "−12.5%"), (5.0, 2.0, "250%"), (1e-9, 1.0, "<0.01%"), (1.0, 0.0, None)],
)
def test_percentages(part: float, whole: float, text: str | None) -> None:
    assert percentage(part, whole) == text


def test_what_is_not_known_is_a_dash() -> None:
    assert correlation(None) == p_value(None) == share(None) == "—"
