"""Every rule set equals its literal twin on every tiny model, element by element of the input, under sdpa and eager."""

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

import whence
from reference.messages import RULES
from reference.twins import MAKERS, OUTPUT, TEXT, inputs_of, twin, value_of
from whence.relevance import attribute

TOLERANCE = 1e-8
CONSERVING = ("cp_lrp", "ah_ln")


class SoftmaxInFloat64(TorchFunctionMode):
    """Llama, Mixtral and ViT ask for a float32 softmax under eager attention; here they get float64."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.nn.functional.softmax and kwargs.get("dtype") is torch.float32:
            kwargs = {**kwargs, "dtype": torch.float64}
        return func(*args, **kwargs)


@pytest.fixture(params=MAKERS)
def name(request):
    return request.param


@pytest.fixture(params=RULES)
def rule_set(request):
    return request.param


def forward(model, leaves, rule_set):
    with whence.relevance.rules(rule_set), SoftmaxInFloat64():
        return value_of(model, leaves)


def assert_twin(found, expected, tolerance=TOLERANCE):
    scale = max(np.abs(relevance).max() for relevance in expected.values())
    for keyword, relevance in expected.items():
        gap = np.abs(found[keyword] - relevance).max() / scale
        assert gap <= tolerance, f"relevance of {keyword} is off by {gap:.1e} of the largest"


def through(model, tokenizer, rule_set):
    """Input × modified gradient by keyword, in the twin's shapes."""
    leaves = inputs_of(model, tokenizer)
    gradients = torch.autograd.grad(forward(model, leaves, rule_set), list(leaves.values()))
    return {
        keyword: (leaf * gradient)[0].detach().numpy()
        for (keyword, leaf), gradient in zip(leaves.items(), gradients, strict=True)
    }


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_rule_set(name, rule_set, attention):
    found = through(*MAKERS[name](attn_implementation=attention), rule_set)
    assert_twin(found, twin(name, rule_set).relevance)


def test_rule_set_whatever_runs_the_experts(rule_set):
    """Experts run as batched products have no linear map for ε to stabilise: the naive rules differ by about ε."""
    found = through(*MAKERS["mixtral"](experts_implementation="batched_mm"), rule_set)
    assert_twin(found, twin("mixtral", rule_set).relevance, 1e-4 if rule_set == "lrp_epsilon" else TOLERANCE)


def test_attribute_gives_the_same(name, rule_set):
    model, tokenizer = MAKERS[name]()
    for keyword in twin(name, rule_set).relevance:
        leaves = inputs_of(model, tokenizer)
        found = attribute(forward(model, leaves, rule_set), leaves[keyword])[0].detach().numpy()
        assert_twin({keyword: found}, {keyword: twin(name, rule_set).relevance[keyword]})


def test_parameters_without_gradients_change_nothing(name, rule_set):
    model, tokenizer = MAKERS[name]()
    assert_twin(through(model.requires_grad_(False), tokenizer, rule_set), twin(name, rule_set).relevance)


@pytest.mark.parametrize("conserving", CONSERVING)
def test_the_twin_conserves(name, conserving):
    explained = twin(name, conserving)
    scores = sum(relevance.sum() for relevance in explained.relevance.values())
    assert scores + sum(explained.absorbed.values()) == pytest.approx(explained.value, abs=1e-9)


ABSORBING = {
    "llama": set(),
    "llama-bias": {"bias"},
    "llama-classifier": set(),
    "gpt2": {"bias", "positions"},
    "gpt2-classifier": {"bias", "positions"},
    "bert": {"bias", "positions"},
    "t5": set(),
    "vit": {"bias", "positions", "cls token"},
    "mixtral": set(),
}


@pytest.mark.parametrize("conserving", CONSERVING)
def test_the_twin_names_what_absorbs(name, conserving):
    assert set(twin(name, conserving).absorbed) == ABSORBING[name]


@pytest.mark.parametrize("explained", [name for name in MAKERS if ABSORBING[name] and name != "vit"])
@pytest.mark.parametrize("method", ["attnlrp", "cp_lrp", "ah_ln"])
def test_the_record_names_what_absorbs(explained, method):
    """By parameter in the record, by kind in the twin: biases, and what is looked up for positions and token types."""
    record = whence.explain(whence.load(MAKERS[explained]()), TEXT, method=method, target=whence.Logit(OUTPUT))
    found = {"bias": 0.0, "positions": 0.0}
    for parameter, rows in record.provenance["absorbed"].items():
        found["bias" if parameter.endswith("bias") else "positions"] += rows[0]
    expected = twin(explained, method).absorbed
    for kind, amount in found.items():
        assert amount == pytest.approx(expected.get(kind, 0.0), abs=1e-8)


def test_grouped_experts_in_float32(rule_set):
    """What transformers runs where it can, which knows no float64."""
    model, tokenizer = MAKERS["mixtral"](dtype=torch.float32, experts_implementation="grouped_mm")
    leaves = {name: leaf.detach().float().requires_grad_() for name, leaf in inputs_of(model, tokenizer).items()}
    found = attribute(forward(model, leaves, rule_set), leaves["inputs_embeds"])[0].detach().numpy()
    expected = twin("mixtral", rule_set).relevance["inputs_embeds"]
    assert np.abs(found - expected).max() <= 1e-3 * np.abs(expected).max()


def test_attnlrp_and_what_is_absorbed_add_up_to_the_value(name):
    explained = twin(name, "attnlrp")
    scores = sum(relevance.sum() for relevance in explained.relevance.values())
    assert scores + sum(explained.absorbed.values()) == pytest.approx(explained.value, abs=1e-9)
    assert set(explained.absorbed) == ABSORBING[name] | {"softmax"} | (
        {"relative positions"} if name == "t5" else set()
    )


def test_rule_sets_differ(name):
    """Otherwise equality with a twin would not tell them apart."""
    gated = name not in ("gpt2", "gpt2-classifier", "bert", "vit")
    found = {rule_set: twin(name, rule_set).relevance for rule_set in RULES}
    for one in RULES:
        for other in RULES:
            same = all(np.allclose(found[one][k], found[other][k], atol=1e-6, rtol=0) for k in found[one])
            assert same == (one == other or (not gated and {one, other} == set(CONSERVING)))
