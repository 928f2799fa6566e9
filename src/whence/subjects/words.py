"""Models that read text, not tokens: words with exact places, and the text again with some gone or masked."""

from abc import abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import regex
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.errors import LoadError, UnsupportedError
from whence.records import Token
from whence.subjects.batch import Batch, length_mask, slot_indices
from whence.subjects.inputs import Inputs, Slot
from whence.subjects.subject import Subject

_EXTEND = r"[\p{M}\U0001F3FB-\U0001F3FF\U000E0020-\U000E007F]*"
"""What follows a character and belongs to it: accents, vowel signs, skin tones, the letters of a flag."""
_VISIBLE = r"[^\s\x1c-\x1f]"
"""What `str.isspace` says is not white space."""
_LETTER = r"(?:[\p{L}\p{N}_]" + _EXTEND + r"[\u200c\u200d]*)"
_WORD = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
    + _EXTEND
    # letters and digits, with an apostrophe between letters, a point or comma between digits
    + rf"|{_LETTER}+(?:['’](?=\p{{L}}){_LETTER}+|(?<=\p{{N}})[.,](?=\p{{N}}){_LETTER}+)*"
    + r"|[\U0001F1E6-\U0001F1FF]{2}"
    # any other character, alone or joined to others to make one picture
    + rf"|{_VISIBLE}{_EXTEND}(?:\u200d{_VISIBLE}{_EXTEND})*"
)


def words_of(text: str, role: str = "text", start: int = 0) -> tuple[Token, ...]:
    """The words and punctuation marks of a text, in order; nothing but white space is left out.

    Scripts that put no space between words are taken apart into characters. `start` is what offsets are counted from.

    >>> [token.text for token in words_of("It's 3.5 km, isn’t it?")]
    ["It's", '3.5', 'km', ',', 'isn’t', 'it', '?']
    """
    return tuple(Token(m[0], None, start + m.start(), start + m.end(), role) for m in _WORD.finditer(text))


def rebuilt(text: str, tokens: Sequence[Token], start: int, end: int) -> str:
    """`text[start:end]` with no other of its words than `tokens`, each written as the token's text says.

    White space stays as it was: a word that is gone goes with the space in front of it, one at the beginning with the
    space behind it. With every token as it was this is `text[start:end]`, character by character.
    """
    body = text[start:end]
    here = [token for token in tokens if token.start is not None and start <= token.start < end]
    parts = [body[: len(body) - len(body.lstrip())]]
    for number, token in enumerate(here):
        assert token.start is not None
        parts.append((text[_gap_start(text, token.start) : token.start] if number else "") + token.text)
    return "".join(parts) + (body[len(body.rstrip()) :] if body.strip() else "")


def _gap_start(text: str, place: int) -> int:
    """Where the white space in front of `place` begins."""
    while place and text[place - 1].isspace():
        place -= 1
    return place


class WordSubject(Subject):
    """A model that is given text and nothing else: its tokens are words, its only operations are in and out.

    A masked word is deleted, or `mask` stands in its place; what the model is sent is the original text but for that.
    It offers neither embeddings nor attention, so the methods that mask the input are those that can explain it.
    """

    offers = frozenset()
    padded = False

    def __init__(self, name: str, model: Any, mask: str | None) -> None:
        if mask is not None and (not isinstance(mask, str) or not mask.strip()):
            raise LoadError(f"mask={mask!r} is no text to put in a word's place. None deletes the word.")
        self.name = name
        self.model = model
        self.tokenizer = None
        self.mask = mask

    def collate(self, inputs: Sequence[Inputs]) -> Batch:
        """The inputs as they are, beside embeddings of no width."""
        lengths = [len(item) for item in inputs]
        return Batch(
            torch.zeros(len(inputs), max(lengths), 0, dtype=torch.float64),
            length_mask(lengths, self.device),
            slot_indices(inputs, self.device),
            inputs=tuple(inputs),
        )

    def replaced(self, inputs: Inputs, keep: Bool[np.ndarray, " token"], kind: str) -> Inputs:
        """The inputs with the mask's text for the words that are not kept."""
        if self.mask is None or kind != "mask":
            raise UnsupportedError(f"{self.name} has no {kind} token. " + self._strategies)
        mask = self.mask
        tokens = tuple(t if kept else replace(t, text=mask) for t, kept in zip(inputs.tokens, keep, strict=True))
        return replace(inputs, tokens=tokens)

    @property
    def _strategies(self) -> str:
        return "Use the strategy 'delete'" + (
            ", or load it with mask='[MASK]'." if self.mask is None else " or 'mask'."
        )

    def embed(self, ids: Int[Tensor, "batch token"]) -> Float[Tensor, "batch token hidden"]:
        """Refused: there are no embeddings to be had."""
        raise UnsupportedError(f"{self.name} reads text and shows no embeddings. {self._strategies}")

    def session(self) -> AbstractContextManager[None]:
        """Nothing to prepare and nothing to restore."""
        return nullcontext()

    @property
    def device(self) -> torch.device:
        """The CPU, where what the model returns is put."""
        return torch.device("cpu")

    def query_position(self, slot: Slot, length: int, output: int | None = None) -> int:
        """Refused: there is no attention to be had."""
        raise UnsupportedError(f"{self.name} reads text and shows no attention.")

    def replacement_id(self, kind: str) -> int | None:
        """0 for "mask" where there is a text to mask with; words have no ids, so it stands for nothing else."""
        return 0 if kind == "mask" and self.mask is not None else None

    @abstractmethod
    def provenance(self) -> dict[str, Any]:
        """Which model this is, as far as it can be known from outside."""
