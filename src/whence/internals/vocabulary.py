"""What a neuron writes, read as a change of the logits."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from whence.errors import InputError, UnsupportedError
from whence.methods.model_map import Projection, map_of
from whence.methods.probe import linear_weight
from whence.records import TokenScore, Unit, VocabularyProjection, as_unit
from whence.subjects.loading import load
from whence.subjects.subject import Subject

_READ_DIRECTLY = ("text-generation", "text2text-generation")
"""Tasks whose head maps the residual stream, normalised, to the vocabulary with nothing in between."""


def vocabulary_projection(subject: Any, unit: Unit | str | tuple[int, int], k: int = 10) -> VocabularyProjection:
    """The vocabulary entries that one neuron's output weights promote and suppress most.

    Formula: r = E v, with v the neuron's column of the down projection and E the output embedding, so r_w is the change
    of w's logit for each unit of the neuron's activation if nothing stood between the two.
    Source: Geva et al. 2022, "Transformer Feed-Forward Layers Build Predictions by Promoting Concepts in the Vocabulary
    Space", section 3.1. As there, the final norm is left out: neither its weight nor its divisor is folded in, nor a
    norm that some models put behind the MLP.
    Shapes and units: one score for each vocabulary entry, of which the `k` largest and the `k` smallest are returned,
    in logits per unit of activation.
    Errors: `UnsupportedError` for heads, layers and residuals, whose output is not one vector, for a model that does
    not read a vocabulary off its residual stream, and for neurons of an encoder; `InputError` for a unit there is not.
    Does not claim: that the neuron has this effect: later layers read what it writes too. In a gated MLP an activation
    may be negative, and then what is suppressed is promoted.

    >>> import whence
    >>> vocabulary_projection(whence.FakeSubject({"good": 2.0}), "layer 3 head 5")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    whence.errors.UnsupportedError: layer 3 head 5 writes no one direction that could be projected: ...
    """
    subject, unit = load(subject), as_unit(unit)
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"vocabulary_projection() wants k, a whole number of at least 1, got {k!r}.")
    if unit.kind != "neuron":
        raise UnsupportedError(
            f"{unit.name} writes no one direction that could be projected: a head writes whatever its values hold, a "
            f"layer all its neurons and heads. Only a neuron's output is one vector times its activation."
        )
    output = _output_embedding(subject, unit)
    column = _column(map_of(subject.model).projection_of(unit), unit).to(output.dtype)
    scores = (output @ column.to(output.device)).float()
    promoted, suppressed = scores.topk(min(k, len(scores))), (-scores).topk(min(k, len(scores)))
    return VocabularyProjection(
        unit,
        _entries(subject, promoted.indices, promoted.values),
        _entries(subject, suppressed.indices, -suppressed.values),
        subject.provenance() | {"final_norm_folded_in": False},
    )


def _entries(subject: Subject, ids: Tensor, scores: Tensor) -> tuple[TokenScore, ...]:
    pairs = zip(ids.tolist(), scores.tolist(), strict=True)
    return tuple(TokenScore(subject.output_label(token), token, score) for token, score in pairs)


def _output_embedding(subject: Subject, unit: Unit) -> Float[Tensor, "vocabulary hidden"]:
    if subject.task not in _READ_DIRECTLY or unit.stack == "encoder":
        raise UnsupportedError(
            f"{subject.name} ({subject.task}) does not read a vocabulary off the stream that {unit.name} writes to. "
            f"vocabulary_projection() serves {' and '.join(_READ_DIRECTLY)} models, and of those the decoder."
        )
    head = subject.model.get_output_embeddings()
    return head.weight.detach()


def _column(projection: Projection, unit: Unit) -> Float[Tensor, " hidden"]:
    """What the neuron writes for each unit of its activation."""
    weight = linear_weight(projection.module)
    assert weight is not None
    by_output: Tensor = weight.T if isinstance(projection.module, Conv1D) else weight
    if by_output.shape[-1] != projection.width or not isinstance(projection.module, nn.Module):
        raise UnsupportedError(f"The weights of {projection.name} are packed (quantised): load the model unquantised.")
    return by_output[:, torch.as_tensor(unit.index)].detach()
