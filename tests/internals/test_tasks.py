"""Encoder-decoders, images, and what else is explained: units sit on the tokens that pass them."""

import copy

import numpy as np
import pytest
import torch
from PIL import Image

import tiny
import whence
from whence.errors import UnsupportedError

SOURCE = "The film was good."


@pytest.fixture(scope="module")
def t5():
    return whence.load(tiny.t5_seq2seq())


@pytest.fixture(scope="module")
def vit():
    return whence.load(tiny.vit_classifier())


def picture():
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8))


def close(a, b):
    return np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6 * np.abs(b).max())


def test_the_encoder_keeps_what_reaches_the_source_and_the_decoder_starts_with_the_rest(t5):
    found = whence.latents(t5, SOURCE, continuation="good film", kind="residual", method="cp_lrp")
    scores = whence.explain(t5, SOURCE, continuation="good film", method="cp_lrp").scores
    source = [i for i, token in enumerate(found.tokens) if token.role == "source"]
    target = [i for i, token in enumerate(found.tokens) if token.role == "target"]
    assert source
    assert len(target) > 1
    names = {unit.name: i for i, unit in enumerate(found.units)}
    for layer in range(3):
        close(found.total[:, names[f"encoder residual {layer}"]], scores[:, source].sum(axis=1))
    close(
        found.scores[:, :, names["encoder residual 0"]], np.where(np.isin(range(len(found.tokens)), source), scores, 0)
    )
    close(
        found.scores[:, :, names["decoder residual 0"]], np.where(np.isin(range(len(found.tokens)), target), scores, 0)
    )
    last = found.of("decoder residual 2")
    close(last.scores.sum(axis=1), np.array([t.value for t in found.targets]))


def test_cross_attention_has_heads_of_its_own(t5):
    found = whence.latents(t5, SOURCE, continuation="good film", kind="head")
    kinds = {(unit.stack, unit.kind) for unit in found.units}
    assert kinds == {("encoder", "head"), ("decoder", "head"), ("decoder", "cross_head")}
    source = [i for i, token in enumerate(found.tokens) if token.role == "source"]
    for i, unit in enumerate(found.units):
        on_source = np.abs(found.scores[:, source, i]).max()
        assert (on_source > 0) == (unit.stack == "encoder")


def test_the_units_of_an_encoder_decoder_are_edited_ranked_and_projected(t5):
    before = whence.explain(t5, SOURCE, target=5).targets[0].value
    for unit in ("decoder layer 1 cross-attention head 0", "encoder layer 0", "decoder layer 0"):
        with whence.intervene(t5, {unit: 0}):
            assert whence.explain(t5, SOURCE, target=5).targets[0].value != before
    texts = [SOURCE, "Paris", "I did not like the food."]
    for stack, role in (("encoder", "source"), ("decoder", "target")):
        found = whence.maximizers(t5, whence.Unit("residual", 1, None, stack), texts, k=3)
        assert {entry.token.role for entry in found.entries} == {role}
        assert all(e.attribution.targets[0].value == pytest.approx(e.value, rel=1e-9) for e in found.entries)
    with pytest.raises(UnsupportedError, match="of those the decoder"):
        whence.vocabulary_projection(t5, "encoder layer 0 neuron 1")
    assert len(whence.vocabulary_projection(t5, "decoder layer 0 neuron 1", k=3).promoted) == 3


@pytest.mark.parametrize("make", ["bart_seq2seq", "marian_seq2seq"])
def test_other_encoder_decoders_are_served_in_batches_of_unequal_lengths(make):
    from whence.internals.measure import relevance_of_units
    from whence.internals.taps import readings
    from whence.methods.model_map import map_of
    from whence.relevance.attnlrp import AttnLRP
    from whence.targets import as_targets

    subject, texts = whence.load(getattr(tiny, make)()), [SOURCE, "Paris", "I did not like the food at all."]
    found = map_of(subject.model)
    with subject.session():
        together = relevance_of_units(
            subject,
            [subject.encode(text) for text in texts],
            as_targets(None),
            readings(found, "neuron", found.blocks),
            AttnLRP(),
        )
    for text, measured in zip(texts, together, strict=True):
        close(measured.scores, whence.latents(subject, text).scores)


def test_an_images_class_token_is_named_and_its_patches_keep_their_grid(vit):
    found = whence.latents(vit, picture(), kind="neuron", method="input_x_gradient")
    patches = whence.explain(vit, picture()).tokens
    assert found.tokens[1:] == patches
    assert found.tokens[0].role == "model"
    model, kept = copy.deepcopy(vit.model), []

    def keep(module, args):
        args[0].retain_grad()
        kept.append(args[0])

    for name, module in model.named_modules():
        if name.endswith("mlp.fc2"):
            module.register_forward_pre_hook(keep)
    pixels = torch.as_tensor(vit.encode(picture()).pixels, dtype=torch.float64)[None].requires_grad_()
    logits = model(pixel_values=pixels).logits[0]
    logits[int(logits.argmax())].backward()
    close(found.scores[0], torch.cat([(h * h.grad)[0] for h in kept], dim=-1).detach().numpy())
    one = found.of(found.top(1)[0].unit)
    assert one.tokens == patches
    assert "grid" in one.provenance
    one.to_html()
    assert whence.Latents.from_dict(found.to_dict()) == found


def test_images_drive_units_too(vit):
    pictures = [picture(), picture().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    found = whence.maximizers(vit, (1, 3), pictures, k=2)
    assert {entry.text for entry in found.entries} == {0, 1}
    assert all(e.attribution.targets[0].value == pytest.approx(e.value, rel=1e-9) for e in found.entries)
    found.show()
    assert "data:image/jpeg" in found.to_html()


@pytest.mark.parametrize("make", ["bert_masked_lm", "bert_token_classifier", "bert_question_answering"])
def test_other_heads_on_an_encoder_are_served(make):
    subject = whence.load(getattr(tiny, make)())
    data = {
        "bert_masked_lm": "The [MASK] was good.",
        "bert_token_classifier": SOURCE,
        "bert_question_answering": {"question": "What was good?", "context": SOURCE},
    }[make]
    found = whence.latents(subject, data, kind="residual", method="attnlrp")
    close(found.of("residual 0").scores.shape, np.array(whence.explain(subject, data).scores.shape))


def test_a_mixture_has_heads_and_layers_and_no_neurons():
    subject = whence.load(tiny.mixtral_lm())
    with pytest.raises(UnsupportedError, match="mixture of experts"):
        whence.latents(subject, SOURCE, kind="neuron")
    found = whence.latents(subject, SOURCE, kind="residual", method="cp_lrp")
    close(found.total[0], np.full(3, found.targets[0].value))
    for kind in ("head", "layer"):
        assert np.abs(whence.latents(subject, SOURCE, kind=kind).scores).max() > 0
