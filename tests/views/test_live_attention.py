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
from whence.views.live_attention import drawn_layers


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
        assert (data["number"], data["kind"], data["heads"]) == (layer.number, layer.kind, layer.heads)
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
            ranges = np.array(vectors["range"])
            assert (vectors["scale"], vectors["biased"]) == (layer.vectors.scale, layer.vectors.biased)
            assert vectors["size"] == layer.vectors.queries.shape[2]
            for name in ("queries", "keys"):
                exact = getattr(layer.vectors, name)
                found = (array(vectors[name]) - 128) / 127 * ranges[:, None, None]
                assert (np.abs(found - exact) <= ranges[:, None, None] / 254 + 1e-6).all()
            np.testing.assert_allclose(
                ranges, np.maximum(*(np.abs(v).max((1, 2)) for v in (layer.vectors.queries, layer.vectors.keys)))
            )


def test_a_head_of_zeros_is_zeros():
    still = HeadVectors(np.zeros((1, 1, 2), np.float32), np.zeros((1, 1, 2), np.float32), 1.0, False)
    layer = AttentionLayer(0, "self", (0, 1), (0, 1), np.ones((1, 1, 1), np.float32), still)
    (data,) = live(Attentions(one_stack().tokens[:1], (layer,), {}), RDBU)["layers"]
    assert data["vectors"]["range"] == [0]
    assert (array(data["vectors"]["queries"]) == 128).all()


@pytest.mark.parametrize("causal", [True, False])
def test_a_whole_model_is_a_page_of_less_than_four_megabytes(causal):
    page = html.render([random_stack(12, 12, 128, causal=causal)])
    assert len(page.encode("utf-8")) < 4_000_000


def test_of_more_than_a_page_can_hold_layers_are_drawn_evenly_spread(monkeypatch):
    record = one_stack(layers=9)
    monkeypatch.setattr("whence.views.live_attention.MOST_NUMBERS", 252 + 3 * 108)
    numbers = [layer.number for layer in drawn_layers(record)]
    assert (len(numbers), numbers[-1]) == (4, 8)
    assert np.ptp(np.diff(numbers)) <= 1
    assert [layer["number"] for layer in live(record, RDBU)["layers"]] == numbers
    fact = f"interactive in a page are 4 of the layers, for its size: {', '.join(map(str, numbers))}"
    assert fact in attention_sheet(record).facts
    monkeypatch.setattr("whence.views.live_attention.MOST_NUMBERS", 100)
    assert live(record, RDBU) is None
    assert "every head of every layer" in html.render([record])
