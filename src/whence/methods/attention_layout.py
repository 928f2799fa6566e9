"""Which of a batch's tokens the queries and keys of each attention layer are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.errors import UnsupportedError
from whence.methods.attention_calls import AttentionCalls, Weights
from whence.methods.probe import few_tokens
from whence.subjects.batch import Batch
from whence.subjects.failures import failures_of
from whence.subjects.inputs import Inputs
from whence.subjects.session import session
from whence.subjects.subject import Subject

Kind = Literal["encoder", "decoder", "cross"]
"""An attention layer of an encoder–decoder: among the source's tokens, among the target's, or from target to source."""


@dataclass(frozen=True, eq=False)
class Part:
    """The tokens of each row that one side of an attention is made of: so many, from the one at `start` on."""

    start: Int[Tensor, " batch"]
    length: Int[Tensor, " batch"]

    @property
    def longest(self) -> int:
        """The width of that side."""
        return int(self.length.max())

    def places(self, tokens: int) -> tuple[Int[Tensor, "batch token"], Bool[Tensor, "batch token"]]:
        """Where in this part each token stands, and whether it is of it at all."""
        place = torch.arange(tokens, device=self.start.device) - self.start[:, None]
        inside = (place >= 0) & (place < self.length[:, None])
        return place.where(inside, torch.zeros_like(place)), inside


@dataclass(frozen=True, eq=False)
class AttentionLayout:
    """Where the queries and keys of a batch's attention layers are among its tokens.

    A model of one stack attends from all tokens to all, and may have tokens of its own in front of them (an image
    model's class token). An encoder–decoder's tokens are each row's source and behind it its target prefix; its
    attention layers are of three kinds, each seen as one square matrix over both.
    """

    subject: Subject
    inputs: Sequence[Inputs]
    batch: Batch
    kinds: tuple[Kind, ...] | None
    """The kind of each attention layer of an encoder–decoder, in the order they are computed; None for one stack."""

    def own_tokens(self, weights: Weights) -> int:
        """How many tokens of its own the model puts in front of the inputs'."""
        return 0 if self.kinds else self.subject.attention_offset(self.inputs, tuple(weights.shape))

    def reads_for_output(self, number: int) -> bool:
        """Whether attention layer `number` updates the tokens at which predictions are read, and not an encoder's."""
        return self.kinds is None or self.kinds[number] != "encoder"

    def arranged(self, number: int, weights: Float[Tensor, "..."]) -> Weights:
        """The weights of attention layer `number`, a matrix for each head.

        transformers packs the heads of a group as queries where there is but one query; here they are heads again.
        Raises `UnsupportedError` for weights that are not between all tokens, or all of one part.
        """
        if self.kinds is None:
            size = self._tokens + self.own_tokens(weights)
            queries, keys = size, size
        elif number < len(self.kinds):
            queries, keys = (part.longest for part in self._parts(number))
        else:
            queries = keys = -1
        if weights.dim() == 4 and queries == 1 and weights.shape[3] == keys:
            weights = weights.flatten(1, 2)[:, :, None]
        if weights.dim() != 4 or (len(weights), *weights.shape[2:]) != (len(self.batch), queries, keys):
            raise UnsupportedError(
                f"Attention layer {number} of {self.subject.name} is not between all its tokens: its weights have the "
                f"shape {tuple(weights.shape)}, wanted ({len(self.batch)}, heads, {queries}, {keys}). Explain the "
                f"model by gradients, relevance or perturbation."
            )
        return weights

    def square(
        self, number: int, weights: Float[Tensor, "batch each query key"], own: float
    ) -> Float[Tensor, "batch each token token"]:
        """Arranged weights of attention layer `number` as matrices over all tokens, the model's own in front.

        The row of a token that the layer does not update is zero, but for `own` on the diagonal.
        """
        if self.kinds is None:
            return weights
        (query, updated), (key, seen) = (part.places(self._tokens) for part in self._parts(number))
        rows = torch.arange(len(weights), device=weights.device)[:, None, None]
        found = weights[rows, :, query[:, :, None], key[:, None, :]].movedim(-1, 1)
        rest = own * torch.eye(self._tokens, dtype=weights.dtype, device=weights.device)
        return torch.where(updated[:, None, :, None], found * seen[:, None, None, :], rest)

    def on_keys(self, number: int, of_tokens: Float[Tensor, "batch token"], keys: int) -> Float[Tensor, "batch key"]:
        """A number of each token as one of each key of attention layer `number`; 0 at keys that are no token."""
        place = torch.arange(keys, device=of_tokens.device).expand(len(of_tokens), keys)
        if self.kinds is None:
            place = place - (keys - self._tokens)
            inside = place >= 0
        else:
            part = self._parts(number)[1]
            inside = place < part.length[:, None]
            place = place + part.start[:, None]
        return of_tokens.gather(1, place.clamp(0, self._tokens - 1)) * inside

    def tokens_of(self, numbers: Sequence[int]) -> tuple[range, range]:
        """Which tokens some attention layers update, and which they see, of a batch of one input."""
        if self.kinds is None:
            return range(self._tokens), range(self._tokens)
        assert self.batch.source is not None
        source = int(self.batch.source[0])
        if all(self.kinds[number] == "encoder" for number in numbers):
            return range(source), range(source)
        return range(source, self._tokens), range(self._tokens)

    def sides(self, number: int, weights: Weights) -> tuple[tuple[int, int], tuple[int, int]]:
        """From which token to which the queries and the keys of an attention layer are, of a batch of one input.

        The model's own tokens are counted, in front of the input's.
        """
        if self.kinds is None:
            whole = (0, self._tokens + self.own_tokens(weights))
            return whole, whole
        query, key = ((int(part.start[0]), int(part.start[0] + part.length[0])) for part in self._parts(number))
        return query, key

    def of_one_side(self) -> Bool[Tensor, "batch token token"]:
        """Whether two tokens are both of the source, or both not."""
        assert self.batch.source is not None
        of_source = Part(torch.zeros_like(self.batch.source), self.batch.source).places(self._tokens)[1]
        return of_source[:, :, None] == of_source[:, None, :]

    @property
    def _tokens(self) -> int:
        return self.batch.mask.shape[1]

    def _parts(self, number: int) -> tuple[Part, Part]:
        """The tokens that are queries, and those that are keys."""
        assert self.kinds is not None
        assert self.batch.source is not None
        length = self.batch.source
        source = Part(torch.zeros_like(length), length)
        target = Part(length, self.batch.mask.sum(dim=1) - length)
        kind = self.kinds[number]
        return source if kind == "encoder" else target, target if kind == "decoder" else source


def layout_of(subject: Subject, inputs: Sequence[Inputs], batch: Batch) -> AttentionLayout:
    """The layout of a batch made of these inputs."""
    return AttentionLayout(subject, inputs, batch, None if batch.source is None else attention_kinds(subject.model))


_kinds: WeakKeyDictionary[Any, tuple[tuple[int, ...], tuple[Kind, ...]]] = WeakKeyDictionary()


def attention_kinds(model: Any) -> tuple[Kind, ...]:
    """The kind of each attention layer of an encoder–decoder, in the order they are computed.

    Found by one forward pass without gradient of a few tokens, more in the source than in the target, and kept until
    the model's modules change. So what tells the kinds apart is the order of the calls, however long an input's source
    and target are. Raises `UnsupportedError` for a layer that is none of the three.
    """
    present = tuple(id(module) for module in model.modules())
    known = _kinds.get(model)
    if known is None or known[0] != present:
        known = _kinds[model] = present, _watched_kinds(model)
    return known[1]


def _watched_kinds(model: Any) -> tuple[Kind, ...]:
    given = few_tokens(model)
    given["decoder_input_ids"] = given["decoder_input_ids"][:, :-1]
    source, target = (given[name].shape[1] for name in ("input_ids", "decoder_input_ids"))
    sizes: dict[tuple[int, ...], Kind] = {
        (source, source): "encoder",
        (target, target): "decoder",
        (target, source): "cross",
    }
    found: list[Kind] = []

    def note(number: int, weights: Weights) -> Weights:
        kind = sizes.get(tuple(weights.shape[-2:]))
        if kind is None or weights.dim() != 4:
            raise UnsupportedError(
                f"Attention layer {number} of {type(model).__name__} is neither within source or target nor from "
                f"target to source: for {source} source and {target} target tokens its weights have the shape "
                f"{tuple(weights.shape)}. Explain the model by gradients, relevance or perturbation."
            )
        found.append(kind)
        return weights

    with session(model), torch.no_grad(), failures_of(model), AttentionCalls(weights=note):
        model(**given)
    return tuple(found)
