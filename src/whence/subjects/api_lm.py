"""Language models behind an OpenAI-compatible server."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError, TargetError
from whence.records import Token
from whence.subjects.api_answers import Place, echoed_places, next_place, reading, text_of
from whence.subjects.api_client import ApiClient, Request
from whence.subjects.batch import Batch
from whence.subjects.chat import check_messages, is_chat
from whence.subjects.fingerprint import library_versions
from whence.subjects.inputs import Inputs, Slot
from whence.subjects.subject import At, Chat, refuse_at, refuse_empty
from whence.subjects.words import WordSubject, rebuilt, words_of

Unlisted = Literal["error", "bound"]


class ApiLM(WordSubject):
    """A language model behind a server, known by the log-probabilities that the server returns.

    Explained are words of the prompt, or of every message of a chat. What is explained:

    - a continuation of a text, or what the server writes itself (`max_new_tokens`, greedily): each of its tokens,
      exactly, if the server echoes prompts with log-probabilities. If words that are masked change how the server
      takes the continuation apart, that is an `InputError`, as rows would not be about the same tokens;
    - else the next token, of a text or a chat, if it is among the likeliest that the server lists.

    Values are log-probabilities, so the default target is `LogProb`, and `Logit` is refused. Tokens have no ids here:
    a target is named by its text. Errors: `CallError` for a server that cannot be reached, refuses, or fails;
    `UnsupportedError` for one that returns no log-probabilities or does not echo.

    Cost: one request for each forward pass that a method counts; with a continuation one more for its tokens, with
    `max_new_tokens` two. It does not claim that the server is deterministic: many round differently from batch to
    batch.
    """

    task = "text-generation"
    link = "log"

    def __init__(
        self, client: ApiClient, top_logprobs: int, unlisted: Unlisted, mask: str | None, max_batch: int
    ) -> None:
        super().__init__(client.model, client, mask)
        self.max_batch = max_batch
        self._top_logprobs = top_logprobs
        self._unlisted = unlisted
        self._texts: list[str] = []
        self._index: dict[str, int] = {}
        self._build: str | None = None

    # ------------------------------------------------------------------ in

    def encode(
        self,
        data: str | Chat,
        *,
        continuation: str | Sequence[int] | None = None,
        max_new_tokens: int | None = None,
        at: At | None = None,
    ) -> Inputs:
        """The words of the prompt, and a slot for each token of the continuation, or one for the next token."""
        refuse_at(self, at)
        _refuse_wrong_tail(data, continuation, max_new_tokens)
        if is_chat(data):
            return self._encode_chat(data)  # type: ignore[arg-type]
        prompt = refuse_empty(data)
        tokens = words_of(prompt, "prompt")
        tail = str(continuation) if continuation is not None else ""
        if max_new_tokens is not None:
            tail = self._written(prompt, max_new_tokens)
        inputs = _inputs(tokens, prompt + tail, prompt, 1)
        if not tail:
            return inputs
        (places,) = self._places([inputs])
        slots = _slots(len(tokens), [self._number(str(place.token)) for place in places])
        written = len(slots) if max_new_tokens is not None else 0
        return Inputs(tokens, slots, prompt + tail, prompt, written)

    def _encode_chat(self, messages: Chat) -> Inputs:
        check_messages(messages)
        tokens: list[Token] = []
        spans: list[tuple[str, int, int]] = []
        text = ""
        for message in messages:
            start = len(text) + (1 if spans else 0)
            text += ("\n" if spans else "") + message["content"]
            spans.append((message["role"], start, len(text)))
            tokens += words_of(message["content"], message["role"], start)
        return _inputs(tuple(tokens), text, text, 1, tuple(spans))

    def _written(self, prompt: str, max_new_tokens: int) -> str:
        body = {"prompt": prompt, "max_tokens": max_new_tokens, "temperature": 0}
        (answer,) = self.model.ask([("completions", body)])
        with reading(self.model.base_url):
            text = text_of(answer)
        if not text:
            raise InputError("The server wrote nothing after this prompt. Give a continuation, or leave it out.")
        if "\ufffd" in text:
            raise InputError(
                f"The server wrote {text!r}, with bytes that make no character: they cannot be sent back exactly. Ask "
                f"for another number of tokens, or give a continuation."
            )
        return text

    # ------------------------------------------------------------------ through

    def logits(self, batch: Batch) -> Float[Tensor, "batch slot output"]:
        """The log-probabilities of the tokens met so far, NaN where the server says nothing of one."""
        assert batch.inputs is not None
        found = self._places(batch.inputs)
        self._remember(place for places in found for place in places)
        for item, places in zip(batch.inputs, found, strict=True):
            self._refuse_other_tokens(item, places)
        table = torch.full((len(found), max(map(len, found)), len(self._texts)), float("nan"), dtype=torch.float64)
        for row, places in zip(table, found, strict=True):
            for slot, place in zip(row, places, strict=False):
                if self._unlisted == "bound":
                    slot.fill_(place.bound)
                for token, value in place.known.items():
                    slot[self._index[token]] = value
        return table

    def predicted(self, inputs: Inputs, number: int, logits: Float[Tensor, "slot output"]) -> int:
        """The likeliest token that the server lists."""
        index = int(logits[number].nan_to_num(float("-inf")).argmax())
        _refuse_part(self._texts[index])
        return index

    def _places(self, inputs: Sequence[Inputs]) -> list[list[Place]]:
        answers = self.model.ask([self._request(item) for item in inputs])
        with reading(self.model.base_url):
            self._build = next((a["system_fingerprint"] for a in answers if a.get("system_fingerprint")), self._build)
            return [self._read(item, answer) for item, answer in zip(inputs, answers, strict=True)]

    def _request(self, inputs: Inputs) -> Request:
        one = {"max_tokens": 1, "temperature": 0}
        if inputs.messages:
            messages = [
                {"role": role, "content": rebuilt(inputs.text, inputs.tokens, start, end)}
                for role, start, end in inputs.messages
            ]
            return "chat/completions", one | {
                "messages": messages,
                "logprobs": True,
                "top_logprobs": self._top_logprobs,
            }
        prompt, tail = self._texts_of(inputs)
        if tail:
            return "completions", one | {"prompt": prompt + tail, "echo": True, "logprobs": 1}
        return "completions", one | {"prompt": prompt, "logprobs": self._top_logprobs}

    def _read(self, inputs: Inputs, answer: dict[str, Any]) -> list[Place]:
        prompt, tail = self._texts_of(inputs)
        if tail:
            return echoed_places(answer, prompt, tail, self.model.base_url)
        return [next_place(answer, self.model.base_url)]

    def _texts_of(self, inputs: Inputs) -> tuple[str, str]:
        """The prompt with its words masked, and the continuation."""
        return rebuilt(inputs.text, inputs.tokens, 0, len(inputs.prompt)), inputs.text[len(inputs.prompt) :]

    def _refuse_other_tokens(self, inputs: Inputs, places: Sequence[Place]) -> None:
        wanted = [None if slot.actual is None else self._texts[slot.actual] for slot in inputs.slots]
        got = [place.token for place in places]
        if got != wanted:
            raise InputError(
                f"With words masked, the server takes the continuation apart into {got}, and not into {wanted}: its "
                f"rows would not be about the same tokens. Let the continuation begin with a space, or give mask= a "
                f"text to stand in a masked word's place."
            )

    # ------------------------------------------------------------------ out

    def output_label(self, index: int) -> str:
        """The text of a token."""
        return self._texts[index]

    def output_index(self, name: str | int, inputs: Inputs) -> int:
        """The token of this text, if the server has listed it."""
        if not isinstance(name, str):
            raise TargetError(f"Tokens of {self.name} have no ids here. Name {name!r} by its text, such as ' Paris'.")
        _refuse_part(name)
        if name not in self._index:
            near = difflib.get_close_matches(name, self._texts, n=3, cutoff=0.4)
            hint = f" It lists {', '.join(map(repr, near))}." if near else ""
            raise TargetError(
                f"The server does not list {name!r} among the {self._top_logprobs} likeliest tokens.{hint} Explain it "
                f"as continuation={name!r}, which a server that echoes prompts scores exactly, or raise top_logprobs=."
            )
        return self._index[name]

    def provenance(self) -> dict[str, Any]:
        """Which model and server this is, as far as the server says."""
        return {
            "model": self.name,
            "server": self.model.base_url,
            "architecture": None,
            "revision": self._build,
            "weights": None,
            "tokenizer": None,
            "task": self.task,
            "dtype": None,
            "device": "server",
            "attention": None,
            "mask": self.mask,
            "top_logprobs": self._top_logprobs,
            "unlisted": _UNLISTED[self._unlisted],
            "calls": self.model.sent,
            "versions": library_versions() | {"openai": self.model.version},
        }

    def _remember(self, places: Iterable[Place]) -> None:
        for place in places:
            for token in place.known:
                self._number(token)

    def _number(self, token: str) -> int:
        """The index of a token, a new one at the first time."""
        if token not in self._index:
            self._index[token] = len(self._texts)
            self._texts.append(token)
        return self._index[token]


_UNLISTED = {
    "error": None,
    "bound": "a token that the server does not list has the lowest log-probability listed: an upper bound",
}


def _refuse_part(token: str) -> None:
    if "\ufffd" in token:
        raise TargetError(
            f"The token {token!r} is a part of a character, and the server writes all such parts alike. Explain "
            f"another token, by target=."
        )


def _slots(words: int, actual: Sequence[int | None]) -> tuple[Slot, ...]:
    """Places behind all words, one for each token to come."""
    return tuple(Slot(words - 1, token, words + i, words) for i, token in enumerate(actual))


def _inputs(
    tokens: tuple[Token, ...],
    text: str,
    prompt: str,
    places: int,
    messages: tuple[tuple[str, int, int], ...] = (),
) -> Inputs:
    if not tokens:
        raise InputError(f"There is no word in {prompt!r}: there is nothing to give a score to.")
    return Inputs(tokens, _slots(len(tokens), [None] * places), text, prompt, messages=messages)


def _refuse_wrong_tail(data: object, continuation: object, max_new_tokens: object) -> None:
    if continuation is None and max_new_tokens is None:
        return
    if is_chat(data):
        raise InputError("Of a chat, a server scores only the next token. Leave continuation= and max_new_tokens= out.")
    if continuation is not None and max_new_tokens is not None:
        raise InputError("Give either a continuation or max_new_tokens, not both.")
    if continuation is not None:
        if not isinstance(continuation, str):
            raise InputError(
                f"A server is sent text, not token ids: give the continuation as text, got {continuation!r}."
            )
        refuse_empty(continuation)
    elif isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, int) or max_new_tokens < 1:
        raise InputError(f"max_new_tokens must be a whole number of at least 1, got {max_new_tokens!r}.")
