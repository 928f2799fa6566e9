"""Exact Shapley values."""

from dataclasses import dataclass
from math import factorial
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from whence.errors import InputError
from whence.methods.base import Cost
from whence.perturbation.engine import Estimate, Game, PerturbationMethod, Play
from whence.perturbation.masks import every_mask

_MOST_FEATURES = 16


@dataclass(frozen=True)
class ExactShapley(PerturbationMethod):
    """Each feature's Shapley value, from the values of all subsets: what it adds on average over all orders.

    Formula: φ_i = Σ_{S ⊆ N∖{i}} |S|! (n − |S| − 1)! / n! · (v(S ∪ {i}) − v(S)), v(S) the target with the features
    outside S masked.
    Source: Shapley 1953, "A Value for n-Person Games", equation 12; Lundberg and Lee 2017, "A Unified Approach to
    Interpreting Model Predictions", equation 4.
    Shapes and units: one score a feature and target, in the target's unit; scores of a row add up to v(N) − v(∅).
    Cost: 2ⁿ forward passes for n features, no backward pass; n is at most 16.
    Errors: `InputError` for more than 16 features, with the number of forward passes they would take.
    Does not claim: that masked inputs are ones the model was made for, on which every subset depends; that the values
    are causes, or add up in another way than on average.

    `features` and `strategy` as in every perturbation method; words are the usual features here.

    >>> ExactShapley().cost(tokens=10, rows=3)
    Cost(forwards=1024, backwards=0)
    """

    key: ClassVar[str] = "exact_shapley"
    complete: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "Shapley values are exact for the game that masking defines: they average over all subsets of the text, most "
        "of which are unlike anything the model was trained on."
    )

    def cost(self, tokens: int, rows: int) -> Cost:
        """Every subset, all rows at once."""
        return Cost(2**tokens, 0)

    def _play(self, game: Game) -> Play:
        _refuse_too_many(game.features)
        values = yield every_mask(game.features)
        return Estimate(shapley_values(values), baseline=values[0])


def shapley_values(values: Float[np.ndarray, "subset row"]) -> Float[np.ndarray, "row feature"]:
    """The Shapley values of a game given by all its values, subset number s holding feature i where bit i of s is set.

    >>> shapley_values(np.array([[0.0], [1.0], [2.0], [5.0]])).tolist()
    [[2.0, 3.0]]
    """
    features = len(values).bit_length() - 1
    sizes = every_mask(features).sum(axis=1)
    weights = np.array([factorial(s) * factorial(features - s - 1) for s in range(features)]) / factorial(features)
    scores = np.empty((values.shape[1], features))
    for i in range(features):
        halves = values.reshape(-1, 2, 2**i, values.shape[1])
        weight = weights[sizes.reshape(-1, 2, 2**i)[:, 0]]
        scores[:, i] = np.einsum("ab,abr->r", weight, halves[:, 1] - halves[:, 0])
    return scores


def _refuse_too_many(features: int) -> None:
    if features > _MOST_FEATURES:
        raise InputError(
            f"Exact Shapley values of {features} features would take 2^{features} = {2**features:,} forward passes; at "
            f"most {_MOST_FEATURES} features are allowed. Mask more at a time (features='word' or 'sentence'), or "
            f"estimate them: permutation_shapley, kernel_shap."
        )
