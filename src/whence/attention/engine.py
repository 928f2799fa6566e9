"""Token scores as functions of the attention weights on the way to the place where the model predicts."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.errors import InputError, UnsupportedError
from whence.methods.attention_calls import AttentionCalls, Weights
from whence.methods.attention_layout import AttentionLayout, layout_of
from whence.methods.base import Cost, Explanation, Method
from whence.methods.rows import read_values, row_gradients
from whence.methods.run import Run
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Readout, Target, resolve_all


@dataclass(frozen=True)
class AttentionMethod(Method):
    """A method whose scores are an aggregation of attention weights, read at each target's query token.

    Weights come from the one forward pass that gives the target's value, under whatever attention the model uses. An
    encoder–decoder's attention layers, encoder, decoder and cross-attention in the order they are computed, are each
    one matrix over source and target tokens, in which a token that the layer does not update attends to itself.
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
    def _receive(self, kept: list[Tensor], number: int, weights: Float[Tensor, "batch head token token"]) -> None:
        """Take layer `number`'s weights into `kept`, which should hold no more layers than are needed."""

    @abstractmethod
    def _aggregate(
        self, kept: list[Tensor], layers: int, item: int, queries: Int[Tensor, " row"]
    ) -> Float[Tensor, "row token"]:
        """Every token's score for some queries of one item, from what was kept of `layers` layers."""

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        found: dict[int, Explanation] = {}

        def work(chosen: Sequence[int]) -> None:
            items = [inputs[i] for i in chosen]
            batch = subject.collate(items)
            layout = layout_of(subject, items, batch)
            kept: list[Tensor] = []
            own = 0

            def receive(number: int, weights: Weights) -> Weights:
                nonlocal own
                own = layout.own_tokens(weights)
                self._receive(kept, number, layout.square(number, layout.arranged(number, weights), own=1.0))
                return weights

            with torch.no_grad(), AttentionCalls(weights=receive) as calls:
                logits = subject.logits(batch)
            refuse_without_attention(subject, calls.count)
            for place, i in enumerate(chosen):
                readouts = resolve_all(subject, inputs[i], targets, logits[place])
                queries = queries_of(subject, inputs[i], readouts, logits.device)
                scores = self._aggregate(kept, calls.count, place, queries)
                values = read_values(logits[place : place + 1], [readouts])[0]
                found[i] = explanation(inputs[i], readouts, scores, values, own, Cost(1, 0))

        run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, self.key)
        return [found[i] for i in range(len(inputs))]


@dataclass(frozen=True)
class AttentionGradientMethod(Method):
    """A method whose scores are an aggregation of attention weights times the target's gradient with respect to them.

    One forward pass serves every target row; rows are separate vector-Jacobian products, so scores depend on the
    output explained. A token that an encoder–decoder's layer does not update has no weights in it.
    """

    family: ClassVar[str] = "attention"
    needs: ClassVar[frozenset[str]] = frozenset({"attention"})

    def cost(self, tokens: int, rows: int) -> Cost:
        """One forward, and a backward for each row."""
        return Cost(1, rows)

    @abstractmethod
    def _chosen(self, layout: AttentionLayout, layers: int) -> Sequence[int]:
        """The attention layers whose weights' gradients are needed."""

    @abstractmethod
    def _fuse(self, product: Float[Tensor, "row batch head query key"]) -> Float[Tensor, "row batch query key"]:
        """One layer's A ⊙ ∂f/∂A with its heads as one."""

    @abstractmethod
    def _combine(
        self,
        layers: dict[int, Float[Tensor, "batch row _ _"]],
        layout: AttentionLayout,
        queries: Int[Tensor, "batch row"],
    ) -> Float[Tensor, "batch row token"]:
        """Every token's score at each row's query, from the fused layers by their number."""

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        found: dict[int, Explanation] = {}

        def work(chosen: Sequence[int]) -> None:
            items = [inputs[i] for i in chosen]
            batch = subject.collate(items)
            layout = layout_of(subject, items, batch)
            weights: list[Weights] = []

            def receive(number: int, given: Weights) -> Weights:
                arranged = layout.arranged(number, given)
                weights.append(arranged if arranged.requires_grad else arranged.detach().requires_grad_())
                return weights[-1].reshape(given.shape)

            leaf = batch.embeds.detach().requires_grad_()
            with AttentionCalls(weights=receive) as calls:
                logits = subject.logits(replace(batch, embeds=leaf))
            refuse_without_attention(subject, calls.count)
            readouts = [resolve_all(subject, item, targets, logits[i]) for i, item in enumerate(items)]
            values = read_values(logits, readouts)
            queries = torch.nn.utils.rnn.pad_sequence(
                [queries_of(subject, item, rows, logits.device) for item, rows in zip(items, readouts, strict=True)],
                batch_first=True,
            )
            numbers = self._chosen(layout, calls.count)
            scores = self._scores([weights[n] for n in numbers], numbers, layout, values, leaf, queries)
            own = layout.own_tokens(weights[0])
            for place, i in enumerate(chosen):
                rows = len(readouts[place])
                cost = Cost(1, rows)
                found[i] = explanation(
                    inputs[i], readouts[place], scores[place, :rows], values[place, :rows].detach(), own, cost
                )

        run.in_batches(subject, range(len(inputs)), lambda i: len(inputs[i]), work, self.key)
        return [found[i] for i in range(len(inputs))]

    def _scores(
        self,
        weights: Sequence[Weights],
        numbers: Sequence[int],
        layout: AttentionLayout,
        values: Float[Tensor, "batch row"],
        leaf: Float[Tensor, "batch token hidden"],
        queries: Int[Tensor, "batch row"],
    ) -> Float[Tensor, "batch row token"]:
        parts = []
        for rows, (_, *gradients) in row_gradients(values, leaf, *weights):
            fused = {
                number: self._fuse(one.detach() * gradient).movedim(0, 1)
                for number, one, gradient in zip(numbers, weights, gradients, strict=True)
            }
            parts.append(self._combine(fused, layout, queries[:, rows]))
        return torch.cat(parts, dim=1)


def queries_of(
    subject: Subject, item: Inputs, readouts: Sequence[Readout], device: torch.device
) -> Int[Tensor, " row"]:
    """The token each row's prediction is made at."""
    places = [subject.query_position(item.slots[r.slot], len(item), r.output) for r in readouts]
    return torch.tensor(places, device=device)


def refuse_without_attention(subject: Subject, layers: int) -> None:
    """An `UnsupportedError` if no attention was seen."""
    if layers == 0:
        raise UnsupportedError(
            f"No attention weights could be read from {subject.name} (attention implementation "
            f"{subject.provenance().get('attention')!r}): it runs neither torch's fused attention nor a softmax "
            f"written out, or has no attention at all. Kernels such as flash attention's show no weights: load the "
            f"model with attn_implementation='sdpa'. Or explain it by gradients, relevance or perturbation."
        )


def layer_number(layer: int, layers: int) -> int:
    """The layer's number from 0; `InputError` where the model has none of it."""
    if not -layers <= layer < layers:
        raise InputError(f"Layer {layer} does not exist: the model has {layers} attention layers.")
    return layer % layers


def refuse_wrong_number(name: str, value: object) -> None:
    """An `InputError` for what is no whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError(f"{name} must be a whole number, got {value!r}.")


def explanation(
    item: Inputs,
    readouts: Sequence[Readout],
    scores: Float[Tensor, "row token"],
    values: Float[Tensor, " row"],
    own: int,
    cost: Cost,
) -> Explanation:
    """An item's explanation from scores over the batch's tokens, of which the first are the model's own."""
    received = scores.cpu().double()
    return Explanation(
        readouts=readouts,
        scores=received[:, own : own + len(item)].numpy(),
        values=values.cpu().double().numpy(),
        baseline_values=None,
        cost=cost,
        resolved={"on_special_tokens": received[:, :own].sum(dim=1).tolist()} if own else {},
    )
