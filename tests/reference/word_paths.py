"""Paths near tokens' embeddings, token by token and dimension by dimension, as in the authors' descriptions."""

import itertools
import math

import numpy as np
import torch

from .input_x_gradient import gradient, word_embeddings


def word_path_ig(model, ids, value, baseline, path_of, upscale=0):
    """``Σ_k ∂f(x^k)/∂x · (x^{k+1} - x^k)`` from the baseline to the input: T scores (Sanyal and Ren 2021, eq. 4).

    ``baseline`` is a token id; ``path_of(id)`` gives a token's points from the input back to the baseline.
    """
    paths = [halved(list(reversed(path_of(int(i)))), upscale) for i in ids]
    points = [torch.tensor(np.array(rows)) for rows in zip(*paths, strict=True)]
    scores = np.zeros(len(ids))
    for here, there in itertools.pairwise(points):
        g = gradient(model, here, value)
        for t in range(len(ids)):
            for d in range(g.shape[1]):
                scores[t] += float(g[t, d]) * float(there[t, d] - here[t, d])
    return scores


def halved(points, times):
    for _ in range(times):
        wider = []
        for one, other in itertools.pairwise(points):
            wider += [one, (one + other) / 2]
        points = [*wider, points[-1]]
    return points


def dig_path(model, plain_ids, word, baseline, steps, neighbours, strategy):
    """Sanyal and Ren 2021, section 3.2: anchors among the neighbours of the last anchor."""
    table = word_embeddings(model, range(model.get_input_embeddings().weight.shape[0])).numpy()
    return _path(
        table, plain_ids, word, baseline, steps, strategy, lambda step, last: (table[last], {last}, neighbours)
    )


def udig_path(model, plain_ids, word, baseline, steps, neighbours, strategy):
    """Sinha Roy and Kundu 2024, section 3: anchors among the neighbours of even points of the straight line."""
    table = word_embeddings(model, range(model.get_input_embeddings().weight.shape[0])).numpy()

    def near(step, last):
        share = (steps - step) / (steps + 1)
        return table[baseline] + share * (table[word] - table[baseline]), set(), neighbours

    return _path(table, plain_ids, word, baseline, steps, strategy, near)


def _path(table, plain_ids, word, baseline, steps, strategy, near):
    start, last, used = table[baseline], word, [word]
    path = [table[word]]
    for step in range(steps):
        point, without, count = near(step, last)
        order = sorted((i for i in plain_ids if i not in without), key=lambda i: math.dist(table[i], point))
        open_ = [i for i in order[:count] if i not in used and i != baseline]
        if open_:
            last = min(open_, key=lambda i: _cost(table[i], start, table[last], steps, strategy))
            used.append(last)
            anchor = table[last]
        else:
            anchor = start
        path.append(_monotonic(start, path[-1], anchor, steps))
    return [*path, start]


def _cost(word, start, end, steps, strategy):
    if strategy == "greedy":
        return math.dist(word, _monotonic(start, end, word, steps))
    return sum(not _between(s, e, w) for s, e, w in zip(start, end, word, strict=True))


def _monotonic(start, end, anchor, steps):
    return np.array(
        [a if _between(s, e, a) else e - (e - s) / steps for s, e, a in zip(start, end, anchor, strict=True)]
    )


def _between(one, other, point):
    return min(one, other) <= point <= max(one, other)
