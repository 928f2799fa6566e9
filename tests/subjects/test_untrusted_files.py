"""Nothing that comes with a model runs, unless asked for by name."""

import pickle

import pytest
import torch

import whence


class WritesAFile:
    """What a pickle can be made of: unpickling it writes the file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return exec, (f"open({str(self.path)!r}, 'w').close()",)


@pytest.fixture
def trace(tmp_path):
    """The file that foreign code writes when it runs."""
    return tmp_path / "it-ran"


@pytest.fixture
def pickled(spoilt):
    """The tiny Llama with its weights pickled, and no safetensors."""
    from safetensors.torch import load_file

    folder = spoilt("llama")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def test_pickled_weights_are_refused(pickled):
    with pytest.raises(whence.LoadError, match="safetensors"):
        whence.load(pickled)


def test_the_refusal_says_how_to_allow_them(pickled):
    with pytest.raises(whence.LoadError, match="weights='pickle'"):
        whence.load(pickled)


def test_pickled_weights_load_when_asked_for(pickled, saved):
    asked, safe = whence.load(pickled, weights="pickle"), whence.load(saved["llama"])
    assert asked.provenance()["weights"] == safe.provenance()["weights"]


def test_the_trap_works(trace):
    pickle.loads(pickle.dumps(WritesAFile(trace)))
    assert trace.exists()


def test_a_malicious_pickle_does_not_run(pickled, trace):
    torch.save({"weight": WritesAFile(trace)}, pickled / "pytorch_model.bin")
    with pytest.raises(whence.LoadError):
        whence.load(pickled)
    assert not trace.exists()


def test_a_malicious_pickle_beside_safetensors_does_not_run(spoilt, trace):
    folder = spoilt("llama")
    torch.save({"weight": WritesAFile(trace)}, folder / "pytorch_model.bin")
    whence.load(folder)
    assert not trace.exists()


def test_a_malicious_pickle_that_was_asked_for_is_a_load_error(pickled, trace):
    torch.save({"weight": WritesAFile(trace)}, pickled / "pytorch_model.bin")
    with pytest.raises(whence.LoadError):
        whence.load(pickled, weights="pickle")
    assert not trace.exists()


def test_an_unknown_kind_of_weights_is_refused(saved):
    with pytest.raises(whence.LoadError, match=r"weights='torch'.*'safetensors'.*'pickle'"):
        whence.load(saved["llama"], weights="torch")


CUSTOM = {
    "AutoConfig": "custom.CustomConfig",
    "AutoModelForCausalLM": "custom.CustomModel",
}


def with_code(spoilt, trace, model_type):
    folder = spoilt(
        "llama",
        config={"model_type": model_type, "auto_map": CUSTOM},
        tokenizer_config={"auto_map": {"AutoTokenizer": ["custom.CustomTokenizer", "custom.CustomTokenizer"]}},
    )
    (folder / "custom.py").write_text(
        f"open({str(trace)!r}, 'w').close()\n"
        "from transformers import LlamaConfig as CustomConfig, LlamaForCausalLM as CustomModel\n"
        "from transformers import PreTrainedTokenizerFast as CustomTokenizer\n"
    )
    return folder


def test_custom_code_of_a_known_model_does_not_run(spoilt, trace):
    subject = whence.load(with_code(spoilt, trace, "llama"))
    assert type(subject.model).__module__.startswith("transformers.models.llama")
    assert not trace.exists()


def test_custom_code_of_an_unknown_model_does_not_run(spoilt, trace, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(whence.LoadError, match="custom code"):
        whence.load(with_code(spoilt, trace, "no_such_model_type"))
    assert not trace.exists()
