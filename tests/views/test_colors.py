import pytest
from hypothesis import given
from hypothesis import strategies as st

from whence.views.colors import BLACK, WHITE, background, contrast, foreground, hex_code

CHANNEL = st.integers(0, 255)
COLOR = st.tuples(CHANNEL, CHANNEL, CHANNEL)
FRACTIONS = [i / 500 for i in range(-500, 501)]


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_on_every_colour_of_the_scale(dark: bool) -> None:
    for fraction in FRACTIONS:
        behind = background(fraction, 1.0, dark=dark)
        assert contrast(foreground(behind), behind) >= 4.5


@given(COLOR)
def test_text_can_be_read_on_any_background(behind: tuple[int, int, int]) -> None:
    assert contrast(foreground(behind), behind) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
def test_negative_is_blue_and_positive_is_red(dark: bool) -> None:
    for fraction in FRACTIONS:
        red, _, blue = background(fraction, 1.0, dark=dark)
        if abs(fraction) > 0.1:
            assert (red > blue) == (fraction > 0)


@pytest.mark.parametrize(("dark", "toward"), [(False, BLACK), (True, WHITE)])
def test_a_larger_score_stands_out_more(dark: bool, toward: tuple[int, int, int]) -> None:
    for sign in (-1, 1):
        distances = [contrast(background(sign * i / 20, 1.0, dark=dark), toward) for i in range(21)]
        assert distances == sorted(distances, reverse=True)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_colour_depends_on_the_share_of_the_scale_alone(score: float, scale: float) -> None:
    assert background(score, scale) == background(2 * score, 2 * scale)


def test_scores_outside_the_scale_take_its_end() -> None:
    assert background(9.0, 1.0) == background(1.0, 1.0)
    assert background(-9.0, 1.0) == background(-1.0, 1.0)


def test_a_row_of_zeros_is_neutral() -> None:
    assert background(0.0, 0.0) == background(0.0, 1.0) == (247, 247, 247)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(BLACK, WHITE) == contrast(WHITE, BLACK) == pytest.approx(21.0)
    assert contrast((119, 119, 119), WHITE) == pytest.approx(4.48, abs=0.005)
    assert contrast(WHITE, WHITE) == 1.0


def test_hex_code_has_two_digits_a_channel() -> None:
    assert hex_code((5, 48, 97)) == "#053061"
