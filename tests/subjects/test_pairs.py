"""A pair of texts is read as the tokenizer joins it, token types and all."""

import pytest
import torch
import transformers

import tiny
import whence

PAIR = {"text": "The film was good", "text_pair": "I did not like the film."}


@pytest.fixture(scope="module")
def subject():
    return whence.load(tiny.bert_classifier())


def own_logits(subject, *texts):
    with torch.no_grad():
        return subject.model(**subject.tokenizer(*texts, return_tensors="pt")).logits[0]


def test_a_pair_is_read_with_its_token_types(subject):
    record = whence.explain(subject, PAIR, target=1)
    assert record.targets[0].value == pytest.approx(own_logits(subject, *PAIR.values())[1].item())
    ids = subject.tokenizer(*PAIR.values(), return_tensors="pt")["input_ids"]
    assert record.targets[0].value != pytest.approx(subject.model(ids).logits[0, 1].item())
    assert list(dict.fromkeys(t.role for t in record.tokens)) == ["text", "text_pair"]
    assert record.text == "The film was good\nI did not like the film."
    for token in record.tokens:
        assert token.start is None or record.text[token.start : token.end] == token.text


def test_a_text_alone_is_read_as_before(subject):
    for data in ("The film was good", {"text": "The film was good"}):
        record = whence.explain(subject, data, target=1)
        ids = subject.tokenizer("The film was good", return_tensors="pt")["input_ids"]
        assert record.targets[0].value == pytest.approx(subject.model(ids).logits[0, 1].item())
        assert {t.role for t in record.tokens} == {"text"}


def test_pairs_and_texts_share_a_list(subject):
    data = [PAIR, "good", {"text": "Paris", "text_pair": "Rome"}]
    for item, record in zip(data, whence.explain(subject, data), strict=True):
        assert record.scores == pytest.approx(whence.explain(subject, item).scores, abs=1e-9)


def test_words_and_sentences_never_mix_the_texts(subject):
    record = whence.explain(subject, PAIR)
    assert [t.text for t in record.words().tokens if t.role == "text_pair"][:2] == ["I", "did"]
    assert {t.role for t in record.sentences().tokens} == {"text", "text_pair"}


def test_deleted_tokens_take_their_types_with_them(subject):
    whole = subject.encode(PAIR)
    record = whence.explain(subject, PAIR, target=1, method=whence.methods.LeaveOneOut(strategy="delete"))
    encoded = subject.tokenizer(*PAIR.values(), return_tensors="pt")
    for i in range(len(whole)):
        kept = [j for j in range(len(whole)) if j != i]
        with torch.no_grad():
            parts = {name: encoded[name][:, kept] for name in ("input_ids", "token_type_ids")}
            value = subject.model(**parts).logits[0, 1].item()
        assert record.scores[0, i] == pytest.approx(record.targets[0].value - value, abs=1e-6)


def test_a_model_without_token_types_reads_pairs_too():
    config = transformers.DistilBertConfig(vocab_size=500, dim=16, hidden_dim=16, n_layers=1, n_heads=2, num_labels=3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = transformers.DistilBertForSequenceClassification(config).double().eval()
    subject = whence.load((model, tiny.bert_tokenizer()))
    record = whence.explain(subject, PAIR, target=1)
    ids = subject.tokenizer(*PAIR.values(), return_tensors="pt")["input_ids"]
    assert record.targets[0].value == pytest.approx(model(ids).logits[0, 1].item())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"text_pair": "a"}, "lacks 'text'"),
        ({"text": "a", "pair": "b"}, "has 'pair', which is not read.*'text': ..., 'text_pair': ..."),
        ({"text": "a", "text_pair": ""}, "'text_pair': .*empty text"),
        ({"text": "a", "text_pair": " "}, "no token of ' '"),
        ({"text": "[SEP]", "text_pair": "b"}, r"no token of '\[SEP\]'"),
        ({}, "lacks 'text'"),
        (("a", "b"), "type tuple"),
    ],
    ids=repr,
)
def test_what_is_no_pair_is_refused(subject, data, message):
    unchecked = getattr(type(subject).encode, "__wrapped__", type(subject).encode)
    with pytest.raises(whence.InputError, match=message):
        unchecked(subject, data)


def test_other_tasks_read_no_dict():
    for make in (tiny.gpt2_lm, tiny.bert_masked_lm, tiny.bert_token_classifier, tiny.t5_seq2seq):
        subject = whence.load(make())
        with pytest.raises(whence.InputError, match="type dict"):
            getattr(type(subject).encode, "__wrapped__", type(subject).encode)(subject, PAIR)


def test_a_slow_tokenizer_is_refused_for_pairs():
    from .odd_tokenizers import Letters

    model, _ = tiny.bert_classifier()
    with pytest.raises(whence.UnsupportedError, match="fast tokenizer"):
        whence.load((model, Letters())).encode(PAIR)
