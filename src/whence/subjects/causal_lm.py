"""Causal language models: which tokens made the model write the next one."""

import inspect
import warnings
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError, UnsupportedError, WhenceWarning
from whence.records import Token
from whence.subjects import chat, encoding
from whence.subjects.batch import Batch
from whence.subjects.inputs import Inputs, Slot, next_token_slot
from whence.subjects.padding import distance, rounding
from whence.subjects.prefix import behind, new_cache, prefix_of
from whence.subjects.subject import At, Chat, refuse_at, refuse_empty
from whence.subjects.token_predictor import Writer


class CausalLM(Writer):
    """A causal language model and its tokenizer.

    Explains the next token after a prompt, each token of a given continuation, or each token the model generates
    (greedily, so that it can be repeated). A chat goes through the tokenizer's template.
    """

    task = "text-generation"

    def encode(
        self,
        data: str | Chat,
        *,
        continuation: str | Sequence[int] | None = None,
        max_new_tokens: int | None = None,
        at: At | None = None,
    ) -> Inputs:
        """Exact tokens of the prompt, and a slot for each continuation token, or one for the next token."""
        refuse_at(self, at)
        self._refuse_wrong_tail(continuation, max_new_tokens)
        text, prompt = self._encode_prompt(data)
        self._refuse_unknown(prompt)
        tail: tuple[Token, ...] = ()
        tail_text = ""
        if continuation is not None:
            tail, tail_text = self._encode_continuation(text, prompt, continuation)
        elif max_new_tokens is not None:
            tail, tail_text = self._generate(text, prompt, max_new_tokens)
        encoding.refuse_too_long(len(prompt) + len(tail[:-1]), self.context_limit)
        last = len(prompt) - 1
        slots = tuple(next_token_slot(last + i, token.id) for i, token in enumerate(tail)) or (next_token_slot(last),)
        written = len(tail) if max_new_tokens is not None else 0
        return Inputs(prompt + tail[:-1], slots, text + tail_text, text, written)

    def logits(self, batch: Batch) -> Float[Tensor, "batch slot vocabulary"]:
        """Next-token logits at the batch's positions; no others are computed where the model allows."""
        wanted, place = torch.unique(batch.indices, return_inverse=True)
        keep = {"logits_to_keep": wanted} if self._keeps_some else {}
        logits = self._forward(batch, **({} if batch.cache is not None else {"use_cache": False}), **keep).logits
        if self._keeps_some and all(row == wanted.tolist() for row in batch.indices.tolist()):
            return logits
        place = place.to(logits.device) if self._keeps_some else batch.indices.to(logits.device)
        rows = torch.arange(len(batch), device=logits.device)[:, None]
        return logits[rows, place]

    def remembers(self, tokens: int) -> bool:
        """Whether the model goes on from keys and values as it goes on from tokens: it is asked, once.

        Not for inputs longer than a sliding window of attention, which a cache holds in another way.
        """
        window = getattr(self.model.config.get_text_config(), "sliding_window", None)
        return (window is None or tokens <= window) and self._goes_on

    @cached_property
    def _goes_on(self) -> bool:
        half = 3
        ids = torch.tensor([self._some_ids(self._vocabulary, 2 * half)], device=self.device)
        embeds, last = self.embed(ids), torch.tensor([[2 * half - 1]], device=self.device)
        whole = Batch(embeds, torch.ones_like(ids, dtype=torch.bool), last)
        first = Batch(embeds[:, :half], whole.mask[:, :half], last.clamp_max(half - 1), cache=new_cache())
        try:
            with self.session(), torch.no_grad():
                self.logits(first)
                prefix = prefix_of(first.cache, half)
                if prefix is None:
                    return False
                found, expected = self.logits(behind(whole, prefix, half)), self.logits(whole)
        except UnsupportedError:
            return False
        return distance(found, expected) <= rounding(embeds.dtype)

    def query_position(self, slot: Slot, length: int, output: int | None = None) -> int:
        """The token the prediction is made at: the one before the predicted token."""
        assert slot.index is not None
        return slot.index

    @cached_property
    def _keeps_some(self) -> bool:
        return "logits_to_keep" in inspect.signature(self.model.forward).parameters

    def _encode_prompt(self, data: str | Chat) -> tuple[str, tuple[Token, ...]]:
        if chat.is_chat(data):
            text, role = chat.render(self.tokenizer, data)  # type: ignore[arg-type]
            tokens = encoding.encode_text(self.tokenizer, text, role, add_special_tokens=False)
        else:
            text = refuse_empty(data)
            tokens = encoding.encode_text(self.tokenizer, text, "prompt", add_special_tokens=True)
        if not tokens:
            raise InputError(f"The tokenizer makes no token of {text!r}: there is nothing to give a score to.")
        return text, tokens

    def _encode_continuation(
        self, text: str, prompt: tuple[Token, ...], continuation: str | Sequence[int]
    ) -> tuple[tuple[Token, ...], str]:
        """The continuation's tokens after exactly these prompt tokens, and their text.

        Prompt and continuation are tokenized as one text where that leaves the prompt's tokens as they are. Where it
        would not, the continuation is tokenized by itself, and a warning says so.
        """
        if not isinstance(continuation, str):
            return encoding.decoded_tokens(self.tokenizer, _ids(prompt), list(continuation), len(text))
        joint = self._joint(text, prompt, continuation)
        if joint is not None:
            return joint, continuation
        warnings.warn(
            f"Together with the prompt, {continuation!r} would be tokenized otherwise than behind the prompt's own "
            f"tokens, so it was tokenized by itself. A prompt should not end with a space: put it in front of the "
            f"continuation.",
            WhenceWarning,
            stacklevel=6,
        )
        return encoding.decoded_tokens(self.tokenizer, _ids(prompt), self._separate_ids(continuation), len(text))

    def _joint(self, text: str, prompt: tuple[Token, ...], continuation: str) -> tuple[Token, ...] | None:
        tokens = encoding.encode_text(self.tokenizer, text + continuation, "continuation", add_special_tokens=False)
        ids = _ids(prompt[_added_specials(prompt) :])
        if _ids(tokens[: len(ids)]) != ids or len(tokens) == len(ids):
            return None
        return tokens[len(ids) :]

    def _separate_ids(self, continuation: str) -> list[int]:
        """The ids of a continuation tokenized behind an anchor, so that no space is put in front of it."""
        for anchor in _ANCHORS:
            before, both = (self._plain_ids(part) for part in (anchor, anchor + continuation))
            if both[: len(before)] == before and len(both) > len(before):
                return both[len(before) :]
        return self._plain_ids(continuation)

    def _ids_of(self, name: str, inputs: Inputs) -> list[int]:
        slot = inputs.slots[0]
        assert slot.index is not None
        tokens = self._joint(inputs.prompt, inputs.tokens[: slot.index + 1], name)
        return self._separate_ids(name) if tokens is None else _ids(tokens)

    def _generate(self, text: str, prompt: tuple[Token, ...], max_new_tokens: int) -> tuple[tuple[Token, ...], str]:
        """The likeliest next token, again and again, until an end token.

        Not by the model's `generate`: that follows the settings stored with the model (sampling, penalties, minimum
        lengths) even where it is told otherwise, and what is explained here is the model's own likeliest token.
        """
        encoding.refuse_too_long(len(prompt) + max_new_tokens - 1, self.context_limit)
        ids, stops = _ids(prompt), self._stop_ids()
        written: list[int] = []
        cache, given = None, torch.tensor([ids], device=self.device)
        keep: dict[str, Any] = {"logits_to_keep": 1} if self._keeps_some else {}
        with self.session(), torch.no_grad():
            while len(written) < max_new_tokens and not (written and written[-1] in stops):
                options = keep if cache is None else keep | {"past_key_values": cache}
                out = self.model(input_ids=given, use_cache=True, **options)
                cache = getattr(out, "past_key_values", None)
                written.append(int(out.logits[0, -1].argmax()))
                given = torch.tensor([ids + written if cache is None else written[-1:]], device=self.device)
        return encoding.decoded_tokens(self.tokenizer, ids, written, len(text))


_ANCHORS = ("\n", ".", "x")
"""Texts to tokenize a continuation behind, the first whose tokens it leaves alone."""


def _added_specials(prompt: Sequence[Token]) -> int:
    """How many control tokens the tokenizer put in front of the text."""
    for i, token in enumerate(prompt):
        if not token.special or token.start is not None:
            return i
    return len(prompt)


def _ids(tokens: Sequence[Token]) -> list[int]:
    return [t.id for t in tokens if t.id is not None]
