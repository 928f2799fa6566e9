"""A function of texts is explained by what it is sent and what it returns: the exact text but for the words masked."""

import re
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
import whence
from whence import CallError, InputError, LoadError, LogProb, Prob, TargetError, UnsupportedError
from whence.methods.base import Method
from whence.subjects.words import rebuilt, words_of

TEXT = "A good film, not a bad one!"
EFFECTS = {"good": 0.125, "bad": -0.0625, "not": 0.03125}
"""Sums of these are exact in binary."""
ODD = {
    "emoji": "I 😀😀 it 👩‍👩‍👧 so 👍🏽 🇫🇷🇩🇪",
    "arabic": "مرحبا بِالعالَم، كيف حالك؟",
    "hindi": "यह फ़िल्म अच्छी थी।",
    "chinese": "这部电影很好。",
    "punctuation": "?!... --",
    "spaces": "  \t good \u00a0 film  ",
    "lines": "good\n\nfilm\r\n\n not\x1cbad\n",
    "one": "good",
    "twice": "good good bad good",
    "joined": "state-of-the-art 3.5km it's (isn’t) a_b x,y",
    "marks": "e\u0301te\u0301 \u0301 \u200b\u200d x",
}


class Additive:
    """p = 1/2 + Σ effects of the words, in any way they are written; remembers what it was called with."""

    def __init__(self, classes=2):
        self.seen = []
        self.calls = []
        self.classes = classes

    def __call__(self, texts):
        self.seen += texts
        self.calls.append(len(texts))
        p = np.array([0.5 + sum(EFFECTS.get(word, 0.0) for word in re.findall(r"\w+", text)) for text in texts])
        return p if self.classes == 1 else np.stack([1 - p, p], axis=1)


def additive(texts):
    return Additive()(texts)


def pieces(text):
    """White space and words by turns, white space first and last: what the words leave between them."""
    tokens = words_of(text)
    borders = [0, *(place for token in tokens for place in (token.start, token.end)), len(text)]
    return [text[a:b] for a, b in pairwise(borders)]


def by_hand(text, keep):
    """A word that is gone takes the white space in front of it along, until one is kept that behind it."""
    parts = pieces(text)
    found, begun = parts[0], False
    for i, kept in enumerate(keep):
        if kept:
            found += (parts[2 * i] if begun else "") + parts[2 * i + 1]
            begun = True
    return found + parts[-1]


# ---------------------------------------------------------------------- what is explained


@pytest.mark.parametrize("classes", [1, 2])
def test_each_words_score_is_its_effect(classes):
    record = whence.explain(whence.load(Additive(classes)), TEXT, method="leave_one_out", target=classes - 1)
    assert [token.text for token in record.tokens] == ["A", "good", "film", ",", "not", "a", "bad", "one", "!"]
    assert record.scores.tolist() == [[EFFECTS.get(token.text, 0.0) for token in record.tokens]]
    (target,) = record.targets
    assert (target.value, target.unit, target.position) == (0.59375, "probability", None)
    assert record.provenance["resolved"] == {"strategy": "delete"}
    assert record.provenance["forwards"] == len(record.tokens) + 1


def test_a_list_is_explained_as_one_by_one():
    texts = [TEXT, "bad film, bad", "good and not bad"]
    together = whence.explain(whence.load(additive), texts, method="leave_one_out", target="1")
    for text, record in zip(texts, together, strict=True):
        alone = whence.explain(whence.load(additive), text, method="leave_one_out", target="1")
        assert (record.scores.tolist(), record.targets, record.tokens) == (
            alone.scores.tolist(),
            alone.targets,
            alone.tokens,
        )


def test_the_predicted_class_is_the_one_explained():
    subject = whence.load(additive, labels=["no", "yes"])
    for text, label in (("good", "yes"), ("bad", "no")):
        assert whence.explain(subject, text, method="random").targets[0].label == label
    assert subject.labels == ["no", "yes"]


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_texts_are_sent_as_they_are_but_for_the_word_deleted(text):
    function = Additive()
    inputs = whence.load(function).encode(text)
    assert pieces(text)[1::2] == [token.text for token in inputs.tokens]
    assert all(text[t.start : t.end] == t.text and t.id is None for t in inputs.tokens)
    assert not "".join(pieces(text)[::2]).strip()
    whence.explain(whence.load(function), text, method="leave_one_out")
    assert function.seen[0] == text
    assert set(function.seen[1:]) == {by_hand(text, ~row) for row in np.eye(len(inputs), dtype=bool)}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_texts_are_sent_as_they_are_but_for_the_word_replaced(text):
    function = Additive()
    subject = whence.load(function, mask="[MASK]")
    record = whence.explain(subject, text, method="leave_one_out")
    assert record.provenance["resolved"] == {"strategy": "mask"}
    assert (function.seen[0], record.provenance["mask"]) == (text, "[MASK]")
    assert set(function.seen[1:]) == {text[: t.start] + "[MASK]" + text[t.end :] for t in record.tokens}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ODD["emoji"], ["I", "😀", "😀", "it", "👩‍👩‍👧", "so", "👍🏽", "🇫🇷", "🇩🇪"]),
        (ODD["arabic"], ["مرحبا", "بِالعالَم", "،", "كيف", "حالك", "؟"]),
        (ODD["hindi"], ["यह", "फ़िल्म", "अच्छी", "थी", "।"]),
        (ODD["chinese"], list("这部电影很好。")),
        (
            ODD["joined"],
            ["state", "-", "of", "-", "the", "-", "art", "3.5km", "it's", "(", "isn’t", ")", "a_b", "x", ",", "y"],
        ),
    ],
    ids=["emoji", "arabic", "hindi", "chinese", "joined"],
)
def test_words_are_what_a_reader_sees_as_such(text, words):
    assert [token.text for token in words_of(text)] == words


@settings(deadline=None, derandomize=True)
@given(st.text(), st.data())
def test_any_text_is_rebuilt_from_the_words_kept(text, data):
    tokens = words_of(text)
    keep = data.draw(st.lists(st.booleans(), min_size=len(tokens), max_size=len(tokens)))
    assert rebuilt(text, tokens, 0, len(text)) == text
    assert not "".join(pieces(text)[::2]).strip()
    if any(keep):
        assert rebuilt(text, [t for t, kept in zip(tokens, keep, strict=True) if kept], 0, len(text)) == by_hand(
            text, keep
        )


def test_words_and_sentences_are_made_of_the_tokens():
    record = whence.explain(whence.load(additive), "It's good. Not bad!", method="leave_one_out", target=1)
    assert [token.text for token in record.words().tokens] == ["It's", "good.", "Not", "bad!"]
    assert len(record.sentences().tokens) == 2
    assert "probability" in record.to_html()


# ---------------------------------------------------------------------- how it is called


def test_it_is_called_with_no_more_texts_than_asked_for_and_full_batches():
    function = Additive()
    subject = whence.load(function)
    text = " ".join(f"word{i}" for i in range(150))
    whence.explain(subject, text, method="leave_one_out")
    assert function.calls == [1, 64, 64, 22]
    assert (subject.calls, subject.texts) == (4, 151)
    function.calls.clear()
    whence.explain(subject, text, method="leave_one_out", batch_size=100)
    assert function.calls == [1, 64, 64, 22]
    function.calls.clear()
    whence.explain(subject, "a b c d e", method="leave_one_out", batch_size=2)
    assert function.calls == [1, 2, 2, 1]


@pytest.mark.parametrize(
    "made",
    [
        lambda p: [[1 - x, x] for x in p],
        lambda p: np.array([[1 - x, x] for x in p]),
        lambda p: torch.tensor([[1 - x, x] for x in p], dtype=torch.float64, requires_grad=True),
        lambda p: np.array([[1 - x, x] for x in p], dtype=np.float16),
    ],
    ids=["lists", "numpy", "torch", "half"],
)
def test_any_array_of_probabilities_will_do(made):
    subject = whence.load(lambda texts: made([0.25 + 0.5 * ("good" in text) for text in texts]))
    assert whence.explain(subject, "good film", method="leave_one_out", target=1).scores.tolist() == [[0.5, 0.0]]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ([0.5], r"shape \(1,\) for 2 texts.*2 rows"),
        ([[[0.5]], [[0.5]]], r"shape \(2, 1, 1\)"),
        (0.5, r"shape \(\)"),
        ([[], []], r"shape \(2, 0\)"),
        ([0.5, 1.5], "1.5, which is no probability.*return the softmax"),
        ([[0.5, -0.1], [0.5, 0.5]], "-0.1, which is no probability"),
        ([0.5, float("nan")], "nan, which is no probability"),
        ([0.5, float("inf")], "inf, which is no probability"),
        (None, r"a NoneType of shape \(\)"),
        ([{"label": "yes", "score": 0.5}] * 2, "a list of dict, which is no array of numbers"),
        ([[0.5, 0.5], [1.0]], "no array of numbers"),
        (["yes", "no"], "no array of numbers"),
        ([[0.2, 0.3, 0.5]] * 2, "3 classes a text, and 2 labels were given"),
    ],
    ids=str,
)
def test_what_is_no_array_of_probabilities_is_refused(returned, said):
    subject = whence.load(lambda texts: returned, labels=["no", "yes"])
    with pytest.raises(CallError, match=said):
        whence.explain(subject, ["a b", "c d"], method="random")


def test_rounding_is_no_error_and_nothing_is_clipped():
    subject = whence.load(lambda texts: [1.0 + 1e-7 for text in texts])
    assert whence.explain(subject, "a b", method="random").targets[0].value == 1.0 + 1e-7


def test_the_number_of_classes_stays_the_same():
    subject = whence.load(lambda texts: np.full((len(texts), len(texts)), 0.5))
    whence.explain(subject, "a", method="random")
    with pytest.raises(CallError, match="2 classes a text, and 1 before"):
        whence.explain(subject, ["a", "b"], method="random")


def test_what_it_raises_is_the_cause_of_the_error():
    def fails(texts):
        raise KeyError("no such word")

    with pytest.raises(CallError, match=r"fails failed on 1 text: KeyError: 'no such word'.*'good film'") as raised:
        whence.explain(whence.load(fails), "good film", method="leave_one_out")
    assert isinstance(raised.value.__cause__, KeyError)


def test_memory_that_runs_out_makes_batches_smaller():
    sizes = []

    def small(texts):
        sizes.append(len(texts))
        if len(texts) > 2:
            raise MemoryError("out of memory")
        return additive(texts)

    with pytest.raises(MemoryError):
        whence.explain(whence.load(small), "good film and all", method="leave_one_out", target=1)

    def smaller(texts):
        if len(texts) > 2:
            raise RuntimeError("CUDA out of memory")
        return additive(texts)

    record = whence.explain(whence.load(smaller), "good film and all", method="leave_one_out", target=1)
    assert record.scores.tolist() == [[0.125, 0.0, 0.0, 0.0]]


# ---------------------------------------------------------------------- targets


def test_log_probabilities_and_contrasts_are_of_the_probabilities():
    subject = whence.load(additive, labels=["no", "yes"])
    targets = [LogProb("yes"), whence.Contrast("yes", "no"), Prob("no"), "yes", lambda p: p[1] - p[0]]
    record = whence.explain(subject, "good film", target=targets, method="leave_one_out")
    p, q = 0.625, 0.5
    expected = [
        np.log(p) - np.log(q),
        np.log(p / (1 - p)) - np.log(q / (1 - q)),
        q - p,
        p - q,
        2 * p - 2 * q,
    ]
    np.testing.assert_allclose(record.scores[:, 0], expected, rtol=1e-6)
    units = ["log-probability", "log-probability difference", "probability", "probability", "function value"]
    assert [target.unit for target in record.targets] == units


@pytest.mark.parametrize("target", [whence.Logit, whence.Logit("yes")])
def test_there_are_no_logits(target):
    with pytest.raises(TargetError, match=r"no logits. Use target=Prob\(\) or target=LogProb\(\)"):
        whence.explain(whence.load(additive, labels=["no", "yes"]), "good", target=target, method="random")


@pytest.mark.parametrize("target", [LogProb("yes"), whence.Contrast("no", "yes")])
def test_a_probability_of_0_has_no_logarithm(target):
    subject = whence.load(lambda texts: [[0.5, 0.5 * ("good" in text)] for text in texts], labels=["no", "yes"])
    with pytest.raises(TargetError, match=r"probability of 0.*no logarithm. Use target=Prob\(\)"):
        whence.explain(subject, "good film", target=target, method="leave_one_out")
    assert whence.explain(subject, "good film", target="yes", method="leave_one_out").scores.tolist() == [[0.5, 0.0]]


def test_a_class_that_there_is_not_is_refused():
    subject = whence.load(additive, labels=["no", "yes"])
    with pytest.raises(TargetError, match="Did you mean 'yes'"):
        whence.explain(subject, "good", target="yess", method="random")
    with pytest.raises(TargetError, match=r"not a class of additive.*'no' \(0\), 'yes' \(1\)"):
        whence.explain(subject, "good", target=2, method="random")


# ---------------------------------------------------------------------- what can explain it


@pytest.mark.parametrize("method", ["attnlrp", "integrated_gradients", "input_x_gradient", "attention_rollout"])
def test_methods_that_look_inside_are_refused_with_those_that_can(method):
    with pytest.raises(UnsupportedError, match=r"which additive does not offer.*leave_one_out") as raised:
        whence.explain(whence.load(additive), "good film", method=method)
    able = str(raised.value).split("explain it: ")[1].rstrip(".").split(", ")
    assert able == [n for n in whence.available("methods") if not whence.registry.resolve("methods", n).needs]


def test_every_method_that_needs_only_input_and_output_explains_it():
    subject = whence.load(additive)
    for name in whence.available("methods"):
        method: Method = whence.registry.resolve("methods", name)()
        if not method.needs and method.family == "perturbation":
            assert np.isfinite(whence.explain(subject, "good film", method=method).scores).all()


def test_compare_leaves_the_others_out():
    with pytest.warns(whence.WhenceWarning, match="is left out of the comparison"):
        compared = whence.compare(whence.load(additive), "good film")
    assert [record.method for record in compared.attributions] == ["leave_one_out"]


@pytest.mark.parametrize("strategy", ["mask", "pad", "zero_embedding"])
def test_strategies_it_has_not_are_refused_with_those_it_has(strategy):
    method = whence.methods.LeaveOneOut(strategy=strategy)
    with pytest.raises(UnsupportedError, match=r"Use one of: delete\."):
        whence.explain(whence.load(additive), "good film", method=method)
    if strategy != "mask":
        with pytest.raises(UnsupportedError, match=r"Use one of: mask, delete\."):
            whence.explain(whence.load(additive, mask="_"), "good film", method=method)


def test_there_is_nothing_inside_to_name():
    with pytest.raises(UnsupportedError, match="no transformers model"):
        whence.latents(whence.load(additive), "good film")


# ---------------------------------------------------------------------- input and loading


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "empty text"),
        (" \n\t\x1c", "no word"),
        ({"question": "a", "context": "b"}, "dict"),
        ("\ud800", "Unicode"),
    ],
)
def test_what_is_no_text_is_refused(data, said):
    with pytest.raises(InputError, match=said):
        whence.explain(whence.load(additive), data, method="random")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"continuation": " x"}, "no continuation"),
        ({"max_new_tokens": 2}, "no continuation"),
        ({"at": 1}, "at= chooses tokens"),
        ({"units": "pixel"}, "for images"),
    ],
)
def test_what_is_for_other_models_is_refused(options, said):
    with pytest.raises(InputError, match=said):
        whence.explain(whence.load(additive), "good", method="random", **options)


def test_a_chat_is_refused():
    with pytest.raises(InputError, match="not chats"):
        whence.explain(whence.load(additive), [{"role": "user", "content": "good"}], method="random")


@pytest.mark.parametrize(
    ("function", "name", "module"),
    [
        (additive, "additive", __name__),
        (lambda texts: [0.5], "<lambda>", __name__),
        (Additive(), "Additive", __name__),
        (partial(additive), "additive", "functools"),
    ],
    ids=["function", "lambda", "object", "partial"],
)
def test_the_provenance_names_it_and_claims_no_more(function, name, module):
    subject = whence.load(function, mask="…")
    assert whence.load(subject) is subject
    assert (subject.name, subject.model, subject.tokenizer) == (name, function, None)
    found = whence.explain(subject, "good", method="random").provenance
    assert (found["model"], found["mask"], found["calls"]) == (name, "…", 1)
    assert found["module"] in (module, None)
    assert (found["weights"], found["tokenizer"], found["revision"]) == (None, None, None)
    assert whence.Attribution.from_dict(whence.explain(subject, "good", method="random").to_dict())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"task": "ner"}, "task= has no effect on a function of texts. Leave it out."),
        ({"device": "cpu"}, "device= has no effect"),
        ({"dtype": "float64"}, "dtype= has no effect"),
        ({"labels": "yes"}, "no list of class names"),
        ({"labels": []}, "no list of class names"),
        ({"labels": ["a", "a"]}, "names a class twice"),
        ({"mask": ""}, "no text to put"),
        ({"mask": " "}, "no text to put"),
    ],
    ids=str,
)
def test_options_without_effect_or_sense_are_refused(options, said):
    with pytest.raises(LoadError, match=said):
        whence.load(additive, **options)


@pytest.mark.parametrize("options", [{"labels": ["a"]}, {"mask": "x"}], ids=str)
def test_labels_and_mask_are_for_functions_only(options):
    model = tiny.bert_classifier()
    for source in (model, whence.load(model), "smollm2"):
        with pytest.raises(LoadError, match=r"= has no effect on a model: they are for a function of texts"):
            whence.load(source, **options)


@pytest.mark.parametrize(
    "source",
    [torch.nn.Linear(1, 1), tiny.bert_classifier()[0], tiny.bert_classifier()[1], Additive, 5, None],
    ids=["module", "model", "tokenizer", "class", "number", "none"],
)
def test_what_is_no_function_of_texts_is_still_refused(source):
    with pytest.raises(LoadError, match=r"Cannot load a .*or a function from a list of texts to probabilities"):
        whence.load(source)
