"""A classifier is read where its head reads, its labels are the model's, and other inputs are refused."""

import pytest
import torch
import transformers

import tiny
import whence
from whence import Logit, LogProb, Prob


def bert(**settings):
    tokenizer = tiny.bert_tokenizer()
    config = transformers.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        **settings,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return whence.load((transformers.BertForSequenceClassification(config).double().eval(), tokenizer))


def own_logits(subject, text):
    with torch.no_grad():
        return subject.model(torch.tensor([subject.encode(text).ids.tolist()])).logits[0]


def value(subject, target):
    return whence.explain(subject, "the film was good", target=target, method="random").targets[0]


def test_labels_are_the_models():
    subject = whence.load(tiny.bert_classifier())
    assert subject.labels == ["bad", "neutral", "good"]
    logits = own_logits(subject, "the film was good")
    assert value(subject, None).label == subject.labels[int(logits.argmax())]
    for i, label in enumerate(subject.labels):
        assert value(subject, label) == value(subject, i)
        assert value(subject, label).label == label
        assert value(subject, label).value == pytest.approx(logits[i].item())


@pytest.mark.parametrize("target", ["great", "Good", " good", 3, -1], ids=repr)
def test_an_unknown_label_is_refused_with_those_there_are(target):
    with pytest.raises(whence.TargetError, match=r"'bad' \(0\), 'neutral' \(1\), 'good' \(2\)"):
        value(whence.load(tiny.bert_classifier()), target)


@pytest.mark.parametrize("settings", [{"num_labels": 1}, {"num_labels": 1, "problem_type": "regression"}], ids=str)
def test_a_regression_has_a_value_and_no_probability(settings):
    subject = bert(**settings)
    assert value(subject, None).value == pytest.approx(own_logits(subject, "the film was good")[0].item())
    for target in (Prob(), LogProb(), Prob(0)):
        with pytest.raises(whence.TargetError, match=r"regression.*no probability.*Logit\(\)"):
            value(subject, target)


def test_labels_that_exclude_each_other_share_their_probability():
    subject = bert(num_labels=3)
    expected = torch.softmax(own_logits(subject, "the film was good"), dim=0)
    assert [value(subject, Prob(i)).value for i in range(3)] == pytest.approx(expected.tolist())
    assert [value(subject, LogProb(i)).value for i in range(3)] == pytest.approx(expected.log().tolist())


def test_labels_that_do_not_have_each_their_own():
    subject = bert(num_labels=3, problem_type="multi_label_classification")
    expected = torch.sigmoid(own_logits(subject, "the film was good"))
    assert [value(subject, Prob(i)).value for i in range(3)] == pytest.approx(expected.tolist())
    assert [value(subject, LogProb(i)).value for i in range(3)] == pytest.approx(expected.log().tolist())


def test_a_model_without_labels_of_its_own_has_those_of_transformers():
    assert bert(num_labels=2).labels == ["LABEL_0", "LABEL_1"]


DECODERS = {"gpt2, no pad token": (tiny.gpt2_classifier, None), "llama, pad token": (tiny.llama_classifier, "kept")}


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_is_read_at_its_last_token(name):
    make, pad = DECODERS[name]
    subject = whence.load(make())
    assert (subject.model.config.pad_token_id is None) == (pad is None)
    records = whence.explain(subject, ["Paris", "Paris is", "Paris is in", "Rome is"], method="random", target=Logit(2))
    for record in records:
        alone = own_logits(subject, record.text)[2].item()
        assert record.targets[0].value == pytest.approx(alone)
        assert (
            subject.query_position(subject.encode(record.text).slots[0], len(record.tokens)) == len(record.tokens) - 1
        )


def test_a_decoder_whose_pad_token_is_in_the_text_is_read_at_its_last_token_all_the_same():
    subject = whence.load(tiny.llama_classifier())
    record = whence.explain(subject, "Paris<pad>", target=Logit(2), method="leave_one_out")
    assert record.tokens[-1].text == "<pad>"
    embeds = subject.embed(torch.tensor([[t.id for t in record.tokens]]))
    with torch.no_grad():
        assert record.targets[0].value == pytest.approx(subject.model(inputs_embeds=embeds).logits[0, 2].item())


def small(kind, config, **settings):
    return getattr(transformers, kind)(getattr(transformers, config)(vocab_size=60, **settings))


@pytest.mark.parametrize("kind", ["T5", "Bart"])
def test_an_encoder_decoder_is_refused(kind):
    settings = {
        "T5": {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2},
        "Bart": dict.fromkeys(("encoder_layers", "decoder_layers"), 1)
        | dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 2)
        | dict.fromkeys(("d_model", "encoder_ffn_dim", "decoder_ffn_dim"), 8),
    }[kind]
    model = small(f"{kind}ForSequenceClassification", f"{kind}Config", **settings)
    with pytest.raises(whence.UnsupportedError, match="encoder-decoder"):
        whence.load((model, tiny.bert_tokenizer()))


@pytest.fixture
def subject():
    return whence.load(tiny.bert_classifier())


def test_a_chat_is_refused(subject):
    with pytest.raises(whence.InputError, match="takes no chat"):
        whence.explain(subject, [{"role": "user", "content": "good"}])


@pytest.mark.parametrize("more", [{"continuation": " good"}, {"max_new_tokens": 2}, {"continuation": [5]}], ids=str)
def test_a_continuation_is_refused_with_the_classes(subject, more):
    with pytest.raises(whence.InputError, match=r"no continuation.*'bad', 'neutral', 'good'"):
        whence.explain(subject, "good", **more)


@pytest.mark.parametrize("text", ["\n", " ", "\t\n ", "[CLS] [SEP]", "[PAD]", "\x00\x07"], ids=repr)
def test_a_text_of_no_token_is_refused(subject, text):
    with pytest.raises(whence.InputError, match="no token"):
        whence.explain(subject, text)


def test_a_text_of_unknown_words_is_explained(subject):
    assert whence.explain(subject, "☃").scores.shape == (1, 3)


def test_special_tokens_have_scores_of_their_own(subject):
    record = whence.explain(subject, "the film was good", method="input_x_gradient")
    assert [t.text for t in record.tokens if t.special] == ["[CLS]", "[SEP]"]
    assert record.scores[0, 0] != 0 != record.scores[0, -1]


def test_attention_is_refused_where_no_one_token_is_read(bert_pooled_by_mean):
    with pytest.raises(whence.UnsupportedError, match="averages over all tokens"):
        whence.explain(bert_pooled_by_mean, "a b", method="raw_attention")
    assert whence.explain(bert_pooled_by_mean, "a b", method="attnlrp").scores.any()


@pytest.fixture
def bert_pooled_by_mean():
    subject = whence.load(tiny.bert_classifier())
    subject.model.config.classifier_pooling = "mean"
    return subject
