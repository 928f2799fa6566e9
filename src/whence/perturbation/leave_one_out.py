"""Leave-one-out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from whence.errors import InputError
from whence.methods.base import Cost, Explanation, Method
from whence.methods.run import Run
from whence.perturbation.evaluator import Evaluator, Strategy, check_strategy
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target

_MOST_TOKENS = 10_000


@dataclass(frozen=True)
class LeaveOneOut(Method):
    """How much the target falls when one token is masked, all others kept.

    Formula: score_i = f(x) − f(x without token i), "without" by `strategy`.
    Source: Li, Monroe and Jurafsky 2016, "Understanding Neural Networks through Representation Erasure", equation 1,
    without its division by f(x), so that scores keep their unit.
    Shapes and units: one score a token and target, in the target's unit.
    Cost: one forward pass for the input and one for each token, no backward pass.
    Errors: `InputError` for an unknown strategy, to delete the only token, or for more than 10,000 tokens (pixels);
    `UnsupportedError` for a token that the tokenizer lacks.
    Does not claim: that scores add up; that a masked input is one the model was made for. Tokens that say the same
    thing twice both score low.

    `strategy` is what the token becomes: "mask", "pad", "unk" or "eos" token, "delete", "zero_embedding", or "auto",
    the first of the tokens in this order that the tokenizer has; `provenance["resolved"]` says which.

    >>> LeaveOneOut().cost(tokens=10, rows=3)
    Cost(forwards=11, backwards=0)
    """

    strategy: Strategy = "auto"

    key: ClassVar[str] = "leave_one_out"
    family: ClassVar[str] = "perturbation"
    caveat: ClassVar[str] = (
        "Leave-one-out masks one token at a time: the masked text may be unlike anything the model was trained on, and "
        "tokens that can stand in for each other all score low."
    )

    def __post_init__(self) -> None:
        check_strategy(self.strategy)

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input and each token's absence, all rows at once."""
        return Cost(tokens + 1, 0)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        _refuse_too_many(max(len(item) for item in inputs))
        evaluator = Evaluator(subject, inputs, targets, run, self.strategy)
        masks = [~np.eye(len(item), dtype=bool) for item in inputs]
        without = evaluator.evaluate(masks, label=self.key)
        return [
            Explanation(
                readouts=evaluator.readouts[i],
                scores=(evaluator.values[i][None, :] - without[i]).T,
                values=evaluator.values[i],
                baseline_values=None,
                cost=Cost(evaluator.forwards[i], 0),
                resolved={"strategy": evaluator.strategy},
            )
            for i in range(len(inputs))
        ]


def _refuse_too_many(tokens: int) -> None:
    """An `InputError` where masks, a row a token, would fill the memory; a pixel alone says little anyway."""
    if tokens > _MOST_TOKENS:
        raise InputError(
            f"leave_one_out would mask each of {tokens:,} units alone, in as many forward passes; at most "
            f"{_MOST_TOKENS:,} are allowed. Of an image explain larger units (units='patch', or units=8 for squares "
            f"of 8 pixels a side), or explain pixels by gradients or relevance."
        )
