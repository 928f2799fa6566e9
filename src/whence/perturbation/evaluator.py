"""The one place where inputs are perturbed: `evaluate(masks) -> values`.

It alone knows how masked inputs share batches, that equal masks are run once, and that a causal model need not read
again what stands in front of the first masked token.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whence.errors import InputError
from whence.methods.rows import read_values
from whence.methods.run import Run
from whence.methods.values import target_values
from whence.perturbation.proposals import Sample
from whence.perturbation.strategies import EMBEDDINGS, TOKENS, Strategy, able, named_strategy
from whence.subjects.batch import Batch
from whence.subjects.inputs import Inputs
from whence.subjects.prefix import Prefix, behind, new_cache, prefix_of
from whence.subjects.subject import Subject
from whence.targets import Readout, Target, resolve_all

_WORTH_A_PREFIX = 0.2
"""The share of tokens that must stand in front of the first masked one for keys and values to be used again."""
_TOGETHER = -1
"""The batches of masked inputs that use no prefix, from whatever input."""


@dataclass(frozen=True, eq=False)
class Perturbed:
    """One masked input, made ready when its turn comes.

    Which input it came from, its mask as a key, the tokens kept, how many tokens the model will read, how many leading
    ones are the same as in the input it came from, and, where tokens were sampled, the input with them.
    """

    item: int
    key: bytes
    keep: Bool[np.ndarray, " token"]
    length: int
    same: int
    sampled: Inputs | None = None


class Evaluator:
    """Target values of masked versions of several inputs.

    A mask is a row of booleans, one a feature: True keeps the feature, False masks it. `features` lists, for each
    input, the token indices of each feature; by default each token is one. Tokens of no feature are always kept. The
    target is resolved on the unmasked input, once, so that every mask is asked about the same output: `readouts` and
    `values` are those of the unmasked inputs. `forwards` counts, for each input, the sequences run.

    Where a causal model can go on from a cache, a masked input's leading tokens up to the first masked one are not
    computed again; that changes values by rounding only.

    Raises `UnsupportedError` if the subject cannot serve the strategy.
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
        self.run = run
        self.strategy = named_strategy(subject, strategy)
        self.features = [[[i] for i in range(len(item))] for item in inputs] if features is None else features
        self.forwards = [1] * len(inputs)
        self.readouts: list[Sequence[Readout]] = [[] for _ in inputs]
        self.values: list[Float[np.ndarray, " row"]] = [np.empty(0) for _ in inputs]
        self._prefixes: dict[int, Prefix] = {}
        self._read_whole(targets)
        self._known = [
            {np.ones(len(groups), dtype=bool).tobytes(): value}
            for groups, value in zip(self.features, self.values, strict=True)
        ]

    def evaluate(
        self, masks: Sequence[Bool[np.ndarray, "_ _"]], label: str = "perturbations"
    ) -> list[Float[np.ndarray, "_ _"]]:
        """The target values of every masked input, float64 `(samples, rows)` for each input.

        Equal masks of one input are run once, also if one was asked before; masked inputs of all inputs share batches.
        """
        units = self._perturbed(masks)
        reused = self._reused(units)

        def length(unit: Perturbed) -> int:
            return unit.length - (unit.same if unit.item in reused else 0)

        def work(chosen: Sequence[Perturbed]) -> None:
            start = min(unit.same for unit in chosen) if chosen[0].item in reused else 0
            for unit, row in zip(chosen, self._values(chosen, start), strict=True):
                self._known[unit.item][unit.key] = row
                self.forwards[unit.item] += 1

        self.run.in_batches(
            self.subject, units, length, work, label, lambda unit: unit.item if unit.item in reused else _TOGETHER
        )
        return [
            np.array([known[mask.tobytes()] for mask in rows]).reshape(len(rows), len(value))
            for known, rows, value in zip(self._known, masks, self.values, strict=True)
        ]

    def _read_whole(self, targets: Sequence[Target]) -> None:
        """Targets and values of the unmasked inputs, and what the model can go on from."""
        alone = [i for i, item in enumerate(self.inputs) if self.subject.remembers(len(item))]
        for i in alone:
            batch = replace(self.subject.collate([self.inputs[i]]), cache=new_cache())
            with torch.no_grad():
                logits = self.subject.logits(batch)
            prefix = prefix_of(batch.cache, len(self.inputs[i]))
            self._prefixes |= {} if prefix is None else {i: prefix}
            self.readouts[i] = resolve_all(self.subject, self.inputs[i], targets, logits[0])
            self.values[i] = read_values(logits, [self.readouts[i]])[0].cpu().double().numpy()
        rest = [i for i in range(len(self.inputs)) if i not in alone]
        values, readouts = target_values(self.subject, [self.inputs[i] for i in rest], targets, self.run)
        for i, value, rows in zip(rest, values, readouts, strict=True):
            self.readouts[i], self.values[i] = rows, value.cpu().numpy()

    def _perturbed(self, masks: Sequence[Bool[np.ndarray, "_ _"]]) -> list[Perturbed]:
        """The masked inputs that have not been run yet."""
        items, keys, keeps = [], [], []
        for item, rows in enumerate(masks):
            new = {mask.tobytes(): mask for mask in rows}
            for key, mask in new.items():
                if key not in self._known[item]:
                    items.append(item)
                    keys.append(key)
                    keeps.append(self._tokens_kept(item, mask))
        sampled: Sequence[Inputs | None] = [None] * len(items)
        if isinstance(self.strategy, Sample):
            sampled = self.strategy.filled([self.inputs[item] for item in items], keeps, self.run)
        return [
            Perturbed(item, key, keep, *self._layout(self.inputs[item], keep), made)
            for item, key, keep, made in zip(items, keys, keeps, sampled, strict=True)
        ]

    def _layout(self, original: Inputs, keep: Bool[np.ndarray, " token"]) -> tuple[int, int]:
        """How many tokens will be read, and how many leading ones are as they were: up to the first that is masked, or
        that a place of prediction moves to.
        """
        first = int(np.argmin(keep))
        if self.strategy != "delete":
            return len(original), first
        left = np.cumsum(keep) - 1
        moved = [int(left[s.index]) for s in original.slots if s.index is not None and left[s.index] != s.index]
        return int(keep.sum()), min([first, *moved])

    def _tokens_kept(self, item: int, keep: Bool[np.ndarray, " feature"]) -> Bool[np.ndarray, " token"]:
        features = self.features[item]
        if keep.shape != (len(features),):
            raise InputError(f"A mask has {keep.shape[0]} entries, wanted one for each of {len(features)} features.")
        tokens = np.ones(len(self.inputs[item]), dtype=bool)
        for kept, members in zip(keep, features, strict=True):
            tokens[list(members)] &= kept
        return tokens

    def _read(self, unit: Perturbed) -> Inputs:
        """What the model is to read, edits to embeddings and attention aside."""
        original = self.inputs[unit.item]
        if unit.sampled is not None:
            return unit.sampled
        if self.strategy == "delete":
            return _without(self.subject, original, unit.keep)
        if self.strategy == "attention_mask":
            _refuse_to_hide_all(original, unit.keep)
        return self.subject.replaced(original, unit.keep, str(self.strategy)) if self.strategy in TOKENS else original

    def _reused(self, units: Sequence[Perturbed]) -> set[int]:
        """The inputs of which enough stands in front of what is masked for their keys and values to be used again."""
        read = dict.fromkeys(self._prefixes, 0)
        same = dict.fromkeys(self._prefixes, 0)
        for unit in units:
            if unit.item in read:
                read[unit.item] += unit.length
                same[unit.item] += unit.same
        return {item for item in read if same[item] > _WORTH_A_PREFIX * read[item]}

    def _values(self, chosen: Sequence[Perturbed], start: int) -> list[Float[np.ndarray, " row"]]:
        """Values of masked inputs, of which the first `start` tokens, the same in all, are taken from the cache."""
        readouts = [self.readouts[unit.item] for unit in chosen]
        inputs = [self._read(unit) for unit in chosen]
        with torch.no_grad():
            batch = self._edited(chosen, self.subject.collate(inputs))
            if start:
                batch = behind(batch, self._prefixes[chosen[0].item], start)
            read = read_values(self.subject.logits(batch), readouts).cpu().double().numpy()
        return [
            self._with_known(unit.item, item, row[: len(rows)], start)
            for unit, item, row, rows in zip(chosen, inputs, read, readouts, strict=True)
        ]

    def _with_known(self, number: int, read: Inputs, values: Float[np.ndarray, " row"], start: int) -> np.ndarray:
        """The values, those read among the first `start` tokens being what they were."""
        places = [read.slots[readout.slot].index for readout in self.readouts[number]]
        before = np.array([place is not None and place < start for place in places], dtype=bool)
        return np.where(before, self.values[number], values)

    def _edited(self, chosen: Sequence[Perturbed], batch: Batch) -> Batch:
        """The batch of masked inputs, with the edits that are made to embeddings and attention."""
        if self.strategy not in (*EMBEDDINGS, "attention_mask"):
            return batch
        masked = torch.zeros(batch.mask.shape, dtype=torch.bool)
        for row, unit in enumerate(chosen):
            masked[row, : len(unit.keep)] = torch.from_numpy(~unit.keep)
        masked = masked.to(batch.mask.device)
        if self.strategy == "attention_mask":
            return replace(batch, hidden=masked)
        return replace(batch, embeds=torch.where(masked[..., None], self._instead(chosen, batch.embeds), batch.embeds))

    def _instead(self, chosen: Sequence[Perturbed], embeds: Float[Tensor, "batch token hidden"]) -> Any:
        """The embeddings that masked tokens get."""
        instead = torch.zeros_like(embeds)
        if self.strategy == "mean_embedding":
            for row, unit in enumerate(chosen):
                instead[row, : len(unit.keep)] = self.subject.mean_embeddings(self.inputs[unit.item])
        return instead


def _without(subject: Subject, original: Inputs, keep: Bool[np.ndarray, " token"]) -> Inputs:
    """The input with its masked tokens gone; each slot is read at the last token left before its prediction."""
    if not keep.any() and not subject.reads_nothing:
        raise InputError(f"Deleting every token leaves nothing to run. {_another(subject)}")
    left = original.without(keep)
    if any(slot.index is not None and slot.index < (left.source or 0) for slot in left.slots) or left.source == 0:
        raise InputError(
            f"Deleting every token in front of a prediction leaves nothing to predict it from. {_another(subject)}"
        )
    return left


def _refuse_to_hide_all(original: Inputs, keep: Bool[np.ndarray, " token"]) -> None:
    """An `InputError` where attention would have nothing left to look at."""
    reads = [slot.index for slot in original.slots if slot.index is not None]
    first = len(keep) if original.source is not None or not reads else min(reads) + 1
    sides = [keep[:first]] if original.source is None else [keep[: original.source], keep[original.source :]]
    if not all(side.any() for side in sides):
        raise InputError(
            "With every token hidden from attention there is nothing to look at. Use another strategy, such as "
            "'zero_embedding', or features='word', which keeps control tokens."
        )


def _another(subject: Subject) -> str:
    """What to do where tokens cannot be deleted."""
    others = [repr(strategy) for strategy in able(subject) if strategy != "delete"]
    if not others:
        return f"Load {subject.name} with mask=, a text to stand in a masked word's place."
    return f"Use another strategy: {' or '.join(others)}."
