"""Relevance of every token for every target row: one forward pass under the rules, one backward for each row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch

from whence.methods.base import Cost, Explanation, Method
from whence.methods.rows import read_values, row_gradients
from whence.methods.run import Run
from whence.relevance.mode import RuleSet, rules
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target, resolve_all


@dataclass(frozen=True)
class RelevanceMethod(Method):
    """A method whose scores are the relevance that a rule set brings back to the input embeddings.

    R_i = Σ_d x_{i,d} · g_{i,d}, with g the gradient as the rules modify it. Relevance starts as the target's value,
    so `baseline_value` is 0, and what biases, positions and other constants absorb is the residual.
    """

    rule_set: ClassVar[RuleSet]
    family: ClassVar[str] = "relevance"
    needs: ClassVar[frozenset[str]] = frozenset({"embeddings"})
    complete: ClassVar[bool] = True

    def cost(self, tokens: int, rows: int) -> Cost:
        """One forward, one backward a row."""
        return Cost(1, rows)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        found: dict[int, Explanation] = {}

        def work(chosen: Sequence[int]) -> None:
            batch = subject.collate([inputs[i] for i in chosen])
            leaf = batch.embeds.clone().requires_grad_(True)
            with rules(self.rule_set):
                logits = subject.logits(replace(batch, embeds=leaf))
            readouts = [
                resolve_all(subject, inputs[i], targets, row) for i, row in zip(chosen, logits.detach(), strict=True)
            ]
            values = read_values(logits, readouts)
            embeds = leaf.detach().to(torch.promote_types(leaf.dtype, torch.float32))
            relevance = torch.cat(
                [(gradient * embeds).sum(dim=-1).cpu().double() for _, gradient in row_gradients(values, leaf)]
            )
            for place, i in enumerate(chosen):
                rows = len(readouts[place])
                found[i] = Explanation(
                    readouts=readouts[place],
                    scores=relevance[:rows, place, : len(inputs[i])].numpy(),
                    values=values[place, :rows].detach().cpu().double().numpy(),
                    baseline_values=np.zeros(rows),
                    cost=Cost(1, rows),
                )

        run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, self.key)
        return [found[i] for i in range(len(inputs))]
