"""Routers and the mixing of experts equal their literal twins, however they are written."""

import numpy as np
import pytest
import torch

from reference.messages import RULES, product_rule, softmax_rule
from reference.ruled import array, assert_close, draw, ruled

FROZEN = ("cp_lrp", "ah_ln")


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def experts_one_by_one(p, chosen, outputs):
    y = torch.zeros_like(outputs[:, 0])
    for e in range(outputs.shape[1]):
        place, token = torch.where((chosen == e).T)
        y.index_add_(0, token, outputs[token, e] * p[token, place, None])
    return y


MIXINGS = {
    "one by one": experts_one_by_one,
    "gathered": lambda p, chosen, outputs: (
        p[..., None] * outputs.gather(1, chosen[..., None].expand(-1, -1, outputs.shape[-1]))
    ).sum(dim=1),
    "scattered": lambda p, chosen, outputs: (
        torch.zeros(outputs.shape[:2], dtype=p.dtype).scatter(1, chosen, p)[..., None] * outputs
    ).sum(dim=1),
    "einsum": lambda p, chosen, outputs: torch.einsum(
        "te,ted->td", torch.zeros(outputs.shape[:2], dtype=p.dtype).scatter(1, chosen, p), outputs
    ),
}


@pytest.mark.parametrize("rule_set", RULES)
@pytest.mark.parametrize("name", MIXINGS)
def test_router_and_mixing_of_experts(name, rule_set):
    """``y = Σ_e p_e E_e``, p the top two of a softmax over router scores, divided by their sum."""
    scores, outputs, rules = draw(3, 4), draw(3, 4, 5), RULES[rule_set]

    def mixture(scores, outputs):
        top, chosen = torch.topk(torch.softmax(scores, dim=-1), 2, dim=-1)
        return MIXINGS[name](top / top.sum(dim=-1, keepdim=True), chosen, outputs)

    (r_scores, r_outputs), r = ruled(rule_set, mixture, scores, outputs)
    y, r = array(mixture(scores, outputs)), r.reshape(3, 5)
    expected_scores, expected_outputs = np.zeros((3, 4)), np.zeros((3, 4, 5))
    for t in range(3):
        softmax = array(torch.softmax(scores[t], -1))
        chosen = np.argsort(-softmax)[:2]
        p = softmax[chosen] / softmax[chosen].sum()
        r_p = np.zeros(2)
        for place, e in enumerate(chosen):
            message = p[place] * array(outputs)[t, e] / y[t] * r[t]
            to_p, expected_outputs[t, e] = product_rule(message, rules.mixing)
            r_p[place] = to_p.sum()
        if rules.mixing[0]:
            r_softmax = np.zeros(4)
            r_softmax[chosen] = r_p if rules.divisor == "constant" else r_p - p * r_p.sum()
            expected_scores[t] = softmax_rule(array(scores)[t], softmax, r_softmax, {})
    assert_close(r_outputs, expected_outputs)
    assert_close(r_scores, expected_scores)


OFFSETS = torch.tensor([0.5, -0.5, 0.1, 0.0], dtype=torch.float64)


def top_of_sigmoids(scores):
    top, chosen = torch.topk(torch.sigmoid(scores), 2, dim=-1)
    return top / top.sum(dim=-1, keepdim=True), chosen


def chosen_with_offsets(scores):
    """DeepSeek-V3: offsets choose the experts, their sigmoids weigh them."""
    sigmoids = torch.sigmoid(scores)
    chosen = torch.topk(sigmoids + OFFSETS, 2, dim=-1)[1]
    top = sigmoids.gather(1, chosen)
    return 2.5 * top / (top.sum(dim=-1, keepdim=True) + 1e-20), chosen


def softmax_of_top(scores):
    """gpt-oss: the softmax comes after the choice."""
    top, chosen = torch.topk(scores, 2, dim=-1)
    return torch.softmax(top, dim=-1), chosen


def top_one(scores):
    """Switch Transformer: one expert, by its weight among all."""
    return torch.softmax(scores, dim=-1).max(dim=-1, keepdim=True)


ROUTERS = (top_of_sigmoids, chosen_with_offsets, softmax_of_top, top_one)


@pytest.mark.parametrize("rule_set", FROZEN)
@pytest.mark.parametrize("router", ROUTERS)
@pytest.mark.parametrize("name", MIXINGS)
def test_routing_weights_are_constants(name, router, rule_set):
    """``R_E = p_e E_e / y R``, and the router receives nothing."""
    scores, outputs = draw(3, 4), draw(3, 4, 5)
    (r_scores, r_outputs), r = ruled(rule_set, lambda s, o: MIXINGS[name](*router(s), o), scores, outputs)
    p, chosen = (array(part) for part in router(scores))
    y, expected = array(MIXINGS[name](*router(scores), outputs)), np.zeros((3, 4, 5))
    for t in range(3):
        for weight, e in zip(p[t], chosen[t], strict=True):
            expected[t, e] = weight * array(outputs)[t, e] / y[t] * r.reshape(3, 5)[t]
    assert_close(r_outputs, expected)
    assert (r_scores == 0).all()
