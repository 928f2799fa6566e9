"""The operations of a forward pass in NumPy float64, and the reading of weights; tokens are rows."""

import math

import numpy as np
import torch


def attend(t):
    """Scaled dot-product attention (Vaswani et al. 2017, eq. 1), its steps written into the trace ``t``.

    Query head h reads key-value head h // (H / G) (Ainslie et al. 2023). ``dots`` are the raw q·k, ``scores`` those
    times ``scale`` plus ``bias`` (H, T, K) where there is one, ``weights`` their softmax over the keys a query may
    see; ``mixed`` is (T, H · d). Keys are as many as queries, or as the tokens of another text.
    """
    heads, length, width = t["q"].shape
    keys, group = t["k"].shape[1], heads // t["k"].shape[0]
    t["dots"], t["scores"], t["weights"] = (np.zeros((heads, length, keys)) for _ in range(3))
    t["out_heads"] = np.zeros((heads, length, width))
    for h in range(heads):
        k, v = t["k"][h // group], t["v"][h // group]
        for j in range(length):
            seen = j + 1 if t["causal"] else keys
            for i in range(seen):
                t["dots"][h, j, i] = np.dot(t["q"][h, j], k[i])
                t["scores"][h, j, i] = t["scale"] * t["dots"][h, j, i]
                if t.get("bias") is not None:
                    t["scores"][h, j, i] += t["bias"][h, j, i]
            scores = t["scores"][h, j, :seen]
            exponentials = np.exp(scores - scores.max())
            t["weights"][h, j, :seen] = exponentials / exponentials.sum()
            for i in range(seen):
                t["out_heads"][h, j] += t["weights"][h, j, i] * v[i]
    t["mixed"] = join_heads(t["out_heads"])


def activate(name, x):
    """An activation by its name in transformers' configurations."""
    return {"silu": silu, "gelu": gelu, "gelu_new": gelu_new, "relu": relu}[name](x)


def array(tensor):
    """A parameter as a NumPy array in float64."""
    return tensor.detach().to(torch.float64).numpy()


def weights(module):
    """``(W, b)`` with W (out, in), of a Linear or a Conv1D (which keeps W transposed); b may be None."""
    w = array(module.weight)
    bias = None if module.bias is None else array(module.bias)
    return (w if isinstance(module, torch.nn.Linear) else w.T), bias


def linear(x, w, b):
    """``z_tj = Σ_i w_ji x_ti + b_j``."""
    z = np.zeros((x.shape[0], w.shape[0]))
    for t in range(x.shape[0]):
        for j in range(w.shape[0]):
            z[t, j] = np.dot(w[j], x[t]) + (0.0 if b is None else b[j])
    return z


def convolution(x, w, b, stride=(1, 1), padding=(0, 0)):
    """``z_o,y,x = Σ_c,u,v w_o,c,u,v x_c,(y s + u - p),(x s + v - p) + b_o``; x is (C, H, W), w (O, C, U, V)."""
    height, width = w.shape[2:]
    wide = np.pad(x, ((0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    rows, columns = (wide.shape[1] - height) // stride[0] + 1, (wide.shape[2] - width) // stride[1] + 1
    z = np.zeros((len(w), rows, columns))
    for o in range(len(w)):
        for row in range(rows):
            for column in range(columns):
                top, left = row * stride[0], column * stride[1]
                seen = wide[:, top : top + height, left : left + width]
                z[o, row, column] = (w[o] * seen).sum() + (0.0 if b is None else b[o])
    return z


def rms_norm(x, module):
    """``y_i = w_i x_i / sqrt(mean(x²) + eps)`` (Zhang & Sennrich 2019, eq. 4)."""
    w = array(module.weight)
    return np.stack([w * row / np.sqrt(np.mean(row**2) + module.variance_epsilon) for row in x])


def layer_norm(x, module):
    """``y_i = w_i (x_i - mean) / sqrt(var + eps) + b_i`` (Ba et al. 2016, eq. 4)."""
    w, b = array(module.weight), array(module.bias)
    return np.stack([w * (row - row.mean()) / np.sqrt(row.var() + module.eps) + b for row in x])


def rotate(x, cos, sin):
    """Rotary positions (Su et al. 2021, eq. 34), with coordinate d paired with d + D/2; x is (H, T, D)."""
    rotated, half = np.zeros_like(x), x.shape[-1] // 2
    for h in range(x.shape[0]):
        for t in range(x.shape[1]):
            for d in range(half):
                a, b = x[h, t, d], x[h, t, d + half]
                rotated[h, t, d] = a * cos[t, d] - b * sin[t, d]
                rotated[h, t, d + half] = b * cos[t, d + half] + a * sin[t, d + half]
    return rotated


def silu(x):
    """``x / (1 + exp(-x))``."""
    return x / (1 + np.exp(-x))


def gelu(x):
    """``x Φ(x)`` (Hendrycks & Gimpel 2016)."""
    return x * np.vectorize(lambda value: 0.5 * (1 + math.erf(value / math.sqrt(2))))(x)


def gelu_new(x):
    """The tanh approximation of gelu (Hendrycks & Gimpel 2016, section 2)."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def relu(x):
    """``max(x, 0)``."""
    return np.maximum(x, 0.0)


def split_heads(x, heads):
    """(T, H · d) → (H, T, d)."""
    return np.stack(np.split(x, heads, axis=1))


def join_heads(x):
    """(H, T, d) → (T, H · d)."""
    return np.concatenate(list(x), axis=1)


def rotary_tables(core, length):
    """The model's own cos and sin, (T, D): constants, which transformers computes in float32 whatever the dtype."""
    positions = torch.arange(length)[None]
    cos, sin = core.rotary_emb(torch.zeros(1, dtype=torch.float64), position_ids=positions)
    return cos[0].numpy(), sin[0].numpy()
