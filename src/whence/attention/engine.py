"""Token scores as functions of the attention weights at the place where the model predicts."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from whence.attention.weights import AttentionReader, Weights
from whence.errors import UnsupportedError
from whence.methods.base import Cost, Explanation, Method
from whence.methods.rows import read_values
from whence.methods.run import Run
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target, resolve_all


@dataclass(frozen=True)
class AttentionMethod(Method):
    """A method whose scores are an aggregation of attention weights, read at each target's query token.

    Weights come from the one forward pass that gives the target's value, under whatever attention the model uses.
    The scores do not depend on which output is explained, only on where it is predicted.
    """

    family: ClassVar[str] = "attention"
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})

    @property
    def scores_unit(self) -> str:
        """The unit of the scores."""
        return "attention weight"

    @property
    def signed(self) -> bool:
        """No: a weight says how much, not for or against."""
        return False

    def cost(self, tokens: int, rows: int) -> Cost:
        """One forward, no backward."""
        return Cost(1, 0)

    @abstractmethod
    def _receive(self, kept: list[Tensor], number: int, weights: Weights) -> None:
        """Take layer `number`'s weights into `kept`, which should hold no more layers than are needed."""

    @abstractmethod
    def _aggregate(self, kept: list[Tensor], layers: int) -> Float[Tensor, "batch query token"]:
        """Every token's score for every query, from what was kept of `layers` layers."""

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        found: dict[int, Explanation] = {}

        def work(chosen: Sequence[int]) -> None:
            logits, scores, first = self._forward(subject, [inputs[i] for i in chosen])
            for place, i in enumerate(chosen):
                readouts = resolve_all(subject, inputs[i], targets, logits[place])
                queries = [subject.query_position(inputs[i].slots[r.slot], len(inputs[i]), r.output) for r in readouts]
                received = scores[place, queries].cpu().double()
                found[i] = Explanation(
                    readouts=readouts,
                    scores=received[:, first : first + len(inputs[i])].numpy(),
                    values=read_values(logits[place : place + 1], [readouts])[0].cpu().double().numpy(),
                    baseline_values=None,
                    cost=Cost(1, 0),
                    resolved={"on_special_tokens": received[:, :first].sum(dim=1).tolist()} if first else {},
                )

        run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, self.key)
        return [found[i] for i in range(len(inputs))]

    def _forward(
        self, subject: Subject, inputs: Sequence[Inputs]
    ) -> tuple[Tensor, Float[Tensor, "batch query token"], int]:
        """The logits of one forward pass, the scores aggregated on the way, and which of them are the first token's."""
        kept: list[Tensor] = []
        layers = first = 0

        def receive(weights: Weights) -> None:
            nonlocal layers, first
            first = subject.attention_offset(inputs, tuple(weights.shape))
            self._receive(kept, layers, weights)
            layers += 1

        batch = subject.collate(inputs)
        with torch.no_grad(), AttentionReader(receive):
            logits = subject.logits(batch)
        if layers == 0:
            raise UnsupportedError(
                f"No attention weights could be read from {subject.name} (attention implementation "
                f"{subject.provenance().get('attention')!r}): it runs neither torch's fused attention "
                f"(attn_implementation='sdpa') nor a softmax written out ('eager'), or has no attention at all. "
                f"Explain it by gradients, relevance or perturbation."
            )
        return logits, self._aggregate(kept, layers), first
