"""Values of a game whose features come in groups: Owen's of one partition, and its recursion down a hierarchy.

A hierarchy is nested lists of feature indices, ``[[0, 1], [2, [3, 4]]]``; each list is a group, each index a feature.
"""

import heapq
import itertools
import math

import numpy as np


def leaves(tree):
    """The features of a hierarchy, from left to right."""
    return [tree] if not isinstance(tree, list) else [i for child in tree for i in leaves(child)]


def owen(v, n, groups):
    """``φ_i = Σ_R Σ_T |R|!(m-|R|-1)!/m! · |T|!(b-|T|-1)!/b! · (v(∪R ∪ T ∪ i) - v(∪R ∪ T))`` (Owen 1977).

    i is in group B of b features among m ``groups`` (lists of feature indices), R runs over the sets of groups without
    B and T over the subsets of B without i.
    """
    scores = np.zeros(n)
    for k, group in enumerate(groups):
        others = [other for j, other in enumerate(groups) if j != k]
        for i in group:
            peers = [j for j in group if j != i]
            for outside, inside in itertools.product(_subsets(others), _subsets(peers)):
                weight = _weight(len(groups), len(outside)) * _weight(len(group), len(inside))
                before = [*itertools.chain(*outside), *inside]
                scores[i] += weight * (v(_mask(n, [*before, i])) - v(_mask(n, before)))
    return scores


def winter(v, n, tree):
    """The Owen value down a ``tree``: ``φ_i = Σ Π_levels |R|!(m-|R|-1)!/m! · (v(∪R ∪ i) - v(∪R))`` (Winter 1989).

    At each level on the way from the root to i, R runs over the sets of siblings of the branch that leads to i, and m
    is the number of branches there; ∪R is the union over all levels (the level structure value). One level of groups:
    `owen`. No groups: Shapley. Two branches everywhere: each sibling is in or out, weight 1/2 each, which is what
    shap's Partition explainer computes when its evaluations suffice (`partition_shap`).
    """
    scores = np.zeros(n)
    _descend(v, n, tree, [], 1.0, scores)
    return scores


def _descend(v, n, node, context, weight, scores):
    if not isinstance(node, list):
        scores[node] += weight * (v(_mask(n, [*context, node])) - v(_mask(n, context)))
        return
    for k, child in enumerate(node):
        others = [leaves(other) for j, other in enumerate(node) if j != k]
        for chosen in _subsets(others):
            share = weight * _weight(len(node), len(chosen))
            _descend(v, n, child, [*context, *itertools.chain(*chosen)], share, scores)


def winter_by_orders(v, n, tree):
    """Mean marginal over all orders in which the members of every group come one after the other (Winter 1989)."""
    orders = consistent_orders(tree)
    scores = np.zeros(n)
    for order in orders:
        for position, i in enumerate(order):
            added = v(_mask(n, order[: position + 1])) - v(_mask(n, order[:position]))
            scores[i] += added / len(orders)
    return scores


def consistent_orders(tree):
    """All orders of the features of ``tree`` that keep each group together."""
    if not isinstance(tree, list):
        return [[tree]]
    orders = []
    for arrangement in itertools.permutations(tree):
        for parts in itertools.product(*(consistent_orders(child) for child in arrangement)):
            orders.append([i for part in parts for i in part])
    return orders


def partition_shap(v, n, tree, max_evaluations=None):
    """shap's Partition explainer on a binary ``tree``: `winter` within a budget of evaluations, most credit first.

    A node holds a coalition, the difference its features make to it, and a weight; the root: none, v(all) - v(none), 1.
    Opening a node costs two evaluations, of the coalition with its left and with its right branch, and makes four nodes
    of half the weight: left and right, each without and with the other. The open node of the largest |difference| ×
    weight comes first; equal ones here in the order they were made, in shap by a draw. Of ``max_evaluations`` two are
    for none and all; when the rest is spent, the credit of a node still open is shared equally by its features. The sum
    is v(all) - v(none) throughout. As shap does with ``batch_size=1``; with more it opens several nodes at a time.
    """
    budget = math.inf if max_evaluations is None else max_evaluations - 2
    empty, full = v(_mask(n, [])), v(_mask(n, leaves(tree)))
    scores, counter, spent = np.zeros(n), itertools.count(), 0
    heap = [(0.0, next(counter), tree, [], empty, full, 1.0)]
    while heap:
        _, _, node, context, without, within, weight = heapq.heappop(heap)
        if not isinstance(node, list) or spent >= budget:
            members = leaves(node)
            for i in members:
                scores[i] += weight * (within - without) / len(members)
            continue
        left, right = node
        with_left = v(_mask(n, [*context, *leaves(left)]))
        with_right = v(_mask(n, [*context, *leaves(right)]))
        spent += 2
        for branch, coalition, low, high in [
            (left, context, without, with_left),
            (right, context, without, with_right),
            (left, [*context, *leaves(right)], with_right, within),
            (right, [*context, *leaves(left)], with_left, within),
        ]:
            priority = -abs(high - low) * weight / 2
            heapq.heappush(heap, (priority, next(counter), branch, coalition, low, high, weight / 2))
    return scores


def _weight(players, before):
    return math.factorial(before) * math.factorial(players - before - 1) / math.factorial(players)


def _subsets(items):
    return [list(chosen) for size in range(len(items) + 1) for chosen in itertools.combinations(items, size)]


def _mask(n, members):
    mask = np.zeros(n, bool)
    mask[list(members)] = True
    return mask
