"""Input × gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from whence.gradients.engine import Point, input_embeddings, weighted_gradients
from whence.methods.base import Cost, Explanation, Method
from whence.methods.run import Run
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target


@dataclass(frozen=True)
class InputXGradient(Method):
    """The target's first-order change as each token's embedding is scaled away from zero.

    Formula: score_i = Σ_d x_{i,d} · ∂f/∂x_{i,d}, with x_i the input embedding of token i.
    Source: Shrikumar et al. 2016, "Not Just a Black Box", section 2; Denil et al. 2014 for text.
    Shapes and units: one score a token and target, in the target's unit.
    Cost: one forward pass, one backward pass for each target row.
    Does not claim: that scores add up to the value; that a token matters when it is changed by more than a little.

    >>> InputXGradient().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=3)
    """

    key: ClassVar[str] = "input_x_gradient"
    family: ClassVar[str] = "gradients"
    needs: ClassVar[frozenset[str]] = frozenset({"embeddings"})
    caveat: ClassVar[str] = (
        "Input × gradient is a local linear estimate: it does not add up to the prediction, and where the model "
        "saturates it can be small for tokens that matter."
    )

    def cost(self, tokens: int, rows: int) -> Cost:
        """One forward, one backward a row."""
        return Cost(1, rows)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        embeds = input_embeddings(subject, inputs)
        points = [Point(i, 1.0, x.clone) for i, x in enumerate(embeds)]
        found = weighted_gradients(subject, inputs, points, run, targets=targets, label=self.key)
        return [
            Explanation(
                readouts=g.readouts,
                scores=(g.total * x).sum(dim=-1).cpu().double().numpy(),
                values=g.values.cpu().double().numpy(),
                baseline_values=None,
                cost=g.cost,
            )
            for g, x in zip(found, embeds, strict=True)
        ]
