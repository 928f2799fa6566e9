"""The queries and keys that are read are those the weights are made of, under every kernel, at the model's scale."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import tiny
import whence
from tiny_architectures import tiny_model
from whence.methods.attention_calls import AttentionCalls

TEXT = "Paris is in France."
BIAS = torch.arange(25.0, dtype=torch.float64).reshape(5, 5).sin() * 3
CAUSAL = torch.ones(5, 5, dtype=torch.bool).tril()


class Read:
    """What was read of each attention inside: `weights`, and `vectors`, None where there were none."""

    def __init__(self):
        self.weights, self.vectors = [], {}
        self.calls = AttentionCalls(weights=self.keep, vectors=self.keep_vectors)

    def keep(self, number, weights):
        self.weights.append(weights)
        return weights

    def keep_vectors(self, number, *read):
        assert number == len(self.weights), "vectors come in front of their weights"
        self.vectors[number] = read

    def softmax_of_products(self, number):
        """What the weights are where nothing but a mask is added."""
        queries, keys, scale, _ = self.vectors[number]
        weights = self.weights[number]
        assert queries.shape[:3] == weights.shape[:3]
        assert (*keys.shape[:2], keys.shape[2]) == (*weights.shape[:2], weights.shape[3])
        return (queries @ keys.mT * scale).masked_fill(weights == 0, -torch.inf).softmax(dim=-1).to(weights.dtype)


def read_of(subject, text=TEXT, **options):
    batch = subject.collate([subject.encode(text, **options)])
    read = Read()
    with torch.no_grad(), read.calls:
        subject.logits(batch)
    return read


def heads(groups=4):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, h, 5, 8, generator=generator, dtype=torch.float64) for h in (4, groups, groups)]


@pytest.mark.parametrize("make", [tiny.gpt2_lm, tiny.llama_lm, tiny.bert_classifier, tiny.bart_seq2seq])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_weights_are_the_softmax_of_scaled_products(make, attention):
    read = read_of(whence.load(make(attn_implementation=attention)))
    assert len(read.vectors) == len(read.weights) > 1
    for number, weights in enumerate(read.weights):
        assert read.vectors[number][2:] == (0.5, False)
        torch.testing.assert_close(read.softmax_of_products(number), weights, rtol=0, atol=1e-5)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_bias_of_positions_is_said_where_there_is_one(attention):
    """T5 adds one to the scores of its encoder and decoder, none in cross-attention."""
    read = read_of(whence.load(tiny.t5_seq2seq(attn_implementation=attention)), continuation=" London France")
    said = [read.vectors[number][3] for number in range(len(read.weights))]
    assert said == [True, True, True, False, True, False]
    exact = [torch.allclose(read.softmax_of_products(n), read.weights[n], atol=1e-5) for n in range(len(said))]
    assert exact == [not biased for biased in said]


@pytest.mark.parametrize(
    ("name", "biased"),
    [("bloom", True), ("gemma2", True), ("gpt_neox", False), ("opt", False), ("falcon", False), ("gptj", False)],
)
def test_of_many_architectures(name, biased):
    """Bloom adds ALiBi, Gemma 2 caps its scores; OPT scales its queries, Falcon has one key a layer for all heads."""
    read = Read()
    with torch.no_grad(), read.calls:
        tiny_model(name)(input_ids=torch.tensor([[1, 5, 9, 7, 3]]))
    assert [read.vectors[number][3] for number in range(2)] == [biased, biased]
    if not biased:
        for number, weights in enumerate(read.weights):
            torch.testing.assert_close(read.softmax_of_products(number), weights, rtol=0, atol=1e-5)


WRITTEN_OUT = {
    "scaled before": (lambda q, k: (q * 0.3) @ k.mT, 1.0, False),
    "scaled behind": (lambda q, k: torch.matmul(q, k.mT) * 0.3, 0.3, False),
    "divided by a tensor": (lambda q, k: (q @ k.mT) / torch.tensor(2.0, dtype=q.dtype), 0.5, False),
    "scaled twice, in place": (lambda q, k: (q @ k.mT).mul_(0.5).div_(2), 0.25, False),
    "number first": (lambda q, k: 0.3 * (q @ k.mT), 0.3, False),
    "each head by its own": (lambda q, k: (q @ k.mT) * torch.arange(1, 5.0)[:, None, None], 1.0, True),
    "masked": (lambda q, k: (q @ k.mT).masked_fill(~CAUSAL, -1e9), 1.0, False),
    "masked by where": (lambda q, k: torch.where(CAUSAL, q @ k.mT, -torch.inf), 1.0, False),
    "masked by a sum": (lambda q, k: (~CAUSAL).double() * -1e4 + q @ k.mT, 1.0, False),
    "masked in place": (lambda q, k: (q @ k.mT).add_((~CAUSAL).double() * -1e4), 1.0, False),
    "biased": (lambda q, k: q @ k.mT + BIAS, 1.0, True),
    "biased in place": (lambda q, k: (q @ k.mT).add_(BIAS), 1.0, True),
    "biased, then scaled": (lambda q, k: (q @ k.mT + BIAS) * 0.3, 0.3, True),
    "capped": (lambda q, k: torch.tanh(q @ k.mT / 2) * 2, 1.0, True),
    "heads in the batch": (lambda q, k: torch.bmm(q.flatten(0, 1), k.flatten(0, 1).mT).view(2, 4, 5, 5), 1.0, False),
    "added to by baddbmm": (
        lambda q, k: BIAS.expand(8, 5, 5).baddbmm(q.flatten(0, 1), k.flatten(0, 1).mT, alpha=0.3).view(2, 4, 5, 5),
        0.3,
        True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WRITTEN_OUT)
def test_the_operands_are_remembered_up_to_the_softmax(way):
    scores, scale, biased = WRITTEN_OUT[way]
    q, k, v = heads()
    read = Read()
    with read.calls:
        torch.softmax(scores(q, k), dim=-1) @ v
    assert read.vectors[0][2:] == pytest.approx((scale, biased))
    exact = torch.allclose(read.softmax_of_products(0), read.weights[0], rtol=0, atol=1e-9)
    assert exact == (not biased)


FUSED = {
    "no mask": ({}, False),
    "boolean mask": ({"attn_mask": CAUSAL}, False),
    "additive mask": ({"attn_mask": CAUSAL.log().double()}, False),
    "bias": ({"attn_mask": BIAS}, True),
    "causal, scaled": ({"is_causal": True, "scale": 0.3}, False),
}


@pytest.mark.parametrize("kernel", FUSED)
@pytest.mark.parametrize("groups", [4, 2, 1])
def test_of_the_fused_kernel_grouped_or_not(kernel, groups):
    options, biased = FUSED[kernel]
    read = Read()
    with read.calls:
        F.scaled_dot_product_attention(*heads(groups), **options, enable_gqa=groups < 4)
    assert read.vectors[0][2:] == pytest.approx((options.get("scale", 8**-0.5), biased))
    exact = torch.allclose(read.softmax_of_products(0), read.weights[0], rtol=0, atol=1e-9)
    assert exact == (not biased)


def test_operands_given_by_name_are_passed_on_and_not_followed():
    q, k, v = heads()
    read = Read()
    with read.calls:
        torch.softmax(torch.matmul(q, other=k.mT), dim=-1) @ v
        torch.baddbmm(input=BIAS, batch1=q[0], batch2=k[0].mT)
    assert (len(read.weights), read.vectors) == (1, {})


def test_an_attention_sink_is_said_too():
    """gpt_oss puts a column behind the keys' scores and drops it after the softmax."""
    q, k, v = heads()
    read = Read()
    with read.calls:
        scores = torch.cat([q @ k.mT, torch.full((2, 4, 5, 1), 2.0, dtype=q.dtype)], dim=-1)
        weights = torch.softmax(scores - scores.max(dim=-1, keepdim=True).values, dim=-1)[..., :-1]
        weights @ v
    assert read.vectors[0][3]
    assert (read.weights[0].sum(dim=-1) < 1).all()


def test_scores_that_are_no_product_have_none():
    q, _, v = heads()
    read = Read()
    with read.calls:
        torch.softmax(q[..., :5].exp(), dim=-1) @ v
    assert (len(read.weights), read.vectors) == (1, {})


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_products_are_followed_for_those_who_ask_alone(attention, monkeypatch):
    def fails(*_):
        raise AssertionError("nobody asked for vectors")

    monkeypatch.setattr("whence.methods.score_products.call", fails)
    subject = whence.load(tiny.llama_lm(attn_implementation=attention))
    assert whence.explain(subject, TEXT, method="raw_attention").scores.sum() == pytest.approx(1, abs=1e-5)


def test_reading_changes_nothing():
    subject = whence.load(tiny.llama_lm(attn_implementation="eager"))
    batch = subject.collate([subject.encode(TEXT)])
    with torch.no_grad():
        plain = subject.logits(batch)
        with Read().calls:
            torch.testing.assert_close(subject.logits(batch), plain, rtol=0, atol=0)
