"""Attention as the data of a page: each number a byte, near enough, and a page of a whole model small enough."""

import base64
import json
import zlib

import numpy as np
import pytest

from views.attended import one_stack, random_stack, two_stacks
from whence.records import AttentionLayer, Attentions, HeadVectors
from whence.views import html
from whence.views.attention_sheet import attention_sheet
from whence.views.colors import RDBU
from whence.views.live import live, live_json
from whence.views.live_attention import drawn_layers, packed_sizes


def array(numbers):
    data = base64.b64decode(numbers["data"])
    raw = zlib.decompress(data) if numbers["deflated"] else data
    assert numbers["type"] == "u1"
    return np.frombuffer(raw, np.uint8).reshape(numbers["shape"]).astype(float)


@pytest.mark.parametrize("record", [one_stack(), two_stacks()], ids=["one stack", "two stacks"])
def test_it_says_all_there_is_to_draw(record):
    view = json.loads(live_json(record, RDBU))
    assert (view["view"], view["direction"], view["causal"]) == ("attention", "ltr", record.causal)
    assert [token["text"] for token in view["tokens"]] == [token.text for token in record.tokens]
    for data, layer in zip(view["layers"], record.layers, strict=True):
        assert (data["number"], data["kind"]) == (layer.number, layer.kind)
        assert (data["heads"], data["left"]) == (layer.heads, 0)
        assert (tuple(data["queries"]), tuple(data["keys"])) == (layer.queries, layer.keys)
        assert data["weights"]["shape"] == list(layer.weights.shape)
        assert (data["vectors"] is None) == (layer.vectors is None)


@pytest.mark.parametrize("causal", [True, False])
def test_a_weight_is_near_enough_and_none_is_none(causal):
    record = random_stack(2, 3, 40, causal=causal)
    for data, layer in zip(live(record, RDBU)["layers"], record.layers, strict=True):
        found = (array(data["weights"]) / 255) ** 2
        bound = np.sqrt(layer.weights) / 255 + 1 / 510**2
        assert (np.abs(found - layer.weights) <= bound + 1e-6).all()
        assert np.abs(found - layer.weights).max() <= 0.004
        assert not found[layer.weights == 0].any()


def test_a_weight_that_rounding_put_over_one_is_one():
    layer = AttentionLayer(0, "self", (0, 1), (0, 1), np.full((1, 1, 1), 1.004, np.float32))
    (data,) = live(Attentions(one_stack().tokens[:1], (layer,), {}), RDBU)["layers"]
    assert array(data["weights"]).tolist() == [[[255]]]


def test_a_vector_is_near_enough_and_keeps_its_signs():
    for record in (one_stack(), two_stacks()):
        for data, layer in zip(live(record, RDBU)["layers"], record.layers, strict=True):
            if layer.vectors is None:
                continue
            vectors = data["vectors"]
            assert (vectors["scale"], vectors["biased"]) == (layer.vectors.scale, layer.vectors.biased)
            assert vectors["size"] == layer.vectors.queries.shape[2]
            for name, side in (("queries", "queryRange"), ("keys", "keyRange")):
                ranges = np.array(vectors[side])
                exact = getattr(layer.vectors, name)
                found = (array(vectors[name]) - 128) / 127 * ranges[:, None, None]
                assert (np.abs(found - exact) <= ranges[:, None, None] / 254 + 1e-6).all()
                np.testing.assert_allclose(ranges, np.abs(exact).max((1, 2)))


def test_a_head_of_zeros_is_zeros():
    still = HeadVectors(np.zeros((1, 1, 2), np.float32), np.zeros((1, 1, 2), np.float32), 1.0, False)
    layer = AttentionLayer(0, "self", (0, 1), (0, 1), np.ones((1, 1, 1), np.float32), still)
    (data,) = live(Attentions(one_stack().tokens[:1], (layer,), {}), RDBU)["layers"]
    assert (data["vectors"]["queryRange"], data["vectors"]["keyRange"]) == ([0], [0])
    assert (array(data["vectors"]["queries"]) == 128).all()


@pytest.mark.parametrize("causal", [True, False])
def test_a_whole_model_is_a_page_of_less_than_four_megabytes(causal):
    page = html.render([random_stack(12, 12, 128, causal=causal)])
    assert len(page.encode("utf-8")) < 4_000_000


@pytest.mark.parametrize("causal", [True, False])
def test_sizes_are_about_those_of_the_page(causal):
    record = random_stack(1, 3, 300, causal=causal)
    (data,) = live(record, RDBU)["layers"]
    assert packed_sizes(record.layers[0]).sum() == pytest.approx(len(data["weights"]["data"]), rel=0.05)
    (layer, _) = one_stack().layers
    vectors = layer.vectors.queries[0].size + layer.vectors.keys[0].size
    bare = packed_sizes(AttentionLayer(0, "self", layer.queries, layer.keys, layer.weights))
    np.testing.assert_allclose(packed_sizes(layer) - bare, vectors * 4 / 3, atol=1)


def test_of_more_than_a_page_can_hold_layers_are_drawn_evenly_spread(monkeypatch):
    record = one_stack(layers=9)
    sizes = [int(packed_sizes(layer).sum()) for layer in record.layers]
    monkeypatch.setattr("whence.views.live_attention.MOST_CHARACTERS", sizes[0] + 3 * max(sizes[1:]))
    drawn = drawn_layers(record)
    numbers = [layer.number for layer, _ in drawn]
    assert (len(numbers), numbers[-1]) == (4, 8)
    assert np.ptp(np.diff(numbers)) <= 1
    assert all(heads == layer.heads for layer, heads in drawn)
    assert [layer["number"] for layer in live(record, RDBU)["layers"]] == numbers
    fact = f"interactive in a page are 4 of the layers, for its size: {', '.join(map(str, numbers))}"
    assert fact in attention_sheet(record).facts


@pytest.mark.parametrize("fitting", [0, 1, 2])
def test_of_a_layer_that_a_page_cannot_hold_the_first_heads_are_drawn_and_one_at_least(monkeypatch, fitting):
    record = one_stack(layers=1)
    sizes = packed_sizes(record.layers[0])
    monkeypatch.setattr("whence.views.live_attention.MOST_CHARACTERS", int(sizes[:fitting].sum()))
    (data,) = live(record, RDBU)["layers"]
    heads = max(1, fitting)
    assert (data["heads"], data["left"]) == (heads, 3 - heads)
    whole = live_json(record, RDBU)
    monkeypatch.undo()
    assert len(live_json(record, RDBU)) > len(whole)
    (all_of,) = live(record, RDBU)["layers"]
    np.testing.assert_array_equal(array(data["weights"]), array(all_of["weights"])[:heads])
    np.testing.assert_array_equal(array(data["vectors"]["keys"]), array(all_of["vectors"]["keys"])[:heads])
    assert data["vectors"]["keyRange"] == all_of["vectors"]["keyRange"][:heads]


def test_the_heads_that_are_drawn_are_said(monkeypatch):
    monkeypatch.setattr("whence.views.live_attention.MOST_CHARACTERS", 0)
    fact = "interactive in a page: head 0 of 3 of layer 1, for its size"
    assert fact in attention_sheet(one_stack()).facts


def test_three_heads_of_two_thousand_tokens_are_all_drawn():
    record = random_stack(1, 3, 2000, causal=True)
    ((layer, heads),) = drawn_layers(record)
    assert (layer.number, heads) == (0, 3)
