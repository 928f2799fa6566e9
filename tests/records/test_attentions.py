"""The record of attention: what it says, and that it comes back as it was."""

import copy
import dataclasses
import pickle

import jaxtyping
import numpy as np
import pytest

from whence.errors import InputError, NonFiniteError
from whence.records import AttentionLayer, Attentions, HeadVectors, Token

RNG = np.random.default_rng(0)
TOKENS = tuple(Token(text, i, role="source" if i < 3 else "target") for i, text in enumerate("abcde"))


def softmax(*shape, causal=False):
    weights = np.exp(RNG.normal(size=shape))
    if causal:
        weights = np.tril(weights)
    return (weights / weights.sum(axis=-1, keepdims=True)).astype(np.float32)


def vectors(heads=2, queries=2, keys=3, **changes):
    shapes = {"queries": (heads, queries, 4), "keys": (heads, keys, 4)}
    fields = {name: RNG.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return HeadVectors(**(fields | {"scale": 0.5, "biased": False} | changes))


@pytest.fixture
def as_users_run():
    """Types are not checked, as they are not outside of tests, so that it is our own errors that are seen."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


LAYERS = (
    AttentionLayer(0, "encoder", (0, 3), (0, 3), softmax(2, 3, 3)),
    AttentionLayer(0, "decoder", (3, 5), (3, 5), softmax(2, 2, 2, causal=True)),
    AttentionLayer(0, "cross", (3, 5), (0, 3), softmax(2, 2, 3), vectors()),
    AttentionLayer(1, "encoder", (0, 3), (0, 3), softmax(2, 3, 3)),
)


def record(**changes):
    return Attentions(
        **({"tokens": TOKENS, "layers": LAYERS, "provenance": {"model": "tiny", "sizes": (1, 2)}} | changes)
    )


def test_it_comes_back_from_json_a_file_and_a_pickle_as_it_was(tmp_path):
    original = record()
    assert Attentions.from_dict(original.to_dict()) == original
    original.save(tmp_path / "attentions.safetensors")
    assert Attentions.load(tmp_path / "attentions.safetensors") == original
    assert pickle.loads(pickle.dumps(original)) == original
    assert copy.deepcopy(original) == original


def test_records_of_other_numbers_differ():
    other = AttentionLayer(1, "encoder", (0, 3), (0, 3), LAYERS[0].weights)
    assert record() != record(layers=(*LAYERS[:3], other))
    assert record() != record(tokens=TOKENS[::-1])
    assert record() != "attentions"
    assert LAYERS[2] != AttentionLayer(0, "cross", (3, 5), (0, 3), LAYERS[2].weights, vectors(biased=True))
    assert LAYERS[2] != AttentionLayer(0, "cross", (3, 5), (0, 3), LAYERS[2].weights)


def test_a_layer_is_found_by_its_number_and_kind():
    assert record().layer(1) == LAYERS[3]
    assert record().layer(0, "cross") == LAYERS[2]
    with pytest.raises(InputError, match=r"Several layers have the number 0\. Layers are: encoder layer 0, decoder"):
        record().layer(0)
    with pytest.raises(InputError, match="No layer has the number 1 and the kind 'cross'"):
        record().layer(1, "cross")


def test_it_says_which_layers_look_back_only():
    assert [layer.causal for layer in LAYERS] == [False, True, False, False]
    assert not record().causal
    layer = AttentionLayer(0, "self", (0, 5), (0, 5), softmax(2, 5, 5, causal=True))
    assert record(layers=(layer,)).causal
    assert not record(layers=(layer, AttentionLayer(1, "self", (0, 5), (0, 5), softmax(2, 5, 5)))).causal


def test_the_rest_is_what_a_sink_takes():
    layer = AttentionLayer(0, "self", (0, 5), (0, 5), 0.75 * softmax(2, 5, 5))
    np.testing.assert_allclose(layer.rest, 0.25, atol=1e-6)


def test_it_says_what_it_holds():
    assert repr(record()) == "Attentions(layers=4, heads=2, tokens=5, kinds=['encoder', 'decoder', 'cross'])"
    assert [layer.name for layer in LAYERS[:3]] == ["encoder layer 0", "decoder layer 0", "cross-attention layer 0"]


def test_weights_and_vectors_cannot_be_changed():
    for array in (LAYERS[2].weights, LAYERS[2].vectors.queries, LAYERS[2].vectors.keys):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0, 0] = 1.0


def test_what_is_no_attention_is_refused():
    good = softmax(2, 3, 3)
    with pytest.raises(InputError, match=r"has weights of shape \(2, 3, 3\), wanted \(heads, 3, 2\)"):
        AttentionLayer(0, "self", (0, 3), (0, 2), good)
    for wrong in (good * 2, good - 1):
        with pytest.raises(InputError, match="below 0 or add up to more than 1"):
            AttentionLayer(0, "self", (0, 3), (0, 3), wrong)
    with pytest.raises(NonFiniteError, match="weights of layer 0 came out NaN"):
        AttentionLayer(0, "self", (0, 3), (0, 3), good * np.nan)
    with pytest.raises(NonFiniteError, match="keys"):
        dataclasses.replace(vectors(), keys=np.full((2, 3, 4), np.inf, dtype=np.float32))
    with pytest.raises(InputError, match="has queries"):
        AttentionLayer(0, "self", (0, 3), (0, 3), good, vectors(queries=2))
    with pytest.raises(InputError, match="of tokens 3 to 6, wanted some of 5"):
        record(layers=(AttentionLayer(0, "self", (3, 6), (3, 6), good),))
    with pytest.raises(InputError, match="at least one layer"):
        record(layers=())


def test_what_is_no_record_is_refused(as_users_run):
    with pytest.raises(InputError, match="has no layers"):
        Attentions.from_dict({k: v for k, v in record().to_dict().items() if k != "layers"})
    for wrong in ([{"number": 0}], [None], 3):
        with pytest.raises(InputError, match="no attentions record"):
            Attentions.from_dict(record().to_dict() | {"layers": wrong})
    kinds = record().to_dict()
    kinds["layers"][0]["kind"] = "sideways"
    with pytest.raises(InputError, match="Unknown kind 'sideways'"):
        Attentions.from_dict(kinds)
