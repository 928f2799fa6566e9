"""Files that are not what they should be."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from records.samples import attribution, tokens_of
from whence.errors import InputError
from whence.records import Attribution, Comparison

RECORD = attribution(tokens_of("The", " Tower"))


def nothing(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("not a record, but text that is long enough to look like a header")


def pickled(path):
    import pickle

    path.write_bytes(pickle.dumps({"scores": [1.0]}))


def truncated(path):
    RECORD.save(path)
    path.write_bytes(path.read_bytes()[:-4])


@pytest.mark.parametrize("write", [nothing, text, pickled, truncated])
@pytest.mark.parametrize("kind", [Attribution, Comparison])
def test_a_file_that_is_not_safetensors_is_refused(write, kind, tmp_path):
    write(tmp_path / "file")
    with pytest.raises(InputError, match="file is not a record saved by whence"):
        kind.load(tmp_path / "file")


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}])
def test_a_safetensors_file_of_another_program_is_refused(metadata, tmp_path):
    save_file({"scores": np.ones((1, 2), np.float32)}, tmp_path / "file", metadata=metadata)
    with pytest.raises(InputError, match="safetensors file, but not a record saved by whence"):
        Attribution.load(tmp_path / "file")


@pytest.mark.parametrize(
    "content", ["not json", "{}", "[]", '{"kind": "attribution"}', '{"kind": "attribution", "fields": {}}']
)
def test_metadata_that_is_not_a_records_is_refused(content, tmp_path):
    save_file({"scores": np.ones((1, 2), np.float32)}, tmp_path / "file", metadata={"whence": content})
    with pytest.raises(InputError):
        Attribution.load(tmp_path / "file")


def test_a_record_without_its_scores_is_refused(tmp_path):
    RECORD.save(tmp_path / "file")
    from safetensors import safe_open

    with safe_open(str(tmp_path / "file"), framework="numpy") as file:
        metadata = file.metadata()
    save_file({"residual": np.ones(2, np.float32)}, tmp_path / "file", metadata=metadata)
    with pytest.raises(InputError):
        Attribution.load(tmp_path / "file")


def test_a_record_of_another_kind_is_refused(tmp_path):
    Comparison((RECORD,), ()).save(tmp_path / "comparison")
    RECORD.save(tmp_path / "attribution")
    with pytest.raises(InputError, match="holds a record of kind 'comparison', wanted 'attribution'"):
        Attribution.load(tmp_path / "comparison")
    with pytest.raises(InputError, match="holds a record of kind 'attribution', wanted 'comparison'"):
        Comparison.load(tmp_path / "attribution")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises((FileNotFoundError, InputError), match="nowhere"):
        Attribution.load(tmp_path / "nowhere")


def test_the_file_is_one_safetensors_file_with_the_rest_as_json(tmp_path):
    from safetensors import safe_open

    RECORD.save(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert {name: array.dtype for name, array in load_file(tmp_path / "file").items()} == {
        "scores": np.float32,
        "residual": np.float32,
    }
    with safe_open(str(tmp_path / "file"), framework="numpy") as file:
        content = json.loads(file.metadata()["whence"])
    assert content["kind"] == "attribution"
    assert content["fields"]["tokens"] == RECORD.to_dict()["tokens"]


def test_paths_may_be_strings(tmp_path):
    RECORD.save(str(tmp_path / "file"))
    assert Attribution.load(str(tmp_path / "file")) == RECORD
