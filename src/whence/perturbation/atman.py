"""AtMan."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from whence.errors import InputError
from whence.methods.base import Cost
from whence.perturbation.engine import Estimate, Game, PerturbationMethod, Play
from whence.perturbation.strategies import Strategy
from whence.perturbation.suppression import Suppress


@dataclass(frozen=True)
class AtMan(PerturbationMethod):
    """How much the target falls when every layer's attention to one feature is suppressed.

    Formula: score_i = f(x) − f(x with the attention scores of feature i scaled down), H̃ = H ∘ (1 − f) before the
    softmax, in all heads and layers; with target=LogProb() that is the change of the cross-entropy.
    Source: Deiseroth et al. 2023, "AtMan: Understanding Transformer Predictions Through Memory Efficient Attention
    Manipulation", sections 3.1 to 3.3. The sign is that of support: positive where suppression makes the target fall.
    Shapes and units: one score a feature and target, in the target's unit.
    Cost: one forward pass for the input and one for each feature, no backward pass.
    Errors: `UnsupportedError` for a model whose attention does not show; `InputError` for a factor or similarity
    outside 0 to 1.
    Does not claim: that scores add up; that a suppressed feature is not seen: residual connections still carry it, and
    an attention score below 0 is raised by scaling it down (`strategy=Suppress(shifted=True)` is the authors' remedy).

    `strategy` is a `whence.Suppress(factor, similarity, shifted)`; `features` as in every perturbation method.

    >>> AtMan().cost(tokens=10, rows=3)
    Cost(forwards=11, backwards=0)
    """

    strategy: Strategy = field(default_factory=Suppress)

    key: ClassVar[str] = "atman"
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})
    caveat: ClassVar[str] = (
        "AtMan scales attention scores, which shifts attention to other tokens and away from this one only as far as "
        "its scores were positive; what residual connections carry is untouched."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.strategy, Suppress):
            raise InputError(
                f"AtMan suppresses attention: its strategy is a whence.Suppress(factor), got {self.strategy!r}. To "
                f"mask tokens in another way use leave_one_out."
            )

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input and each feature's suppression, all rows at once."""
        return Cost(tokens + 1, 0)

    def _play(self, game: Game) -> Play:
        suppressed = yield ~np.eye(game.features, dtype=bool)
        return Estimate((game.whole - suppressed).T)
