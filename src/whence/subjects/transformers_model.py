"""What every subject made of a transformers model and tokenizer has in common."""

import inspect
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.errors import UnsupportedError
from whence.records import Token
from whence.subjects import encoding, fingerprint
from whence.subjects.batch import Batch
from whence.subjects.edits import edits_of
from whence.subjects.session import session
from whence.subjects.subject import Subject


class TransformersModel(Subject):
    """A transformers model and tokenizer, touched only while a session is open."""

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None, revision: str | None = None):
        if "inputs_embeds" not in inspect.signature(model.forward).parameters:
            raise UnsupportedError(
                f"{type(model).__name__} does not take `inputs_embeds`, which whence feeds a model through."
            )
        self.model = model
        self.tokenizer = tokenizer
        self.name = name or getattr(model.config, "_name_or_path", "") or type(model).__name__
        self.revision = revision
        self._weights = fingerprint.WeightsHash()

    @property
    def device(self) -> torch.device:
        """Where the input embeddings live."""
        return self._embedding.weight.device

    @cached_property
    def context_limit(self) -> int | None:
        """How many tokens the model reads at most."""
        return encoding.context_limit(self.model, self.tokenizer)

    def embed(self, ids: Int[Tensor, "batch token"]) -> Float[Tensor, "batch token hidden"]:
        """The model's input embeddings of token ids, detached from any graph."""
        with torch.no_grad():
            return self._embedding(ids).detach()

    def session(self) -> AbstractContextManager[None]:
        """While open, the model is in evaluation mode and its parameters take no gradient; then all is as before."""
        return session(self.model)

    def replacement_id(self, kind: str) -> int | None:
        """The id of the "mask", "pad", "unk" or "eos" token; None where the tokenizer has none."""
        return getattr(self.tokenizer, f"{kind}_token_id", None)

    def provenance(self) -> dict[str, Any]:
        """Which model this is, exactly."""
        edits = edits_of(self.model)
        return ({"edits": edits} if edits else {}) | {
            "model": self.name,
            "architecture": type(self.model).__name__,
            "revision": self.revision,
            "weights": self._weights.of(self.model),
            "tokenizer": self._tokenizer_hash,
            "task": self.task,
            "dtype": str(self._embedding.weight.dtype).removeprefix("torch."),
            "device": str(self.device),
            "attention": getattr(self.model.config, "_attn_implementation", None),
            "versions": fingerprint.library_versions(),
        }

    @cached_property
    def _tokenizer_hash(self) -> str:
        return fingerprint.tokenizer_hash(self.tokenizer)

    def _refuse_unknown(self, tokens: Sequence[Token]) -> None:
        encoding.refuse_unknown(tokens, int(self._embedding.weight.shape[0]))

    @property
    def _embedding(self) -> Any:
        return self.model.get_input_embeddings()

    def _forward(self, batch: Batch, **options: Any) -> Any:
        """The model's output for a batch; the attention mask is given only where there is padding."""
        mask = {} if bool(batch.mask.all()) else {"attention_mask": batch.mask.long()}
        return self.model(inputs_embeds=batch.embeds, **mask, **options)
