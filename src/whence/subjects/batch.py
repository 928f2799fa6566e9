"""Several inputs as tensors, padded on the right, ready for one forward pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.subjects.inputs import Inputs


@dataclass(frozen=True, eq=False)
class Batch:
    """Embedded inputs, padded on the right whatever side the tokenizer pads on.

    Right padding keeps every token at its own position, so a padded causal model computes what it computes alone.
    `indices` says which sequence positions' outputs to read; where an item has fewer slots its last is repeated.
    """

    embeds: Float[Tensor, "batch token hidden"]
    mask: Bool[Tensor, "batch token"]
    indices: Int[Tensor, "batch slot"]

    def __len__(self) -> int:
        return len(self.embeds)


def pad_rows(rows: Sequence[Sequence[int]], value: int, device: torch.device) -> Int[Tensor, "row column"]:
    """Integer rows of different lengths as one tensor, filled up on the right with `value`."""
    width = max(len(row) for row in rows)
    return torch.tensor([[*row, *([value] * (width - len(row)))] for row in rows], dtype=torch.long, device=device)


def slot_indices(inputs: Sequence[Inputs], device: torch.device) -> Int[Tensor, "batch slot"]:
    """The positions to read for each input; -1 stands for a prediction about the whole sequence."""
    rows = [[-1 if slot.index is None else slot.index for slot in item.slots] for item in inputs]
    width = max(len(row) for row in rows)
    return pad_rows([[*row, *([row[-1]] * (width - len(row)))] for row in rows], 0, device)


def length_mask(lengths: Sequence[int], device: torch.device) -> Bool[Tensor, "batch token"]:
    """True on each row's tokens, False on its padding."""
    return torch.arange(max(lengths), device=device)[None, :] < torch.tensor(lengths, device=device)[:, None]
