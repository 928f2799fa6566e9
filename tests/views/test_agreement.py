import pytest

from whence.views.agreement import pairs, rows_note


def test_several_rows_are_averaged_and_the_largest_p_is_kept(comparison_of) -> None:
    pair = pairs(comparison_of(rows=3))[0]
    assert pair.spearman == pytest.approx(-0.5)
    assert pair.spearman_p == pytest.approx(0.003)
    assert pair.overlap == 1.0


def test_constant_scores_have_no_agreement_at_all(comparison_of) -> None:
    _, with_constant, _ = pairs(comparison_of())
    numbers = (with_constant.spearman, with_constant.spearman_p, with_constant.kendall, with_constant.kendall_p)
    assert numbers == (None, None, None, None)
    assert with_constant.overlap is None


def test_averaging_is_said(comparison_of) -> None:
    assert rows_note(comparison_of(rows=1)) is None
    assert "means over 3 target rows" in rows_note(comparison_of(rows=3))
