"""How relevance moves through the layers: what stands at each token, and what attention carries from one to another."""

import time
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from jaxtyping import Float
from torch import Tensor

from whence.attention.engine import refuse_without_attention
from whence.errors import UnsupportedError
from whence.internals.account import provenance_of, states_of, target_values
from whence.internals.measure import Traced, traced
from whence.internals.taps import Reading, readings
from whence.methods.attention_calls import AttentionCalls, Values, Weights
from whence.methods.attention_layout import layout_of
from whence.methods.base import Method
from whence.methods.model_map import ModelMap, map_of
from whence.records import Flow
from whence.relevance.engine import RelevanceMethod
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import as_targets

_ROUNDING = 1e-6
"""The least rounding that is allowed for, relative to 1: matrices are multiplied in several ways."""


def flow_of(subject: Subject, inputs: Inputs, target: Any, method: Method) -> Flow:
    """The flow of relevance for each target row of one encoded input; see `whence.flow`."""
    start = time.perf_counter()
    with torch.inference_mode(False), torch.enable_grad(), subject.session():
        found = map_of(subject.model)
        refuse_unlike(found)
        streams, heads = (readings(found, kind, found.blocks) for kind in ("residual", "head"))
        trace = traced(subject, [inputs], as_targets(target), [*streams, *heads], method)
        nodes, by_head, gradients = measured(trace, len(streams))
        share = share_by_values(method)
        written = [numbers[-1][0].detach() for numbers in trace.taken[len(streams) :]]
        edges = share * moved(subject, inputs, written, gradients)
    provenance = provenance_of(subject, inputs, target, trace.readouts[0], method)
    return Flow(
        states_of(inputs, trace.extra),
        target_values(trace.readouts[0], trace.values[0].detach().cpu().double().numpy(), method),
        nodes.float().cpu().numpy(),
        edges.float().numpy(),
        by_head.float().cpu().numpy(),
        share,
        method.key,
        method.params,
        provenance | {"forwards": provenance["forwards"] + 1, "seconds": time.perf_counter() - start},
    )


def refuse_unlike(found: ModelMap) -> None:
    """`UnsupportedError` unless the model is one stack of layers that all attend, by as many heads each."""
    stacks = list(dict.fromkeys(block.stack for block in found.blocks))
    if len(stacks) > 1:
        raise UnsupportedError(
            f"flow() follows one stack of layers; {found.model} has {' and '.join(stacks)}. What stands in each of its "
            f"layers: latents(kind='residual'), and its heads: latents(kind='head')."
        )
    lacking = [block for block in found.blocks if "head" not in block.projections]
    if lacking:
        raise UnsupportedError(
            f"flow() follows what attention carries, and layer {', '.join(str(one.layer) for one in lacking)} of "
            f"{found.model} has no heads to be told apart: {lacking[0].lacks['head']}. What stands in each layer: "
            f"latents(kind='residual')."
        )
    counts = sorted({block.projections["head"].parts for block in found.blocks})
    if len(counts) > 1:
        raise UnsupportedError(
            f"flow() wants as many heads in every layer; {found.model} has layers of {' and '.join(map(str, counts))}. "
            f"Its heads one by one: latents(kind='head')."
        )


def measured(
    trace: Traced, streams: int
) -> tuple[Float[Tensor, "row stream token"], Float[Tensor, "row layer head"], list[Float[Tensor, "row token head _"]]]:
    """The relevance of the first `streams` places at every token, of each head of the others, and their gradients."""
    nodes, by_head, gradients = [], [], []
    for _, found in trace.gradients():
        each = list(zip(trace.places, trace.taken, found, strict=True))
        scores = [place.relevance(numbers, gradient)[:, 0] for place, numbers, gradient in each]
        nodes.append(torch.cat(scores[:streams], dim=-1).transpose(1, 2))
        by_head.append(torch.stack([one.sum(dim=1) for one in scores[streams:]], dim=1))
        gradients.append([_by_head(place, one) for place, _, one in each[streams:]])
    return torch.cat(nodes), torch.cat(by_head), [torch.cat(parts) for parts in zip(*gradients, strict=True)]


def _by_head(place: Reading, gradient: Float[Tensor, "row 1 token _"]) -> Float[Tensor, "row token head _"]:
    wide = torch.promote_types(gradient.dtype, torch.float32)
    return gradient[:, 0].to(wide).unflatten(-1, (len(place.units), -1))


def share_by_values(method: Method) -> float:
    """The share of a head's relevance that the method's rules send to the values; the rest goes to the weights."""
    if not isinstance(method, RelevanceMethod):
        return 1.0
    query, key, value = (torch.ones(1, 1, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(3))
    with method.mode():
        written = F.scaled_dot_product_attention(query, key, value)
    (gradient,) = torch.autograd.grad(written.sum(), value)
    return round(float((value * gradient).detach().sum() / written.detach().sum()), 12)


def moved(
    subject: Subject,
    inputs: Inputs,
    written: Sequence[Float[Tensor, "token _"]],
    gradients: Sequence[Float[Tensor, "row token head _"]],
) -> Float[Tensor, "row layer query key"]:
    """Σ_h A_h[q,k] (g_h[q] · v_h[k]) of every layer, from one more forward pass without gradient.

    Raises `UnsupportedError` where what the heads have `written` is not their weights times their values.
    """
    batch = subject.collate([inputs])
    layout = layout_of(subject, [inputs], batch)
    edges: list[Tensor] = []
    held: list[Values] = []

    def hold(number: int, values: Values) -> Values:
        held[:] = [values]
        return values

    def read(number: int, weights: Weights) -> Weights:
        if number < len(written):
            found = layout.arranged(number, weights)[0]
            edges.append(_of_layer(subject, number, found, held[0][0], written[number], gradients[number]).cpu())
        return weights

    with torch.no_grad(), AttentionCalls(values=hold, weights=read) as calls:
        subject.logits(batch)
    refuse_without_attention(subject, calls.count)
    if calls.count != len(written):
        raise UnsupportedError(
            f"{subject.name} has {len(written)} layers and computes attention {calls.count} times, so it cannot be "
            f"told which is which layer's. What stands in each layer: latents(kind='residual')."
        )
    return torch.stack(edges, dim=1)


def _of_layer(
    subject: Subject,
    number: int,
    weights: Float[Tensor, "head query key"],
    values: Float[Tensor, "_ key _"],
    written: Float[Tensor, "query _"],
    gradients: Float[Tensor, "row query head _"],
) -> Float[Tensor, "row query key"]:
    """One layer's edges, a row at a time."""
    heads = len(weights)
    of_heads = values.repeat_interleave(heads // len(values), dim=0) if heads % len(values) == 0 else values
    wanted = written.unflatten(-1, (gradients.shape[2], -1)).transpose(0, 1)
    if of_heads.shape != wanted.shape or not _near(weights @ of_heads, wanted):
        raise UnsupportedError(
            f"What the heads of layer {number} of {subject.name} write is not their weights times their values, so "
            f"flow() cannot tell what each token sent. What stands in each layer: latents(kind='residual')."
        )
    wide = of_heads.to(gradients.dtype).transpose(-2, -1)
    return torch.stack([(weights * (row.transpose(0, 1) @ wide)).sum(dim=0) for row in gradients])


def _near(found: Tensor, wanted: Tensor) -> bool:
    """Whether two tensors are the same but for rounding."""
    allowed = max(torch.finfo(wanted.dtype).eps, _ROUNDING) ** 0.5
    return bool((found - wanted).abs().max() <= allowed * wanted.abs().max())
