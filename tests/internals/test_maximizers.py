"""The texts found are those a search through all of them finds, and each is explained from the unit's own number."""

import numpy as np
import pytest
import torch

import tiny
import whence
from whence import Unit
from whence.errors import InputError, UnsupportedError
from whence.internals import maximizers as module

TEXTS = [*tiny.SENTENCES[:6], "Paris", "The film was good and I liked it.", tiny.SENTENCES[1]]


@pytest.fixture(scope="module")
def llama():
    return whence.load(tiny.llama_lm())


def states(subject, path, text):
    """What goes into a module for one text alone, `(token, width)`."""
    kept = []
    hook = subject.model.get_submodule(path).register_forward_pre_hook(lambda m, args: kept.append(args[0]))
    with torch.no_grad():
        subject.model(input_ids=torch.tensor(subject.encode(text).ids)[None])
    hook.remove()
    return kept[0][0].numpy()


NUMBERS = {
    "layer 1 neuron 7": lambda s, text: states(s, "model.layers.1.mlp.down_proj", text)[:, 7],
    "layer 0 head 2": lambda s, text: np.linalg.norm(
        states(s, "model.layers.0.self_attn.o_proj", text)[:, 8:12], axis=1
    ),
    "residual 1": lambda s, text: np.linalg.norm(states(s, "model.layers.1", text), axis=1),
    "layer 1": lambda s, text: np.linalg.norm(
        states(s, "model.norm", text) - states(s, "model.layers.1", text), axis=1
    ),
}


@pytest.mark.parametrize("unit", NUMBERS)
def test_texts_are_ranked_as_one_by_one(llama, unit):
    numbers = [NUMBERS[unit](llama, text) for text in TEXTS]
    order = sorted(range(len(TEXTS)), key=lambda i: (-numbers[i].max(), i))
    found = whence.maximizers(llama, unit, TEXTS, k=4)
    assert [entry.text for entry in found.entries] == order[:4]
    assert found.searched == len(TEXTS)
    for entry in found.entries:
        assert entry.at == numbers[entry.text].argmax()
        assert entry.value == pytest.approx(numbers[entry.text].max(), rel=1e-9)
        assert entry.token == llama.encode(TEXTS[entry.text]).tokens[entry.at]


def test_ranked_by_relevance_for_the_prediction(llama):
    unit = Unit("neuron", 1, 7)
    tables = [whence.latents(llama, text, layers=[1]).of(unit).scores[0] for text in TEXTS]
    found = whence.maximizers(llama, unit, TEXTS, by="relevance", k=3)
    sizes = [np.abs(table) for table in tables]
    assert [e.text for e in found.entries] == sorted(range(len(TEXTS)), key=lambda i: (-sizes[i].max(), i))[:3]
    for entry in found.entries:
        assert entry.at == sizes[entry.text].argmax()
        assert entry.value == pytest.approx(float(tables[entry.text][entry.at]), rel=1e-5)
    assert any(entry.value < 0 for entry in found.entries)
    assert found.provenance["backwards"] == len(TEXTS) + 3


@pytest.mark.parametrize("unit", NUMBERS)
def test_the_heat_map_accounts_for_the_units_own_activation(llama, unit):
    """With conserving rules and no biases the input tokens' relevance adds up to the activation itself."""
    for entry in whence.maximizers(llama, unit, TEXTS, k=3, method="cp_lrp").entries:
        record = entry.attribution
        assert record.targets[0].label == unit
        assert record.targets[0].unit == "activation"
        assert record.targets[0].value == pytest.approx(NUMBERS[unit](llama, TEXTS[entry.text]).max(), rel=1e-9)
        assert record.scores.sum() == pytest.approx(record.targets[0].value, rel=1e-5)
        assert record.residual == pytest.approx([0.0], abs=1e-5 * abs(record.targets[0].value))
        assert (record.scores[0, entry.at + 1 :] == 0).all()
        assert record.targets[0].position == entry.at + 1


def test_the_heat_map_of_a_plain_gradient_is_that_of_the_activation(llama):
    (entry,) = whence.maximizers(llama, (1, 7), TEXTS, k=1, method="input_x_gradient").entries
    ids, kept = torch.tensor(llama.encode(TEXTS[entry.text]).ids)[None], []
    embeds = llama.model.get_input_embeddings()(ids).detach().requires_grad_()
    down = llama.model.model.layers[1].mlp.down_proj
    hook = down.register_forward_pre_hook(lambda m, args: kept.append(args[0]))
    llama.model(inputs_embeds=embeds)
    hook.remove()
    (gradient,) = torch.autograd.grad(kept[0][0, entry.at, 7], embeds)
    np.testing.assert_allclose(
        entry.attribution.scores[0], (gradient * embeds).sum(-1)[0].detach(), rtol=1e-5, atol=1e-7
    )
    assert entry.attribution.residual is None


def test_an_encoders_heat_map_is_over_all_tokens():
    subject = whence.load(tiny.bert_classifier())
    for entry in whence.maximizers(subject, (1, 7), TEXTS, k=2).entries:
        assert entry.attribution.targets[0].position is None
        assert (entry.attribution.scores[0] != 0).sum() == len(entry.attribution.tokens)


def test_equals_keep_their_order(llama):
    found = whence.maximizers(llama, (0, 3), [TEXTS[0], TEXTS[2], TEXTS[0], TEXTS[0]], k=4, batch_size=1)
    assert [e.text for e in found.entries if e.value == found.entries[0].value] in ([0, 2, 3], [1])
    assert [e.text for e in found.entries if e.text != 1] == [0, 2, 3]


def test_texts_stream_with_the_same_result(llama, monkeypatch):
    whole = whence.maximizers(llama, (0, 3), TEXTS, k=5)
    held = []

    def read():
        for number, text in enumerate(TEXTS):
            held.append(number)
            yield text

    monkeypatch.setattr(module, "_TEXTS_AT_ONCE", 2)
    streamed = whence.maximizers(llama, (0, 3), read(), k=5)
    assert [(e.text, e.at) for e in streamed.entries] == [(e.text, e.at) for e in whole.entries]
    assert held == list(range(len(TEXTS)))
    assert whence.maximizers(llama, (0, 3), TEXTS, k=100, batch_size=3).searched == len(TEXTS)


def test_it_shows_itself_and_comes_back_from_a_file(llama, tmp_path, capsys):
    found = whence.maximizers(llama, (0, 3), TEXTS, k=2)
    assert whence.Maximizers.from_dict(found.to_dict()) == found
    found.save(tmp_path / "m.safetensors")
    assert whence.Maximizers.load(tmp_path / "m.safetensors") == found
    with pytest.raises(InputError, match="kind 'maximizers', wanted 'latents'"):
        whence.Latents.load(tmp_path / "m.safetensors")
    found.show()
    printed = capsys.readouterr().out
    assert "layer 0 neuron 3" in printed
    assert f"text {found.entries[0].text + 1} of " in printed
    assert "layer 0 neuron 3" in found.to_html()
    frame = found.to_pandas()
    assert frame["text_index"].tolist() == [e.text for e in found.entries]
    assert frame["value"].tolist() == [e.value for e in found.entries]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "size"}, r"rank by 'size'.*'activation' or 'relevance'"),
        ({"k": 0}, "at least 1"),
        ({"texts": "one text"}, "several texts"),
        ({"texts": []}, "at least one text"),
        ({"texts": ["a", ""]}, "Text 1: Cannot explain an empty text"),
        ({"unit": (9, 0)}, "no layer 9 neuron 0"),
    ],
)
def test_bad_questions_are_refused(llama, options, said):
    unit, texts = options.pop("unit", (0, 3)), options.pop("texts", TEXTS)
    with pytest.raises(InputError, match=said):
        whence.maximizers(llama, unit, texts, **options)


def test_a_method_without_a_gradient_is_refused(llama):
    with pytest.raises(UnsupportedError, match="leave_one_out gives no relevance"):
        whence.maximizers(llama, (0, 3), TEXTS, method="leave_one_out")
