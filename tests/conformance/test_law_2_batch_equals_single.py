"""Law 2: scores of a list equal scores one by one, whatever the padding."""

import copy

import pytest

import whence
from cases import IMAGES, TEXTS, WRITERS
from laws import assert_equal, raw_scores


@pytest.mark.parametrize("batch_size", ["auto", 1, 2], ids=lambda b: f"batch_{b}")
def test_batch_equals_single(method, case, subject, texts, tolerance, batch_size):
    inputs = [subject.encode(text) for text in texts]
    together = raw_scores(method, subject, inputs, batch_size=batch_size)
    for item, scores in zip(inputs, together, strict=True):
        assert_equal(scores, raw_scores(method, subject, [item])[0], tolerance)


@pytest.mark.cases(WRITERS)
def test_batch_equals_single_with_continuations_of_different_length(method, case, subject, tolerance):
    tails = [" London", " delight: warm, funny", " I did not like Paris."]
    inputs = [subject.encode(text, continuation=tail) for text, tail in zip(TEXTS, tails, strict=True)]
    together = raw_scores(method, subject, inputs)
    for item, scores in zip(inputs, together, strict=True):
        assert_equal(scores, raw_scores(method, subject, [item])[0], tolerance)


@pytest.mark.cases(["gpt2", "llama", "bert", "llama-classifier", "bert-token-classifier", "bert-pair", "t5"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_tokenizers_padding_side_changes_nothing(method, case, subject, texts, tolerance, side):
    tokenizer = copy.deepcopy(subject.tokenizer)
    tokenizer.padding_side = side
    padded = whence.load((subject.model, tokenizer))
    records = whence.explain(padded, texts, method=method)
    for text, record in zip(texts, records, strict=True):
        alone = whence.explain(subject, text, method=method)
        assert record.tokens == alone.tokens
        assert_equal(record.scores, alone.scores, max(tolerance, 1e-6))


def test_a_list_keeps_its_order(method, case, subject, texts):
    records = whence.explain(subject, texts, method=method)
    if case in IMAGES:
        views = [subject.encode(image).about["image"] for image in texts]
        assert [record.provenance["image"] for record in records] == views
        assert len({view["view"] for view in views}) == len(texts)
    else:
        assert all(text in record.text for text, record in zip(TEXTS, records, strict=True))
