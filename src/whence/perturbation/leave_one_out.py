"""Leave-one-out."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from whence.errors import InputError
from whence.methods.base import Cost
from whence.perturbation.engine import Estimate, Game, PerturbationMethod, Play

_MOST_FEATURES = 10_000


@dataclass(frozen=True)
class LeaveOneOut(PerturbationMethod):
    """How much the target falls when one feature is masked, all others kept.

    Formula: score_i = f(x) − f(x without feature i), "without" by `strategy`.
    Source: Li, Monroe and Jurafsky 2016, "Understanding Neural Networks through Representation Erasure", equation 1,
    without its division by f(x), so that scores keep their unit.
    Shapes and units: one score a feature and target, in the target's unit.
    Cost: one forward pass for the input and one for each feature, no backward pass.
    Errors: `InputError` for an unknown strategy, to delete the only token, or for more than 10,000 features (pixels);
    `UnsupportedError` for a strategy that the model cannot serve.
    Does not claim: that scores add up; that a masked input is one the model was made for. Features that say the same
    thing twice both score low.

    `features` is what is masked together ("token", "word", "sentence", "paragraph", "role", or character spans),
    `strategy` what masked tokens become: "mask", "pad", "unk" or "eos" token, "delete", "attention_mask",
    "zero_embedding", "mean_embedding", "sample", or "auto", the first of the tokens in this order that the tokenizer
    has; `provenance["resolved"]` says which.

    >>> LeaveOneOut().cost(tokens=10, rows=3)
    Cost(forwards=11, backwards=0)
    """

    key: ClassVar[str] = "leave_one_out"
    caveat: ClassVar[str] = (
        "Leave-one-out masks one token at a time: the masked text may be unlike anything the model was trained on, and "
        "tokens that can stand in for each other all score low."
    )

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input and each feature's absence, all rows at once."""
        return Cost(tokens + 1, 0)

    def _play(self, game: Game) -> Play:
        _refuse_too_many(game.features)
        without = yield ~np.eye(game.features, dtype=bool)
        return Estimate((game.whole - without).T)


def _refuse_too_many(features: int) -> None:
    """An `InputError` where masks, a row a feature, would fill the memory; a pixel alone says little anyway."""
    if features > _MOST_FEATURES:
        raise InputError(
            f"leave_one_out would mask each of {features:,} units alone, in as many forward passes; at most "
            f"{_MOST_FEATURES:,} are allowed. Of an image explain larger units (units='patch', or units=8 for squares "
            f"of 8 pixels a side), or explain pixels by gradients or relevance."
        )
