"""Edited scores, values and weights are what the model computes with, under every kernel, each row with its own."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812

import tiny
import whence
from whence.methods.attention_calls import AttentionCalls
from whence.methods.attention_layout import attention_kinds, layout_of

MAKERS = [tiny.gpt2_lm, tiny.llama_lm, tiny.bert_classifier, tiny.t5_seq2seq, tiny.bart_seq2seq]
EXACT = {"rtol": 1e-5, "atol": 1e-6}  # Llama's eager softmax is float32


def logits_of(subject, texts, **edits):
    """The logits of one batch, `edits` made for its layout."""
    inputs = [subject.encode(text) for text in texts]
    batch = subject.collate(inputs)
    layout = layout_of(subject, inputs, batch)
    made = {name: edit(layout, batch) for name, edit in edits.items()}
    with torch.no_grad(), AttentionCalls(**made):
        return subject.logits(batch)


def suppressing(tokens, factor):
    """AtMan's edit: the scores of a row's one token times 1 − factor, at every layer that has it among its keys."""

    def of(layout, batch):
        chosen = torch.zeros(batch.mask.shape, dtype=torch.float64)
        for row, token in enumerate(tokens):
            if token is not None:
                chosen[row, token] = factor

        def edit(number, scores):
            on_keys = layout.on_keys(number, chosen, scores.shape[-1])
            return scores * (1 - on_keys[:, None, None, :].to(scores.dtype))

        return edit

    return of


def zeroing(tokens):
    def of(layout, batch):
        kept = torch.ones(batch.mask.shape, dtype=torch.float64)
        kept[range(len(tokens)), tokens] = 0

        def edit(number, values):
            return values * layout.on_keys(number, kept, values.shape[-2])[:, None, :, None].to(values.dtype)

        return edit

    return of


@pytest.mark.parametrize("make", MAKERS, ids=lambda m: m.__name__)
@pytest.mark.parametrize("edit", ["scores", "values"])
def test_each_row_has_its_own_edit_whatever_the_kernel_and_the_batch(make, edit):
    texts, tokens = ["Paris is in France.", "The quick brown fox jumps", "Rome is in"], [2, 0, 1]
    made = suppressing(tokens, 0.9) if edit == "scores" else zeroing(tokens)
    found = {}
    for attention in ("sdpa", "eager"):
        subject = whence.load(make(attn_implementation=attention))
        together = logits_of(subject, texts, **{edit: made})
        plain = logits_of(subject, texts)
        for row, (text, token) in enumerate(zip(texts, tokens, strict=True)):
            alone = suppressing([token], 0.9) if edit == "scores" else zeroing([token])
            torch.testing.assert_close(together[row], logits_of(subject, [text], **{edit: alone})[0], **EXACT)
            assert (together[row] - plain[row]).abs().max() > 1e-4, "the edit did nothing"
        found[attention] = together
    torch.testing.assert_close(found["sdpa"], found["eager"], **EXACT)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_target_token_of_an_encoder_decoder_is_suppressed_in_its_own_attention(attention):
    subject = whence.load(tiny.t5_seq2seq(attn_implementation=attention))
    inputs = subject.encode("Paris is", continuation=" London France")
    batch = subject.collate([inputs])
    layout = layout_of(subject, [inputs], batch)
    chosen = torch.zeros(1, len(inputs))
    chosen[0, inputs.source] = 1
    reached = {kind: layout.on_keys(n, chosen, int(inputs.source)) for n, kind in enumerate(layout.kinds)}
    assert not reached["encoder"].any()
    assert not reached["cross"].any()
    assert layout.on_keys(layout.kinds.index("decoder"), chosen, 3).tolist() == [[1, 0, 0]]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("make", MAKERS, ids=lambda m: m.__name__)
def test_what_is_masked_stays_masked(make, attention):
    """Full suppression makes a score 0, never the minus infinity of a mask: no token sees padding or the future."""
    subject = whence.load(make(attn_implementation=attention))

    def flat(layout, batch):
        return lambda number, scores: scores * 0

    together = logits_of(subject, ["Paris is in France.", "Rome"], scores=flat)
    alone = logits_of(subject, ["Rome"], scores=flat)
    torch.testing.assert_close(together[1], alone[0], **EXACT)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_weights_are_replaced(attention):
    subject = whence.load(tiny.bert_classifier(attn_implementation=attention))

    def uniform(layout, batch):
        return lambda number, weights: torch.full_like(weights, 1 / weights.shape[-1])

    def equal_scores(layout, batch):
        return lambda number, scores: scores * 0

    found = logits_of(subject, ["Paris is in France."], weights=uniform)
    torch.testing.assert_close(found, logits_of(subject, ["Paris is in France."], scores=equal_scores))


def test_an_attention_sink_is_no_key():
    """gpt_oss puts a column behind the keys' scores and drops it after the softmax; edits see the keys alone."""
    q, k, v = torch.randn(3, 2, 4, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sink = torch.ones(2, 4, 5, 1, dtype=torch.float64)

    def attention(scores):
        return torch.softmax(torch.cat([scores, sink], dim=-1), dim=-1)[..., :-1] @ v

    shapes = []

    def halve(number, scores):
        shapes.append(tuple(scores.shape))
        return scores / 2

    with AttentionCalls(scores=halve):
        found = attention(q @ k.mT)
    assert shapes == [(2, 4, 5, 5)]
    torch.testing.assert_close(found, attention(q @ k.mT / 2))


@pytest.mark.parametrize("folded", [False, True])
def test_steps_between_softmax_and_values_are_made_again(folded):
    q, k, v = torch.randn(3, 2, 4, 5, 8, generator=torch.Generator().manual_seed(0))

    def attention(scores):
        weights = F.dropout(F.softmax(scores, dim=-1, dtype=torch.float64), p=0.0).to(v.dtype)
        return torch.bmm(weights.flatten(0, 1), v.flatten(0, 1)) if folded else weights @ v

    with AttentionCalls(scores=lambda number, scores: scores * 3, values=lambda number, values: values[:, :] * 2):
        found = attention(q @ k.mT)
    torch.testing.assert_close(found, attention(q @ k.mT * 3) * 2)


@pytest.mark.parametrize("make", [tiny.t5_seq2seq, tiny.bart_seq2seq, tiny.marian_seq2seq], ids=lambda m: m.__name__)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_the_kinds_are_in_the_order_they_are_computed(make, attention):
    model, _ = make(attn_implementation=attention)
    assert attention_kinds(model) == ("encoder", "encoder", "decoder", "cross", "decoder", "cross")
