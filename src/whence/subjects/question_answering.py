"""Extractive question answering: which tokens made the model begin and end its answer here."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError, TargetError, UnsupportedError
from whence.records import Token
from whence.subjects import fields
from whence.subjects.batch import Batch
from whence.subjects.inputs import Inputs, Slot
from whence.subjects.subject import At, refuse_at
from whence.subjects.transformers_model import TransformersModel, refuse_encoder_decoder

_BORDERS = ("start", "end")


class QuestionAnswering(TransformersModel):
    """A model that marks the answer to a question in a context: one prediction of where it starts, one of its end.

    Its outputs are the tokens themselves: the logit of a token is how much the answer starts (or ends) there. The
    predicted answer is the span within the context, start not behind end, of the largest sum of both logits. A target
    is a text of the context that occurs once (its first token for the start, its last for the end), or a token index.
    Inputs of different lengths never share a batch, so that no probability goes to padding.
    """

    task = "question-answering"
    equal_lengths = True
    deletable = False

    def __init__(self, model: Any, tokenizer: Any, name: str | None = None, revision: str | None = None):
        super().__init__(model, tokenizer, name, revision)
        refuse_encoder_decoder(model)

    def encode(
        self,
        data: Mapping[str, str],
        *,
        continuation: str | Sequence[int] | None = None,
        max_new_tokens: int | None = None,
        at: At | None = None,
    ) -> Inputs:
        """Exact tokens of question and context, with a slot for the answer's start and one for its end."""
        self._refuse_writing(continuation, max_new_tokens, "marks an answer")
        refuse_at(self, at)
        found = self._encode_texts(fields.texts_of(data, ("question", "context")))
        for role in ("question", "context"):
            if not any(t.role == role and not t.special for t in found.tokens):
                raise InputError(f"The tokenizer makes no token of the {role}: there is nothing to give a score to.")
        return Inputs(found.tokens, (Slot(), Slot()), found.text, token_types=found.token_types)

    def logits(self, batch: Batch) -> Float[Tensor, "batch slot token"]:
        """How much the answer starts, and ends, at each token; nowhere in the padding, so that chances add up to 1."""
        out = self._forward(batch)
        if getattr(out, "start_logits", None) is None or out.start_logits.shape != batch.mask.shape:
            raise UnsupportedError(
                f"{type(self.model).__name__} gives no logit for each token as the start and the end of an answer."
            )
        logits = torch.stack([out.start_logits, out.end_logits], dim=1)
        return logits.masked_fill(~batch.mask[:, None], torch.finfo(logits.dtype).min)

    def predicted(self, inputs: Inputs, number: int, logits: Float[Tensor, "slot output"]) -> int:
        """The start or the end of the best span of the context."""
        places = torch.tensor(_context(inputs.tokens), device=logits.device)
        start, end = logits[:, places]
        spans = (start[:, None] + end[None, :]).masked_fill(
            torch.ones(len(places), len(places), device=logits.device).tril(-1).bool(), -torch.inf
        )
        best = divmod(int(spans.argmax()), len(places))
        return int(places[best[number]])

    def query_position(self, slot: Slot, length: int, output: int | None = None) -> int:
        """The token whose logit is explained."""
        if output is None:
            raise UnsupportedError(
                "A target made of several tokens' logits is read at no single token, so attention does not lead to "
                "it. Explain it by gradients, relevance or perturbation, or name one token."
            )
        return output

    def output_label(self, index: int) -> str:
        """The place of one token."""
        return f"token {index}"

    def target_label(self, index: int, inputs: Inputs, number: int) -> str:
        """Whether the answer starts or ends there, the token's text and its place."""
        return f"{_BORDERS[number]} · {inputs.tokens[index].text.strip()} ({index})"

    def output_index(self, name: str | int, inputs: Inputs) -> int:
        """The token that a text of the context starts with, or a token index."""
        return self.target_index(name, inputs, 0)

    def target_index(self, name: str | int, inputs: Inputs, number: int) -> int:
        """A text's first token as a start, its last as an end; or a token index."""
        if isinstance(name, int):
            if not 0 <= name < len(inputs):
                raise TargetError(f"There is no token {name}: the input has the tokens 0 to {len(inputs) - 1}.")
            return name
        spans = _spans(inputs, name)
        if len(spans) == 1:
            return spans[0][number]
        if not spans:
            raise TargetError(
                f"{name!r} is no run of whole tokens of the context. Name a part of it, or a token index: "
                + ", ".join(f"{inputs.tokens[i].text.strip()} ({i})" for i in _context(inputs.tokens)[:40])
                + "."
            )
        raise TargetError(
            f"{name!r} stands in the context {len(spans)} times. Name the token index of the one meant: "
            + ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in spans)
            + "."
        )


def _context(tokens: Sequence[Token]) -> list[int]:
    return [i for i, token in enumerate(tokens) if token.role == "context" and not token.special]


def _spans(inputs: Inputs, name: str) -> list[tuple[int, int]]:
    """First and last token of every run of whole context tokens that spells `name`, white space aside."""
    wanted, places = name.strip(), _context(inputs.tokens)
    found = []
    for number, first in enumerate(places):
        for last in places[number:]:
            begin, end = inputs.tokens[first].start, inputs.tokens[last].end
            said = inputs.text[begin:end].strip() if begin is not None and end is not None else ""
            if said == wanted:
                found.append((first, last))
            if len(said) >= len(wanted):
                break
    return found
