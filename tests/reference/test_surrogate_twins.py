"""Laws of the twins of LIME and ContextCite, on games whose surrogates are known."""

import math

import numpy as np
import pytest

from reference import context_cite, games, lime

WORTHS = [2.0, -1.0, 0.5, 0.0]
ADDITIVE = games.additive(WORTHS, empty=0.75)


def _masks(rows, n, seed):
    return np.random.default_rng(seed).random((rows, n)) < 0.5


def test_distance_to_the_whole_is_that_of_the_cosine():
    for mask in games.masks_of(4)[1:]:
        cosine = mask @ np.ones(4) / (np.linalg.norm(mask) * 2)
        assert lime.distance_to_whole(mask) == pytest.approx(1 - cosine, abs=1e-15)
        assert lime.distance_to_whole(mask) == pytest.approx(1 - math.sqrt(mask.sum() / 4), abs=1e-15)
    assert lime.distance_to_whole(np.zeros(4, bool)) == 1


def test_the_package_weighs_by_the_papers_kernel_of_another_width():
    for mask in games.masks_of(5):
        assert lime.package_kernel(mask) == pytest.approx(lime.kernel(mask, math.sqrt(2) * 0.25), rel=1e-14)
    assert lime.kernel(np.ones(5, bool), 0.25) == 1


def test_ridge_without_penalty_recovers_an_additive_game():
    masks = games.masks_of(4)
    weights, intercept = lime.weighted_ridge(
        masks, [ADDITIVE(m) for m in masks], [lime.kernel(m, 0.5) for m in masks], 0.0
    )
    assert np.allclose(weights, WORTHS, atol=1e-10, rtol=0)
    assert intercept == pytest.approx(0.75, abs=1e-10)


def test_ridge_is_optimal_and_its_intercept_bears_no_penalty():
    masks, v = _masks(20, 4, 0), games.random_game(4, 1)
    values, weights = [v(m) for m in masks], np.random.default_rng(2).random(20)
    best = np.append(*lime.weighted_ridge(masks, values, weights, 1.0))

    def loss(solution):
        errors = [value - m @ solution[:4] - solution[4] for m, value in zip(masks, values, strict=True)]
        return weights @ np.square(errors) + (solution[:4] ** 2).sum()

    for direction in np.eye(5):
        assert min(loss(best + 1e-4 * direction), loss(best - 1e-4 * direction)) > loss(best)
    shifted = lime.weighted_ridge(masks, [value + 100 for value in values], weights, 1.0)
    assert np.allclose(shifted[0], best[:4], atol=1e-9, rtol=0)


def test_a_heavy_penalty_leaves_the_weighted_mean():
    masks, v = _masks(20, 4, 3), games.random_game(4, 1)
    values, weights = [v(m) for m in masks], [lime.kernel(m, 0.3) for m in masks]
    slopes, intercept = lime.weighted_ridge(masks, values, weights, 1e12)
    assert np.abs(slopes).max() < 1e-9
    assert intercept == pytest.approx(np.average(values, weights=weights), abs=1e-9)
    assert np.allclose(lime.lime(v, masks, 0.3, 1e12), slopes, atol=1e-15, rtol=0)


@pytest.mark.parametrize("log_probs", [[-0.5], [-1.0, -2.0], [-30.0], [-1e-12], [-400.0, -600.0]])
def test_logit_of_the_response_is_that_of_its_probability(log_probs):
    logit = context_cite.logit_probability(log_probs)
    assert -np.logaddexp(0, -logit) == pytest.approx(sum(log_probs), rel=1e-12, abs=0)


def test_logit_of_certainty_is_refused():
    with pytest.raises(ValueError, match="infinite"):
        context_cite.logit_probability([0.0])


def test_standardised_masks_have_mean_zero_and_variance_one_but_for_constant_columns():
    masks = _masks(32, 4, 4)
    masks[:, 2] = True
    z, mean, scale = context_cite.standardised(masks)
    assert np.allclose(z.mean(axis=0), 0, atol=1e-15, rtol=0)
    assert np.allclose(z.var(axis=0), [1, 1, 0, 1], atol=1e-12, rtol=0)
    assert mean[2] == scale[2] == 1


@pytest.mark.parametrize("penalty", [0.01, 0.2, 0.6])
def test_lasso_is_optimal_and_the_check_sees_what_is_not(penalty):
    masks, v = _masks(24, 5, 5), games.random_game(5, 6)
    x, y = context_cite.standardised(masks)[0], [v(m) for m in masks]
    weights, intercept = context_cite.lasso(x, y, penalty)
    assert context_cite.lasso_violation(x, y, weights, intercept, penalty) < 1e-12
    best = context_cite.lasso_objective(x, y, weights, intercept, penalty)
    for i in range(5):
        for step in (1e-3, -1e-3):
            other = weights.copy()
            other[i] += step
            assert context_cite.lasso_objective(x, y, other, intercept, penalty) > best
            assert context_cite.lasso_violation(x, y, other, intercept, penalty) > 1e-4
    assert context_cite.lasso_violation(x, y, weights, intercept + 1e-3, penalty) > 1e-4


def test_no_weights_are_optimal_just_from_the_penalty_of_the_strongest_pull_on():
    masks, v = _masks(24, 5, 5), games.random_game(5, 6)
    x, y = context_cite.standardised(masks)[0], np.array([v(m) for m in masks])
    strongest = np.abs(x.T @ (y - y.mean())).max() / len(y)
    nothing = np.zeros(5), y.mean()
    assert context_cite.lasso_violation(x, y, *nothing, strongest + 1e-12) < 1e-12
    assert context_cite.lasso_violation(x, y, *nothing, strongest - 0.01) == pytest.approx(0.01, abs=1e-12)


def test_lasso_shrinks_orthogonal_features_by_the_penalty_over_their_scale():
    """All 2^n masks: standardised columns are orthogonal, so β_i = S(worth_i / 2, λ), and the weight is β_i / (1/2)."""
    masks = games.masks_of(4)
    tokens = 3
    weights, intercept = context_cite.context_cite(masks, [ADDITIVE(m) for m in masks], tokens, penalty=0.1)
    assert np.allclose(weights, [2.0 - 0.6, -1.0 + 0.6, 0.0, 0.0], atol=1e-10, rtol=0)
    mean = 0.75 + sum(WORTHS) / 2
    assert intercept == pytest.approx(mean - sum(weights) / 2, abs=1e-10)


def test_context_cite_without_penalty_recovers_an_additive_game():
    masks = _masks(32, 4, 7)
    weights, intercept = context_cite.context_cite(masks, [ADDITIVE(m) for m in masks], 5, penalty=0.0)
    assert np.allclose(weights, WORTHS, atol=1e-9, rtol=0)
    assert intercept == pytest.approx(0.75, abs=1e-9)
