"""Paths through the vocabulary: monotonic, from baseline to input, their neighbours found anew where it changed."""

import gc
import weakref

import numpy as np
import pytest
import torch

import tiny
import tiny_images
import whence
from whence.gradients import neighbours
from whence.gradients.method import places_of
from whence.gradients.neighbours import Neighbours
from whence.methods import UDIG, DiscretizedIG
from whence.methods.baselines import baseline_embeddings
from whence.methods.run import Run

TEXT = "the quick brown fox"


@pytest.fixture
def bert():
    return whence.load(tiny.bert_classifier())


def path_of(method, subject):
    (place,) = places_of(subject, [subject.encode(TEXT)])
    points = method.points(subject, [place], Run())
    (start,) = baseline_embeddings(subject, [place], method.baseline, None, 0)
    return torch.stack([point.make() for point in points] + [place.embeds]), start, place.embeds


@pytest.mark.parametrize("strategy", ["greedy", "maxcount"])
@pytest.mark.parametrize("upscale", [0, 2])
@pytest.mark.parametrize("method", [DiscretizedIG, UDIG])
def test_paths_are_monotonic_from_the_baseline_to_the_input(bert, method, strategy, upscale):
    path, start, end = path_of(method(steps=6, neighbours=20, strategy=strategy, upscale=upscale), bert)
    assert len(path) == 7 * 2**upscale + 1
    assert torch.equal(path[0], start)
    assert torch.equal(path[-1], end)
    steps = (path[1:] - path[:-1]) * (end - start).sign()
    assert (steps >= -1e-12).all()


def test_uniform_paths_keep_nearer_to_the_straight_line_than_those_of_neighbours():
    """On average over tokens, in share of the way."""
    subject = whence.load(tiny.gpt2_lm())
    far = {}
    for method in (DiscretizedIG, UDIG):
        path, start, end = path_of(method(steps=8, neighbours=10, baseline="mean"), subject)
        way = end - start
        share = ((path - start) * way).sum(-1, keepdim=True) / (way * way).sum(-1, keepdim=True)
        far[method] = float(((path - start - share * way).norm(dim=-1) / way.norm(dim=-1)).mean())
    assert far[UDIG] < far[DiscretizedIG]


def test_neighbours_are_the_nearest_by_a_full_search(bert, monkeypatch):
    monkeypatch.setattr(neighbours, "_ROWS_AT_ONCE", 50)
    near = Neighbours(bert, 0, bert.embed, 7)
    table = bert.model.get_input_embeddings().weight.detach()[torch.tensor(bert.plain_ids)]
    ids = torch.tensor(bert.plain_ids[:20])
    points = near.embeddings(ids)
    order = torch.cdist(points, table).argsort(dim=1)
    expected = torch.tensor(bert.plain_ids)[order]
    assert torch.equal(near.of_points(points), expected[:, :7])
    assert torch.equal(near.of_tokens(ids), expected[:, 1:8])


def test_neighbours_are_found_anew_when_the_embeddings_change(bert):
    method = DiscretizedIG(steps=3, neighbours=5)
    before = whence.explain(bert, TEXT, method=method).scores
    fresh, _ = tiny.bert_classifier()
    for model in (bert.model, fresh):
        weight = model.get_input_embeddings().weight
        weight.data = torch.roll(weight.data, 3, dims=0)
    after = whence.explain(bert, TEXT, method=method).scores
    assert not np.array_equal(before, after)
    assert np.array_equal(after, whence.explain(whence.load((fresh, bert.tokenizer)), TEXT, method=method).scores)


def test_a_model_is_not_kept_alive():
    subject = whence.load(tiny.bert_classifier())
    whence.explain(subject, TEXT, method=DiscretizedIG(steps=2, neighbours=5))
    gone = weakref.ref(subject.model)
    del subject
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("method", [DiscretizedIG, UDIG])
def test_images_have_no_vocabulary(method):
    subject = whence.load(tiny.vit_classifier())
    with pytest.raises(whence.UnsupportedError, match=r"needs vocabulary, which .* does not offer"):
        whence.explain(subject, tiny_images.picture(5), method=method())


@pytest.mark.parametrize("method", [DiscretizedIG, UDIG])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"neighbours": 0}, "neighbours must be"),
        ({"upscale": -1}, "upscale must be"),
        ({"strategy": "best"}, "Unknown strategy 'best'. Known: greedy, maxcount"),
    ],
    ids=str,
)
def test_bad_parameters_are_refused(method, options, message):
    with pytest.raises(whence.InputError, match=message):
        method(**options)
