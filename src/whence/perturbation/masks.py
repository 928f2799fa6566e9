"""Masks that several estimators ask for."""

import numpy as np

from whence.perturbation.engine import Masks


def every_mask(features: int) -> Masks:
    """All masks of so many features; mask number s keeps feature i where bit i of s is set.

    >>> every_mask(2).tolist()
    [[False, False], [True, False], [False, True], [True, True]]
    """
    return (np.arange(2**features)[:, None] >> np.arange(features)[None, :] & 1).astype(bool)


def nothing_kept(features: int) -> Masks:
    """The one mask that keeps no feature."""
    return np.zeros((1, features), dtype=bool)
