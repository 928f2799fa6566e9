"""Value zeroing by running the whole model again for every layer and token (Mohebbi et al. 2023, section 3)."""

import contextlib

import numpy as np
import torch


def stacks(model):
    """(block, [(value projection, whose tokens it reads)]) of every layer, in the order they run."""
    kind = model.config.model_type
    if kind == "bert":
        return [("", b, [(b.attention.self.value, "")]) for b in model.bert.encoder.layer]
    if kind == "gpt2":
        return [("", b, [(b.attn.c_attn, "")]) for b in model.transformer.h]
    if kind == "llama":
        return [("", b, [(b.self_attn.v_proj, "")]) for b in model.model.layers]
    if kind == "t5":
        encoder = [("source", b, [(b.layer[0].SelfAttention.v, "source")]) for b in model.encoder.block]
        decoder = [
            ("target", b, [(b.layer[0].SelfAttention.v, "target"), (b.layer[1].EncDecAttention.v, "source")])
            for b in model.decoder.block
        ]
        return encoder + decoder
    encoder = [("source", b, [(b.self_attn.v_proj, "source")]) for b in model.model.encoder.layers]
    decoder = [
        ("target", b, [(b.self_attn.v_proj, "target"), (b.encoder_attn.v_proj, "source")])
        for b in model.model.decoder.layers
    ]
    return encoder + decoder


def value_zeroing(model, query, tokens, starts, **inputs):
    """The query's row of ``C_L … C_1``.

    ``tokens`` are all of them; ``starts`` says where those of "", or of "source" and "target", begin and end.
    """
    rolled = np.eye(tokens)
    for side, block, projections in stacks(model):
        first, last = starts[side]
        original = block_output(model, block, [], inputs)
        mixing = np.eye(tokens)
        mixing[first:last] = 0.0
        for j in range(tokens):
            zeroed = [(p, j - starts[read][0]) for p, read in projections if starts[read][0] <= j < starts[read][1]]
            disturbed = block_output(model, block, zeroed, inputs)
            for i in range(last - first):
                mixing[first + i, j] = cosine_distance(original[i], disturbed[i])
        for i in range(first, last):
            mixing[i] = mixing[i] / mixing[i].sum()
        rolled = mixing @ rolled
    return rolled[query]


def cosine_distance(x, y):
    return 1 - np.dot(x, y) / (np.linalg.norm(x) * np.linalg.norm(y))


def block_output(model, block, zeroed, inputs):
    """What a block gives back in a run of the model in which some projections' values of some token are zero."""
    found = []
    with contextlib.ExitStack() as stack, torch.no_grad():
        stack.callback(
            block.register_forward_hook(
                lambda m, a, out: found.append(out[0] if isinstance(out, tuple) else out)
            ).remove
        )
        for projection, token in zeroed:
            stack.callback(projection.register_forward_hook(zero_at(token)).remove)
        model(**inputs)
    return found[0][0].double().numpy()


def zero_at(token):
    """A hook that zeroes a token's values; GPT-2's are the last third of what its one projection gives back."""

    def hook(module, args, out):
        out = out.clone()
        out[:, token, out.shape[-1] // 3 * 2 if type(module).__name__ == "Conv1D" else 0 :] = 0
        return out

    return hook
