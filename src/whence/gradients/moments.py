"""Mean and variance of draws that come one by one."""

import math

import torch
from torch import Tensor


class Moments:
    """The mean of tensors, and the sum of their squared distances from it, without keeping them.

    Welford 1962, "Note on a Method for Calculating Corrected Sums of Squares and Products".
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean: Tensor
        self._squares: Tensor

    def add(self, draw: Tensor) -> None:
        """One more draw."""
        if self.count == 0:
            self.mean, self._squares = torch.zeros_like(draw), torch.zeros_like(draw)
        self.count += 1
        step = draw - self.mean
        self.mean = self.mean + step / self.count
        self._squares = self._squares + step * (draw - self.mean)

    @property
    def variance(self) -> Tensor:
        """The mean squared distance from the mean."""
        return self._squares / self.count

    @property
    def standard_error(self) -> Tensor | None:
        """Of the mean, √(Σ(draw − mean)² / (n (n − 1))); None for a single draw."""
        return (self._squares.sqrt() / math.sqrt(self.count * (self.count - 1))) if self.count > 1 else None
