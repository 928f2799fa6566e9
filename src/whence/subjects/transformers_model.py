"""What every subject made of a transformers model and tokenizer has in common."""

import inspect
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.errors import InputError, UnsupportedError
from whence.records import Token
from whence.subjects import encoding, fingerprint, padding
from whence.subjects.batch import Batch
from whence.subjects.chat import is_chat
from whence.subjects.edits import edits_of
from whence.subjects.failures import failures_of
from whence.subjects.session import session
from whence.subjects.subject import Subject, refuse_empty

_SAMPLE = 4
"""Tokens to ask a model with what hiding one does."""


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

    @cached_property
    def hides(self) -> bool:  # type: ignore[override]
        """Whether a token kept from attention changes anything (in FNet or RWKV it does not): the model is asked."""
        ids = self._some_ids(int(self._embedding.weight.shape[0]), _SAMPLE)
        embeds = self.embed(torch.tensor([ids], device=self.device))
        everything = torch.ones(embeds.shape[:2], dtype=torch.bool, device=self.device)
        second = torch.arange(_SAMPLE, device=self.device)[None] == 1
        nowhere = torch.full((1, 1), -1, device=self.device)
        with self.session(), torch.no_grad():
            logits = [self._forward(Batch(embeds, everything, nowhere, hidden=hidden))[0] for hidden in (None, second)]
        return padding.distance(logits[1], logits[0]) > padding.rounding(self._embedding.weight.dtype)

    @cached_property
    def plain_ids(self) -> Int[np.ndarray, " id"]:
        """The ids of all tokens that are no control tokens and have an embedding."""
        count = min(len(self.tokenizer), len(self._embedding.weight))
        return np.setdiff1d(np.arange(count), list(encoding.special_ids(self.tokenizer)))

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

    @cached_property
    def _takes_token_types(self) -> bool:
        """Whether the model has an embedding for each text of a pair, and is told which token belongs to which."""
        return "token_type_ids" in inspect.signature(self.model.forward).parameters and any(
            ("token_type" in name or "seg_embed" in name) and len(parameter) > 1
            for name, parameter in self.model.named_parameters()
        )

    @cached_property
    def _sees_padding(self) -> bool:
        """Whether padding changes the outputs in spite of its mask (FNet, ConvBERT): the model is asked, once."""
        count = min(padding.TOKENS, self.context_limit or padding.TOKENS)
        ids = [0, *self._some_ids(int(self._embedding.weight.shape[0]), count)]
        embeds = self.embed(torch.tensor([ids], device=self.device))[0]
        with self.session():
            return padding.is_seen(lambda batch: self._forward(batch).logits, embeds[1:], embeds[0])

    def _some_ids(self, below: int, count: int) -> list[int]:
        """So many ids below a number, of no control tokens: different ones, as far as there are any."""
        special = encoding.special_ids(self.tokenizer) | {getattr(self.model.config, "pad_token_id", None)}
        plain = [i for i in range(min(below, count + len(special))) if i not in special]
        return list(islice(cycle(plain or [0]), count))

    def _encode_texts(self, texts: Mapping[str, str]) -> encoding.Encoded:
        """One text or a pair by role: exact tokens that the model can read, with its own control tokens."""
        found = encoding.encode_texts(self.tokenizer, texts)
        encoding.refuse_too_long(len(found.tokens), self.context_limit)
        self._refuse_unknown(found.tokens)
        return found if self._takes_token_types else replace(found, token_types=None)

    def _one_text(self, data: object) -> str:
        """`data`, if it is one text and no chat."""
        if is_chat(data):
            raise InputError(f"{self.name} ({self.task}) reads a text and takes no chat. Pass one string.")
        return refuse_empty(data)

    def _refuse_writing(
        self, continuation: object, max_new_tokens: object, does: str, labels: Sequence[str] = ()
    ) -> None:
        """An `InputError` if a model that writes nothing is asked to."""
        if continuation is not None or max_new_tokens is not None:
            choice = f", one of: {', '.join(map(repr, labels))}" if labels else ""
            raise InputError(
                f"{self.name} {does}: it has no continuation. Choose what to explain with target={choice}."
            )

    @property
    def _embedding(self) -> Any:
        try:
            return self.model.get_input_embeddings()
        except NotImplementedError as error:
            raise UnsupportedError(
                f"{type(self.model).__name__} has no one table of token embeddings, so scores cannot be told by token. "
                f"Explain a model of another architecture."
            ) from error

    def _forward(self, batch: Batch, **options: Any) -> Any:
        """The model's output for a batch; the attention mask is given only where there is padding."""
        shown = batch.attended
        if batch.cache is not None:
            shown = torch.nn.functional.pad(shown, (batch.cache.get_seq_length(), 0), value=True)
            options |= {"past_key_values": batch.cache, "use_cache": True}
        mask = {} if bool(shown.all()) else {"attention_mask": shown.long()}
        types = {} if batch.token_types is None else {"token_type_ids": batch.token_types}
        with failures_of(self.model):
            return self.model(inputs_embeds=batch.embeds, **mask, **types, **options)

    def _logits_at_indices(self, batch: Batch) -> Float[Tensor, "batch slot output"]:
        """The logits of a model that has some for each token, at the tokens to read."""
        logits = self._forward(batch).logits
        rows = torch.arange(len(batch), device=logits.device)[:, None]
        return logits[rows, batch.indices.to(logits.device)]


def refuse_encoder_decoder(model: Any) -> None:
    """An `UnsupportedError` for a model whose prediction needs a decoder's input too."""
    if "decoder_input_ids" in inspect.signature(model.forward).parameters:
        raise UnsupportedError(
            f"{type(model).__name__} is an encoder-decoder; of these, whence explains those that write text "
            f"(*ForConditionalGeneration)."
        )
