"""`whence attention`: where each head looks, in a terminal, as JSON and as a page."""

import json

import numpy as np
import pytest

import tiny
import whence

TEXT = "Paris is in"


def record_of(run, *arguments, **options):
    status, out, err = run("attention", *arguments, "--json", **options)
    assert (status, err) == (0, "")
    return whence.Attentions.from_dict(json.loads(out))


def test_json_is_the_record(run, folders):
    found = record_of(run, TEXT, "--model", "lm", "--device", "cpu", "--dtype", "float64")
    expected = whence.attentions(whence.load(folders["lm"], dtype="float64", device="cpu"), TEXT)
    assert (found.tokens, found.layers) == (expected.tokens, expected.layers)


@pytest.mark.parametrize(("given", "numbers"), [("1", [1]), ("0-1", [0, 1]), ("1,0", [0, 1]), ("0, 0-0", [0])])
def test_layers_are_chosen_by_number_and_range(run, given, numbers):
    assert [layer.number for layer in record_of(run, TEXT, "--model", "lm", "--layers", given).layers] == numbers


@pytest.mark.parametrize("wrong", ["", "all", "1-", "-1", "2-1", "0;1", "99999999999-1", "0-99999999999"])
def test_what_is_no_number_of_a_layer_is_wrong_use(run, wrong):
    status, out, err = run("attention", TEXT, "--model", "lm", f"--layers={wrong}")
    assert (status, out) == (2, "")
    assert "is no number or range" in err


def test_a_layer_there_is_not_is_an_error(run):
    status, out, err = run("attention", TEXT, "--model", "lm", "--layers", "7")
    assert (status, out) == (1, "")
    assert "error: There is no layer 7: LlamaForCausalLM has layers 0 to 1." in err


def test_vectors_are_left_out_where_they_are_not_wanted(run):
    assert record_of(run, TEXT, "--model", "lm").layers[0].vectors is not None
    assert record_of(run, TEXT, "--model", "lm", "--no-vectors").layers[0].vectors is None


def test_a_continuation_is_read_or_written(run):
    short = record_of(run, TEXT, "--model", "lm")
    assert len(record_of(run, TEXT, "--model", "lm", "--max-new-tokens", "3").tokens) == len(short.tokens) + 2
    assert len(record_of(run, TEXT, "--model", "lm", "--continuation", " France and").tokens) > len(short.tokens)
    status, _, err = run("attention", TEXT, "--model", "lm", "--continuation", " France", "--max-new-tokens", "3")
    assert status == 2
    assert "not both" in err


def test_a_terminal_and_a_page_show_it(run, tmp_path):
    page = tmp_path / "page.html"
    status, out, err = run("attention", "-", "--model", "translator", "--html", page, stdin="Paris is in\n")
    assert (status, err.strip()) == (0, f"wrote {page}")
    assert "attention in “Paris is in” · 6 layers of 4 heads" in out
    assert "cross-attention layer 1, mean over its heads" in out
    assert "every head of every layer" in page.read_text(encoding="utf-8")


def test_an_image_is_given_by_its_file(run, tmp_path, capsys):
    from PIL import Image

    import tiny_images

    model, processor = tiny.vit_classifier()
    model.save_pretrained(tmp_path / "vit")
    processor.save_pretrained(tmp_path / "vit")
    Image.fromarray(tiny_images.picture(1)).save(tmp_path / "picture.png")
    capsys.readouterr()
    found = record_of(run, tmp_path / "picture.png", "--model", tmp_path / "vit")
    assert [token.role for token in found.tokens] == ["model"] + ["patch"] * 9
    np.testing.assert_allclose([layer.rest for layer in found.layers], 0, atol=1e-5)
