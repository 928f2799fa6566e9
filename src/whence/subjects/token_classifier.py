"""Token classifiers: which tokens made the model label this token so."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError
from whence.subjects import fields
from whence.subjects.batch import Batch
from whence.subjects.inputs import Inputs, Slot
from whence.subjects.labels import label_index, labels_of
from whence.subjects.subject import At
from whence.subjects.transformers_model import TransformersModel, refuse_encoder_decoder

_OUTSIDE = "O"


class TokenClassifier(TransformersModel):
    """A token classifier (names, parts of speech) and its tokenizer: a label for every token.

    By default there is a row for each token that the model labels as anything but outside ("O"), pieces of words
    included, as a pipeline would list them; where it finds none, or has no such label, one for each token of the
    text. To know, it runs the model once when the text is encoded. `at` chooses other tokens, by a text they cover
    or by index.
    """

    task = "token-classification"
    deletable = False

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None, revision: str | None = None):
        super().__init__(model, tokenizer, name, revision)
        refuse_encoder_decoder(model)
        self.labels = labels_of(model.config)

    @cached_property
    def equal_lengths(self) -> bool:  # type: ignore[override]
        """Whether the model sees padding in spite of its mask."""
        return self._sees_padding

    def encode(
        self,
        data: str,
        *,
        continuation: str | Sequence[int] | None = None,
        max_new_tokens: int | None = None,
        at: At | None = None,
    ) -> Inputs:
        """Exact tokens of the text, with a slot for each token to explain."""
        self._refuse_writing(continuation, max_new_tokens, "labels tokens", self.labels)
        found = self._encode_texts({"text": self._one_text(data)})
        own = [i for i, token in enumerate(found.tokens) if not token.special]
        if not own:
            raise InputError(f"The tokenizer makes no token of {found.text!r}: there is nothing to give a score to.")
        inputs = Inputs(found.tokens, _slots(own), found.text, token_types=found.token_types)
        chosen = self._labelled(inputs) if at is None else fields.chosen_tokens(found.tokens, found.text, at)
        return replace(inputs, slots=_slots(chosen or own))

    def logits(self, batch: Batch) -> Float[Tensor, "batch slot label"]:
        """The label logits at the batch's tokens."""
        return self._logits_at_indices(batch)

    def query_position(self, slot: Slot, length: int, output: int | None = None) -> int:
        """The token itself."""
        assert slot.index is not None
        return slot.index

    def output_label(self, index: int) -> str:
        """One label."""
        return self.labels[index]

    def target_label(self, index: int, inputs: Inputs, number: int) -> str:
        """The label and the token it is for."""
        place = inputs.slots[number].index
        assert place is not None
        return f"{self.labels[index]} · {inputs.tokens[place].text.strip()}"

    def output_index(self, name: str | int, inputs: Inputs) -> int:
        """The index of a label, or of a label's index given as such."""
        return label_index(name, self.labels, self.name)

    def _labelled(self, inputs: Inputs) -> list[int]:
        """The tokens whose likeliest label is not the outside one."""
        if _OUTSIDE not in self.labels:
            return []
        with self.session(), torch.no_grad():
            labels = self._logits_at_indices(self.collate([inputs]))[0].argmax(dim=-1).tolist()
        outside = self.labels.index(_OUTSIDE)
        return [slot.index for slot, label in zip(inputs.slots, labels, strict=True) if label != outside]  # type: ignore[misc]


def _slots(places: Sequence[int]) -> tuple[Slot, ...]:
    return tuple(Slot(i, position=i) for i in places)
