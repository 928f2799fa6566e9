"""What is evaluated must be what was explained: the same model, input, target and units."""

import numpy as np
import pytest
import torch

import tiny
import tiny_images
import whence
from metrics.measuring import EFFECTS, TEXT, explained, linear, trials_of
from whence import InputError
from whence.registry import available

SENTENCE = "The film was good, and the food too."


@pytest.fixture(scope="module")
def bert():
    return whence.load(tiny.bert_classifier())


def other_weights(made):
    """A model of the same shape that knows nothing of the other."""
    model, *rest = made
    torch.manual_seed(99)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
    return whence.load((model, *rest))


def test_another_model_of_the_same_shape_is_noticed(bert):
    record = whence.explain(bert, SENTENCE, method="input_x_gradient")
    other = other_weights(tiny.bert_classifier())
    with pytest.raises(InputError, match=r"the weights of .* are not those of the model explained"):
        whence.evaluate(other, record, metrics=["comprehensiveness"])
    with pytest.raises(InputError, match=r"the weights of .* are not those of the model explained"):
        whence.evaluate(other, record.share(), metrics=["gini"])
    with pytest.raises(InputError, match=r"the weights of .* are not those of the model explained"):
        whence.evaluate(other, record, metrics=["deletion", "gini"], strategy="all")
    assert whence.evaluate(bert, record.share(), metrics=["gini"])[0].value is not None


def test_another_vocabulary_is_noticed():
    record = explained(linear())
    smaller = whence.FakeSubject({"good": 2.0})
    with pytest.raises(InputError, match="another tokenizer than that of fake"):
        whence.evaluate(smaller, record, metrics=["deletion"])
    same_words = whence.FakeSubject({word: -effect for word, effect in EFFECTS.items()})
    with pytest.raises(InputError, match=r"'score' with the value 1.5 logit, and fake gives -1.5 logit: the weights"):
        whence.evaluate(same_words, record, metrics=["deletion"])


def test_another_image_is_noticed():
    subject = whence.load(tiny.vit_classifier())
    record = whence.explain(subject, tiny_images.picture(3), method="input_x_gradient")
    with pytest.raises(InputError, match="data= is another image than the one explained"):
        whence.evaluate(subject, record, metrics=["gini"], data=tiny_images.picture(8))
    assert whence.evaluate(subject, record, metrics=["gini"], data=tiny_images.picture(3))[0].value is not None


def test_a_text_is_not_given_again(bert):
    record = whence.explain(bert, SENTENCE, method="input_x_gradient")
    for text in ("The food was good, and the film too.", SENTENCE):
        with pytest.raises(InputError, match=r"data= is the image again.*This record is of a text"):
            whence.evaluate(bert, record, metrics=["gini"], data=text)


def test_another_target_is_noticed(bert):
    def margin(logits):
        return logits[0] - 2 * logits[1] + 1

    record = whence.explain(bert, SENTENCE, method="input_x_gradient", target="good")
    with pytest.raises(InputError, match="target= is not the target that was explained"):
        whence.evaluate(bert, record, metrics=["deletion"], target=margin)
    with pytest.raises(InputError, match="target= is 2 targets at 1 place, and the explanation has 1 row"):
        whence.evaluate(bert, record, metrics=["deletion"], target=["good", "bad"])
    assert whence.evaluate(bert, record, metrics=["deletion"], target="good")[0].value is not None


@pytest.mark.parametrize(
    "target", [None, whence.Prob(), whence.LogProb(), whence.Contrast("good", "bad"), ["good", "bad"]], ids=str
)
def test_what_was_explained_is_known_again(bert, target):
    record = whence.explain(bert, SENTENCE, method="input_x_gradient", target=target)
    for one in (record, record.words(), record.sentences()):
        assert whence.evaluate(bert, one, metrics=["gini"], random_orders=0)[0].values


def test_a_contrast_of_several_labels_at_once_is_of_their_logits():
    model, tokenizer = tiny.bert_classifier()
    model.config.problem_type = "multi_label_classification"
    subject = whence.load((model, tokenizer))
    record = whence.explain(subject, SENTENCE, method="input_x_gradient", target=whence.Contrast("good", "bad"))
    (trial,) = trials_of(subject, record)
    assert trial.value == pytest.approx(record.targets[0].value)


@pytest.mark.parametrize("method", available("methods"))
def test_what_any_method_explained_is_known_again(bert, method):
    record = whence.explain(bert, "The film was good.", method=method)
    assert whence.evaluate(bert, record, metrics=["gini"], random_orders=0)[0].values


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_rounding_of_a_dtype_is_no_other_model(bert, dtype):
    short = whence.load(tiny.bert_classifier(dtype=dtype))
    record = whence.explain(bert, SENTENCE, method="input_x_gradient")
    assert whence.evaluate(short, record, metrics=["gini"])[0].value is not None


def test_functions_may_answer_a_little_differently():
    def steady(texts):
        return [0.1 + 0.6 * ("good" in text.split()) for text in texts]

    def near(texts):
        return [value + 0.02 for value in steady(texts)]

    def far(texts):
        return [1 - value for value in steady(texts)]

    record = whence.explain(whence.load(steady), "a good film", method="leave_one_out")
    assert whence.evaluate(whence.load(near), record, metrics=["deletion"])[0].value is not None
    with pytest.raises(InputError, match="another function, server or model, or one that answers"):
        whence.evaluate(whence.load(far), record, metrics=["deletion"])


def test_a_part_of_a_record_is_refused(bert):
    for record in (explained(linear()), whence.explain(linear(), TEXT, method="attnlrp")):
        with pytest.raises(InputError, match=r"the units that top\(2\) kept.*Evaluate the whole record"):
            whence.evaluate(linear(), record.top(2), metrics=["gini"])
    record = whence.explain(bert, SENTENCE, method="input_x_gradient")
    with pytest.raises(InputError, match=r"the units that top\(3\) kept"):
        whence.evaluate(bert, record.words().top(3), metrics=["gini"])


def test_looking_costs_nothing():
    subject = whence.load(lambda texts: [0.5 + 0.1 * ("good" in text.split()) for text in texts])
    record = whence.explain(subject, "a good film", method="leave_one_out")
    before = subject.texts
    scores = whence.evaluate(subject, record, metrics=["gini"], random_orders=0)
    assert subject.texts - before == scores.provenance["forwards"] == 1
    assert np.isfinite(scores[0].value)
