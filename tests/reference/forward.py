"""The forward passes of Llama, GPT-2 and BERT, written out in NumPy float64, keeping every intermediate value.

Weights are read from the transformers modules; nothing else is. Each pass ends by asserting that its logits are the
model's own, so whatever is computed from its intermediates is computed for that model.
"""

import copy
import math

import numpy as np
import torch


def forward(model, ids):
    """Dispatch on ``model.config.model_type``: ``llama``, ``gpt2`` or ``bert``."""
    passes = {"llama": llama_forward, "gpt2": gpt2_forward, "bert": bert_forward}
    return passes[model.config.model_type](model, ids)


def llama_forward(model, ids):
    """RMSNorm → rotary, grouped-query attention → residual; RMSNorm → SiLU-gated MLP → residual; RMSNorm → head.

    The head is ``lm_head``, or ``score`` of a sequence classifier; ``logits`` has a row for every token either way.
    """
    core, config = model.model, model.config
    heads, groups = config.num_attention_heads, config.num_key_value_heads
    cos, sin = _rotary_tables(core, len(ids))
    x = array(core.embed_tokens.weight)[list(ids)]
    trace = {"word": x, "layers": []}
    for block in core.layers[: config.num_hidden_layers]:
        attention, mlp = block.self_attn, block.mlp
        t = {"x": x, "scale": attention.head_dim**-0.5, "causal": True, "cos": cos, "sin": sin}
        t["norm1"] = rms_norm(x, block.input_layernorm)
        t["q_flat"] = linear(t["norm1"], *weights(attention.q_proj))
        t["k_flat"] = linear(t["norm1"], *weights(attention.k_proj))
        t["v_flat"] = linear(t["norm1"], *weights(attention.v_proj))
        t["q_straight"] = split_heads(t["q_flat"], heads)
        t["k_straight"] = split_heads(t["k_flat"], groups)
        t["q"] = rotate(t["q_straight"], cos, sin)
        t["k"] = rotate(t["k_straight"], cos, sin)
        t["v"] = split_heads(t["v_flat"], groups)
        attend(t)
        t["attended"] = linear(t["mixed"], *weights(attention.o_proj))
        t["middle"] = x + t["attended"]
        t["norm2"] = rms_norm(t["middle"], block.post_attention_layernorm)
        t["gate"] = linear(t["norm2"], *weights(mlp.gate_proj))
        t["up"] = linear(t["norm2"], *weights(mlp.up_proj))
        t["product"] = silu(t["gate"]) * t["up"]
        t["mlp"] = linear(t["product"], *weights(mlp.down_proj))
        x = t["middle"] + t["mlp"]
        t["out"] = x
        trace["layers"].append(t)
    trace["last"] = x
    trace["normed"] = rms_norm(x, core.norm)
    trace["head"] = getattr(model, "lm_head", None) or model.score
    trace["logits"] = linear(trace["normed"], *weights(trace["head"]))
    _assert_same_logits(model, ids, trace["logits"])
    return trace


def gpt2_forward(model, ids):
    """LayerNorm → attention → residual; LayerNorm → gelu_new MLP → residual; LayerNorm → head as in `llama_forward`."""
    core, config = model.transformer, model.config
    word = array(core.wte.weight)[list(ids)]
    position = array(core.wpe.weight)[: len(ids)]
    x = word + position
    trace = {"word": word, "embedded": x, "layers": []}
    for block in core.h:
        t = {"x": x, "scale": (config.n_embd // config.n_head) ** -0.5, "causal": True}
        t["norm1"] = layer_norm(x, block.ln_1)
        t["qkv_flat"] = linear(t["norm1"], *weights(block.attn.c_attn))
        q, k, v = np.split(t["qkv_flat"], 3, axis=1)
        t["q"], t["k"], t["v"] = (split_heads(part, config.n_head) for part in (q, k, v))
        attend(t)
        t["attended"] = linear(t["mixed"], *weights(block.attn.c_proj))
        t["middle"] = x + t["attended"]
        t["norm2"] = layer_norm(t["middle"], block.ln_2)
        t["hidden"] = linear(t["norm2"], *weights(block.mlp.c_fc))
        t["active"] = gelu_new(t["hidden"])
        t["mlp"] = linear(t["active"], *weights(block.mlp.c_proj))
        x = t["middle"] + t["mlp"]
        t["out"] = x
        trace["layers"].append(t)
    trace["last"] = x
    trace["normed"] = layer_norm(x, core.ln_f)
    trace["head"] = getattr(model, "lm_head", None) or model.score
    trace["logits"] = linear(trace["normed"], *weights(trace["head"]))
    _assert_same_logits(model, ids, trace["logits"])
    return trace


def bert_forward(model, ids):
    """Word + token type 0 + position → LayerNorm; attention → residual → LayerNorm; gelu MLP → residual → LayerNorm;
    first token → tanh pooler → classifier. ``logits`` is (1, C).
    """
    core, config = model.bert, model.config
    tables = core.embeddings
    word = array(tables.word_embeddings.weight)[list(ids)]
    position = array(tables.position_embeddings.weight)[: len(ids)]
    kind = array(tables.token_type_embeddings.weight)[0]
    trace = {"word": word, "embedded": word + position + kind, "layers": []}
    x = layer_norm(trace["embedded"], tables.LayerNorm)
    for block in core.encoder.layer:
        attention, heads = block.attention.self, config.num_attention_heads
        t = {"x": x, "scale": (config.hidden_size // heads) ** -0.5, "causal": False}
        t["q_flat"] = linear(x, *weights(attention.query))
        t["k_flat"] = linear(x, *weights(attention.key))
        t["v_flat"] = linear(x, *weights(attention.value))
        t["q"], t["k"], t["v"] = (split_heads(t[name], heads) for name in ("q_flat", "k_flat", "v_flat"))
        attend(t)
        t["attended"] = linear(t["mixed"], *weights(block.attention.output.dense))
        t["sum1"] = x + t["attended"]
        t["middle"] = layer_norm(t["sum1"], block.attention.output.LayerNorm)
        t["hidden"] = linear(t["middle"], *weights(block.intermediate.dense))
        t["active"] = gelu(t["hidden"])
        t["mlp"] = linear(t["active"], *weights(block.output.dense))
        t["sum2"] = t["middle"] + t["mlp"]
        x = layer_norm(t["sum2"], block.output.LayerNorm)
        t["out"] = x
        trace["layers"].append(t)
    trace["first"] = x[:1]
    trace["pooled"] = linear(trace["first"], *weights(core.pooler.dense))
    trace["tanh"] = np.tanh(trace["pooled"])
    trace["logits"] = linear(trace["tanh"], *weights(model.classifier))
    _assert_same_logits(model, ids, trace["logits"])
    return trace


def attend(t):
    """Scaled dot-product attention (Vaswani et al. 2017, eq. 1), its steps written into the trace ``t``.

    Query head h reads key-value head h // (H / G) (Ainslie et al. 2023). ``dots`` are the raw q·k, ``weights`` their
    softmax after ``scale``, over the keys a query may see; ``mixed`` is (T, H · d).
    """
    heads, length, width = t["q"].shape
    group = heads // t["k"].shape[0]
    t["dots"], t["weights"] = np.zeros((heads, length, length)), np.zeros((heads, length, length))
    t["out_heads"] = np.zeros((heads, length, width))
    for h in range(heads):
        k, v = t["k"][h // group], t["v"][h // group]
        for j in range(length):
            seen = j + 1 if t["causal"] else length
            for i in range(seen):
                t["dots"][h, j, i] = np.dot(t["q"][h, j], k[i])
            logits = t["scale"] * t["dots"][h, j, :seen]
            exponentials = np.exp(logits - logits.max())
            t["weights"][h, j, :seen] = exponentials / exponentials.sum()
            for i in range(seen):
                t["out_heads"][h, j] += t["weights"][h, j, i] * v[i]
    t["mixed"] = join_heads(t["out_heads"])


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


def split_heads(x, heads):
    """(T, H · d) → (H, T, d)."""
    return np.stack(np.split(x, heads, axis=1))


def join_heads(x):
    """(H, T, d) → (T, H · d)."""
    return np.concatenate(list(x), axis=1)


def _rotary_tables(core, length):
    """The model's own cos and sin, (T, D): constants, which transformers computes in float32 whatever the dtype."""
    positions = torch.arange(length)[None]
    cos, sin = core.rotary_emb(torch.zeros(1, dtype=torch.float64), position_ids=positions)
    return cos[0].numpy(), sin[0].numpy()


def _assert_same_logits(model, ids, logits):
    """Compare with the model itself, as a float64 copy under sdpa: eager Llama takes its softmax in float32."""
    twin = copy.deepcopy(model)
    twin.set_attn_implementation("sdpa")
    with torch.no_grad():
        theirs = array(twin.double().eval()(input_ids=torch.tensor([list(ids)])).logits)
    if theirs.ndim == 3:
        theirs = theirs[0]
    gap = np.abs(theirs - logits[-len(theirs) :]).max()
    assert gap < 1e-9, f"the literal forward pass misses the model's logits by {gap:.1e} (float32 inside the model?)"
