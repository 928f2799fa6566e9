"""Values of several targets from one forward pass, and their gradients as separate rows."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from whence.errors import TargetError
from whence.targets import Readout

_TOKENS_AT_ONCE = 1024
"""Row gradients taken together: beyond about this many tokens, wider matrices gain nothing on a CPU."""


def read_values(
    logits: Float[Tensor, "batch slot output"], readouts: Sequence[Sequence[Readout]]
) -> Float[Tensor, "batch row"]:
    """Each item's target values; items of fewer rows are filled up with zeros.

    Logits are taken apart once: picking each row's out of the whole would fill a gradient of the whole for each row.
    """
    width = max(len(rows) for rows in readouts)
    values = []
    for item, rows in zip(logits.unbind(0), readouts, strict=True):
        slots = item.unbind(0)
        read = [row.read(slots[row.slot]) for row in rows]
        for row, value in zip(rows, read, strict=True):
            if logits.requires_grad and not value.requires_grad:
                raise TargetError(
                    f"The target {row.label!r} has no gradient (argmax, detach and the like have none), and this "
                    f"method takes its gradient. Use a differentiable target, or a method of the perturbation family."
                )
        values.append(torch.stack(read + [item.new_zeros(())] * (width - len(rows))))
    return torch.stack(values)


def row_gradients(
    values: Float[Tensor, "batch row"], embeds: Float[Tensor, "batch token hidden"], *others: Tensor
) -> Iterator[tuple[slice, tuple[Tensor, ...]]]:
    """∂ values[:, r] / ∂ embeds for every row r, in groups of rows, without another forward pass.

    Yields a slice of the rows and the gradients of `embeds`, and of each of `others`, with the rows in front; zeros
    where the values do not depend on them. Items of a batch do not influence one another, so the gradient of the sum
    over the batch holds each item's own. Rows of a group are one batched vector-Jacobian product.
    """
    totals = values.sum(dim=0)
    wanted = (embeds, *others)
    rows = len(totals)
    group = max(1, _TOKENS_AT_ONCE // embeds[..., 0].numel())
    unit = torch.eye(rows, dtype=values.dtype, device=values.device)
    for start in range(0, rows, group):
        chosen = slice(start, min(start + group, rows))
        keep = chosen.stop < rows
        if chosen.stop - start == 1:
            gradients = torch.autograd.grad(totals[start], wanted, retain_graph=keep, materialize_grads=True)
            yield chosen, tuple(gradient[None] for gradient in gradients)
        else:
            rows_of = unit[chosen]
            gradients = torch.autograd.grad(
                totals, wanted, rows_of, retain_graph=keep, is_grads_batched=True, materialize_grads=True
            )
            yield chosen, tuple(_with_rows(g, x, len(rows_of)) for g, x in zip(gradients, wanted, strict=True))


def _with_rows(gradient: Tensor, of: Tensor, rows: int) -> Tensor:
    """The gradient with rows in front: where nothing depends on `of`, torch makes zeros without them."""
    return gradient if gradient.ndim > of.ndim else gradient.expand(rows, *of.shape)
