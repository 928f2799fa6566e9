"""Laws the twins themselves obey. What ties them to the library is tested beside the library."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

import tiny
from reference import attention, integrated_gradients, leave_one_out
from reference.forward import forward
from reference.input_x_gradient import input_x_gradient, word_embeddings
from reference.lrp import lrp_gpt2, lrp_llama, lrp_mixtral
from reference.lrp_t5 import lrp_t5
from reference.lrp_vit import lrp_vit
from reference.messages import RULES

TEXT = "Paris is in 😀 France.\nמה"
MAKERS = {
    "gpt2-lm": tiny.gpt2_lm,
    "llama-lm": tiny.llama_lm,
    "gpt2-classifier": tiny.gpt2_classifier,
    "llama-classifier": tiny.llama_classifier,
    "bert-classifier": tiny.bert_classifier,
}
MADE = {**MAKERS, "t5": tiny.t5_seq2seq, "mixtral": tiny.mixtral_lm}
QUADRATURES = {
    "left": (integrated_gradients.left, 0),
    "right": (integrated_gradients.right, 0),
    "midpoint": (integrated_gradients.midpoint, 1),
    "trapezoid": (integrated_gradients.trapezoid, 1),
    "gauss-legendre": (integrated_gradients.gauss_legendre, 9),
}
each_model = pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)


def last(logits):
    """The logit of output 2: of the last token, or of the classifier."""
    return logits[0, 2] if logits.ndim == 2 else logits[0, -1, 2]


@pytest.mark.parametrize("maker", MADE.values(), ids=MADE)
def test_tiny_models_are_deterministic_and_leave_the_random_state(maker):
    before = torch.random.get_rng_state()
    (one, tokenizer), (two, _) = maker(), maker()
    assert torch.equal(before, torch.random.get_rng_state())
    assert not one.training
    assert len(tokenizer) == one.config.vocab_size <= 400
    for (name, a), (_, b) in zip(one.named_parameters(), two.named_parameters(), strict=True):
        assert a.dtype == torch.float64
        assert torch.equal(a, b), name


@pytest.mark.parametrize("maker", MADE.values(), ids=MADE)
def test_tiny_tokens_cover_the_text(maker):
    _, tokenizer = maker()
    for sentence in tiny.SENTENCES:
        spans = tokenizer(sentence, return_offsets_mapping=True)["offset_mapping"]
        covered = {i for start, end in spans for i in range(start, end)}
        assert all(i in covered or character.isspace() for i, character in enumerate(sentence))


@each_model
def test_integrated_gradients_are_complete(maker):
    """On a path from half way to token 0; from zero, where RMSNorm jumps, no number of nodes here would do."""
    model, tokenizer = maker()
    ids = tokenizer("Paris is in France.")["input_ids"]
    x = word_embeddings(model, ids)
    baseline = 0.5 * x + 0.5 * word_embeddings(model, [0] * len(ids))
    nodes = integrated_gradients.gauss_legendre(64)
    scores = integrated_gradients.integrated_gradients(model, ids, last, baseline, *nodes)
    with torch.no_grad():
        there, here = (float(last(model(inputs_embeds=end[None]).logits)) for end in (x, baseline))
    assert scores.sum() == pytest.approx(there - here, abs=1e-9)


@pytest.mark.parametrize(("rule", "degree"), QUADRATURES.values(), ids=QUADRATURES)
def test_quadrature_is_exact_up_to_its_degree(rule, degree):
    points, weights = rule(5)
    for power in range(degree + 1):
        assert np.dot(weights, np.array(points) ** power) == pytest.approx(1 / (power + 1), abs=1e-14)
    assert np.dot(weights, np.array(points) ** (degree + 1)) != pytest.approx(1 / (degree + 2), abs=1e-9)


def test_gauss_legendre_equals_numpy():
    nodes, weights = np.polynomial.legendre.leggauss(64)
    points, ours = integrated_gradients.gauss_legendre(64)
    assert np.allclose(points, (nodes + 1) / 2, atol=1e-14, rtol=0)
    assert np.allclose(ours, weights / 2, atol=1e-14, rtol=0)


@each_model
def test_input_x_gradient_is_the_right_riemann_sum_of_one_step(maker):
    model, tokenizer = maker()
    ids = tokenizer(TEXT)["input_ids"]
    zero = torch.zeros_like(word_embeddings(model, ids))
    path = integrated_gradients.integrated_gradients(model, ids, last, zero, *integrated_gradients.right(1))
    assert np.allclose(input_x_gradient(model, ids, last), path, atol=1e-12, rtol=0)


@pytest.mark.parametrize("replacement_id", [None, 5])
def test_a_causal_model_does_not_need_later_tokens(replacement_id):
    model, tokenizer = tiny.llama_lm()
    ids = tokenizer(TEXT)["input_ids"]
    scores = leave_one_out.leave_one_out(model, ids, leave_one_out.at(3, 2), replacement_id)
    assert np.allclose(scores[4:], 0, atol=1e-12)
    assert (np.abs(scores[:4]) > 1e-6).all()


def test_a_token_replaced_by_itself_scores_zero():
    model, tokenizer = tiny.bert_classifier()
    ids = tokenizer(TEXT)["input_ids"]
    scores = leave_one_out.leave_one_out(model, ids, leave_one_out.label(1), ids[2])
    assert scores[2] == 0
    assert (np.delete(scores, 2) != 0).all()


@each_model
def test_attention_weights_are_those_of_eager_attention(maker):
    model, tokenizer = maker()
    ids = tokenizer(TEXT)["input_ids"]
    eager = copy.deepcopy(model)
    eager.set_attn_implementation("eager")
    theirs = eager(torch.tensor([ids]), output_attentions=True).attentions
    tolerance = 1e-6 if model.config.model_type == "llama" else 1e-12  # Llama's eager softmax is float32
    for a, b in zip(attention.attention_weights(model, ids), theirs, strict=True):
        assert np.abs(a - b[0].detach().numpy()).max() < tolerance


@each_model
def test_raw_attention_and_rollout_hand_out_exactly_one(maker):
    model, tokenizer = maker()
    weights = attention.attention_weights(model, tokenizer(TEXT)["input_ids"])
    assert np.allclose(attention.rollout_matrix(weights).sum(axis=1), 1, atol=1e-12)
    assert attention.raw_attention(weights, 1, 3).sum() == pytest.approx(1, abs=1e-12)


def test_rollout_of_one_layer_is_half_itself():
    weights = attention.attention_weights(*_ids_of(tiny.gpt2_lm))
    raw = attention.raw_attention(weights, 0, 4)
    assert np.allclose(attention.attention_rollout(weights[:1], 4), 0.5 * raw + 0.5 * np.eye(len(raw))[4], atol=1e-15)


@pytest.mark.parametrize("rule_set", RULES)
@pytest.mark.parametrize(
    ("maker", "walk"), [(tiny.llama_lm, lrp_llama), (tiny.gpt2_lm, lrp_gpt2), (tiny.mixtral_lm, lrp_mixtral)]
)
def test_tokens_a_causal_model_has_not_seen_receive_nothing(maker, walk, rule_set):
    scores = walk(*_ids_of(maker), 3, 2, RULES[rule_set], {}).sum(axis=1)
    assert (scores[4:] == 0).all()
    assert (scores[:4] != 0).all()


@pytest.mark.parametrize("rule_set", ["attnlrp", "cp_lrp", "ah_ln"])
def test_without_mixing_the_token_read_receives_the_whole_logit(rule_set):
    """With attention and MLP switched off each token speaks for itself, and its relevance is the whole logit."""
    model, ids = _ids_of(tiny.llama_lm)
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    scores, logit = lrp_llama(model, ids, 3, 2, RULES[rule_set], {}).sum(axis=1), forward(model, ids)["logits"][3, 2]
    assert scores[3] == pytest.approx(logit, abs=1e-9)
    assert np.allclose(np.delete(scores, 3), 0)


GRADIENT = dataclasses.replace(RULES["lrp_epsilon"], epsilon=0.0)
"""Naive LRP without its stabiliser: of a network of ReLUs it is gradient × input (Shrikumar et al. 2016, section 2)."""


@pytest.mark.parametrize(
    ("maker", "walk"), [(tiny.llama_lm, lrp_llama), (tiny.gpt2_lm, lrp_gpt2), (tiny.mixtral_lm, lrp_mixtral)]
)
def test_naive_lrp_of_relus_is_gradient_times_input(maker, walk):
    model, tokenizer = _with_relus(*maker())
    ids = tokenizer(TEXT)["input_ids"]
    x = word_embeddings(model, ids).requires_grad_()
    (gradient,) = torch.autograd.grad(model(inputs_embeds=x[None]).logits[0, -1, 2], x)
    assert np.abs(walk(model, ids, -1, 2, GRADIENT, {}) - (x * gradient).detach().numpy()).max() < 1e-9


def test_naive_lrp_of_relus_is_gradient_times_input_on_both_sides_of_a_t5():
    model, tokenizer = _with_relus(*tiny.t5_seq2seq())
    ids, prefix = tokenizer(TEXT)["input_ids"], [0, 17, 5]
    both = [word_embeddings(model, each).requires_grad_() for each in (ids, prefix)]
    logits = model(inputs_embeds=both[0][None], decoder_inputs_embeds=both[1][None]).logits
    gradients = torch.autograd.grad(logits[0, -1, 2], both)
    for found, x, gradient in zip(lrp_t5(model, ids, prefix, -1, 2, GRADIENT, {}), both, gradients, strict=True):
        assert np.abs(found - (x * gradient).detach().numpy()).max() < 1e-9


def test_naive_lrp_of_relus_is_gradient_times_pixel():
    model, _ = _with_relus(*tiny.vit_classifier())
    x = torch.randn(3, 12, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    (gradient,) = torch.autograd.grad(model(pixel_values=x[None]).logits[0, 2], x)
    assert np.abs(lrp_vit(model, x.detach().numpy(), 2, GRADIENT, {}) - (x * gradient).detach().numpy()).max() < 1e-9


def _with_relus(model, tokenizer):
    for module in model.modules():
        for name in ("act", "act_fn", "activation_fn"):
            if hasattr(module, name):
                setattr(module, name, torch.nn.ReLU())
    for name in ("hidden_act", "activation_function", "dense_act_fn"):
        for config in {id(part.config): part.config for part in model.modules() if hasattr(part, "config")}.values():
            if hasattr(config, name):
                setattr(config, name, "relu")
    return model, tokenizer


def _ids_of(maker):
    model, tokenizer = maker()
    return model, tokenizer(TEXT)["input_ids"]
