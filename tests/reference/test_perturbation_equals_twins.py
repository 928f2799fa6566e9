"""The perturbation methods on games without a model: equal to their twins on the same draws, and to the axioms."""

from itertools import pairwise

import numpy as np
import pytest

import whence
from perturbation.playing import played
from reference import axioms
from reference.games import additive, glove, majority, masks_of, random_game
from reference.lime import package_kernel, weighted_ridge
from reference.occlusion import occlusion
from reference.owen import partition_shap, winter
from reference.shapley import (
    antithetic_pairs,
    exact_by_permutations,
    exact_by_subsets,
    kernel_shap,
    size_probabilities,
    standard_errors,
)
from whence.errors import InputError
from whence.methods import ExactShapley, KernelShap, Lime, Occlusion, PartitionShap, PermutationShapley

EXACT = {"rtol": 1e-9, "atol": 1e-11}
SHAPLEY = [ExactShapley(), PermutationShapley(samples=400), KernelShap(samples=200), PartitionShap(samples=400)]
WHOLE_TREE = 10_000


def scores(method, v, n, **about):
    return played(method, v, n, **about)[0].scores[0]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_exact_shapley(n):
    v = random_game(n, seed=n)
    np.testing.assert_allclose(scores(ExactShapley(), v, n), exact_by_subsets(v, n), **EXACT)


def test_exact_shapley_is_the_mean_over_all_orders():
    v = random_game(5, seed=0)
    np.testing.assert_allclose(scores(ExactShapley(), v, 5), exact_by_permutations(v, 5), **EXACT)


@pytest.mark.parametrize(("v", "expected"), [(majority(2), [1 / 3] * 3), (additive([1.0, -2.0, 0.5]), [1, -2, 0.5])])
def test_exact_shapley_of_known_games(v, expected):
    np.testing.assert_allclose(scores(ExactShapley(), v, 3), expected, **EXACT)


def test_exact_shapley_of_one_left_and_two_right_gloves():
    np.testing.assert_allclose(scores(ExactShapley(), glove([0]), 3), [2 / 3, 1 / 6, 1 / 6], **EXACT)


def test_exact_shapley_refuses_and_says_how_many_passes():
    with pytest.raises(InputError, match=r"17 features would take 2\^17 = 131,072 forward passes.*features='word'"):
        played(ExactShapley(), additive([0.0] * 17), 17)


@pytest.mark.parametrize("n", [2, 5, 8])
def test_permutation_shapley(n):
    v = random_game(n, seed=n)
    found, asked = played(PermutationShapley(samples=1 + 6 * 2 * (n - 1)), v, n, seed=3)
    orders = _orders(asked[1:], n)
    pairs = antithetic_pairs(v, orders[::2])
    assert len(pairs) == 6
    assert [list(order[::-1]) for order in orders[::2]] == [list(order) for order in orders[1::2]]
    np.testing.assert_allclose(found.scores[0], np.mean(pairs, axis=0), **EXACT)
    np.testing.assert_allclose(found.standard_errors[0], standard_errors(pairs), **EXACT)


def _orders(walks, n):
    """The orders that walks from nothing to everything were made in."""
    orders = []
    for walk in walks.reshape(-1, n - 1, n):
        added = [walk[0], *(after & ~before for before, after in pairwise(walk)), ~walk[-1]]
        orders.append([int(np.flatnonzero(step)[0]) for step in added])
    return orders


@pytest.mark.parametrize(("n", "samples"), [(4, 14), (5, 60), (8, 100), (9, 300)])
def test_kernel_shap(n, samples):
    v = random_game(n, seed=n)
    found, asked = played(KernelShap(samples=samples), v, n, seed=1)
    asked, sizes = asked[1:], asked[1:].sum(axis=1)
    mass = dict(zip(range(1, n), size_probabilities(n), strict=False))
    whole = [s for s in mass if len(np.unique(asked[sizes == s], axis=0)) == len(masks_of_size(n, s))]
    drawn = ~np.isin(sizes, whole)
    weights = np.where(drawn, 0.0, 1.0)
    for s in whole:
        weights[sizes == s] = mass[s] / (sizes == s).sum()
    weights[drawn] = sum(mass[s] for s in mass if s not in whole) / max(1, drawn.sum())
    expected = kernel_shap(asked, [v(mask) for mask in asked], weights, v(np.zeros(n, bool)), v(np.ones(n, bool)))
    np.testing.assert_allclose(found.scores[0], expected, **EXACT)


def masks_of_size(n, s):
    return [mask for mask in masks_of(n) if mask.sum() == s]


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_kernel_shap_of_all_subsets_is_exact(n):
    v = random_game(n, seed=n)
    found, asked = played(KernelShap(samples=max(2, 2**n)), v, n)
    np.testing.assert_allclose(found.scores[0], exact_by_subsets(v, n), **EXACT)
    assert not found.standard_errors.any()
    assert len(asked) == max(1, 2**n - 1), "each once, the whole text aside"


def test_kernel_shap_refuses_fewer_samples_than_determine_the_scores():
    with pytest.raises(InputError, match=r"do not determine the scores of 12 features.*features='word'"):
        played(KernelShap(samples=9), random_game(12, seed=0), 12)


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("n", [3, 7])
def test_lime(n, paired):
    v = random_game(n, seed=n)
    found, asked = played(Lime(samples=40, alpha=0.7, paired=paired), v, n, seed=2)
    assert not paired or (asked[::2] == ~asked[1::2]).all()
    masks = [np.ones(n, bool), *asked]
    expected, _ = weighted_ridge(masks, [v(mask) for mask in masks], [package_kernel(mask) for mask in masks], 0.7)
    np.testing.assert_allclose(found.scores[0], expected, **EXACT)


def test_lime_draws_as_many_masked_features_of_each_number():
    _, asked = played(Lime(samples=4000), additive([1.0] * 4), 4)
    counts = np.bincount((~asked).sum(axis=1), minlength=5)
    assert counts[0] == 0
    assert (abs(counts[1:] / len(asked) - 0.25) < 0.03).all()


def test_limes_fidelity_is_one_for_a_linear_target_and_less_for_another():
    linear, _ = played(Lime(samples=200, alpha=1e-9), additive([1.0, -2.0, 3.0]), 3)
    rough, _ = played(Lime(samples=200, alpha=1e-9), random_game(3, seed=1), 3)
    flat, _ = played(Lime(samples=200), additive([0.0] * 3), 3)
    assert linear.by_row["fidelity"][0] == pytest.approx(1.0)
    assert rough.by_row["fidelity"][0] < 0.95
    assert np.isfinite(flat.by_row["fidelity"]).all()


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (2, 1), (3, 2), (3, 3), (4, 3)])
def test_occlusion(window, stride):
    v = random_game(7, seed=7)
    found = scores(Occlusion(window=window, stride=stride), v, 7)
    np.testing.assert_allclose(found, occlusion(v, 7, window, stride), **EXACT)


def test_occlusion_of_an_image_masks_squares():
    v = additive([1.0] * 12)
    found, asked = played(Occlusion(window=2), v, 12, grid=(3, 4))
    assert len(asked) == 2 * 3
    assert not asked[0].reshape(3, 4)[:2, :2].any()
    assert asked[0].sum() == 8
    np.testing.assert_allclose(found.scores[0], 4.0)


WORDS = [
    ["a", "b", "c", "d", "e"],
    ["One.", "Two", "words.", "Here", "are", "four.", "Last"],
]


@pytest.mark.parametrize("words", WORDS, ids=["one-sentence", "sentences"])
def test_partition_shap(words):
    n = len(words)
    v = random_game(n, seed=n)
    found, _ = played(PartitionShap(samples=WHOLE_TREE), v, n, words=words)
    tree = {5: [[[0, 1], 2], [3, 4]], 7: [[0, [1, 2]], [[[3, 4], 5], 6]]}[n]
    np.testing.assert_allclose(found.scores[0], winter(v, n, tree), **EXACT)
    np.testing.assert_allclose(found.scores[0], partition_shap(v, n, tree), **EXACT)
    assert found.resolved["unopened"] == 0


def test_partition_shap_opens_the_largest_credit_first_and_shares_out_the_rest():
    v = additive([0.0, 0.0, 5.0, 3.0])
    found, asked = played(PartitionShap(samples=3), v, 4)
    assert len(asked) == 3
    np.testing.assert_allclose(found.scores[0], [0, 0, 4, 4], **EXACT)
    assert found.resolved["unopened"] == 4


def test_partition_shap_halves_an_image():
    v = random_game(6, seed=6)
    found, _ = played(PartitionShap(samples=WHOLE_TREE), v, 6, grid=(2, 3))
    np.testing.assert_allclose(found.scores[0], winter(v, 6, [[[0, 1], [3, 4]], [2, 5]]), **EXACT)


@pytest.mark.parametrize("method", SHAPLEY, ids=lambda m: m.key)
def test_efficiency(method):
    assert axioms.efficiency(lambda v, n: scores(method, v, n), random_game(6, seed=1), 6) < 1e-9


@pytest.mark.parametrize("method", [m for m in SHAPLEY if m.key != "kernel_shap"], ids=lambda m: m.key)
def test_dummy(method):
    assert axioms.dummy(lambda v, n: scores(method, v, n), random_game(6, seed=1), 6, 2) < 1e-9


def test_dummy_of_kernel_shap_where_every_subset_is_taken():
    assert axioms.dummy(lambda v, n: scores(KernelShap(samples=64), v, n), random_game(6, seed=1), 6, 2) < 1e-9


@pytest.mark.parametrize("method", [ExactShapley(), KernelShap(samples=64)], ids=lambda m: m.key)
def test_symmetry(method):
    assert axioms.symmetry(lambda v, n: scores(method, v, n), random_game(6, seed=1), 6, 1, 4) < 1e-9


@pytest.mark.parametrize("method", [m for m in SHAPLEY if m.key != "partition_shap"], ids=lambda m: m.key)
def test_linearity(method):
    v, w = random_game(6, seed=1), random_game(6, seed=2)
    assert axioms.linearity(lambda game, n: scores(method, game, n), v, w, 6) < 1e-9


def test_linearity_of_partition_shap_where_the_tree_is_opened_fully():
    v, w = random_game(6, seed=1), random_game(6, seed=2)
    method = PartitionShap(samples=WHOLE_TREE)
    assert axioms.linearity(lambda game, n: scores(method, game, n), v, w, 6) < 1e-9


@pytest.mark.parametrize("key", ["permutation_shapley", "kernel_shap"])
def test_estimates_come_close_to_the_exact_values_and_know_how_close(key):
    v, n = random_game(8, seed=8), 8
    exact = exact_by_subsets(v, n)
    method = whence.registry.resolve("methods", key)(samples=150)
    misses = []
    for seed in range(60):
        found, _ = played(method, v, n, seed=seed)
        misses.append((found.scores[0] - exact) / found.standard_errors[0])
    spread = np.sqrt(np.mean(np.square(misses)))
    assert 0.6 < spread < 1.6
