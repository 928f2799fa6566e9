"""Sequence classifiers: which tokens made the model choose this class."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError, UnsupportedError
from whence.subjects import fields
from whence.subjects.batch import Batch
from whence.subjects.inputs import Inputs, Slot
from whence.subjects.labels import label_index, labels_of, link_of
from whence.subjects.subject import At, Fields, refuse_at
from whence.subjects.transformers_model import TransformersModel


class SequenceClassifier(TransformersModel):
    """A sequence classifier and its tokenizer: one prediction about a whole text, or about a pair of texts.

    A pair is `{"text": ..., "text_pair": ...}`, and its tokens have these names as roles.

    A classifier on a decoder reads its last token, so its texts are batched by equal length instead of padded.
    """

    task = "text-classification"

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None, revision: str | None = None):
        super().__init__(model, tokenizer, name, revision)
        config = self.model.config
        if config.is_encoder_decoder:
            raise UnsupportedError(
                f"{type(model).__name__} is an encoder-decoder; classifiers are explained on encoders and decoders."
            )
        self.labels = labels_of(config)
        self.link = link_of(config)
        self._reads_first = _is_encoder(config)
        self.max_batch = 1 if not self._reads_first and config.get_text_config().pad_token_id is None else None

    @cached_property
    def equal_lengths(self) -> bool:  # type: ignore[override]
        """Whether the model reads the last token, or sees padding in spite of its mask."""
        return not self._reads_first or self._sees_padding

    def encode(
        self,
        data: str | Fields,
        *,
        continuation: str | Sequence[int] | None = None,
        max_new_tokens: int | None = None,
        at: At | None = None,
    ) -> Inputs:
        """Exact tokens of the text or the pair of texts, with one slot for the prediction about all of it."""
        self._refuse_writing(continuation, max_new_tokens, "classifies a whole text", self.labels)
        refuse_at(self, at)
        is_pair = isinstance(data, Mapping)
        texts = fields.texts_of(data, ("text",), ("text_pair",)) if is_pair else {"text": self._one_text(data)}
        found = self._encode_texts(texts)
        for role, text in texts.items():
            if all(t.special for t in found.tokens if t.role == role):
                raise InputError(f"The tokenizer makes no token of {text!r}: there is nothing to give a score to.")
        return Inputs(found.tokens, (Slot(),), found.text, token_types=found.token_types)

    def logits(self, batch: Batch) -> Float[Tensor, "batch slot label"]:
        """The class logits, as the one slot of each item."""
        return self._forward(batch).logits[:, None, :]

    def query_position(self, slot: Slot, length: int, output: int | None = None) -> int:
        """The token the classification head reads: the first of an encoder, the last of a decoder."""
        if getattr(self.model.config, "classifier_pooling", "cls") == "mean":
            raise UnsupportedError(
                f"{self.name} averages over all tokens, so the attention of no one token leads to its prediction. "
                f"Explain it by gradients, relevance or perturbation."
            )
        return 0 if self._reads_first else length - 1

    def output_label(self, index: int) -> str:
        """The label of one class."""
        return self.labels[index]

    def output_index(self, name: str | int, inputs: Inputs) -> int:
        """The index of a class label, or of a class index given as such."""
        return label_index(name, self.labels, self.name)


def _is_encoder(config: Any) -> bool:
    """Whether the model is of a masked-language-model kind: it sees both sides and is read at its first token."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES

    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False)
