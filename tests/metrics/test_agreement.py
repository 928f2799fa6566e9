"""Rank agreement, against scipy's own numbers on arrays one can check by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from records.samples import attribution, steady, tokens_of
from whence.metrics.agreement import agreements


def compared(*rows, k=2, position=None):
    """The agreement of one-row explanations with these scores; `position` is the place of the predicted token."""
    records = []
    for i, row in enumerate(rows):
        record = attribution(tokens_of(*"abcdefghij"[: len(row)]), [row])
        target = replace(record.targets[0], position=len(row) if position is None else position)
        records.append(replace(record, targets=(target,), method=f"m{i}"))
    return agreements(tuple(records), k)


def test_correlations_are_scipys():
    a = [4.0, -1.0, 2.5, 0.0, 3.0, 7.0, -6.0, 1.5, 0.25]
    b = [1.0, 2.0, -3.0, 0.5, 9.0, 4.0, -5.0, 0.75, -0.25]
    (found,) = compared(a, b)
    assert found.spearman == pytest.approx(stats.spearmanr(a, b).statistic)
    assert found.spearman_p == pytest.approx(stats.spearmanr(a, b).pvalue)
    assert found.kendall == pytest.approx(stats.kendalltau(a, b).statistic)
    assert found.kendall_p == pytest.approx(stats.kendalltau(a, b).pvalue)
    assert found.tokens == 9


def test_p_of_few_tokens_is_the_share_of_all_orders():
    a, b = [4.0, -1.0, 2.5, 0.0, 3.0], [1.0, 2.0, -3.0, 0.5, 9.0]
    (found,) = compared(a, b)
    counted = stats.permutation_test(
        (a,), lambda x: stats.spearmanr(x, b).statistic, permutation_type="pairings", n_resamples=np.inf
    )
    assert found.spearman_p == pytest.approx(counted.pvalue)


def test_correlations_of_hand_counted_ranks():
    (found,) = compared([1, 2, 3, 4], [1, 2, 4, 3])
    assert found.spearman == pytest.approx(1 - 6 * 2 / (4 * 15))
    assert found.kendall == pytest.approx((5 - 1) / 6)


def test_ties_are_shared_ranks_and_tau_b():
    a, b = [1.0, 1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 2.0]
    (found,) = compared(a, b)
    assert found.spearman == pytest.approx(np.corrcoef([1.5, 1.5, 3, 4], [1, 3, 3, 3])[0, 1])
    assert found.kendall == pytest.approx(2 / np.sqrt((6 - 1) * (6 - 3)))


def test_correlations_see_the_sign_and_the_overlap_does_not():
    (found,) = compared([1, 2, 3, 4], [-1, -2, -3, -4])
    assert found.spearman == pytest.approx(-1.0)
    assert found.kendall == pytest.approx(-1.0)
    assert found.overlap == 1.0


@pytest.mark.parametrize(("k", "overlap"), [(1, 0.0), (2, 0.5), (3, 2 / 3), (4, 1.0), (9, 1.0)])
def test_overlap_is_the_share_of_common_top_tokens(k, overlap):
    (found,) = compared([4, -3, 2, 1], [3, 1, 2, -4], k=k)
    assert found.overlap == pytest.approx(overlap)
    assert found.k == min(k, 4)


@pytest.mark.parametrize("rows", [([1, 1, 1, 1], [1, 2, 3, 4]), ([1, 2, 3, 4], [0, 0, 0, 0]), ([2, 2, 2], [2, 2, 2])])
def test_constant_scores_have_no_correlation(rows):
    (found,) = compared(*rows)
    assert (found.spearman, found.spearman_p, found.kendall, found.kendall_p) == (None, None, None, None)
    assert found.overlap is None, "equal magnitudes have no top"


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_than_three_tokens_have_no_correlation(n):
    (found,) = compared([1, 2][:n], [5, 6][:n])
    assert (found.spearman, found.kendall) == (None, None)
    assert found.overlap == 1.0
    assert found.tokens == n


def test_only_tokens_in_front_of_the_prediction_are_compared():
    (cut,) = compared([3, 1, 2, 0, 0], [1, 2, 3, 0, 0], k=1, position=3)
    (alone,) = compared([3, 1, 2], [1, 2, 3], k=1)
    assert cut == alone
    (whole,) = compared([3, 1, 2, 0, 0], [1, 2, 3, 0, 0], k=1)
    assert whole.spearman != cut.spearman


def test_a_prediction_about_the_whole_text_compares_all_tokens():
    records = [attribution(tokens_of(*"abc"), [row]) for row in ([1, 2, 3], [1, 3, 2])]
    records = [replace(r, targets=(replace(r.targets[0], position=None),)) for r in records]
    assert agreements(tuple(records))[0].tokens == 3


def test_every_pair_is_compared_on_every_row():
    records = tuple(attribution(tokens_of(*"abc"), [[1, 2, 3], [3, -2, 1]]) for _ in range(3))
    found = [(entry.first, entry.second, entry.target) for entry in agreements(records)]
    assert found == [(0, 1, 0), (0, 1, 1), (0, 2, 0), (0, 2, 1), (1, 2, 0), (1, 2, 1)]
    assert agreements(records[:1]) == ()


scores = st.lists(st.integers(-5, 5).map(float), min_size=3, max_size=8)


@steady
@given(scores, st.randoms())
def test_agreement_is_symmetric_bounded_and_invariant_to_scale(a, random):
    b = random.sample(a, len(a))
    (ab,), (ba,), (scaled,) = compared(a, b), compared(b, a), compared([8 * x for x in a], b)
    assert (ab.spearman, ab.kendall, ab.overlap) == (ba.spearman, ba.kendall, ba.overlap)
    assert (ab.spearman, ab.kendall, ab.overlap) == (scaled.spearman, scaled.kendall, scaled.overlap)
    if ab.spearman is not None:
        assert -1 - 1e-12 <= ab.spearman <= 1 + 1e-12
        assert -1 - 1e-12 <= ab.kendall <= 1 + 1e-12
        assert 0 <= ab.spearman_p <= 1
        assert 0 <= ab.kendall_p <= 1


def test_p_values_of_few_tokens_are_exact():
    (found,) = compared([1, 2, 3], [1, 2, 3])
    assert found.kendall_p == pytest.approx(1 / 3)
    assert found.spearman_p == pytest.approx(1 / 3)


def test_p_values_of_few_tokens_with_ties_count_all_orders():
    (found,) = compared([1, 1, 2, 3], [1, 2, 3, 4])
    assert found.kendall_p == found.spearman_p == pytest.approx(1 / 6)
