"""Relevance of every token for every target row: one forward pass under the rules, one backward for each row."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar
from weakref import WeakSet

import numpy as np
import torch
from torch import Tensor

from whence.errors import InputError
from whence.methods.base import Cost, Explanation, Method
from whence.methods.rows import read_values, row_gradients
from whence.methods.run import Run
from whence.relevance.absorption import Absorption, MixedItemsError
from whence.relevance.mode import RuleMode
from whence.relevance.operation_rules import linear
from whence.relevance.passing import Unruled
from whence.relevance.rule_set import RuleSet
from whence.subjects.checkpointing import checkpointed
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target, resolve_all

_MIXING: WeakSet[Any] = WeakSet()
"""Models that put the items of a batch out of order where a constant is added, so that its shares mix."""
LONG = 1024
"""Tokens from which on an input's activations are computed a second time in the backward pass, to save memory."""


@dataclass(frozen=True)
class RelevanceMethod(Method):
    """A method whose scores are the relevance that a rule set brings back to the input embeddings.

    R_i = Σ_d x_{i,d} · g_{i,d}, with g the gradient as the rules modify it. Relevance starts as the target's value,
    so `baseline_value` is 0. A target that is no logit or difference of logits, such as a log-probability, hands it to
    the logits by its gradient, which does not conserve; from there on the rules do as they do. What the rules lose, and
    what biases, positions and other constants absorb, is the residual;
    `provenance["absorbed"]` says how much went to which, by the names they have in the model.

    `epsilon` and `gamma` are those of `whence.relevance.operation_rules.linear`: gamma > 0 prefers what agrees with the
    output, and makes the relevance of pixels less noisy; without an epsilon it is the rule set's own. `strict` refuses
    operations without a rule instead of warning.
    """

    epsilon: float | None = None
    gamma: float = 0.0
    strict: bool = False

    rule_set: ClassVar[RuleSet]
    family: ClassVar[str] = "relevance"
    needs: ClassVar[frozenset[str]] = frozenset({"embeddings"})
    complete: ClassVar[bool] = True

    def __post_init__(self) -> None:
        linear(0.0 if self.epsilon is None else self.epsilon, self.gamma)
        if not isinstance(self.strict, bool):
            raise InputError(f"strict is True or False, got {self.strict!r}.")

    def cost(self, tokens: int, rows: int) -> Cost:
        """One forward and one backward a row; one more forward a row for inputs of at least `LONG` tokens."""
        return Cost(1 + (rows if tokens >= LONG else 0), rows)

    def mode(self, unruled: Unruled | None = None, absorption: Absorption | None = None) -> RuleMode:
        """The rules with these parameters, to be opened for a forward pass."""
        unruled = Unruled(self.rule_set.name, self.strict) if unruled is None else unruled
        return RuleMode(self.rule_set.with_linear(self.epsilon, self.gamma), unruled, absorption)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        unruled = Unruled(self.rule_set.name, self.strict)
        found: dict[int, Explanation] = {}

        def work(chosen: Sequence[int]) -> None:
            if len(chosen) > 1 and subject.model in _MIXING:
                return alone(chosen)
            batch = subject.collate([inputs[i] for i in chosen])
            leaf = batch.embeds.clone().requires_grad_(True)
            absorption = Absorption(subject.model, len(batch), leaf)
            mode = self.mode(unruled, absorption)
            try:
                with mode, _saving_memory(subject, [inputs[i] for i in chosen], mode):
                    logits = subject.logits(replace(batch, embeds=leaf))
            except MixedItemsError:
                _MIXING.add(subject.model)
                return alone(chosen)
            readouts = [
                resolve_all(subject, inputs[i], targets, row) for i, row in zip(chosen, logits.detach(), strict=True)
            ]
            values = read_values(logits, readouts)
            unruled.inspect(values)
            relevance, absorbed = _relevance(values, leaf, absorption.shares)
            for place, i in enumerate(chosen):
                rows = len(readouts[place])
                found[i] = Explanation(
                    readouts=readouts[place],
                    scores=relevance[:rows, place, : len(inputs[i])].numpy(),
                    values=values[place, :rows].detach().cpu().double().numpy(),
                    baseline_values=np.zeros(rows),
                    cost=self.cost(len(inputs[i]), rows),
                    notes={"absorbed": {name: share[:rows, place].tolist() for name, share in absorbed.items()}},
                )

            return None

        def alone(chosen: Sequence[int]) -> None:
            for i in chosen:
                work([i])

        run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, self.key)
        return [found[i] for i in range(len(inputs))]


def _relevance(values: Tensor, leaf: Tensor, shares: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """The relevance of `leaf`, `(row, batch, token)`, and of each share, `(row, batch)`, in double precision."""
    embeds = leaf.detach().to(torch.promote_types(leaf.dtype, torch.float32))
    relevance: list[Tensor] = []
    absorbed: list[list[Tensor]] = []
    for _, (gradient, *others) in row_gradients(values, leaf, *shares.values()):
        relevance.append((gradient * embeds).sum(dim=-1).cpu().double())
        absorbed.append([other.cpu().double() for other in others])
    by_name = {name: torch.cat(parts) for name, parts in zip(shares, zip(*absorbed, strict=True), strict=True)}
    return torch.cat(relevance), by_name


def _saving_memory(subject: Subject, inputs: Sequence[Inputs], mode: RuleMode) -> AbstractContextManager[Any]:
    if max(len(item) for item in inputs) < LONG:
        return nullcontext()
    return checkpointed(subject.model, mode.again)
