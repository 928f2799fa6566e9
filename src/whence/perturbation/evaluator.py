"""The one place where inputs are perturbed: `evaluate(masks) -> values`.

It alone knows what a masked feature becomes, how masked inputs share batches, and that equal masks are run once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whence.errors import InputError, UnsupportedError
from whence.methods.rows import read_values
from whence.methods.run import Run
from whence.methods.values import target_values
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target

Strategy = Literal["auto", "mask", "pad", "unk", "eos", "delete", "zero_embedding"]
"""What a masked token becomes: that token of the tokenizer, nothing at all, or a zero embedding."""

_AUTO: tuple[Strategy, ...] = ("mask", "pad", "unk", "eos")


@dataclass(frozen=True, eq=False)
class Perturbed:
    """One masked input, ready to run: which input it came from, its ids, and the tokens whose embedding is zeroed."""

    item: int
    mask: int
    inputs: Inputs
    zeroed: Bool[np.ndarray, " token"] | None


class Evaluator:
    """Target values of masked versions of several inputs.

    A mask is a row of booleans, one a feature: True keeps the feature, False masks it. `features` lists, for each
    input, which token indices make each feature (words, sentences, segments); by default each token is one. Tokens
    of no feature are always kept. The target is resolved on the
    unmasked input, once, so that every mask is asked about the same output: `readouts` and `values` are those of the
    unmasked inputs. `forwards` counts, for each input, the sequences run.

    Raises `UnsupportedError` if the tokenizer has no token for the strategy.
    """

    def __init__(
        self,
        subject: Subject,
        inputs: Sequence[Inputs],
        targets: Sequence[Target],
        run: Run,
        strategy: Strategy,
        features: Sequence[Sequence[Sequence[int]]] | None = None,
    ) -> None:
        self.subject = subject
        self.inputs = inputs
        self.strategy = named_strategy(subject, strategy)
        self.features = [[[i] for i in range(len(item))] for item in inputs] if features is None else features
        self.forwards = [1] * len(inputs)
        self._run = run
        values, self.readouts = target_values(subject, inputs, targets, run)
        self.values = [value.cpu().numpy() for value in values]

    def evaluate(
        self, masks: Sequence[Bool[np.ndarray, "_ _"]], label: str = "perturbations"
    ) -> list[Float[np.ndarray, "_ _"]]:
        """The target values of every masked input, float64 `(samples, rows)` for each input.

        Equal masks of one input are run once; masked inputs of all inputs share batches.
        """
        unique = [np.unique(rows, axis=0, return_inverse=True) for rows in masks]
        units = [self._perturbed(i, m, mask) for i, (rows, _) in enumerate(unique) for m, mask in enumerate(rows)]
        values: list[dict[int, np.ndarray]] = [{} for _ in masks]

        def work(chosen: Sequence[Perturbed]) -> None:
            read = self._read(chosen)
            for unit, row in zip(chosen, read, strict=True):
                values[unit.item][unit.mask] = row[: len(self.readouts[unit.item])].cpu().double().numpy()
                self.forwards[unit.item] += 1

        self._run.in_batches(self.subject, units, lambda unit: len(unit.inputs), work, label)
        return [
            np.array([found[m] for m in range(len(rows))]).reshape(len(rows), len(row))[inverse.reshape(-1)]
            for found, row, (rows, inverse) in zip(values, self.values, unique, strict=True)
        ]

    def _read(self, chosen: Sequence[Perturbed]) -> Float[Tensor, "batch row"]:
        with torch.no_grad():
            batch = self.subject.collate([unit.inputs for unit in chosen])
            if self.strategy == "zero_embedding":
                embeds = batch.embeds.clone()
                for row, unit in enumerate(chosen):
                    assert unit.zeroed is not None
                    embeds[row, : len(unit.zeroed)][torch.as_tensor(unit.zeroed, device=embeds.device)] = 0
                batch = replace(batch, embeds=embeds)
            logits = self.subject.logits(batch)
            return read_values(logits, [self.readouts[unit.item] for unit in chosen])

    def _tokens_kept(self, item: int, keep: Bool[np.ndarray, " feature"]) -> Bool[np.ndarray, " token"]:
        features = self.features[item]
        if keep.shape != (len(features),):
            raise InputError(f"A mask has {keep.shape[0]} entries, wanted one for each of {len(features)} features.")
        tokens = np.ones(len(self.inputs[item]), dtype=bool)
        for kept, members in zip(keep, features, strict=True):
            tokens[list(members)] &= kept
        return tokens

    def _perturbed(self, item: int, number: int, keep: Bool[np.ndarray, " feature"]) -> Perturbed:
        original = self.inputs[item]
        keep = self._tokens_kept(item, keep)
        if keep.all() or self.strategy == "zero_embedding":
            return Perturbed(item, number, original, ~keep)
        if self.strategy == "delete":
            return Perturbed(item, number, _without(self.subject, original, keep), None)
        return Perturbed(item, number, self.subject.replaced(original, keep, self.strategy), None)


def check_strategy(strategy: str) -> None:
    """An `InputError` for a strategy there is not."""
    known = get_args(Strategy)
    if strategy not in known:
        raise InputError(f"Unknown strategy {strategy!r}. Known: {', '.join(known)}.")


def named_strategy(subject: Subject, strategy: Strategy) -> Strategy:
    """The strategy by its own name: "auto" is the first of mask, pad, unk and eos token that the tokenizer has.

    Without any of them it is a zero embedding, or deletion of a model that shows no embeddings.
    """
    check_strategy(strategy)
    if strategy == "auto":
        last: Strategy = "zero_embedding" if "embeddings" in subject.offers else "delete"
        return next((s for s in _AUTO if subject.replacement_id(s) is not None), last)
    if strategy == "zero_embedding" and "embeddings" not in subject.offers:
        raise UnsupportedError(
            f"{subject.name} shows no embeddings to set to zero. Use one of: {', '.join(_replacements(subject))}."
        )
    if strategy == "delete" and not subject.deletable:
        raise UnsupportedError(
            f"Deleting a token of {subject.name} ({subject.task}) would take away or move the places it predicts for. "
            f"Use one of: {', '.join(_replacements(subject))}."
        )
    if strategy in _AUTO and subject.replacement_id(strategy) is None:
        raise UnsupportedError(
            f"{subject.name} has no {strategy} token. Use one of: {', '.join(_replacements(subject))}."
        )
    return strategy


def _replacements(subject: Subject) -> list[str]:
    """The strategies that this subject can serve."""
    able: list[str] = [s for s in _AUTO if subject.replacement_id(s) is not None]
    embeds = "embeddings" in subject.offers
    return [*able, *(["delete"] if subject.deletable else []), *(["zero_embedding"] if embeds else [])]


def _without(subject: Subject, original: Inputs, keep: Bool[np.ndarray, " token"]) -> Inputs:
    """The input with its masked tokens gone; each slot is read at the last token left before its prediction."""
    if not keep.any():
        raise InputError(f"Deleting every token leaves nothing to run. {_instead(subject)}")
    left = original.without(keep)
    if any(slot.index is not None and slot.index < (left.source or 0) for slot in left.slots) or left.source == 0:
        raise InputError(
            f"Deleting every token in front of a prediction leaves nothing to predict it from. {_instead(subject)}"
        )
    return left


def _instead(subject: Subject) -> str:
    """What to do where tokens cannot be deleted."""
    others = [repr(strategy) for strategy in _replacements(subject) if strategy != "delete"]
    if not others:
        return f"Load {subject.name} with mask=, a text to stand in a masked word's place."
    return f"Use another strategy: {' or '.join(others)}."
