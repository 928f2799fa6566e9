"""Occlusion: a window of features goes missing at each of its places in turn."""

import numpy as np


def windows(n, size, stride):
    """The features each window covers: it starts at 0, stride, 2·stride, ... until the last feature is reached.

    ``⌈(n - size) / stride⌉ + 1`` windows; the last may stand over the end and is cut there, as captum does. With stride
    above size there would be features that no window covers: captum refuses, and so does this.
    """
    if not 1 <= size <= n:
        raise ValueError(f"A window of {size} does not fit on {n} features.")
    if stride < 1 or (stride > size and size < n):
        raise ValueError(f"A stride of {stride} with a window of {size} leaves features that no window covers.")
    covers, start = [], 0
    while True:
        covers.append([i for i in range(start, start + size) if i < n])
        if start + size >= n:
            return covers
        start += stride


def occlusion(v, n, size=1, stride=1):
    """``φ_i = mean over the windows W that cover i of (v(all) - v(all without W))``.

    Zeiler & Fergus 2014, section 4.2, in the form of captum and DeepExplain: the drop counts whole for each feature of
    the window (it is not divided by the window's size) and is averaged over windows. So the scores do not sum to any
    difference of values, and window 1, stride 1 is leave-one-out.
    """
    everything = np.ones(n, bool)
    whole = v(everything.copy())
    total, count = np.zeros(n), np.zeros(n)
    for window in windows(n, size, stride):
        without = everything.copy()
        without[window] = False
        drop = whole - v(without)
        for i in window:
            total[i] += drop
            count[i] += 1
    return total / count
