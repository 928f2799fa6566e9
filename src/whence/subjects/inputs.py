"""What a method is given: exact token ids, and the places where the model's output is read."""

from dataclasses import dataclass

import numpy as np

from whence.records import Token


@dataclass(frozen=True)
class Slot:
    """One place where the model predicts.

    `index` is the sequence position whose output is read, None for one prediction about the whole sequence.
    `actual` is the output id known to follow there (a continuation token), None where the prediction is open.
    """

    index: int | None = None
    actual: int | None = None

    @property
    def position(self) -> int | None:
        """The sequence position that the predicted token takes; None for a prediction about the whole sequence."""
        return None if self.index is None else self.index + 1


@dataclass(frozen=True, eq=False)
class Inputs:
    """One encoded input: `tokens` in order, exactly the ids the model sees, and the `slots` to explain.

    With a continuation of k tokens there are k slots and the last continuation token is not among `tokens`: the model
    never reads it to predict. `text` is what token offsets index, `prompt` the part of it in front of a continuation.
    `generated` counts tokens the model wrote itself.
    """

    tokens: tuple[Token, ...]
    slots: tuple[Slot, ...]
    text: str
    prompt: str = ""
    generated: int = 0

    @property
    def ids(self) -> np.ndarray:
        """The token ids, int64 `(tokens,)`."""
        return np.array([token.id for token in self.tokens], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.tokens)
