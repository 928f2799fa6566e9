"""A GGUF file gives the model that was written into it."""

import pytest
import torch

import tiny
import whence

IDS = [0, 70, 71, 272, 300, 12]


def logits(model):
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits


def test_the_weights_are_those_in_the_file(gguf_file):
    subject = whence.load(gguf_file, device="cpu")
    assert subject.task == "text-generation"
    assert subject.name == "tiny.gguf"
    original, _ = tiny.llama_lm(dtype=torch.float32)
    assert torch.allclose(logits(subject.model), logits(original), atol=1e-5)


def test_a_name_as_text_and_a_dtype(gguf_file):
    subject = whence.load(str(gguf_file), dtype="float64", device="cpu")
    assert {p.dtype for p in subject.model.parameters()} == {torch.float64}


def test_it_can_be_explained(gguf_file):
    record = whence.explain(whence.load(gguf_file, device="cpu"), "Paris is in")
    assert record.scores.any()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(whence.LoadError, match=r"no file.*nothing\.gguf"):
        whence.load(tmp_path / "nothing.gguf")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>not found</html>" * 20,
        b"GGUF",
        b"GGUFxxxxnonsense",
    ],
    ids=len,
)
def test_a_broken_file_is_a_load_error(tmp_path, content):
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    with pytest.raises(whence.LoadError, match=r"broken\.gguf"):
        whence.load(path)
