"""Sampled replacements: from which distribution they come, on what they depend, and who can propose them."""

import numpy as np
import pytest
import torch

import tiny
import whence
from whence import InputError, UnsupportedError
from whence.methods.run import Run
from whence.perturbation.evaluator import Evaluator
from whence.perturbation.proposals import Wanted
from whence.subjects.encoding import special_ids
from whence.targets import as_targets

TEXT = "Paris is in France."
MASKED = "[MASK] said: The film was good."


@pytest.fixture(scope="module")
def llama():
    return whence.load(tiny.llama_lm())


@pytest.fixture(scope="module")
def bert():
    return whence.load(tiny.bert_masked_lm())


def filled(subject, inputs, keeps, draws=None, seed=0):
    """The ids of one input with its masked places drawn, for each mask, and the passes that took."""
    wanted = [Wanted(0, keep, draw) for keep, draw in zip(keeps, draws or [0] * len(keeps), strict=True)]
    found, passes = whence.Sample(subject).ready(subject).filled([inputs], wanted, Run(seed))
    return [item.ids for item in found], passes


def hiding(inputs, *places):
    keep = np.ones(len(inputs), bool)
    keep[list(places)] = False
    return keep


@torch.no_grad()
def chances(subject, inputs, place):
    """What the proposer must draw from at one masked place, by a plain call of the model."""
    ids = inputs.ids.tolist()
    if subject.task == "fill-mask":
        read = [subject.tokenizer.mask_token_id if i == place else one for i, one in enumerate(ids)]
        logits = subject.model(input_ids=torch.tensor([read])).logits[0, place]
    else:
        logits = subject.model(input_ids=torch.tensor([[subject.tokenizer.eos_token_id, *ids]])).logits[0, place]
    expected = torch.softmax(logits, dim=-1)
    expected[list(special_ids(subject.tokenizer))] = 0
    return (expected / expected.sum()).numpy()


@pytest.mark.parametrize("place", [0, 3])
@pytest.mark.parametrize(("name", "text"), [("llama", TEXT), ("bert", MASKED)])
def test_tokens_follow_the_proposers_distribution(name, text, place, request):
    """Each token that is expected at least 20 times in 1,500 draws comes as often as it must, within 5 deviations."""
    subject, draws = request.getfixturevalue(name), 1500
    inputs = subject.encode(text)
    found, _ = filled(subject, inputs, [hiding(inputs, place)] * draws, range(draws))
    expected = draws * chances(subject, inputs, place)
    counts = np.bincount([ids[place] for ids in found], minlength=len(expected))
    often = expected > 20
    assert often.sum() >= 3
    assert (np.abs(counts - expected)[often] < 5 * np.sqrt(expected[often])).all()
    assert not counts[list(special_ids(subject.tokenizer))].any()
    assert all(np.array_equal(np.delete(ids, place), np.delete(inputs.ids, place)) for ids in found)


def test_the_same_mask_seed_and_draw_give_the_same_tokens(llama):
    inputs = llama.encode(TEXT)
    keep = hiding(inputs, 1, 3, 4, 5)
    one, again, other = filled(llama, inputs, [keep] * 3, [0, 0, 1])[0]
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, filled(llama, inputs, [keep], seed=1)[0][0])


@pytest.mark.parametrize(("name", "text"), [("llama", TEXT), ("bert", MASKED)])
def test_draws_depend_on_no_other_mask_and_batch(name, text, request):
    subject = request.getfixturevalue(name)
    inputs = subject.encode(text)
    keeps = list(np.random.default_rng(0).random((6, len(inputs))) < 0.6)
    together, _ = filled(subject, inputs, keeps)
    for keep, ids in zip(keeps, together, strict=True):
        assert np.array_equal(ids, filled(subject, inputs, [keep])[0][0])


def test_draws_of_a_causal_model_depend_on_no_later_token(llama):
    short = llama.encode("Paris is in")
    long = llama.encode("Paris is in France, not in England.")
    (first,), (second,) = (filled(llama, item, [hiding(item, 1, 2)])[0] for item in (short, long))
    assert np.array_equal(first, second[: len(short)])


def test_a_causal_model_reads_an_input_once_and_a_masked_one_each_mask(llama, bert):
    for subject, text, passes in ((llama, TEXT, 1), (bert, MASKED, 3)):
        inputs = subject.encode(text)
        keeps = [hiding(inputs, 1), hiding(inputs, 2), hiding(inputs, 1, 2), hiding(inputs)]
        assert filled(subject, inputs, keeps)[1] == [passes]


def test_the_proposers_passes_are_counted_apart(bert, monkeypatch):
    ran, logits = [], bert.logits
    monkeypatch.setattr(bert, "logits", lambda batch: (ran.append(len(batch)), logits(batch))[1])
    record = whence.explain(bert, MASKED, method=whence.methods.LeaveOneOut("sample"))
    tokens = len(record.tokens)
    assert record.provenance["proposals"] == tokens
    assert record.provenance["forwards"] <= tokens + 1
    assert sum(ran) == record.provenance["forwards"] + record.provenance["proposals"]
    assert record.provenance["resolved"]["strategy"].startswith("sample from ")
    assert "proposals" not in whence.explain(bert, MASKED, method="leave_one_out").provenance


def test_another_draw_of_a_mask_is_another_value_and_other_strategies_know_of_none(llama):
    inputs = [llama.encode(TEXT)]
    masks = [np.stack([hiding(inputs[0], 2, 3, 4)] * 3 + [hiding(inputs[0])] * 2)]
    draws = [np.array([0, 1, 0, 0, 5])]
    sampled = Evaluator(llama, inputs, as_targets(None), Run(), "sample")
    (values,) = sampled.evaluate(masks, draws=draws)
    assert values[0] == values[2] != values[1]
    assert values[3] == values[4] == sampled.values[0]
    assert sampled.forwards == [3]
    fixed = Evaluator(llama, inputs, as_targets(None), Run(), "eos")
    (values,) = fixed.evaluate(masks, draws=draws)
    assert values[0] == values[1] == values[2]
    assert fixed.forwards == [2]


def test_replacements_from_another_model_of_the_same_vocabulary(bert):
    classifier = whence.load(tiny.bert_classifier())
    record = whence.explain(classifier, TEXT, method=whence.methods.LeaveOneOut(whence.Sample(bert)))
    assert record.params["strategy"] == f"sample from {bert.name}"
    assert record.scores.any()


def test_another_vocabulary_is_refused(llama):
    with pytest.raises(UnsupportedError, match=r"another vocabulary than .* same tokenizer"):
        whence.Sample(llama).ready(whence.load(tiny.gpt2_lm()))


def test_a_proposer_that_is_no_language_model_is_refused(bert):
    classifier = whence.load(tiny.bert_classifier())
    for strategy in (whence.Sample(), whence.Sample(classifier)):
        with pytest.raises(UnsupportedError, match=r"text-classification\) is neither. .*whence.Sample\(model\)"):
            strategy.ready(classifier)


@pytest.mark.parametrize(("name", "kind", "what"), [("llama", "eos", "end-of-text"), ("bert", "mask", "mask token")])
def test_a_proposer_without_the_token_it_needs_is_refused(name, kind, what, request, monkeypatch):
    subject = request.getfixturevalue(name)
    monkeypatch.setattr(subject, "replacement_id", lambda asked: None)
    with pytest.raises(UnsupportedError, match=rf"has no .*{what}.*whence.Sample\(model\)"):
        whence.Sample().ready(subject)


def test_a_text_longer_than_the_proposer_reads_is_refused(llama, monkeypatch):
    inputs = llama.encode(TEXT)
    monkeypatch.setitem(llama.__dict__, "context_limit", 3)
    with pytest.raises(InputError, match="the model reads at most 3"):
        filled(llama, inputs, [hiding(inputs, 1)])


def test_ids_that_are_no_token_are_never_drawn():
    """A model whose table of embeddings is longer than its vocabulary."""
    model, tokenizer = tiny.llama_lm()
    model.resize_token_embeddings(len(tokenizer) + 400, mean_resizing=False)
    subject = whence.load((model, tokenizer))
    inputs = subject.encode(TEXT)
    found, _ = filled(subject, inputs, [~hiding(inputs)] * 20, range(20))
    assert max(ids.max() for ids in found) < len(tokenizer)
