"""Masked language models: which tokens made the model fill a mask with this one."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError, UnsupportedError
from whence.subjects import fields
from whence.subjects.batch import Batch
from whence.subjects.inputs import Inputs, Slot
from whence.subjects.subject import At
from whence.subjects.token_predictor import TokenPredictor


class MaskedLM(TokenPredictor):
    """A masked language model and its tokenizer: one prediction for each mask in the text.

    `at` chooses among several masks. A target is one token, as it would be tokenized by itself.
    """

    task = "fill-mask"
    deletable = False

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None, revision: str | None = None):
        super().__init__(model, tokenizer, name, revision)
        if self.replacement_id("mask") is None:
            raise UnsupportedError(f"The tokenizer of {self.name} has no mask token, so there is nothing to fill.")

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
        """Exact tokens of the text, with a slot for each mask, or for the masks chosen."""
        self._refuse_writing(continuation, max_new_tokens, "fills masks")
        found = self._encode_texts({"text": self._one_text(data)})
        masks = [i for i, token in enumerate(found.tokens) if token.id == self.replacement_id("mask")]
        if not masks:
            mask = self.tokenizer.mask_token
            raise InputError(
                f"There is no mask in {found.text!r}. Write {mask!r} where a token is to be predicted, as in "
                f"{f'Paris is the capital of {mask}.'!r}."
            )
        chosen = (
            masks if at is None else [i for one in fields.each_choice(at) for i in self._masks_at(found, masks, one)]
        )
        slots = tuple(Slot(i, position=i) for i in sorted(set(chosen)))
        return Inputs(found.tokens, slots, found.text, token_types=found.token_types)

    def logits(self, batch: Batch) -> Float[Tensor, "batch slot vocabulary"]:
        """The logits at the masks."""
        return self._logits_at_indices(batch)

    def query_position(self, slot: Slot, length: int, output: int | None = None) -> int:
        """The mask itself."""
        assert slot.index is not None
        return slot.index

    def _ids_of(self, name: str, inputs: Inputs) -> list[int]:
        ids = self._plain_ids(name)
        exact = self.tokenizer.get_vocab().get(name)
        return ids if len(ids) == 1 or exact is None else [exact]

    def _advice(self, name: str) -> str:
        return "Name one of them; to predict several, write a mask for each."

    def _masks_at(self, found: Any, masks: list[int], at: str | int) -> list[int]:
        chosen = [i for i in fields.chosen_tokens(found.tokens, found.text, at) if i in masks]
        if not chosen:
            raise InputError(f"There is no mask at {at!r}. The masks of this text are the tokens {masks}.")
        return chosen
