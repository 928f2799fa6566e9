"""What paths start from: each baseline is what it says, and what cannot be one is refused with the next step."""

import numpy as np
import pytest
import torch

import tiny
import tiny_images
import whence
from whence.gradients.method import places_of
from whence.methods import DiscretizedIG, GradientSHAP, IntegratedGradients, SequentialIG
from whence.methods.baselines import baseline_embeddings
from whence.targets import Logit

TEXT = "the film was good"


@pytest.fixture(scope="module")
def bert():
    return whence.load(tiny.bert_classifier())


def start(subject, inputs, baseline, text=None, seed=0, draw=0):
    return baseline_embeddings(subject, places_of(subject, [inputs]), baseline, text, seed, draw)[0]


def test_the_mean_is_that_of_all_plain_tokens(bert):
    table = bert.model.get_input_embeddings().weight.detach()
    special = set(bert.tokenizer.all_special_ids)
    plain = [i for i in range(len(table)) if i not in special]
    inputs = bert.encode(TEXT)
    torch.testing.assert_close(start(bert, inputs, "mean"), table[plain].mean(dim=0).expand(len(inputs), -1))


def test_the_mean_of_an_encoder_and_decoder_is_each_ones_own():
    subject = whence.load(tiny.bart_seq2seq())
    inputs = subject.encode("Paris is", continuation="London is")
    found = start(subject, inputs, "mean")
    for part, table in subject.tables(inputs):
        expected = table(torch.tensor(subject.plain_ids)[None])[0].mean(dim=0)
        torch.testing.assert_close(found[part], expected.expand_as(found[part]))


def test_samples_are_plain_tokens_and_do_not_depend_on_what_follows(bert):
    table = bert.model.get_input_embeddings().weight.detach()
    short, long = bert.encode("the film"), bert.encode(TEXT)
    one, other = (start(bert, inputs, "sampled", seed=3, draw=1) for inputs in (short, long))
    torch.testing.assert_close(one, other[: len(one)])
    assert not torch.equal(other, start(bert, long, "sampled", seed=3, draw=2))
    assert not torch.equal(other, start(bert, long, "sampled", seed=4, draw=1))
    ids = [int((table == row).all(dim=1).nonzero()[0]) for row in other]
    assert set(ids) <= set(bert.plain_ids.tolist())


@pytest.mark.parametrize("baseline", ["mean", "sampled"])
def test_an_image_starts_from_its_own_patches(baseline):
    subject = whence.load(tiny.vit_classifier())
    inputs = subject.encode(tiny_images.picture(5))
    patches = places_of(subject, [inputs])[0].embeds
    found = start(subject, inputs, baseline)
    if baseline == "mean":
        torch.testing.assert_close(found, patches.mean(dim=0).expand_as(patches))
    else:
        assert all(any(torch.equal(row, patch) for patch in patches) for row in found)


def test_auto_is_the_first_token_there_is_and_on_record(bert):
    record = whence.explain(bert, TEXT, method=IntegratedGradients(baseline="auto", steps=2))
    expected = whence.explain(bert, TEXT, method=IntegratedGradients(baseline="mask", steps=2))
    assert record.provenance["resolved"] == {"baseline": "mask"}
    assert np.array_equal(record.scores, expected.scores)


def test_a_given_text_scores_only_what_differs(bert):
    method = IntegratedGradients(baseline="text", baseline_text="the film was like", steps=20)
    record = whence.explain(bert, TEXT, method=method, target=Logit(1))
    other = whence.explain(bert, "the film was like", method="random", target=Logit(1))
    assert record.targets[0].baseline_value == pytest.approx(other.targets[0].value)
    assert np.flatnonzero(record.scores[0]).tolist() == [4]


def test_a_continuation_stays_while_the_prompt_moves():
    subject = whence.load(tiny.gpt2_lm())
    method = IntegratedGradients(baseline="text", baseline_text="Rome is in", steps=4)
    inputs = subject.encode("Paris is in", continuation=" France. The")
    lengths = len(subject.encode("Paris is in")), len(subject.encode("Rome is in"))
    if lengths[0] != lengths[1]:
        method = IntegratedGradients(baseline="text", baseline_text="Paris is at", steps=4)
    record = method(subject, inputs)
    assert not record.scores[:, lengths[0] :].any()
    assert record.scores.any()


def test_a_text_of_another_length_is_refused_with_both_lengths(bert):
    method = IntegratedGradients(baseline="text", baseline_text="good")
    with pytest.raises(whence.InputError, match=r"has 3 tokens, the input has 6.*'good'.*a text of 6 tokens, or use"):
        whence.explain(bert, TEXT, method=method)


@pytest.mark.parametrize("method", [IntegratedGradients, SequentialIG, DiscretizedIG, GradientSHAP])
def test_an_unknown_baseline_is_refused_and_a_text_shown_how(method):
    with pytest.raises(whence.InputError, match=r"Unknown baseline 'padd'.*baseline_text='padd'"):
        method(baseline="padd")
    with pytest.raises(whence.InputError, match="go together"):
        method(baseline="text")
    with pytest.raises(whence.InputError, match="go together"):
        method(baseline_text="a text")


def test_a_token_that_the_tokenizer_lacks_is_refused_with_those_it_has():
    subject = whence.load(tiny.gpt2_lm())
    with pytest.raises(whence.UnsupportedError, match=r"no pad token.*'eos', baseline='zero', baseline='mean'"):
        whence.explain(subject, "Paris", method=IntegratedGradients(baseline="pad"))
