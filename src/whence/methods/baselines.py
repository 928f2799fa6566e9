"""What a path starts from: the embeddings that stand for an input that says nothing, or for another text."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import InputError, UnsupportedError
from whence.methods.values import Embeds, Place, input_embeddings
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Lookup, Subject

Token = Literal["mask", "pad", "unk", "eos"]
Baseline = Literal["auto", "zero", "mask", "pad", "unk", "eos", "mean", "sampled", "text"]
"""Every token's embedding replaced by: zero; that of one token; the mean of all plain tokens; those of plain tokens
drawn at random, one for each place; those of the text given. "auto" is the first of `Token` that the tokenizer has, and
zero where it has none."""

_STREAM = 3
"""Sets sampled baselines' random numbers apart from others of the same seed."""
_AT_ONCE = 8192
"""Rows of an embedding table held at a time."""


def check_baseline(baseline: object, text: object) -> None:
    """An `InputError` for a baseline there is not, or a text without its name, or the name without a text."""
    if baseline not in get_args(Baseline):
        raise InputError(
            f"Unknown baseline {baseline!r}. Known: {', '.join(get_args(Baseline))}. "
            f"For a text of your own: baseline='text', baseline_text={baseline!r}."
        )
    if (baseline == "text") != (text is not None):
        raise InputError(
            f"baseline='text' and baseline_text='...' go together, got baseline={baseline!r} and "
            f"baseline_text={text!r}."
        )


def resolved_baseline(subject: Subject, baseline: Baseline) -> Baseline:
    """The baseline by its own name; `UnsupportedError` for one that this subject lacks."""
    has: list[Baseline] = [kind for kind in get_args(Token) if subject.replacement_id(kind) is not None]
    if baseline == "auto":
        return next(iter(has), "zero")
    if baseline in get_args(Token) and baseline not in has:
        able = [*has, "zero", "mean", "sampled"]
        raise UnsupportedError(
            f"{subject.name} has no {baseline} token to use as a baseline. "
            f"Use one of: {', '.join(f'baseline={kind!r}' for kind in able)}."
        )
    if baseline == "text" and "vocabulary" not in subject.offers:
        raise UnsupportedError(f"{subject.name} reads no text to start from. Use baseline='zero'.")
    return baseline


def baseline_embeddings(
    subject: Subject, places: Sequence[Place], baseline: Baseline, text: Any, seed: int, draw: int = 0
) -> list[Embeds]:
    """The embeddings each place's path starts from. `draw` numbers independent samples of "sampled"."""
    name = resolved_baseline(subject, baseline)
    if name == "zero":
        return [torch.zeros_like(place.embeds) for place in places]
    if name == "mean":
        return mean_embeddings(subject, places)
    if name == "sampled":
        return [_sampled(subject, place, np.random.default_rng([seed, draw, _STREAM])) for place in places]
    if name == "text":
        return input_embeddings(subject, [_with_text(subject, place.inputs, text) for place in places])
    token = subject.replacement_id(name)
    return input_embeddings(subject, [place.inputs.with_ids([token] * len(place.inputs)) for place in places])


def mean_embeddings(subject: Subject, places: Sequence[Place]) -> list[Embeds]:
    """The mean embedding of plain tokens at every place, of an image the mean of its units."""
    if "vocabulary" not in subject.offers:
        return [place.embeds.mean(dim=0).expand_as(place.embeds) for place in places]
    means = [_mean_of(subject, table) for _, table in subject.tables(places[0].inputs)]
    found = []
    for place in places:
        embeds = torch.empty_like(place.embeds)
        for (part, _), mean in zip(subject.tables(place.inputs), means, strict=True):
            embeds[part] = mean.to(embeds.dtype)
        found.append(embeds)
    return found


def _mean_of(subject: Subject, table: Lookup) -> Float[Tensor, " hidden"]:
    ids = torch.as_tensor(subject.plain_ids, device=subject.device)
    return torch.stack([table(some[None])[0].double().sum(dim=0) for some in ids.split(_AT_ONCE)]).sum(dim=0) / len(ids)


def _sampled(subject: Subject, place: Place, generator: np.random.Generator) -> Embeds:
    """Tokens drawn alike from all plain ones, place after place, so that what follows changes nothing; of an image,
    from its own units.
    """
    if "vocabulary" not in subject.offers:
        return place.embeds[torch.from_numpy(generator.integers(len(place.embeds), size=len(place.embeds)))]
    ids = subject.plain_ids[generator.integers(len(subject.plain_ids), size=len(place.inputs))]
    return input_embeddings(subject, [place.inputs.with_ids(ids.tolist())])[0]


def _with_text(subject: Subject, inputs: Inputs, text: Any) -> Inputs:
    """The inputs with the text's tokens in the place of the prompt's, as many; a continuation stays."""
    other = subject.encode(text)
    length = _prompt_length(inputs)
    got = len(other) if other.source is None else other.source
    if got != length:
        raise InputError(
            f"The baseline text has {got} tokens, the input has {length}: a path leads from each token to one other. "
            f"Baseline: {_listed(other.tokens[:got])}. Input: {_listed(inputs.tokens[:length])}. "
            f"Give a text of {length} tokens, or use baseline='pad', 'mean' or 'zero'."
        )
    ids = [token.id for token in (*other.tokens[:length], *inputs.tokens[length:])]
    return inputs.with_ids(ids)


def _prompt_length(inputs: Inputs) -> int:
    """How many of the tokens were given, and not written behind them."""
    if inputs.source is not None:
        return inputs.source
    return len(inputs) - sum(slot.actual is not None for slot in inputs.slots[1:])


def _listed(tokens: Sequence[Any]) -> str:
    return " ".join(repr(token.text) for token in tokens)
