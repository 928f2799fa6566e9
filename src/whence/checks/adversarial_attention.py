"""Whether attention weights unlike the model's own give the same output."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whence.checks.attention.given_attention import (
    Layers,
    OwnAttention,
    check_layers,
    own_attention,
    permuted,
    why_no_attention,
)
from whence.checks.base import Case, Check, status
from whence.methods.checks import check_number, check_whole
from whence.records import Finding, Reference
from whence.records.counting import counted
from whence.records.verdict import NOT_APPLICABLE
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject

_TINY = 1e-30
_START = 0.1
"""The deviation of the noise on the model's own scores that the search starts from: at these themselves the
divergence is least and has no direction."""
_PENALTY = 5.0
"""λ. Jain and Wallace take 500 for one query; where thousands are averaged over, that leaves no way to go but back."""
_BACK = 7
"""Forwards spent on going back towards the model's own weights, by halves, where the search ends outside."""
_PROBE = 0

Tried = Callable[[Mapping[int, Tensor], int], tuple[Tensor, Tensor]]
"""Takes scores by layer and the step they are of; gives their divergence and how far they move the output."""
Counted = dict[int, Bool[Tensor, "1 head query"]]
"""By layer, the queries whose weights are compared."""


@dataclass(frozen=True)
class AdversarialAttention(Check):
    """How unlike the model's own attention weights can be while its output stays as it is.

    Formula: maximise mean_q JSD(α_q, α̂_q) subject to TVD(p(x; α), p(x; α̂)) ≤ epsilon at every place predicted, with
    JSD(a, b) = H((a + b)/2) − (H(a) + H(b))/2, between 0 and ln 2; of each input the largest found, and the mean of
    these over inputs. Passed where that is at most `at_most`, half of ln 2.
    Source: Jain and Wallace 2019, "Attention is not Explanation", section 4.2.2, equations 1 to 3 with one adversary;
    the distance ("ε-max JSD") and its ε of 0.01 are theirs, the rule to pass is not. Their model has one attention
    layer and one query: here q runs over all queries of all heads and layers (`layers="all"`, or
    "last" for the layer computed last) that can look at two keys or more, and whose weights the output depends on.
    Shapes and units: nats, for each input from scores `(batch, head, query, key)` of each layer; TVD is a share from 0
    to 1 over all outputs.
    Cost: for each input at most 4 + steps + 7 forwards and 1 + steps backwards, for the first `inputs` of them.
    Errors: `InputError` for parameters that cannot be.
    Does not claim: that the weights found are ones that the model could arrive at by itself (Wiegreffe and Pinter 2019,
    "Attention is not not Explanation"), or, where none are found, that there are none: the search is a gradient's.

    Weights are searched for as scores in front of the softmax, by Adam at the rate `lr` from the model's own with a
    little noise, on −JSD + λ max(0, TVD − epsilon), λ = 5; only weights within `epsilon` count. Where the search ends
    outside, it goes part of the way back. The reference is the divergence of shuffled weights. Not applicable to
    methods of other families, to regressions, and where no query has a choice. A search that ended outside, which the
    finding counts, is weak evidence for weights that decide.

    >>> AdversarialAttention(steps=500).epsilon
    0.01
    """

    epsilon: float = 0.01
    at_most: float = math.log(2) / 2
    steps: int = 100
    lr: float = 0.2
    inputs: int = 8
    layers: Layers = "all"

    key: ClassVar[str] = "adversarial_attention"
    asks: ClassVar[str] = "Can attention weights unlike the model's own give the same output?"
    unasked: ClassVar[str | None] = "it searches for weights by gradients, which takes minutes"

    def __post_init__(self) -> None:
        check_number("epsilon", self.epsilon, above=0, at_most=1)
        check_number("at_most", self.at_most, above=0, at_most=math.log(2))
        check_number("lr", self.lr, above=0)
        check_whole("steps", self.steps, least=1)
        check_whole("inputs", self.inputs, least=1)
        check_layers(self.layers)

    def _inapplicable(self, case: Case) -> str | None:
        return why_no_attention(case)

    def _find(self, case: Case) -> Finding:
        found: list[_Found] = []
        items = case.inputs[: self.inputs]
        with case.run.progress_of(len(items), self.key) as advance:
            for number, item in enumerate(items):
                found += self._search(case.subject, item, np.random.default_rng([case.run.seed, number]))
                advance(1)
        if not found:
            reason = "No query that the output depends on can look at more than one key: there are no other weights."
            return Finding(self.key, NOT_APPLICABLE, reason)
        value, shuffled = (float(np.mean(of)) for of in ([f.divergence for f in found], [f.shuffled for f in found]))
        low, high = (float(np.quantile([f.shuffled for f in found], part)) for part in (0.025, 0.975))
        reference = Reference("weights shuffled among the keys of each query", shuffled, low, high, len(found))
        return Finding(
            self.key,
            status(value <= self.at_most),
            self._sentence(found, value, shuffled),
            "largest Jensen-Shannon divergence with the same output, mean over inputs",
            value,
            reference,
            {"each": [vars(one) for one in found]},
        )

    def _sentence(self, found: "Sequence[_Found]", value: float, shuffled: float) -> str:
        whose = "all layers" if self.layers == "all" else "the last layer"
        outside = sum(one.ended > self.epsilon for one in found)
        unsure = (
            f" For {outside} of them the search ended outside the tolerance: other weights may be more unlike."
            if outside
            else ""
        )
        return (
            f"A search of {self.steps} steps found attention weights of {whose} that move the output by no more than "
            f"{self.epsilon:g} in total variation distance and have a Jensen-Shannon divergence of {value:.3f} from "
            f"the model's own (mean of {counted(len(found), 'input')}); {self.at_most:.3f} is allowed, "
            f"{math.log(2):.3f} is the most there can be, and weights shuffled at random have {shuffled:.3f}.{unsure}"
        )

    def _search(self, subject: Subject, item: Inputs, generator: np.random.Generator) -> "list[_Found]":
        """The most different weights found for one input, nothing where it has no choice of weights."""
        with torch.inference_mode(False), torch.enable_grad(), subject.session():
            own = own_attention(subject, item)
            counted = _counted(own, own.chosen(self.layers))
            if not any(bool(queries.any()) for queries in counted.values()):
                return []
            shuffled = {layer: permuted(own, layer, [generator]) for layer in counted}
            with torch.no_grad():
                by_chance = _divergence(own, own.given(shuffled).weights, counted)
            return [self._climb(own, counted, float(by_chance), generator)]

    def _climb(self, own: OwnAttention, counted: Counted, shuffled: float, generator: np.random.Generator) -> "_Found":
        """The search by gradients from the model's own weights, and from where it ends part of the way back."""
        free = {layer: _noisy(own, layer, generator) for layer in counted}
        optimizer = torch.optim.Adam(list(free.values()), lr=self.lr)
        best = _Found(0.0, 0.0, shuffled, 0, 0.0, {})

        def tried(scores: Mapping[int, Tensor], step: int) -> tuple[Tensor, Tensor]:
            nonlocal best
            passed = own.given(scores)
            divergence = _divergence(own, passed.weights, counted)
            shift = own.shifts(passed.logits).amax()
            if shift.item() <= self.epsilon and divergence.item() > best.divergence:
                by_layer = _by_layer(own, passed.weights, counted)
                best = _Found(divergence.item(), shift.item(), shuffled, step, 0.0, by_layer)
            return divergence, shift

        for step in range(self.steps):
            divergence, shift = tried(free, step)
            optimizer.zero_grad()
            (_PENALTY * (shift - self.epsilon).clamp_min(0) - divergence).backward()
            optimizer.step()
        with torch.no_grad():
            ended = tried(free, self.steps)[1].item()
            if ended > self.epsilon:
                self._back(own, free, tried)
        return replace(best, ended=ended)

    def _back(self, own: OwnAttention, free: Mapping[int, Tensor], tried: Tried) -> None:
        """Try scores between the model's own and those found, by halves towards the last within the tolerance."""
        way, length = 0.5, 0.25
        for _ in range(_BACK):
            part = {n: torch.lerp(_allowed_only(own, n), scores, way) for n, scores in free.items()}
            within = tried(part, self.steps)[1].item() <= self.epsilon
            way, length = way + length if within else way - length, length / 2


@dataclass(frozen=True)
class _Found:
    """The most different weights within the tolerance: how different, how far the output moved, found at which step.

    `shuffled` is how different shuffled weights are, `ended` how far the output had moved where the search ended.
    """

    divergence: float
    shift: float
    shuffled: float
    step: int
    ended: float
    by_layer: dict[int, float]


def _allowed_only(own: OwnAttention, number: int) -> Float[Tensor, "1 head query key"]:
    """A layer's scores, 0 where they are masked; a mask stays one, whatever score is given there."""
    return own.scores[number].masked_fill(~own.allowed(number), 0.0)


def _noisy(own: OwnAttention, number: int, generator: np.random.Generator) -> Float[Tensor, "1 head query key"]:
    scores = _allowed_only(own, number)
    return (scores + torch.from_numpy(generator.normal(0, _START, size=scores.shape)).to(scores)).requires_grad_()


def _counted(own: OwnAttention, layers: Sequence[int]) -> Counted:
    """The queries of each layer that can look at several keys and whose weights the output depends on.

    That a query's weights do not reach the output, as those of all queries but the first in the last layer of an
    encoder that classifies, shows in the gradient of the logits, summed with random signs and sizes.
    """
    passed = own.given({layer: own.scores[layer].clone().requires_grad_() for layer in layers})
    generator = torch.Generator().manual_seed(_PROBE)
    probe = torch.randn(passed.logits.shape, generator=generator).to(passed.logits)
    finite = passed.logits > torch.finfo(passed.logits.dtype).min / 2
    weights = [passed.weights[layer] for layer in layers]
    gradients = torch.autograd.grad((passed.logits * probe)[finite].sum(), weights, materialize_grads=True)
    found: Counted = {}
    for layer, gradient in zip(layers, gradients, strict=True):
        allowed = own.allowed(layer)
        found[layer] = (allowed.sum(dim=-1) > 1) & (gradient.masked_fill(~allowed, 0.0) != 0).any(dim=-1)
    return found


def _divergence(own: OwnAttention, weights: Sequence[Float[Tensor, "..."]], counted: Counted) -> Float[Tensor, ""]:
    """The mean over all counted queries of the Jensen-Shannon divergence from the model's own weights."""
    each = [jensen_shannon(weights[n], own.weights[n])[queries] for n, queries in counted.items()]
    return torch.cat(each).mean()


def _by_layer(own: OwnAttention, weights: Sequence[Float[Tensor, "..."]], counted: Counted) -> dict[int, float]:
    return {
        n: jensen_shannon(weights[n], own.weights[n])[queries].mean().item()
        for n, queries in counted.items()
        if bool(queries.any())
    }


def jensen_shannon(a: Float[Tensor, "*query key"], b: Float[Tensor, "*query key"]) -> Float[Tensor, "*query"]:
    """JSD(a, b) = H((a + b)/2) − (H(a) + H(b))/2 in nats, of weights as shares of what their query gives to keys."""
    first, second = (_shares(weights) for weights in (a, b))
    return _entropy((first + second) / 2) - (_entropy(first) + _entropy(second)) / 2


def _shares(weights: Float[Tensor, "*query key"]) -> Float[Tensor, "*query key"]:
    """Weights that add up to 1: those of a model with attention sinks add up to less."""
    return weights / weights.sum(dim=-1, keepdim=True).clamp_min(_TINY)


def _entropy(shares: Float[Tensor, "*query key"]) -> Float[Tensor, "*query"]:
    return torch.special.entr(shares.clamp_min(_TINY)).sum(dim=-1)
