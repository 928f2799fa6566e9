"""Records of images: units in a grid, summed over squares, kept small in a file."""

import json

import numpy as np
import pytest

from whence import Attribution, Comparison, InputError, TargetValue, Token
from whence.records.grid import grid_tokens, square_sums


def image_record(rows, columns, unit="pixel", seed=0, targets=2, **provenance):
    scores = np.random.default_rng(seed).normal(size=(targets, rows * columns))
    return Attribution.build(
        grid_tokens(rows, columns, unit),
        [TargetValue(f"class {i}", None, 3.0 + i, 0.0, "logit") for i in range(targets)],
        scores,
        complete=True,
        method="attnlrp",
        params={},
        provenance={"grid": [rows, columns], "cell": [1, 1], "pixels": [rows, columns], **provenance},
    )


def test_units_are_named_by_row_and_column():
    record = image_record(2, 3)
    assert record.grid == (2, 3)
    assert [t.text for t in record.tokens] == [f"pixel {r},{c}" for r in range(2) for c in range(3)]


@pytest.mark.parametrize(("rows", "columns", "size"), [(4, 6, 2), (5, 7, 3), (3, 3, 1), (3, 4, 9)])
def test_patches_are_sums_over_squares(rows, columns, size):
    record = image_record(rows, columns)
    summed = record.patches(size)
    down, across = -(-rows // size), -(-columns // size)
    assert summed.grid == (down, across)
    assert summed.provenance["cell"] == [size, size]
    assert summed.provenance["derived"] == [f"patches({size})"]
    whole = record.scores.reshape(2, rows, columns).astype(np.float64)
    for r in range(down):
        for c in range(across):
            square = whole[:, r * size : (r + 1) * size, c * size : (c + 1) * size].sum(axis=(1, 2))
            np.testing.assert_allclose(summed.scores[:, r * across + c], square, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(summed.residual, record.residual, rtol=1e-5, atol=1e-5)


def test_patches_of_patches_are_larger_patches():
    twice, once = image_record(8, 8).patches(2).patches(2), image_record(8, 8).patches(4)
    np.testing.assert_allclose(twice.scores, once.scores, rtol=1e-5, atol=1e-6)
    assert twice.provenance["cell"] == once.provenance["cell"] == [4, 4]


@pytest.mark.parametrize("size", [0, -1, True])
def test_no_size(size):
    with pytest.raises(InputError, match="whole number"):
        image_record(4, 4).patches(size)


def test_text_has_no_patches_and_an_image_no_words():
    text = Attribution.build(
        [Token("a", 1)],
        [TargetValue("x", None, 1.0, None, "logit")],
        np.ones((1, 1)),
        complete=False,
        method="m",
        params={},
        provenance={},
    )
    assert text.grid is None
    with pytest.raises(InputError, match="no grid"):
        text.patches(2)
    image = image_record(2, 2)
    for grouped in (image.words, image.sentences, lambda: image.segments([(0, 3)])):
        with pytest.raises(InputError, match="of an image"):
            grouped()


def test_the_strongest_units_are_no_grid_any_more():
    record = image_record(2, 2)
    assert record.top(4).grid is None
    assert record.top(3).grid is None
    assert record.share().grid == (2, 2)


@pytest.mark.parametrize(
    "grid", [[2, 3], [4], [2, 2, 1], ["2", "2"], [True, 4], [-2, -2], [0, 0], "22", 4, {"a": 1}, None]
)
def test_a_grid_that_does_not_fit_is_none(grid):
    record = image_record(2, 2)
    strange = Attribution.from_dict(record.to_dict() | {"provenance": {"grid": grid}})
    assert strange.grid is None


def test_a_saved_record_is_equal_and_small(tmp_path):
    record = image_record(224, 224, targets=1)
    record.save(tmp_path / "pixels.safetensors")
    assert Attribution.load(tmp_path / "pixels.safetensors") == record
    assert (tmp_path / "pixels.safetensors").stat().st_size < 1.1 * record.scores.nbytes
    assert Attribution.from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_a_saved_record_of_renamed_units_is_equal(tmp_path):
    described = image_record(2, 2).to_dict()
    described["tokens"][3]["text"] = "the corner"
    record = Attribution.from_dict(described)
    record.save(tmp_path / "named.safetensors")
    assert Attribution.load(tmp_path / "named.safetensors") == record


def test_a_saved_comparison_is_equal_and_small(tmp_path):
    both = Comparison(tuple(image_record(64, 64, seed=i, targets=1) for i in (1, 2)), ())
    both.save(tmp_path / "both.safetensors")
    assert Comparison.load(tmp_path / "both.safetensors") == both
    assert (tmp_path / "both.safetensors").stat().st_size < 1.2 * 2 * 64 * 64 * 4


def test_a_strangers_grid_is_not_built_before_it_is_known_to_fit(tmp_path):
    from safetensors.numpy import save_file

    fields = image_record(2, 2, targets=1).to_dict()
    fields |= {"tokens": "pixel", "scores": None, "residual": None, "provenance": {"grid": [10**6, 10**6]}}
    content = json.dumps({"kind": "attribution", "fields": fields})
    path = tmp_path / "strange.safetensors"
    save_file({"scores": np.zeros((1, 4), np.float32)}, path, metadata={"whence": content})
    with pytest.raises(InputError, match="no attribution"):
        Attribution.load(path)


def test_sums_reach_every_unit_once():
    ones = np.ones((1, 7, 5))
    assert square_sums(ones, 3).tolist() == [[[9, 6], [9, 6], [3, 2]]]
