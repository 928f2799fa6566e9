"""The forward passes of Llama, GPT-2 and BERT in NumPy float64, every intermediate value kept; others in ``forward_*``.

Weights are read from the transformers modules; nothing else is. Each pass ends by asserting that its logits are the
model's own, so whatever is computed from its intermediates is computed for that model.
"""

import copy

import numpy as np
import torch

from .primitives import (
    activate,
    array,
    attend,
    layer_norm,
    linear,
    rms_norm,
    rotary_tables,
    rotate,
    split_heads,
    weights,
)


def forward(model, ids):
    """Dispatch on ``model.config.model_type``: ``llama``, ``gpt2`` or ``bert``."""
    passes = {"llama": llama_forward, "gpt2": gpt2_forward, "bert": bert_forward}
    return passes[model.config.model_type](model, ids)


def llama_forward(model, ids):
    """RMSNorm → rotary, grouped-query attention → residual; RMSNorm → SiLU-gated MLP → residual; RMSNorm → head.

    The head is ``lm_head``, or ``score`` of a sequence classifier; ``logits`` has a row for every token either way.
    """
    core, config = model.model, model.config
    cos, sin = rotary_tables(core, len(ids))
    x = array(core.embed_tokens.weight)[list(ids)]
    trace = {"word": x, "layers": []}
    for block in core.layers[: config.num_hidden_layers]:
        t, mlp = rotary_attention(x, block, config, cos, sin), block.mlp
        t["gate"] = linear(t["norm2"], *weights(mlp.gate_proj))
        t["up"] = linear(t["norm2"], *weights(mlp.up_proj))
        t["product"] = activate(config.hidden_act, t["gate"]) * t["up"]
        t["mlp"] = linear(t["product"], *weights(mlp.down_proj))
        x = t["middle"] + t["mlp"]
        t["out"] = x
        trace["layers"].append(t)
    finish_rotary(model, trace, x)
    assert_same_logits(model, trace["logits"], input_ids=ids)
    return trace


def rotary_attention(x, block, config, cos, sin):
    """RMSNorm → rotary, grouped-query attention → residual → RMSNorm: the trace of a block of a Llama or a Mixtral."""
    attention = block.self_attn
    t = {"x": x, "scale": attention.head_dim**-0.5, "causal": True, "cos": cos, "sin": sin}
    t["norm1"] = rms_norm(x, block.input_layernorm)
    t["q_flat"] = linear(t["norm1"], *weights(attention.q_proj))
    t["k_flat"] = linear(t["norm1"], *weights(attention.k_proj))
    t["v_flat"] = linear(t["norm1"], *weights(attention.v_proj))
    t["q_straight"] = split_heads(t["q_flat"], config.num_attention_heads)
    t["k_straight"] = split_heads(t["k_flat"], config.num_key_value_heads)
    t["q"] = rotate(t["q_straight"], cos, sin)
    t["k"] = rotate(t["k_straight"], cos, sin)
    t["v"] = split_heads(t["v_flat"], config.num_key_value_heads)
    attend(t)
    t["attended"] = linear(t["mixed"], *weights(attention.o_proj))
    t["middle"] = x + t["attended"]
    t["norm2"] = rms_norm(t["middle"], block.post_attention_layernorm)
    return t


def finish_rotary(model, trace, x):
    """Last RMSNorm → ``lm_head``, or ``score`` of a sequence classifier, written into the trace."""
    trace["last"] = x
    trace["normed"] = rms_norm(x, model.model.norm)
    trace["head"] = getattr(model, "lm_head", None) or model.score
    trace["logits"] = linear(trace["normed"], *weights(trace["head"]))


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
        t["active"] = activate(config.activation_function, t["hidden"])
        t["mlp"] = linear(t["active"], *weights(block.mlp.c_proj))
        x = t["middle"] + t["mlp"]
        t["out"] = x
        trace["layers"].append(t)
    trace["last"] = x
    trace["normed"] = layer_norm(x, core.ln_f)
    trace["head"] = getattr(model, "lm_head", None) or model.score
    trace["logits"] = linear(trace["normed"], *weights(trace["head"]))
    assert_same_logits(model, trace["logits"], input_ids=ids)
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
        t["active"] = activate(config.hidden_act, t["hidden"])
        t["mlp"] = linear(t["active"], *weights(block.output.dense))
        t["sum2"] = t["middle"] + t["mlp"]
        x = layer_norm(t["sum2"], block.output.LayerNorm)
        t["out"] = x
        trace["layers"].append(t)
    trace["first"] = x[:1]
    trace["pooled"] = linear(trace["first"], *weights(core.pooler.dense))
    trace["tanh"] = np.tanh(trace["pooled"])
    trace["logits"] = linear(trace["tanh"], *weights(model.classifier))
    assert_same_logits(model, trace["logits"], input_ids=ids)
    return trace


def assert_same_logits(model, logits, **inputs):
    """Compare with the model itself, as a float64 copy under sdpa: eager Llama takes its softmax in float32.

    The inputs are one row each: a list of token ids, or an array of pixels.
    """
    twin = copy.deepcopy(model)
    twin.set_attn_implementation("sdpa")
    with torch.no_grad():
        theirs = array(twin.double().eval()(**{name: torch.tensor(row)[None] for name, row in inputs.items()}).logits)
    if theirs.ndim == 3:
        theirs = theirs[0]
    gap = np.abs(theirs - logits[-len(theirs) :]).max()
    assert gap < 1e-9, f"the literal forward pass misses the model's logits by {gap:.1e} (float32 inside the model?)"
