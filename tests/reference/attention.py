"""Attention weights by loops from queries and keys, and what is read off them."""

import numpy as np

from .forward import forward


def attention_weights(model, ids):
    """A list over layers of (heads, T, T) weights: row j is what query j gives each key (Vaswani et al. 2017, eq. 1).

    Computed in float64 from the q and k of the literal forward pass, for Llama, GPT-2 and BERT, whatever attention
    implementation the model was loaded with.
    """
    return [
        _weights(layer["q"], layer["k"], layer["scale"], layer["causal"]) for layer in forward(model, ids)["layers"]
    ]


def raw_attention(weights, layer, query):
    """The mean over heads of one layer's weights in one query's row: T scores."""
    heads, _, length = weights[layer].shape
    scores = np.zeros(length)
    for head in range(heads):
        for key in range(length):
            scores[key] += weights[layer][head, query, key] / heads
    return scores


def rollout_matrix(weights):
    """``Ã(l_i) = A(l_i) Ã(l_{i-1})`` with ``A = 0.5 W_att + 0.5 I``, rows re-normalised: (T, T).

    Abnar & Zuidema 2020, section 3: eq. 1, and A for the residual connection; W_att is the mean over heads.
    """
    rolled = None
    for layer in range(len(weights)):
        length = weights[layer].shape[-1]
        a = np.zeros((length, length))
        for query in range(length):
            row = 0.5 * raw_attention(weights, layer, query)
            row[query] += 0.5
            a[query] = row / row.sum()
        if rolled is None:
            rolled = a
            continue
        product = np.zeros((length, length))
        for query in range(length):
            for key in range(length):
                for between in range(length):
                    product[query, key] += a[query, between] * rolled[between, key]
        rolled = product
    return rolled


def attention_rollout(weights, query):
    """One query's row of `rollout_matrix`: T scores."""
    return rollout_matrix(weights)[query]


def _weights(q, k, scale, causal):
    """softmax(q·k·scale) for q (H, T, d) and k (G, T, d): query head h reads key head h // (H / G)."""
    heads, length, _ = q.shape
    weights = np.zeros((heads, length, length))
    for head in range(heads):
        keys = k[head // (heads // k.shape[0])]
        for query in range(length):
            seen = range(query + 1) if causal else range(length)
            logits = [scale * float(np.dot(q[head, query], keys[key])) for key in seen]
            top = max(logits)
            total = sum(np.exp(logit - top) for logit in logits)
            for key, logit in zip(seen, logits, strict=True):
                weights[head, query, key] = np.exp(logit - top) / total
    return weights
