"""Random scores."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from whence.methods.base import Cost, Explanation, Method
from whence.methods.run import Run
from whence.methods.values import target_values
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target


@dataclass(frozen=True)
class RandomScores(Method):
    """Scores drawn at random: the reference that an explanation must beat to say anything.

    Formula: score_i uniform in −1 to 1, independent. The generator is seeded by the run's seed, the token ids (or
    pixels) that the prediction can depend on, and the target, so that a text has the same scores alone and in a list.
    Source: the random baseline of Samek et al. 2017, "Evaluating the Visualization of What a DNN Has Learned".
    Shapes and units: one score a token and target, without unit.
    Cost: one forward pass, for the target's value.
    Does not claim: anything.

    >>> RandomScores().cost(tokens=10, rows=3)
    Cost(forwards=1, backwards=0)
    """

    key: ClassVar[str] = "random"
    family: ClassVar[str] = "baseline"
    caveat: ClassVar[str] = "Random scores explain nothing; they are here to be compared with."

    @property
    def scores_unit(self) -> str:
        """The unit of the scores."""
        return "none (random)"

    def cost(self, tokens: int, rows: int) -> Cost:
        """One forward, for the value."""
        return Cost(1, 0)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        values, readouts = target_values(subject, inputs, targets, run)
        return [
            Explanation(
                readouts=readouts[i],
                scores=np.stack([_draw(run.seed, item, readout) for readout in readouts[i]]),
                values=values[i].cpu().numpy(),
                baseline_values=None,
                cost=Cost(1, 0),
            )
            for i, item in enumerate(inputs)
        ]


def _draw(seed: int, inputs: Inputs, readout: Readout) -> np.ndarray:
    seen = inputs.tokens[: inputs.slots[readout.slot].visible]
    ids = [0 if token.id is None else token.id for token in seen]
    image = [] if inputs.pixels is None else [zlib.crc32(inputs.pixels.tobytes())]
    generator = np.random.default_rng([seed, *image, *ids, *readout.label.encode()])
    scores = np.zeros(len(inputs))
    scores[: len(ids)] = generator.uniform(-1.0, 1.0, size=len(ids))
    return scores
