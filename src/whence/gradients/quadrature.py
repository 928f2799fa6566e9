"""Rules for integrals from 0 to 1: where to look, and with which weights."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from whence.errors import InputError

Quadrature = Literal["gauss_legendre", "midpoint", "left", "right", "trapezoid"]


def check_quadrature(rule: object, steps: int) -> None:
    """An `InputError` for a rule there is not, or for too few steps."""
    if rule not in get_args(Quadrature):
        raise InputError(f"Unknown quadrature {rule!r}. Known: {', '.join(get_args(Quadrature))}.")
    if rule == "trapezoid" and steps == 1:
        raise InputError("The trapezoid rule needs at least 2 steps, got 1.")


def quadrature_points(rule: Quadrature, steps: int) -> tuple[Float[np.ndarray, " step"], Float[np.ndarray, " step"]]:
    """Nodes in [0, 1] and weights that add up to 1, `steps` of each.

    >>> quadrature_points("midpoint", 2)[0].tolist()
    [0.25, 0.75]
    """
    if rule == "gauss_legendre":
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        return (nodes + 1) / 2, weights / 2
    if rule == "trapezoid":
        weights = np.full(steps, 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps), weights
    shift = {"left": 0.0, "midpoint": 0.5, "right": 1.0}[rule]
    return (np.arange(steps) + shift) / steps, np.full(steps, 1 / steps)


def cells(weights: Float[np.ndarray, " step"]) -> Float[np.ndarray, " edge"]:
    """The ends of the parts of [0, 1] that the nodes stand for, one more than nodes: each as wide as its weight."""
    edges = np.concatenate([[0.0], np.cumsum(weights)])
    edges[-1] = 1.0
    return edges
