"""Laws of the twins of occlusion, Sobol', ReAGent and AtMan."""

import itertools
import math

import numpy as np
import pytest
import torch
from captum.attr import Occlusion

from reference import atman, games, occlusion, reagent, sobol

WINDOWS = {
    "1-1": (7, 1, 1),
    "3-1": (7, 3, 1),
    "3-2": (7, 3, 2),
    "3-3-cut": (7, 3, 3),
    "4-3-cut": (8, 4, 3),
    "all": (5, 5, 9),
}


@pytest.mark.parametrize(("n", "size", "stride"), WINDOWS.values(), ids=WINDOWS)
def test_occlusion_equals_captum(n, size, stride):
    """captum adds up in float32, hence the tolerance."""
    v = games.random_game(n, n)

    def forward(x):
        return torch.tensor([v(row.numpy() > 0.5) for row in x], dtype=torch.float64)

    whole = torch.ones(1, n, dtype=torch.float64)
    theirs = Occlusion(forward).attribute(whole, sliding_window_shapes=(size,), strides=(stride,), baselines=0)[0]
    assert np.allclose(occlusion.occlusion(v, n, size, stride), theirs.numpy(), atol=1e-6, rtol=0)


def test_occlusion_of_an_additive_game_is_the_mean_over_windows_of_their_worth():
    worths = [1.0, 2.0, 4.0, 8.0]
    assert occlusion.occlusion(games.additive(worths), 4) == pytest.approx(worths)
    assert occlusion.occlusion(games.additive(worths), 4, 3, 2) == pytest.approx([7, 7, 9.5, 12])
    assert occlusion.windows(4, 3, 2) == [[0, 1, 2], [2, 3]]


def test_every_feature_is_covered_and_the_number_of_windows_is_known():
    for n, size in itertools.product(range(1, 8), repeat=2):
        if size <= n:
            for stride in range(1, size + 1):
                covers = occlusion.windows(n, size, stride)
                assert set().union(*covers) == set(range(n))
                assert len(covers) == math.ceil((n - size) / stride) + 1


@pytest.mark.parametrize(("size", "stride"), [(2, 3), (8, 1), (0, 1), (2, 0)])
def test_windows_that_leave_features_out_are_refused(size, stride):
    with pytest.raises(ValueError, match="window"):
        occlusion.windows(7, size, stride)


def _all_pairs(n):
    rows = list(itertools.product(games.masks_of(n), repeat=2))
    return np.stack([a for a, _ in rows]), np.stack([b for _, b in rows])


def test_jansen_over_all_pairs_of_masks_is_exact():
    """Up to N / (N - 1): the estimator's variance is over N - 1 rows, that of the enumeration over N."""
    n, v = 3, games.random_game(3, 0)
    a, b = _all_pairs(n)
    ratio = len(a) / (len(a) - 1)
    first, total = sobol.exact(v, n)
    assert np.allclose(sobol.total_order(v, a, b) * ratio, total, atol=1e-12, rtol=0)
    assert np.allclose(1 - (1 - sobol.first_order(v, a, b)) * ratio, first, atol=1e-12, rtol=0)


def test_sobol_of_an_additive_game_shares_the_variance_by_squares():
    worths = np.array([1.0, -2.0, 3.0, 0.0])
    shares = worths**2 / (worths**2).sum()
    for indices in sobol.exact(games.additive(worths), 4):
        assert np.allclose(indices, shares, atol=1e-12, rtol=0)


@pytest.mark.parametrize("keep", [0.5, 0.2])
def test_sobol_of_a_product_counts_each_interaction_for_all_its_features(keep):
    """``v = Π z_i`` of n features: ``S_Ti = (1 - p) p^(n-1) / (p^(n-1) (1 - p^n))`` and first order p^(n-1) of that."""
    n = 3
    first, total = sobol.exact(games.unanimity(range(n)), n, keep)
    assert np.allclose(total, (1 - keep) / (1 - keep**n), atol=1e-12, rtol=0)
    assert np.allclose(first, keep ** (n - 1) * (1 - keep) / (1 - keep**n), atol=1e-12, rtol=0)
    assert first.sum() < 1 < total.sum()


def test_crossed_designs_change_their_column_only():
    rng = np.random.default_rng(1)
    a, b = rng.random((8, 3)), rng.random((8, 3))
    for i, design in enumerate(sobol.crossed(a, b)):
        assert (design[:, i] == b[:, i]).all()
        assert (np.delete(design, i, axis=1) == np.delete(a, i, axis=1)).all()


def test_sobol_refuses_a_constant():
    a, b = _all_pairs(2)
    with pytest.raises(ValueError, match="vary"):
        sobol.total_order(lambda mask: 1.0, a, b)


def test_reagent_moves_what_was_replaced_against_the_rest():
    scores = reagent.update([0.0, 1.0, 2.0], [True, False, False], 0.9, 0.4)
    step = math.log(1.5 / 0.5)
    assert np.allclose(scores, [step, 1 - step, 2 - step], atol=1e-12, rtol=0)
    back = reagent.update(scores, [True, False, False], 0.4, 0.9)
    assert np.allclose(back, [0, 1, 2], atol=1e-12, rtol=0)


def test_reagent_replacing_all_or_nothing_leaves_the_distribution():
    before = reagent.softmax([0.1, 0.9, 0.4])
    for replaced in ([True] * 3, [False] * 3):
        after = reagent.softmax(reagent.update([0.1, 0.9, 0.4], replaced, 0.7, 0.2))
        assert np.allclose(after, before, atol=1e-12, rtol=0)


def _probability(tokens):
    """The target needs token "a" at position 1."""
    return 0.9 if tokens[1] == "a" else 0.1


def _draws(steps, n, seed):
    rng = np.random.default_rng(seed)
    return [(list(rng.random(n) < 0.4), ["x"] * n, ["y"] * n) for _ in range(steps)]


def test_reagent_finds_the_token_that_carries_the_target_and_stops_then():
    tokens, holds = ["b", "a", "c", "d"], lambda tokens: tokens[1] == "a"
    start = [0.9, 0.0, 0.5, 0.2]
    distribution, steps, stopped = reagent.run(_probability, holds, tokens, start, _draws(50, 4, 0), size=1)
    assert stopped
    assert distribution.argmax() == 1
    assert distribution.sum() == pytest.approx(1)
    _, earlier, too_early = reagent.run(_probability, holds, tokens, start, _draws(50, 4, 0)[: steps - 1], size=1)
    assert not too_early
    assert earlier == steps - 1


def test_reagent_is_the_mean_of_the_runs_that_stopped():
    tokens, holds = ["b", "a", "c", "d"], lambda tokens: tokens[1] == "a"
    starts = [[0.9, 0.0, 0.5, 0.2], [0.0, 0.1, 0.2, 0.3]]
    draws = [_draws(50, 4, 0), [([False] * 4, ["x"] * 4, ["y"] * 4)]]
    alone = reagent.run(_probability, holds, tokens, starts[0], draws[0], size=1)[0]
    assert np.allclose(reagent.reagent(_probability, holds, tokens, starts, draws, 1), alone, atol=1e-15, rtol=0)
    with pytest.raises(ValueError, match="None of 1 runs"):
        reagent.reagent(_probability, holds, tokens, starts[1:], draws[1:], 1)


def _head(n, seed):
    rng = np.random.default_rng(seed)
    query, key, value = rng.normal(size=(3, n, 5))
    return query, key, value, np.tril(np.ones((n, n), bool))


@pytest.mark.parametrize("shifted", [False, True])
def test_atman_without_suppression_is_attention(shifted):
    query, key, value, visible = _head(4, 0)
    tensors = [torch.tensor(x)[None, None] for x in (query, key, value)]
    expected = torch.nn.functional.scaled_dot_product_attention(*tensors, is_causal=True)[0, 0]
    output, weights = atman.attention(query, key, value, np.zeros(4), visible, shifted)
    assert np.allclose(output, expected.numpy(), atol=1e-12, rtol=0)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-12, rtol=0)


def test_atman_shifted_only_lowers_attention_and_the_paper_form_raises_it_where_scores_are_negative():
    query, key, value, visible = _head(5, 1)
    before = atman.attention(query, key, value, np.zeros(5), visible)[1]
    f = atman.factors(5, suppressed=1, factor=0.9)
    shifted = atman.attention(query, key, value, f, visible, shifted=True)[1]
    literal = atman.attention(query, key, value, f, visible)[1]
    negative = (query @ key[1] < 0)[2:]
    assert negative.any()
    assert not negative.all()
    assert (shifted[2:, 1] <= before[2:, 1]).all()
    assert ((literal[2:, 1] > before[2:, 1]) == negative).all()


def test_atman_suppresses_similar_tokens_by_their_cosine():
    f = atman.factors(4, 0, 0.9, similarities=[1.0, 0.8, 0.59, -0.7], threshold=0.6)
    assert f == pytest.approx([0.9, 0.72, 0, 0])
    assert atman.factors(4, 0, 0.9) == pytest.approx([0.9, 0, 0, 0])


def test_atman_scores_what_supported_the_target_positive():
    assert atman.score(math.log(0.5), math.log(0.25)) == pytest.approx(math.log(2))
    assert atman.score([-1.0, -2.0], [-1.5, -1.75]) == pytest.approx(0.25)
