"""The weights' hash follows the weights, and the provenance says which model this was."""

import copy

import pytest
import torch

import tiny
import whence
from whence.subjects.fingerprint import WeightsHash


@pytest.fixture
def subject():
    return whence.load(tiny.llama_lm())


def weights_hash(subject):
    return subject.provenance()["weights"]


def optimiser_step(model, kind, **options):
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    kind(model.parameters(), lr=0.1, **options).step()
    model.zero_grad()


@torch.no_grad()
def in_place(model):
    model.lm_head.weight[3, 5] += 1e-3


def replaced_parameter(model):
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach() + 1)


def replaced_module(model):
    model.model.norm = copy.deepcopy(model.model.norm)
    model.model.norm.variance_epsilon = 1.0
    with torch.no_grad():
        model.model.norm.weight.mul_(2)


def buffer(model):
    model.model.rotary_emb.inv_freq[0] = 0.5


CHANGES = {
    "one number in place": in_place,
    "a parameter replaced": replaced_parameter,
    "a module replaced": replaced_module,
    "a buffer in place": buffer,
    "another dtype": lambda model: model.half(),
    "sgd": lambda model: optimiser_step(model, torch.optim.SGD),
    "adam": lambda model: optimiser_step(model, torch.optim.Adam),
    "adamw foreach": lambda model: optimiser_step(model, torch.optim.AdamW, foreach=True),
    "adamw fused": lambda model: optimiser_step(model, torch.optim.AdamW, fused=True),
    "loaded": lambda model: model.load_state_dict({n: t * 2 for n, t in model.state_dict().items()}),
    "assigned": lambda model: model.load_state_dict({n: t * 2 for n, t in model.state_dict().items()}, assign=True),
}


@pytest.mark.parametrize(
    "change",
    list(CHANGES),
)
def test_the_hash_changes_when_the_weights_do(subject, change):
    before = weights_hash(subject)
    CHANGES[change](subject.model)
    assert weights_hash(subject) != before


def test_the_hash_comes_back_with_the_weights(subject):
    before, weights = weights_hash(subject), copy.deepcopy(subject.model.state_dict())
    in_place(subject.model)
    changed = weights_hash(subject)
    subject.model.load_state_dict(weights)
    assert weights_hash(subject) == before != changed


def test_equal_weights_have_equal_hashes():
    assert len({weights_hash(whence.load(tiny.llama_lm())) for _ in range(2)}) == 1


def test_the_hash_is_not_that_of_other_weights():
    model, tokenizer = tiny.llama_lm()
    other = copy.deepcopy(model)
    other.model.layers[0], other.model.layers[1] = other.model.layers[1], other.model.layers[0]
    hashes = {weights_hash(whence.load((m, tokenizer))) for m in (model, other, tiny.llama_lm(dtype=torch.float32)[0])}
    assert len(hashes) == 3


class OneTensor(torch.nn.Module):
    def __init__(self, name, tensor):
        super().__init__()
        self.register_buffer(name, tensor)


def test_the_hash_tells_names_shapes_and_dtypes_of_the_same_bytes_apart():
    numbers = torch.arange(6, dtype=torch.int32)
    modules = [("a", numbers), ("b", numbers), ("a", numbers.reshape(2, 3)), ("a", numbers.view(torch.float32))]
    assert len({WeightsHash().of(OneTensor(*one)) for one in modules}) == 4


def test_explaining_does_not_change_the_hash(subject):
    before = weights_hash(subject)
    subject.model.train()
    for method in ("attnlrp", "integrated_gradients", "leave_one_out"):
        assert whence.explain(subject, "Paris is in", method=method).provenance["weights"] == before


def test_the_tokenizers_hash_follows_what_it_computes():
    model, tokenizer = tiny.llama_lm()
    other = copy.deepcopy(tokenizer)
    other.add_tokens(["Eiffel Tower"])
    hashes = [whence.load((model, t)).provenance()["tokenizer"] for t in (tokenizer, copy.deepcopy(tokenizer), other)]
    assert hashes[0] == hashes[1] != hashes[2]


KEYS = {
    "model": str,
    "weights": str,
    "tokenizer": str,
    "dtype": str,
    "device": str,
    "versions": dict,
    "seed": int,
    "seconds": float,
    "forwards": int,
    "backwards": int,
}


@pytest.mark.parametrize("method", whence.available("methods"))
def test_provenance_says_all_that_is_promised(subject, method):
    provenance = whence.explain(subject, "Paris is in", method=method, seed=3).provenance
    for key, kind in KEYS.items():
        assert isinstance(provenance[key], kind), key
    assert provenance["weights"].startswith("sha256:")
    assert provenance["tokenizer"].startswith("sha256:")
    assert (provenance["dtype"], provenance["device"], provenance["seed"]) == ("float64", "cpu", 3)
    assert provenance["seconds"] > 0
    assert provenance["versions"]["torch"] == torch.__version__
    assert {"whence", "torch", "transformers", "tokenizers", "python"} <= provenance["versions"].keys()
    assert "revision" in provenance
