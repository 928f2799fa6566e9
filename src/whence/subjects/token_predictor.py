"""What models have in common whose outputs are the tokens of a vocabulary."""

from abc import abstractmethod
from collections.abc import Sequence

from whence.errors import InputError, TargetError
from whence.subjects import encoding
from whence.subjects.inputs import Inputs
from whence.subjects.subject import refuse_empty
from whence.subjects.transformers_model import TransformersModel


class TokenPredictor(TransformersModel):
    """A model that predicts tokens: each output is one, and a target names one by its text or id."""

    def output_label(self, index: int) -> str:
        """The text of one vocabulary entry, with its leading space."""
        return encoding.surface(self.tokenizer, index)

    def output_index(self, name: str | int, inputs: Inputs) -> int:
        """The one token `name` stands for, as it would be tokenized at the place of the prediction."""
        if isinstance(name, int):
            if not 0 <= name < self._vocabulary:
                raise TargetError(f"Token id {name} is not in the vocabulary (0 to {self._vocabulary - 1}).")
            return name
        if not name:
            raise TargetError("The target is an empty text, which is no token. Name one, or leave the target out.")
        ids = self._ids_of(name, inputs)
        if len(ids) != 1:
            pieces = ", ".join(repr(self.output_label(i)) for i in ids) or "none"
            raise TargetError(
                f"The target {name!r} is {len(ids)} tokens for this model ({pieces}), and a target is one. "
                + self._advice(name)
            )
        if ids[0] == self.replacement_id("unk") and name.strip() != self.tokenizer.unk_token:
            raise TargetError(
                f"The vocabulary has no token for the target {name!r}: the tokenizer makes "
                f"{self.tokenizer.unk_token!r} of it. Name another, or {self.tokenizer.unk_token!r} if that is meant."
            )
        return ids[0]

    @abstractmethod
    def _ids_of(self, name: str, inputs: Inputs) -> list[int]:
        """The ids of a text that would stand at the first place of prediction."""

    @abstractmethod
    def _advice(self, name: str) -> str:
        """What to do about a target of several tokens."""

    @property
    def _vocabulary(self) -> int:
        head = self.model.get_output_embeddings()
        return int(self.model.config.vocab_size if head is None else head.weight.shape[0])

    def _plain_ids(self, text: str, **options: object) -> list[int]:
        return list(encoding.call(self.tokenizer, text, add_special_tokens=False, **options)["input_ids"])


class Writer(TokenPredictor):
    """A model that writes one token after another: it explains what it would write next, or a given continuation."""

    def _advice(self, name: str) -> str:
        return f"Explain all of them with continuation={name!r}, or name the first one."

    def _refuse_wrong_tail(self, continuation: object, max_new_tokens: object) -> None:
        """An `InputError` for a continuation, or a number of tokens to write, that there cannot be."""
        if continuation is not None and max_new_tokens is not None:
            raise InputError("Give either a continuation or max_new_tokens, not both.")
        if max_new_tokens is not None and (
            isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, int) or max_new_tokens < 1
        ):
            raise InputError(f"max_new_tokens must be a whole number of at least 1, got {max_new_tokens!r}.")
        if continuation is None:
            return
        if not isinstance(continuation, str | Sequence):
            raise InputError(f"A continuation is a text or a list of token ids, got {type(continuation).__name__}.")
        if not continuation:
            raise InputError("The continuation is empty: there is no token to explain.")
        if isinstance(continuation, str):
            refuse_empty(continuation)
            return
        for token in continuation:
            if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < self._vocabulary:
                raise InputError(
                    f"{token!r} in the continuation is no token id (0 to {self._vocabulary - 1}). "
                    f"Give one text, or a list of ids."
                )

    def _stop_ids(self) -> set[int]:
        ends = self.model.generation_config.eos_token_id if self.model.can_generate() else None
        ends = self.replacement_id("eos") if ends is None else ends
        return set() if ends is None else {ends} if isinstance(ends, int) else set(ends)
