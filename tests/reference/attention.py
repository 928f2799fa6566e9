"""Attention weights by loops from queries and keys, and what is read off them."""

import networkx
import numpy as np
import torch

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


def fused_heads(weights, fusion):
    """The mean, largest or smallest weight over heads of each pair: (T, T)."""
    _, queries, keys = weights.shape
    fused = np.zeros((queries, keys))
    for query in range(queries):
        for key in range(keys):
            fused[query, key] = {"mean": np.mean, "max": max, "min": min}[fusion](weights[:, query, key])
    return fused


def discarded(fused, ratio):
    """In each query's row the ⌊ratio · m⌋ lowest of its m weights above 0 set to zero, the token's own kept."""
    left = fused.copy()
    for query in range(len(fused)):
        positive = [key for key in range(len(fused)) if fused[query, key] > 0]
        others = sorted((key for key in positive if key != query), key=lambda key: fused[query, key])
        for key in others[: int(ratio * len(positive))]:
            left[query, key] = 0.0
    return left


def varied_rollout(weights, query, fusion, ratio):
    """`attention_rollout` with another fusion of heads, and with the lowest weights of each row discarded."""
    rolled = np.eye(weights[0].shape[-1])
    for layer in weights:
        a = 0.5 * discarded(fused_heads(layer, fusion), ratio) + 0.5 * np.eye(len(rolled))
        rolled = (a / a.sum(axis=1, keepdims=True)) @ rolled
    return rolled[query]


def attention_flow(weights, query):
    """The maximum flow from the last layer's query to each input token (Abnar & Zuidema 2020, section 4), by networkx.

    Nodes are (layer, token); an edge from (l, j) to (l - 1, i) carries ``0.5 W_att + 0.5 I``.
    """
    graph, length = networkx.DiGraph(), weights[0].shape[-1]
    for number, layer in enumerate(weights, start=1):
        for j in range(length):
            for i in range(length):
                capacity = 0.5 * layer[:, j, i].mean() + (0.5 if i == j else 0.0)
                graph.add_edge((number, j), (number - 1, i), capacity=capacity)
    return np.array([networkx.maximum_flow_value(graph, (len(weights), query), (0, i)) for i in range(length)])


def weights_and_gradients(model, value, **inputs):
    """For each kind of attention of an *eager* model its layers' weights, and the gradients of ``value`` with them.

    The weights are those that transformers hands out; each is (layers, heads, queries, keys), in float64.
    """
    out = model(**inputs, output_attentions=True)
    names = ["encoder_attentions", "decoder_attentions", "cross_attentions"]
    kinds = {name: out[name] for name in (names if "encoder_attentions" in out else ["attentions"])}
    every = [layer for layers in kinds.values() for layer in layers]
    gradients = iter(torch.autograd.grad(value(out.logits), every))
    return {
        name: [(layer[0].detach().double().numpy(), next(gradients)[0].double().numpy()) for layer in layers]
        for name, layers in kinds.items()
    }


def grad_x_attention(pairs, query):
    """The mean over layers and heads of ``A[q, i] · ∂f/∂A[q, i]``: T scores."""
    scores = np.zeros(pairs[0][0].shape[-1])
    for weights, gradients in pairs:
        for head in range(len(weights)):
            for key in range(len(scores)):
                scores[key] += weights[head, query, key] * gradients[head, query, key] / len(weights) / len(pairs)
    return scores


def positive_part(weights, gradients):
    """``Ā = E_h((∇A ⊙ A)^+)``, Chefer et al. 2021, eq. 5."""
    return np.mean([np.maximum(a * g, 0) for a, g in zip(weights, gradients, strict=True)], axis=0)


def gae(pairs, query):
    """``R = R + Ā R`` from R = I (Chefer et al. 2021, eq. 6), the query's row."""
    relevance = np.eye(pairs[0][0].shape[-1])
    for weights, gradients in pairs:
        relevance = relevance + positive_part(weights, gradients) @ relevance
    return relevance[query]


def row_normalised(relevance):
    """``R̂ = R - I``, each row divided by its sum, plus I: Chefer et al. 2021, eq. 8 and 9; a row of zeros stays."""
    rest = relevance - np.eye(len(relevance))
    for row in rest:
        if row.sum() > 0:
            row /= row.sum()
    return rest + np.eye(len(relevance))


def gae_encoder_decoder(kinds, query):
    """The query's rows of ``R^{ts}`` and ``R^{tt}``, behind one another: Chefer et al. 2021, eq. 6, 7 and 10.

    ``query`` counts target tokens. Equation 11 adds ``Ā R^{st}``, which is zero: no source token sees a target token.
    """
    r_ss = np.eye(kinds["encoder_attentions"][0][0].shape[-1])
    for pair in kinds["encoder_attentions"]:
        r_ss = r_ss + positive_part(*pair) @ r_ss
    r_tt = np.eye(kinds["decoder_attentions"][0][0].shape[-1])
    r_ts = np.zeros((len(r_tt), len(r_ss)))
    for own, cross in zip(kinds["decoder_attentions"], kinds["cross_attentions"], strict=True):
        a = positive_part(*own)
        r_tt, r_ts = r_tt + a @ r_tt, r_ts + a @ r_ts
        r_ts = r_ts + row_normalised(r_tt).T @ positive_part(*cross) @ row_normalised(r_ss)
    return np.concatenate([r_ts[query], r_tt[query]])


def one_matrix_each(kinds):
    """An encoder–decoder's attention layers in the order they run, as (heads, S + T, S + T): others stay themselves."""
    encoder, decoder, cross = (
        [weights for weights, _ in kinds[f"{name}_attentions"]] for name in ("encoder", "decoder", "cross")
    )
    source, target = cross[0].shape[2], cross[0].shape[1]

    def placed(weights, rows, columns):
        whole = np.stack([np.eye(source + target)] * len(weights))
        for row in range(weights.shape[1]):
            whole[:, rows + row] = 0.0
            whole[:, rows + row, columns : columns + weights.shape[2]] = weights[:, row]
        return whole

    behind = [
        one
        for own, across in zip(decoder, cross, strict=True)
        for one in (placed(own, source, source), placed(across, source, 0))
    ]
    return [placed(one, 0, 0) for one in encoder] + behind
