"""The reader's weights are the ones attention is computed with, under every kernel, and the result is unchanged."""

import contextlib

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
import transformers

import tiny
import whence
from whence.methods.attention_calls import AttentionCalls


@contextlib.contextmanager
def read():
    """The attention weights of every layer computed inside."""
    weights = []

    def keep(number, found):
        assert number == len(weights)
        weights.append(found)
        return found

    with AttentionCalls(weights=keep):
        yield weights


def heads(queries=5, groups=4, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, h, n, 8, generator=generator, dtype=torch.float64).to(dtype)
        for h, n in ((4, queries), (groups, 5), (groups, 5))
    ]


BOOLEAN = torch.arange(50).reshape(2, 1, 5, 5) % 3 != 1
BOOLEAN[..., 0] = True
ADDITIVE = torch.arange(25.0, dtype=torch.float64).reshape(5, 5).sin() * 3
KERNELS = {
    "no mask": ({}, {}),
    "boolean mask": ({"attn_mask": BOOLEAN}, {}),
    "mask of keys": ({"attn_mask": BOOLEAN[:, :, :1]}, {}),
    "additive mask": ({"attn_mask": ADDITIVE}, {}),
    "additive mask with minus infinity": ({"attn_mask": torch.ones(5, 5).tril().log().double()}, {}),
    "causal": ({"is_causal": True}, {}),
    "causal, fewer queries": ({"is_causal": True}, {"queries": 3}),
    "grouped": ({"enable_gqa": True}, {"groups": 2}),
    "grouped, causal": ({"enable_gqa": True, "is_causal": True}, {"groups": 1}),
    "scale": ({"scale": 0.3}, {}),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_fused_kernels_result_is_unchanged_and_its_weights_are_read(kernel):
    options, shape = KERNELS[kernel]
    q, k, v = heads(**shape)
    with read() as weights:
        result = F.scaled_dot_product_attention(q, k, v, **options)
    torch.testing.assert_close(result, F.scaled_dot_product_attention(q, k, v, **options))
    (found,) = weights
    identity = torch.eye(5, dtype=torch.float64).expand(*k.shape[:2], 5, 5)
    torch.testing.assert_close(found, F.scaled_dot_product_attention(q, k, identity, **with_scale(options)))


def with_scale(options):
    """The kernel shows its weights when the values are unit vectors; the scale is the queries' own."""
    return {"scale": 8**-0.5} | options


def test_a_query_that_may_look_nowhere_gets_zeros():
    q, k, v = heads()
    mask = BOOLEAN.clone()
    mask[0, 0, 2] = False
    with read():
        result = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    torch.testing.assert_close(result, F.scaled_dot_product_attention(q, k, v, attn_mask=mask))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_the_dtype_is_kept(dtype):
    q, k, v = heads(dtype=dtype)
    with read() as weights:
        result = F.scaled_dot_product_attention(q, k, v)
    plain = F.scaled_dot_product_attention(q, k, v)
    assert result.dtype == weights[0].dtype == dtype
    assert (result - plain).abs().max() <= 4 * torch.finfo(dtype).eps * plain.abs().max()


SOFTMAXES = {
    "functional": lambda s: F.softmax(s, dim=-1),
    "torch": lambda s: torch.softmax(s, -1),
    "method": lambda s: s.softmax(-1),
    "cast": lambda s: F.softmax(s, dim=-1, dtype=torch.float32).to(s.dtype),
    "type_as": lambda s: F.softmax(s.float(), dim=-1).type_as(s),
    "dropout": lambda s: F.dropout(F.softmax(s, dim=-1), p=0.0, training=False),
    "dropout module": lambda s: torch.nn.Dropout(0.5).eval()(torch.softmax(s, dim=-1)),
}
PRODUCTS = {
    "matmul": torch.matmul,
    "operator": lambda a, b: a @ b,
    "method": lambda a, b: a.matmul(b),
    "heads folded into the batch": lambda a, b: torch.bmm(a.flatten(0, 1), b.flatten(0, 1)),
}


@pytest.mark.parametrize("softmax", SOFTMAXES)
def test_a_written_out_attention_is_recognised(softmax):
    q, k, v = heads()
    with read() as weights:
        result = torch.matmul(SOFTMAXES[softmax](q @ k.mT / 8**0.5), v)
    torch.testing.assert_close(result, F.scaled_dot_product_attention(q, k, v), rtol=1e-5, atol=1e-6)
    (found,) = weights
    assert found.shape == (2, 4, 5, 5)
    torch.testing.assert_close(found.sum(-1), torch.ones(2, 4, 5, dtype=found.dtype), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_written_out_product_is_recognised(product):
    q, k, v = heads()
    with read() as weights:
        PRODUCTS[product](torch.softmax(q @ k.mT, dim=-1), v)
    assert len(weights) == 1


def test_a_written_out_attention_without_batch_is_recognised():
    q, k, v = (t[0] for t in heads())
    with read() as weights:
        torch.bmm(torch.softmax(q @ k.mT, dim=-1), v)
    assert [tuple(w.shape) for w in weights] == [(1, 4, 5, 5)]


def test_a_softmax_that_is_no_attention_is_not_read():
    q, k, v = heads()
    with read() as weights:
        probabilities = torch.softmax(q @ k.mT, dim=-1)
        assert (probabilities * 2).sum() > 0
        assert (q @ k.mT) @ v is not None
    assert not weights


def test_nothing_is_read_outside():
    q, k, v = heads()
    with read() as weights:
        pass
    F.scaled_dot_product_attention(q, k, v)
    assert not weights
    assert not torch.overrides._get_current_function_mode_stack()


def test_a_reader_may_fail_and_leaves_nothing():
    def fails(number, weights):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), AttentionCalls(weights=fails):
        F.scaled_dot_product_attention(*heads())
    assert not torch.overrides._get_current_function_mode_stack()


TEXTS = ["Paris is in France.", "The quick brown fox jumps over the lazy dog.", "Rome"]


def weights_of(subject, texts):
    """Layers of `(batch, head, query, key)`, as read from one batch."""
    batch = subject.collate([subject.encode(text) for text in texts])
    with torch.no_grad(), read() as weights:
        subject.logits(batch)
    return weights


@pytest.mark.parametrize("make", [tiny.gpt2_lm, tiny.llama_lm, tiny.bert_classifier], ids=lambda m: m.__name__)
@pytest.mark.parametrize("texts", [TEXTS[:1], TEXTS], ids=["one", "padded"])
def test_fused_equals_eager(make, texts):
    fused, eager = (weights_of(whence.load(make(attn_implementation=a)), texts) for a in ("sdpa", "eager"))
    assert len(fused) == len(eager) == 2
    lengths = [len(whence.load(make()).encode(text)) for text in texts]
    for one, other in zip(fused, eager, strict=True):
        assert one.shape == other.shape
        for row, length in enumerate(lengths):
            torch.testing.assert_close(
                one[row, :, :length].double(), other[row, :, :length].double(), rtol=1e-5, atol=1e-6
            )


@pytest.mark.parametrize("make", [tiny.gpt2_lm, tiny.llama_lm, tiny.bert_classifier], ids=lambda m: m.__name__)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_padding_is_never_attended_to_and_changes_nothing(make, attention):
    subject = whence.load(make(attn_implementation=attention))
    together = weights_of(subject, TEXTS)
    for row, text in enumerate(TEXTS):
        length = len(subject.encode(text))
        for layer, alone in enumerate(weights_of(subject, [text])):
            assert not together[layer][row, :, :length, length:].any()
            torch.testing.assert_close(
                together[layer][row, :, :length, :length].double(), alone[0].double(), rtol=1e-5, atol=1e-6
            )


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_equal_to_the_weights_transformers_gives(attention):
    model, tokenizer = tiny.bert_classifier(attn_implementation=attention)
    found = weights_of(whence.load((model, tokenizer)), TEXTS[:1])
    eager, _ = tiny.bert_classifier(attn_implementation="eager")
    with torch.no_grad():
        given = eager(**tokenizer(TEXTS[0], return_tensors="pt"), output_attentions=True).attentions
    for one, other in zip(found, given, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("method", ["raw_attention", "attention_rollout"])
def test_a_list_equals_one_by_one(method, minilm):
    records = whence.explain(minilm, TEXTS, method=method, batch_size=3)
    for text, record in zip(TEXTS, records, strict=True):
        alone = whence.explain(minilm, text, method=method)
        assert record.scores == pytest.approx(alone.scores, rel=1e-4, abs=1e-6)
        assert record.scores.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("method", ["raw_attention", "attention_rollout"])
def test_a_model_without_attention_is_refused(method):
    tokenizer = tiny.gpt2_tokenizer()
    config = transformers.MambaConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, state_size=4, expand=1
    )
    subject = whence.load((transformers.MambaForCausalLM(config).eval(), tokenizer))
    with pytest.raises(whence.UnsupportedError, match=r"No attention weights.*MambaForCausalLM"):
        whence.explain(subject, "Paris is in", method=method)


@pytest.mark.parametrize("layer", [0, 1, -1, -2])
def test_each_layer_has_its_own_weights(layer):
    subject = whence.load(tiny.gpt2_lm())
    record = whence.explain(subject, TEXTS[0], method=whence.methods.RawAttention(layer=layer))
    expected = weights_of(subject, TEXTS[:1])[layer].mean(dim=1)[0, -1]
    assert record.scores[0] == pytest.approx(expected.float().numpy())


@pytest.mark.parametrize("head", range(4))
def test_each_head_has_its_own_weights(head):
    subject = whence.load(tiny.gpt2_lm())
    record = whence.explain(subject, TEXTS[0], method=whence.methods.RawAttention(layer=0, head=head))
    expected = weights_of(subject, TEXTS[:1])[0][0, head, -1]
    assert record.scores[0] == pytest.approx(expected.float().numpy())


@pytest.mark.parametrize("wrong", [{"layer": 2}, {"layer": -3}, {"head": 4}, {"head": -1}], ids=str)
def test_a_layer_or_head_that_is_not_there_is_refused(wrong):
    (name,) = wrong
    with pytest.raises(whence.InputError, match=f"{name.title()} {wrong[name]} does not exist"):
        whence.explain(whence.load(tiny.gpt2_lm()), TEXTS[0], method=whence.methods.RawAttention(**wrong))
