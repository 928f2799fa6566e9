"""Law 1: the ids, or pixels, explained are those the model saw."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

import whence
from cases import CASES, IMAGES, LANGUAGE_MODELS, READERS, SEQ2SEQ, TEXTS, WRITERS

LOOK_UP_OTHERS = ("gradient_shap", "discretized_ig", "udig")
"""Methods that look up embeddings of other tokens too: of sampled baselines, of neighbours in the vocabulary."""


@contextmanager
def ids_seen(subject, monkeypatch):
    """The batches of ids that pass through the subject's embedding, once it is known how it batches."""
    assert subject.max_batch in (None, 1)
    seen = []
    embed = subject.embed

    def spy(ids):
        seen.extend(row.tolist() for row in ids)
        return embed(ids)

    with monkeypatch.context() as patch:
        patch.setattr(subject, "embed", spy)
        yield seen


@pytest.mark.cases(READERS)
def test_ids_explained_are_the_ids_the_model_saw(method, case, subject, texts, monkeypatch):
    with ids_seen(subject, monkeypatch) as seen:
        explained = whence.explain(subject, texts[2], method=method)
    ids = subject.encode(texts[2]).ids.tolist()
    assert ids in seen
    assert [token.id for token in explained.tokens] == ids or getattr(method, "features", "token") != "token"
    if method.family != "perturbation" and method.key not in LOOK_UP_OTHERS:
        assert all(row == ids or len(set(row)) == 1 for row in seen)


@pytest.mark.cases(IMAGES)
def test_pixels_explained_are_the_pixels_the_model_saw(method, case, subject, texts, monkeypatch):
    seen = []
    forward = subject.model.forward

    def spy(pixel_values):
        seen.extend(pixel_values.detach())
        return forward(pixel_values=pixel_values)

    with monkeypatch.context() as patch:
        patch.setattr(subject.model, "forward", spy)
        explained = whence.explain(subject, texts[2], method=method)
    pixels = subject.processor(images=texts[2], return_tensors="pt")["pixel_values"][0].double()
    assert any(torch.equal(image, pixels) for image in seen)
    assert explained.provenance["pixels"] == list(pixels.shape[1:])
    if method.family == "perturbation":
        hidden = [(image == 0) | (image == pixels) for image in seen]
        assert all(same.all() for same in hidden)


@pytest.mark.cases(READERS)
@pytest.mark.parametrize("text", [*TEXTS, " leading", "trailing ", "a\n\n\tb", "مرحبا", "😀😀", "<|im_start|>user"])
def test_ids_are_the_tokenizers_own(case, subject, text):
    if case == "fake":
        pytest.skip("the fake subject's tokenizer is a list of words")
    inputs = subject.encode(CASES[case].data(text))
    assert inputs.ids[: inputs.source].tolist() == subject.tokenizer(*CASES[case].read(text))["input_ids"]
    for token in inputs.tokens:
        if token.start is not None:
            assert token.text == inputs.text[token.start : token.end]
    assert text in inputs.text


@pytest.mark.cases(SEQ2SEQ)
def test_the_decoder_reads_its_start_and_the_targets_own_ids(case, subject):
    inputs = subject.encode("Paris is in", continuation="London is in England.")
    settings, tokenizer = subject.model.generation_config, subject.tokenizer
    start = [i for i in (settings.decoder_start_token_id, settings.forced_bos_token_id) if i is not None]
    target = tokenizer(text_target="London is in England.", add_special_tokens=False)["input_ids"]
    assert [*inputs.ids[inputs.source :].tolist(), inputs.slots[-1].actual] == [*start, *target]
    assert [slot.actual for slot in inputs.slots] == target
    assert [t.role for t in inputs.tokens] == ["source"] * inputs.source + ["target"] * (len(inputs) - inputs.source)


@pytest.mark.cases(LANGUAGE_MODELS)
def test_prompt_ids_are_unchanged_by_a_continuation(case, subject):
    alone = subject.encode("Paris is in").ids
    longer = subject.encode("Paris is in", continuation=" France. London")
    assert np.array_equal(longer.ids[: len(alone)], alone)
    ids = [*longer.ids.tolist(), longer.slots[-1].actual]
    assert [slot.actual for slot in longer.slots] == ids[len(alone) :]
    assert longer.text == "Paris is in France. London"


@pytest.mark.cases(WRITERS)
def test_generated_ids_are_the_ids_the_model_wrote(case, subject):
    inputs = subject.encode("Paris is in", max_new_tokens=6)
    prompt = subject.encode("Paris is in").ids
    ids = [*inputs.ids.tolist(), inputs.slots[-1].actual]
    assert ids[: len(prompt)] == prompt.tolist()
    for slot in inputs.slots:
        seen = torch.tensor([ids[: slot.index + 1]])
        source = 0 if inputs.source is None else inputs.source
        parts = (
            {"input_ids": seen[:, :source], "decoder_input_ids": seen[:, source:]} if source else {"input_ids": seen}
        )
        logits = subject.model(**parts).logits[0, -1]
        assert int(logits.argmax()) == slot.actual


@pytest.mark.cases(["llama"])
def test_chat_keeps_template_ids_and_roles(case, subject):
    chat = [
        {"role": "system", "content": "user"},
        {"role": "user", "content": "The film was good"},
        {"role": "assistant", "content": "user assistant"},
        {"role": "user", "content": "Why?"},
    ]
    inputs = subject.encode(chat)
    expected = subject.tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True)["input_ids"]
    assert inputs.ids.tolist() == expected
    for message in chat:
        said = "".join(t.text for t in inputs.tokens if t.role == message["role"])
        assert message["content"] in said
    assert "".join(t.text for t in inputs.tokens if t.role == "assistant") == "user assistant"
    assert "".join(t.text for t in inputs.tokens if t.role == "system") == "user"
    assert all(t.role == "template" for t in inputs.tokens if t.special)
    assert inputs.text.endswith("assistant\n")
