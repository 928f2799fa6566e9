"""Profiles are the top units of latents, each with what vocabulary_projection and maximizers say by themselves."""

import numpy as np
import pytest

import tiny
import whence
from whence import Unit
from whence.errors import InputError, UnsupportedError

TEXTS = [*tiny.SENTENCES[:4], "Paris"]


@pytest.fixture(scope="module")
def llama():
    return whence.load(tiny.llama_lm())


def test_each_unit_is_what_the_three_functions_say_by_themselves(llama):
    latents = whence.latents(llama, TEXTS[0])
    found = whence.profiles(llama, latents, k=3, tokens=4, texts=iter(TEXTS), examples=2)
    assert [entry.score for entry in found.entries] == latents.top(3)
    assert (found.kind, found.among, found.target) == ("neuron", len(latents.units), latents.targets[0])
    for entry in found.entries:
        alone = whence.vocabulary_projection(llama, entry.unit, 4)
        assert (entry.projection.promoted, entry.projection.suppressed) == (alone.promoted, alone.suppressed)
        driving = whence.maximizers(llama, entry.unit, TEXTS, k=2)
        assert [(e.text, e.value, e.at) for e in entry.maximizers.entries] == [
            (e.text, e.value, e.at) for e in driving.entries
        ]
        assert entry.reason is None
    assert found.provenance["forwards"] == 3 * (len(TEXTS) + 2)
    assert "several things" in found.provenance["caveat"]


def test_of_several_rows_one_is_chosen(llama):
    latents = whence.latents(llama, TEXTS[0], max_new_tokens=2)
    found = whence.profiles(llama, latents, k=2, target=1)
    assert [entry.score for entry in found.entries] == latents.top(2, target=1)
    assert found.target == latents.targets[1]


def test_without_texts_nothing_is_run(llama):
    found = whence.profiles(llama, whence.latents(llama, TEXTS[0]), k=2)
    assert [entry.maximizers for entry in found.entries] == [None, None]
    assert (found.provenance["forwards"], found.provenance["backwards"]) == (0, 0)


def test_kinds_and_models_without_a_projection_say_why(llama):
    heads = whence.profiles(llama, whence.latents(llama, TEXTS[0], kind="head"), k=2, texts=TEXTS, examples=1)
    assert all(entry.projection is None and "writes no one direction" in entry.reason for entry in heads.entries)
    assert all(len(entry.maximizers.entries) == 1 for entry in heads.entries)
    classifier = whence.load(tiny.bert_classifier())
    (entry,) = whence.profiles(classifier, whence.latents(classifier, TEXTS[0]), k=1).entries
    assert "does not read a vocabulary" in entry.reason


def test_latents_of_another_model_are_refused(llama):
    other = whence.load(tiny.gpt2_lm())
    with pytest.raises(InputError, match="with other weights than those of"):
        whence.profiles(other, whence.latents(llama, TEXTS[0]))


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ({"k": 0}, "wants k, a whole number of at least 1"),
        ({"tokens": 0}, "wants tokens"),
        ({"examples": True}, "wants examples"),
        ({"texts": "one"}, "several texts, got one string"),
        ({"texts": []}, "at least one text"),
        ({"target": 3}, "no target row 3"),
        ({"texts": TEXTS, "by": "size"}, "Cannot rank by 'size'"),
    ],
)
def test_wrong_arguments_are_refused(llama, wrong, match):
    with pytest.raises(InputError, match=match):
        whence.profiles(llama, whence.latents(llama, TEXTS[0]), **wrong)


def test_what_is_no_transformers_model_has_no_units():
    told = whence.TargetValue("score", None, 2.0, 0.0, "logit")
    scores = np.full((1, 1, 1), 2.0, np.float32)
    record = whence.Latents(
        "neuron", (Unit("neuron", 0, 1),), (whence.Token("good", 1),), (told,), scores, "attnlrp", {}, {}
    )
    with pytest.raises(UnsupportedError, match="no transformers model"):
        whence.profiles(whence.FakeSubject({"good": 2.0}), record)
