"""Laws of the twins of the Shapley family, on games whose values are known."""

import itertools

import numpy as np
import pytest

from reference import axioms, games, owen, shapley

WHOLE = {
    "by-subsets": shapley.exact_by_subsets,
    "by-permutations": shapley.exact_by_permutations,
    "kernel-shap": shapley.kernel_shap_of_all,
}
KNOWN = {
    "additive": (games.additive([1.5, -2.0, 0.25, 0.0], empty=3.0), [1.5, -2.0, 0.25, 0.0]),
    "product-of-two": (games.product([3.0, -2.0], [0.5, 4.0]), games.product_of_two([3.0, -2.0], [0.5, 4.0])),
    "unanimity": (games.unanimity([0, 2, 3]), [1 / 3, 0, 1 / 3, 1 / 3]),
    "majority": (games.majority(3), [1 / 5] * 5),
    "weighted-majority": (games.weighted_majority(3, [2, 1, 1]), [2 / 3, 1 / 6, 1 / 6]),
    "glove": (games.glove([0]), [2 / 3, 1 / 6, 1 / 6]),
    "airport": (games.airport([4.0, 1.0, 4.0, 2.5]), games.airport_values([4.0, 1.0, 4.0, 2.5])),
    "one-feature": (games.additive([-0.5], empty=1.0), [-0.5]),
}
ORDERS = [[2, 0, 3, 1], [1, 3, 0, 2], [0, 1, 2, 3]]
SAMPLED = {
    "one-way": lambda v, n: shapley.by_permutations(v, ORDERS),
    "antithetic": lambda v, n: shapley.antithetic(v, ORDERS),
}
TREES = {
    "balanced": [[0, 1], [2, 3]],
    "chain": [[[3, 1], 0], 2],
    "three-ways": [[0, 3], 2, [1]],
    "flat": [0, 1, 2, 3],
    "deep": [[0, [1, [2]], 3]],
}
TREED = {name: lambda v, n, tree=tree: owen.winter(v, n, tree) for name, tree in TREES.items()}
PHI = {**WHOLE, **SAMPLED, **{f"winter-{name}": phi for name, phi in TREED.items()}}
each_phi = pytest.mark.parametrize("phi", PHI.values(), ids=PHI)
each_tree = pytest.mark.parametrize("tree", TREES.values(), ids=TREES)


@pytest.mark.parametrize(("v", "expected"), KNOWN.values(), ids=KNOWN)
@pytest.mark.parametrize("phi", WHOLE.values(), ids=WHOLE)
def test_known_games(phi, v, expected):
    assert np.allclose(phi(v, len(expected)), expected, atol=1e-12, rtol=0)


def test_exact_ways_agree_on_a_game_without_structure():
    v = games.random_game(5, 0)
    first, *others = [phi(v, 5) for phi in WHOLE.values()]
    for other in others:
        assert np.allclose(first, other, atol=1e-12, rtol=0)


@each_phi
def test_efficiency_dummy_and_linearity(phi):
    v, w = games.random_game(4, 1), games.random_game(4, 2)
    assert axioms.efficiency(phi, v, 4) < 1e-12
    assert max(axioms.dummy(phi, v, 4, i) for i in range(4)) < 1e-12
    assert axioms.linearity(phi, v, w, 4) < 1e-12


@pytest.mark.parametrize("phi", WHOLE.values(), ids=WHOLE)
def test_symmetry(phi):
    assert max(axioms.symmetry(phi, games.random_game(4, 3), 4, i, j) for i in range(4) for j in range(i)) < 1e-12


def test_symmetry_is_lost_with_few_orders_and_across_groups():
    v = games.random_game(4, 3)
    assert axioms.symmetry(SAMPLED["antithetic"], v, 4, 0, 1) > 1e-3
    assert axioms.symmetry(TREED["chain"], v, 4, 0, 2) > 1e-3
    assert axioms.symmetry(TREED["chain"], v, 4, 1, 3) < 1e-12


@pytest.mark.parametrize("kind", ["leave-one-out", "twice"])
def test_axioms_notice_what_is_not_a_shapley_value(kind):
    def phi(v, n):
        if kind == "twice":
            return 2 * shapley.exact_by_subsets(v, n) + 1
        everything = np.ones(n, bool)
        return np.array([v(everything) - v(np.arange(n) != i) for i in range(n)])

    assert axioms.efficiency(phi, games.random_game(4, 4), 4) > 1e-3


def test_antithetic_pairs_are_exact_where_features_meet_in_pairs():
    """An order and its reverse put j before i exactly once, so pairwise games need one pair of orders only."""
    rng = np.random.default_rng(0)
    worth = rng.normal(size=(4, 4))

    def v(mask):
        return sum(worth[i, j] for i, j in itertools.product(range(4), repeat=2) if mask[i] and mask[j])

    exact = shapley.exact_by_subsets(v, 4)
    assert np.allclose(shapley.antithetic(v, ORDERS[:1]), exact, atol=1e-12, rtol=0)
    assert not np.allclose(shapley.by_permutations(v, ORDERS[:1]), exact, atol=1e-3, rtol=0)


def test_standard_errors_are_those_of_the_mean_of_rows():
    pairs = shapley.antithetic_pairs(games.random_game(4, 5), ORDERS)
    assert np.allclose(
        shapley.standard_errors(pairs), pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs)), atol=1e-14, rtol=0
    )
    assert np.allclose(pairs.mean(axis=0), shapley.antithetic(games.random_game(4, 5), ORDERS), atol=1e-14, rtol=0)


def test_shapley_kernel_values():
    assert [shapley.shapley_kernel(4, size) for size in (1, 2, 3)] == pytest.approx([3 / 12, 3 / 24, 3 / 12])
    assert shapley.size_probabilities(4) == pytest.approx([4 / 11, 3 / 11, 4 / 11])
    for size in (0, 4):
        with pytest.raises(ValueError, match="infinite"):
            shapley.shapley_kernel(4, size)


def _proper(n):
    return [mask for mask in games.masks_of(n) if 0 < mask.sum() < n]


def _fit(v, masks, weights, n):
    ends = v(np.zeros(n, bool)), v(np.ones(n, bool))
    return shapley.kernel_shap(masks, [v(mask) for mask in masks], weights, *ends)


def test_kernel_shap_of_few_masks_is_efficient_and_optimal_under_the_constraint():
    n, v = 5, games.random_game(5, 6)
    rng = np.random.default_rng(7)
    masks = [_proper(n)[k] for k in rng.choice(2**n - 2, size=12, replace=False)]
    weights = rng.random(len(masks))
    scores = _fit(v, masks, weights, n)
    empty, full = v(np.zeros(n, bool)), v(np.ones(n, bool))
    assert scores.sum() == pytest.approx(full - empty, abs=1e-12)

    def loss(phi):
        return sum(w * (v(m) - empty - phi[m].sum()) ** 2 for w, m in zip(weights, masks, strict=True))

    for _ in range(20):
        step = rng.normal(size=n)
        step -= step.mean()
        assert loss(scores + 1e-3 * step) > loss(scores)
    closed = shapley.kernel_shap_closed_form(masks, [v(mask) for mask in masks], weights, empty, full)
    assert np.allclose(closed, scores, atol=1e-10, rtol=0)


def test_kernel_shap_recovers_an_additive_game_from_any_masks_that_determine_it():
    worths = [1.0, -2.0, 0.5, 3.0, 0.0]
    masks = [np.arange(5) == i for i in range(4)]
    assert np.allclose(_fit(games.additive(worths, 2.0), masks, [1.0, 5.0, 0.1, 2.0], 5), worths, atol=1e-12, rtol=0)


def test_kernel_shap_refuses_masks_that_do_not_determine_the_scores():
    masks = [np.array([True, True, False, False]), np.array([False, False, True, True])]
    with pytest.raises(ValueError, match="rank"):
        _fit(games.random_game(4, 0), masks, [1.0, 1.0], 4)


def test_importance_weights_undo_the_proposal():
    """All masks once each, drawn in expectation by q and weighed by π/q, give the Shapley values whatever q is."""
    n, v = 4, games.random_game(4, 8)
    rng = np.random.default_rng(9)
    masks = _proper(n)
    chances = {tuple(mask): p for mask, p in zip(masks, rng.dirichlet(np.ones(len(masks))), strict=True)}
    weights = shapley.importance_weights(masks, lambda mask: chances[tuple(mask)])
    expected = [chances[tuple(mask)] * w for mask, w in zip(masks, weights, strict=True)]
    assert np.allclose(_fit(v, masks, expected, n), shapley.exact_by_subsets(v, n), atol=1e-10, rtol=0)


def test_drawing_a_size_and_then_a_mask_has_the_shapley_kernel_as_its_law():
    sizes = shapley.size_probabilities(5)
    masks = _proper(5)
    counts = [sum(m.sum() == size for m in masks) for size in range(1, 5)]
    weights = shapley.importance_weights(masks, lambda mask: sizes[mask.sum() - 1] / counts[mask.sum() - 1])
    assert np.allclose(weights, weights[0], atol=1e-12, rtol=0)


@each_tree
def test_winter_is_the_mean_over_orders_that_keep_groups_together(tree):
    v = games.random_game(4, 10)
    assert np.allclose(owen.winter(v, 4, tree), owen.winter_by_orders(v, 4, tree), atol=1e-12, rtol=0)


def test_owen_is_winter_of_one_level_and_shapley_of_none():
    v = games.random_game(5, 11)
    groups = [[0, 3, 4], [2], [1]]
    assert np.allclose(owen.owen(v, 5, groups), owen.winter(v, 5, groups), atol=1e-12, rtol=0)
    shapley_values = shapley.exact_by_subsets(v, 5)
    for trivial in ([[i] for i in range(5)], [list(range(5))]):
        assert np.allclose(owen.owen(v, 5, trivial), shapley_values, atol=1e-12, rtol=0)


def test_owen_of_a_unanimity_game_shares_by_groups_and_then_within():
    """Groups that hold a member share 1 equally, then the members in a group share alike."""
    scores = owen.owen(games.unanimity([0, 1, 3]), 5, [[0, 1, 2], [3, 4]])
    assert np.allclose(scores, [1 / 4, 1 / 4, 0, 1 / 2, 0], atol=1e-12, rtol=0)
    deep = owen.winter(games.unanimity([0, 1, 2, 4]), 5, [[0, [1, 2]], [3, 4]])
    assert np.allclose(deep, [1 / 4, 1 / 8, 1 / 8, 0, 1 / 2], atol=1e-12, rtol=0)


def test_groups_get_what_they_would_get_as_one_feature():
    v = games.random_game(5, 12)
    groups = [[0, 3], [1, 2, 4]]

    def of_groups(mask):
        return v(np.isin(np.arange(5), [i for group, kept in zip(groups, mask, strict=True) if kept for i in group]))

    sums = [owen.owen(v, 5, groups)[group].sum() for group in groups]
    assert np.allclose(sums, shapley.exact_by_subsets(of_groups, 2), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", ["balanced", "chain"])
def test_partition_shap_is_winter_once_its_evaluations_suffice(name):
    v = games.random_game(4, 13)
    assert np.allclose(owen.partition_shap(v, 4, TREES[name]), owen.winter(v, 4, TREES[name]), atol=1e-12, rtol=0)


@pytest.mark.parametrize("budget", [2, 4, 6, 10])
def test_partition_shap_is_efficient_within_any_budget(budget):
    asked = []
    v = games.random_game(4, 14)

    def counted(mask):
        asked.append(tuple(mask))
        return v(mask)

    scores = owen.partition_shap(counted, 4, TREES["balanced"], budget)
    assert scores.sum() == pytest.approx(v(np.ones(4, bool)) - v(np.zeros(4, bool)), abs=1e-12)
    assert len(asked) == budget


def test_partition_shap_equals_shap():
    """Recorded from shap 0.51.0 on this game: PartitionExplainer, ``batch_size=1``, ``max_evals=8`` and no limit."""
    v = games.random_game(5, 5)
    tree = [[[[0, 1], 2], 3], 4]
    cut = [-0.15776892530296246, -0.15776892530296246, -0.2612495651398454, 0.16387900058001015, 1.2355302344567987]
    whole = [0.16358900057491904, -0.5885580025730452, -0.41463400825190155, 0.42669459508426766, 1.2355302344567987]
    assert np.allclose(owen.partition_shap(v, 5, tree, 8), cut, atol=1e-12, rtol=0)
    assert np.allclose(owen.partition_shap(v, 5, tree), whole, atol=1e-12, rtol=0)
