"""A model whose attention is the literal one of `reference.atman`, by transformers' own way to name an attention."""

from contextlib import contextmanager

import numpy as np
import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from reference import atman

NAME = "suppressed_twin"
_factors = {}


@contextmanager
def suppressing(factors, shifted):
    """While open, models of this attention suppress each key by its factor."""
    _factors.update(f=factors, shifted=shifted)
    try:
        yield
    finally:
        _factors.clear()


def _attention(module, query, key, value, attention_mask, scaling=None, **_):
    assert len(query) == 1
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    shrink = scaling * query.shape[-1] ** 0.5
    groups = query.shape[1] // key.shape[1]
    length = query.shape[2]
    causal = attention_mask is None and getattr(module, "is_causal", False)
    visible = np.tril(np.ones((length, length), bool)) if causal else np.ones((length, length), bool)
    if attention_mask is not None:
        visible = attention_mask[0, 0].numpy().astype(bool)
    heads = []
    for head in range(query.shape[1]):
        q, k, v = query[0, head] * shrink, key[0, head // groups], value[0, head // groups]
        found, _ = atman.attention(q.numpy(), k.numpy(), v.numpy(), _factors["f"], visible, _factors["shifted"])
        heads.append(torch.tensor(found))
    return torch.stack(heads, dim=1)[None], None


AttentionInterface.register(NAME, _attention)
AttentionMaskInterface.register(NAME, sdpa_mask)
