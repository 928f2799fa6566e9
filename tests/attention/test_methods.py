"""What the attention methods refuse, and laws of their own."""

import numpy as np
import pytest
import torch
import transformers
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

import tiny
import whence
from whence.attention.attention_flow import maximum_flows
from whence.attention.attention_rollout import without_lowest
from whence.registry import available, resolve

METHODS = [key for key in available("methods") if resolve("methods", key).family == "attention"]
TEXT = "Paris is in France."


class Opaque(torch.autograd.Function):
    """An attention kernel as torch sees flash attention's: one function of queries, keys and values."""

    @staticmethod
    def forward(ctx, query, key, value):
        return torch.nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)

    @staticmethod
    def backward(ctx, gradient):
        return None, None, gradient


@pytest.fixture
def opaque():
    """A GPT-2 with a kernel that shows no weights."""

    def kernel(module, query, key, value, *args, **kwargs):
        with torch._C.DisableTorchFunction():
            return Opaque.apply(query, key, value).transpose(1, 2).contiguous(), None

    ALL_ATTENTION_FUNCTIONS["opaque"] = kernel
    model, tokenizer = tiny.gpt2_lm()
    model.set_attn_implementation("opaque")
    yield whence.load((model, tokenizer))
    del ALL_ATTENTION_FUNCTIONS["opaque"]


@pytest.mark.parametrize("key", [*METHODS, "value_zeroing"])
def test_a_kernel_that_shows_no_weights_is_refused_with_the_remedy(opaque, key):
    with pytest.raises(whence.UnsupportedError, match="load the model with attn_implementation='sdpa'"):
        whence.explain(opaque, TEXT, method=key)
    assert opaque.model.config._attn_implementation == "opaque"


@pytest.mark.parametrize("key", [*METHODS, "value_zeroing"])
def test_windows_and_one_key_head_for_all_change_nothing_in_principle(key):
    """A Gemma 3 with one key head and a window of four tokens in one layer: fused equals eager, a batch one by one."""
    tokenizer = tiny.llama_tokenizer()
    config = transformers.Gemma3TextConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=1, head_dim=4, sliding_window=4, layer_types=["sliding_attention", "full_attention"],
        max_position_embeddings=64,
    )  # fmt: skip
    found = []
    for attention in ("sdpa", "eager"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = transformers.Gemma3ForCausalLM._from_config(config, attn_implementation=attention)
        subject = whence.load((model.eval(), tokenizer))
        record, _ = whence.explain(subject, ["The quick brown fox jumps", "Rome"], method=key)
        alone = whence.explain(subject, "The quick brown fox jumps", method=key)
        np.testing.assert_allclose(record.scores, alone.scores, rtol=1e-3, atol=1e-5)
        found.append(alone.scores)
    np.testing.assert_allclose(*found, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "wrong", [{"head_fusion": "median"}, {"discard_ratio": 1.0}, {"discard_ratio": -0.1}, {"discard_ratio": np.nan}]
)
def test_rollout_refuses_what_it_cannot_do(wrong):
    with pytest.raises(whence.InputError, match=next(iter(wrong))):
        whence.methods.AttentionRollout(**wrong)


@pytest.mark.parametrize("key", ["grad_x_attention", "raw_attention"])
@pytest.mark.parametrize("layer", [2, -3, 0.5, True])
def test_a_layer_that_is_not_there_is_refused(key, layer):
    with pytest.raises(whence.InputError, match=r"Layer .* does not exist|layer must be a whole number"):
        whence.explain(whence.load(tiny.gpt2_lm()), TEXT, method=resolve("methods", key)(layer=layer))


def test_what_is_discarded_depends_on_the_row_alone_and_spares_the_token_itself():
    weights = torch.tensor([[[1.0, 0.0, 0.0, 0.0], [0.9, 0.1, 0.0, 0.0], [0.5, 0.3, 0.2, 0.0], [0.4, 0.3, 0.2, 0.1]]])
    found = without_lowest(weights, 0.5)[0].tolist()
    expected = [[1, 0, 0, 0], [0, 0.1, 0, 0], [0.5, 0, 0.2, 0], [0.4, 0, 0, 0.1]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    wider = torch.nn.functional.pad(weights, (0, 3, 0, 3))
    assert torch.equal(without_lowest(wider, 0.5)[0, :4, :4], without_lowest(weights, 0.5)[0])


def test_a_flow_is_held_up_by_its_narrowest_layer():
    narrow = np.array([[[1.0, 0.0], [0.25, 0.75]], [[1.0, 0.0], [0.5, 0.5]]])
    assert maximum_flows(narrow, 1) == pytest.approx([0.5 + 0.25, 0.5])
    assert maximum_flows(narrow, 0) == pytest.approx([1.0, 0.0])


def test_the_gradient_times_the_attention_is_the_targets_own():
    """Of a function that does not depend on the output, and of the sum of two targets."""
    subject = whence.load(tiny.bert_classifier())

    def scores(target):
        return whence.explain(subject, TEXT, method="grad_x_attention", target=target).scores[0]

    both = scores(lambda logits: logits[0] + 2 * logits[1])
    assert both == pytest.approx(scores(0) + 2 * scores(1), abs=1e-6)
    assert (scores(0) < 0).any()
    assert (scores(0) > 0).any()
