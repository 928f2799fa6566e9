"""Every method equals its slow literal twin, in float64, on every tiny model; and captum, where captum has it."""

import captum.attr
import numpy as np
import pytest
import torch

import tiny
import whence
from reference import atman as atman_twin
from reference import attention as attention_twin
from reference import context_cite, games, reagent, suppressed_attention, test_perturbation_equals_twins
from reference import gradient_shap as shap_twin
from reference import integrated_gradients as ig_twin
from reference import noise as noise_twin
from reference import saliency as saliency_twin
from reference import sequential_ig as sig_twin
from reference import sobol as sobol_twin
from reference import word_paths as word_twin
from reference.attention import attention_rollout, attention_weights, raw_attention
from reference.deeplift import deeplift
from reference.estimators import game_of, played
from reference.input_x_gradient import input_x_gradient, word_embeddings
from reference.leave_one_out import at, label, leave_one_out
from reference.lrp import lrp_bert, lrp_gpt2, lrp_llama
from reference.messages import RULES
from reference.value_zeroing import value_zeroing
from whence.gradients.quadrature import Quadrature, quadrature_points
from whence.methods.run import Run
from whence.registry import available, resolve
from whence.targets import Logit

TEXT = "Paris is in 😀 France.\nמה"
MAKERS = {
    "gpt2": tiny.gpt2_lm,
    "llama": tiny.llama_lm,
    "llama-bias": lambda **options: tiny.llama_lm(bias=True, **options),
    "bert": tiny.bert_classifier,
    "gpt2-classifier": tiny.gpt2_classifier,
    "llama-classifier": tiny.llama_classifier,
}
OUTPUT = 2
EXACT = 1e-9
WITH_EAGER = 1e-5
"""Llama's eager attention takes its softmax in float32, so only sdpa is float64 throughout."""


@pytest.fixture(params=MAKERS)
def name(request):
    return request.param


@pytest.fixture
def subject(name):
    return whence.load(MAKERS[name]())


@pytest.fixture
def inputs(subject):
    return subject.encode(TEXT)


def explained(method, subject, inputs):
    return method.explain(subject, [inputs], Logit(OUTPUT), Run())[0]


def scores(method, subject, inputs) -> np.ndarray:
    return explained(method, subject, inputs).scores[0]


def value(logits):
    """The logit of the output explained: of the last token, or of the classifier."""
    return logits[0, OUTPUT] if logits.ndim == 2 else logits[0, -1, OUTPUT]


def assert_twin(found, expected, tolerance=EXACT):
    assert np.abs(found - expected).max() <= tolerance * max(1.0, np.abs(expected).max())


def test_input_x_gradient(subject, inputs):
    assert_twin(
        scores(whence.methods.InputXGradient(), subject, inputs), input_x_gradient(subject.model, inputs.ids, value)
    )


@pytest.mark.parametrize("rule", Quadrature.__args__)
def test_integrated_gradients(subject, inputs, rule):
    steps = 5
    embeds = word_embeddings(subject.model, inputs.ids)
    nodes = getattr(ig_twin, rule)(steps - 1 if rule == "trapezoid" else steps)
    expected = ig_twin.integrated_gradients(subject.model, inputs.ids, value, torch.zeros_like(embeds), *nodes)
    found = scores(whence.methods.IntegratedGradients(steps=steps, quadrature=rule), subject, inputs)
    assert_twin(found, expected)


def test_deeplift(subject, inputs):
    tokens = {name: subject.replacement_id(name) for name in ("eos", "pad", "mask")}
    baselines = [name for name, token in tokens.items() if token is not None]
    assert baselines
    for baseline in baselines:
        expected = deeplift(subject.model, inputs.ids, [tokens[baseline]] * len(inputs), -1, OUTPUT)
        assert_twin(scores(whence.methods.DeepLift(baseline=baseline), subject, inputs), expected)


@pytest.mark.parametrize("form", ["norm", "signed", "absolute"])
def test_saliency(subject, inputs, form):
    found = scores(whence.methods.Saliency(form=form), subject, inputs)
    assert_twin(found, saliency_twin.saliency(subject.model, inputs.ids, value, form))


@pytest.mark.parametrize("inner", ["saliency", "input_x_gradient"])
def test_smoothgrad(subject, inputs, inner):
    draws = noise_twin.draws(subject.model, inputs.ids, value, 3, 0.2, 0, inner == "input_x_gradient")
    mean = noise_twin.smooth(draws)
    expected = saliency_twin.reduced(mean, "norm") if inner == "saliency" else mean.sum(axis=1)
    explanation = explained(whence.methods.SmoothGrad(method=inner, samples=3, noise=0.2), subject, inputs)
    assert_twin(explanation.scores[0], expected)
    if inner == "input_x_gradient":
        errors = draws.sum(axis=2).std(axis=0, ddof=1) / np.sqrt(3)
        assert_twin(explanation.standard_errors[0], errors)
    else:
        assert explanation.standard_errors is None


@pytest.mark.parametrize("inner", ["saliency", "input_x_gradient"])
def test_vargrad(subject, inputs, inner):
    draws = noise_twin.draws(subject.model, inputs.ids, value, 3, 0.2, 0, inner == "input_x_gradient")
    found = scores(whence.methods.VarGrad(method=inner, samples=3, noise=0.2), subject, inputs)
    assert_twin(found, noise_twin.variance(draws))


@pytest.mark.parametrize("inner", ["saliency", "input_x_gradient"])
def test_squaregrad(subject, inputs, inner):
    draws = noise_twin.draws(subject.model, inputs.ids, value, 3, 0.2, 0, inner == "input_x_gradient")
    found = scores(whence.methods.SquareGrad(method=inner, samples=3, noise=0.2), subject, inputs)
    assert_twin(found, noise_twin.square(draws))


def test_gradient_shap(subject, inputs):
    samples = shap_twin.samples_of(subject.model, inputs.ids, value, subject.plain_ids, 4, 0)
    found = explained(whence.methods.GradientSHAP(samples=4), subject, inputs)
    assert_twin(found.scores[0], samples.mean(axis=0))
    assert_twin(found.standard_errors[0], samples.std(axis=0, ddof=1) / 2)


def test_sequential_ig(subject, inputs):
    baseline = word_embeddings(subject.model, [token_to_start_from(subject)] * len(inputs))
    nodes = ig_twin.gauss_legendre(3)
    expected = sig_twin.sequential_ig(subject.model, inputs.ids, value, baseline, *nodes)
    found = explained(whence.methods.SequentialIG(steps=3), subject, inputs)
    assert_twin(found.scores[0], expected)
    for i, missing in enumerate(found.notes["token_residual"][0]):
        ids = torch.tensor(inputs.ids)[None]
        embeds = word_embeddings(subject.model, inputs.ids)
        embeds[i] = baseline[i]
        with torch.no_grad():
            before, after = subject.model(inputs_embeds=embeds[None]).logits, subject.model(input_ids=ids).logits
        change = value(after) - value(before)
        assert missing == pytest.approx(float(change) - expected[i], abs=1e-9)


@pytest.mark.parametrize("strategy", ["greedy", "maxcount"])
def test_discretized_ig(subject, inputs, strategy):
    assert_word_path_twin(whence.methods.DiscretizedIG, word_twin.dig_path, subject, inputs, strategy, upscale=1)


@pytest.mark.parametrize("strategy", ["greedy", "maxcount"])
def test_udig(subject, inputs, strategy):
    assert_word_path_twin(whence.methods.UDIG, word_twin.udig_path, subject, inputs, strategy, upscale=0)


def assert_word_path_twin(method, path_of, subject, inputs, strategy, upscale):
    start, steps, neighbours = token_to_start_from(subject), 3, 5

    def path(word):
        return path_of(subject.model, subject.plain_ids, word, start, steps, neighbours, strategy)

    expected = word_twin.word_path_ig(subject.model, inputs.ids, value, start, path, upscale)
    made = method(steps=steps, neighbours=neighbours, strategy=strategy, upscale=upscale)
    assert_twin(scores(made, subject, inputs), expected)


def token_to_start_from(subject) -> int:
    """The first of the mask, pad, unk and eos tokens that there is."""
    return next(i for i in map(subject.replacement_id, ("mask", "pad", "unk", "eos")) if i is not None)


@pytest.mark.parametrize("strategy", ["eos", "delete"])
def test_leave_one_out(subject, inputs, strategy):
    if subject.replacement_id(strategy) is None and strategy == "eos":
        strategy = "mask"
    read = at(inputs.slots[0].index, OUTPUT) if subject.task == "text-generation" else label(OUTPUT)
    expected = leave_one_out(subject.model, inputs.ids, read, subject.replacement_id(strategy))
    assert_twin(scores(whence.methods.LeaveOneOut(strategy=strategy), subject, inputs), expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("layer", [0, -1])
def test_raw_attention(name, attention, layer):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = raw_attention(attention_weights(subject.model, inputs.ids), layer, query)
    tolerance = WITH_EAGER if attention == "eager" else EXACT
    assert_twin(scores(whence.methods.RawAttention(layer=layer), subject, inputs), expected, tolerance)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_rollout(name, attention):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_rollout(attention_weights(subject.model, inputs.ids), query)
    tolerance = WITH_EAGER if attention == "eager" else EXACT
    assert_twin(scores(whence.methods.AttentionRollout(), subject, inputs), expected, tolerance)


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.9])
def test_attention_rollout_with_other_heads_and_without_the_lowest(subject, inputs, fusion, ratio):
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_twin.varied_rollout(attention_weights(subject.model, inputs.ids), query, fusion, ratio)
    method = whence.methods.AttentionRollout(head_fusion=fusion, discard_ratio=ratio)
    assert_twin(scores(method, subject, inputs), expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attention_flow(name, attention):
    """Equal to networkx but for capacities rounded to 1e-9."""
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode("Paris is in France")
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_twin.attention_flow(attention_weights(subject.model, inputs.ids), query)
    tolerance = WITH_EAGER if attention == "eager" else 1e-7
    assert_twin(scores(whence.methods.AttentionFlow(), subject, inputs), expected, tolerance)


def eager_pairs(name, inputs):
    """The weights that transformers' eager attention hands out, and their gradients."""
    model, _ = MAKERS[name](attn_implementation="eager")
    return attention_twin.weights_and_gradients(model, value, input_ids=torch.tensor(inputs.ids)[None])["attentions"]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("layer", [None, 0, -1])
def test_grad_x_attention(name, attention, layer):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    pairs = eager_pairs(name, inputs)
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_twin.grad_x_attention(pairs if layer is None else [pairs[layer]], query)
    assert_twin(scores(whence.methods.GradXAttention(layer=layer), subject, inputs), expected, in_float32(name))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_gae(name, attention):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    query = subject.query_position(inputs.slots[0], len(inputs))
    expected = attention_twin.gae(eager_pairs(name, inputs), query)
    assert_twin(scores(whence.methods.GAE(), subject, inputs), expected, in_float32(name))


def in_float32(name):
    """Gradients come from eager attention, which is float32 in Llama."""
    return WITH_EAGER if "llama" in name else EXACT


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_value_zeroing(name, attention):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode("Paris is in France")
    length = len(inputs)
    query = subject.query_position(inputs.slots[0], length)
    ids = torch.tensor(inputs.ids)[None]
    expected = value_zeroing(subject.model, query, length, {"": (0, length)}, input_ids=ids)
    assert_twin(scores(whence.methods.ValueZeroing(), subject, inputs), expected)


SEQ2SEQ = {"t5": tiny.t5_seq2seq, "bart": tiny.bart_seq2seq}


@pytest.fixture(params=[("t5", "sdpa"), ("t5", "eager"), ("bart", "sdpa"), ("bart", "eager")], ids="-".join)
def encoder_decoder(request):
    """A subject, an input with as many source as target tokens, its queries, and transformers' eager attention."""
    name, attention = request.param
    subject = whence.load(SEQ2SEQ[name](attn_implementation=attention))
    alone = subject.encode("Paris is")
    inputs = subject.encode("Paris is", continuation=list(range(5, 6 + 2 * alone.source - len(alone))))
    assert 2 * inputs.source == len(inputs)
    ids = torch.tensor(inputs.ids)[None]
    given = {"input_ids": ids[:, : inputs.source], "decoder_input_ids": ids[:, inputs.source :]}
    eager, _ = SEQ2SEQ[name](attn_implementation="eager")
    kinds = [
        attention_twin.weights_and_gradients(
            eager, lambda logits, row=slot.index - inputs.source: logits[0, row, OUTPUT], **given
        )
        for slot in inputs.slots
    ]
    return subject, inputs, given, kinds


def assert_rows(method, encoder_decoder, expected, tolerance=EXACT):
    """Every target's row at once, and in a batch with another input of other lengths."""
    subject, inputs, _, _ = encoder_decoder
    other = subject.encode("The film was a delight: warm", continuation=" London")
    for items in ([inputs], [inputs, other], [other, inputs]):
        found = method.explain(subject, items, lambda logits: logits[OUTPUT], Run())[items.index(inputs)]
        assert len(found.scores) == len(inputs.slots)
        for row, slot in zip(found.scores, inputs.slots, strict=True):
            row, twin = np.array(row), expected[slot.index - inputs.slots[0].index]
            row[slot.visible :] = 0
            assert_twin(row, twin, tolerance)


def test_an_encoder_decoders_attention(encoder_decoder):
    _, inputs, _, kinds = encoder_decoder
    layers = attention_twin.one_matrix_each(kinds[0])
    for layer in (0, -1, -2):
        expected = [raw_attention(layers, layer, slot.index) for slot in inputs.slots]
        assert_rows(whence.methods.RawAttention(layer=layer), encoder_decoder, expected)
    expected = [attention_rollout(layers, slot.index) for slot in inputs.slots]
    assert_rows(whence.methods.AttentionRollout(), encoder_decoder, expected)
    expected = [attention_twin.attention_flow(layers, slot.index) for slot in inputs.slots]
    assert_rows(whence.methods.AttentionFlow(), encoder_decoder, expected, 1e-7)


def test_an_encoder_decoders_gradient_x_attention(encoder_decoder):
    _, inputs, _, kinds = encoder_decoder
    expected = []
    for slot, pairs in zip(inputs.slots, kinds, strict=True):
        query = slot.index - inputs.source
        cross = attention_twin.grad_x_attention(pairs["cross_attentions"], query)
        own = attention_twin.grad_x_attention(pairs["decoder_attentions"], query)
        expected.append(np.concatenate([cross, own]) / 2)
    assert_rows(whence.methods.GradXAttention(), encoder_decoder, expected)


def test_an_encoder_decoders_gae(encoder_decoder):
    _, inputs, _, kinds = encoder_decoder
    expected = [
        attention_twin.gae_encoder_decoder(pairs, slot.index - inputs.source)
        for slot, pairs in zip(inputs.slots, kinds, strict=True)
    ]
    assert_rows(whence.methods.GAE(), encoder_decoder, expected)


def test_an_encoder_decoders_value_zeroing(encoder_decoder):
    subject, inputs, given, _ = encoder_decoder
    starts = {"source": (0, inputs.source), "target": (inputs.source, len(inputs))}
    expected = [value_zeroing(subject.model, slot.index, len(inputs), starts, **given) for slot in inputs.slots]
    assert_rows(whence.methods.ValueZeroing(), encoder_decoder, expected)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_attnlrp(name, attention):
    assert_lrp_twin("attnlrp", name, attention)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_cp_lrp(name, attention):
    assert_lrp_twin("cp_lrp", name, attention)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_ah_ln(name, attention):
    assert_lrp_twin("ah_ln", name, attention)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_lrp_epsilon(name, attention):
    assert_lrp_twin("lrp_epsilon", name, attention)


def assert_lrp_twin(key, name, attention):
    subject = whence.load(MAKERS[name](attn_implementation=attention))
    inputs = subject.encode(TEXT)
    walk = {"llama": lrp_llama, "gpt2": lrp_gpt2, "bert": lrp_bert}[subject.model.config.model_type]
    expected = walk(subject.model, inputs.ids, -1, OUTPUT, RULES[key], {}).sum(axis=1)
    tolerance = WITH_EAGER if attention == "eager" else 1e-8
    assert_twin(scores(resolve("methods", key)(), subject, inputs), expected, tolerance)


def test_sobol():
    """On the designs that the plan itself drew, A and each A_B^(i) taken apart again, and B put together from them."""
    features, rows = 4, [games.random_game(4, 1), games.random_game(4, 2)]
    values = [[v(mask) for v in rows] for mask in games.masks_of(features)]
    game = game_of(values[-1], features, units=("logit", "logit"))
    method = whence.methods.Sobol(samples=64 * (features + 1))
    found, asked = played(method, game, lambda mask, draw: values[sum(1 << i for i in np.flatnonzero(mask))])
    designs = np.stack([mask for mask, _ in asked]).reshape(64, features + 1, features)
    a = designs[:, 0]
    b = np.stack([designs[:, i + 1, i] for i in range(features)], axis=1)
    for design, crossed in zip(np.moveaxis(designs[:, 1:], 1, 0), sobol_twin.crossed(a, b), strict=True):
        assert np.array_equal(design, crossed)
    for row, v in enumerate(rows):
        np.testing.assert_allclose(found.scores[row], sobol_twin.total_order(v, a, b), atol=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.3, 0.0])
def test_context_cite(alpha):
    """The twin's weights on the masks that the plan drew; and the conditions of optimality, whatever solved it."""
    features, v = 5, games.random_game(5, 6)
    method = whence.methods.ContextCite(samples=40, alpha=alpha)
    found, asked = played(method, game_of([0.0, v(np.ones(5, bool))], features), lambda mask, draw: [0.0, v(mask)])
    masks = [mask for mask, _ in asked]
    assert len(masks) == 40
    expected, _ = context_cite.context_cite(masks, [v(mask) for mask in masks], 1, alpha)
    np.testing.assert_allclose(found.scores, [expected, expected], atol=1e-9)
    x, _, scale = context_cite.standardised(masks)
    slopes, y = found.scores[1] * scale, np.array([v(mask) for mask in masks])
    assert context_cite.lasso_violation(x, y, slopes, y.mean(), alpha) < 1e-9


@pytest.mark.parametrize("keeps", [2, 3, 6])
def test_reagent(keeps):
    """Each run by the twin, on the replacements that the method asked for, a row that stops and one that never does."""
    features, method = 6, whence.methods.ReAGent(runs=3, steps=4, keep=2)

    def chance(tokens):
        return 0.05 + 0.9 * np.random.default_rng([abs(int(token)) + (token < 0) * 1000 for token in tokens]).random()

    def holds(tokens):
        return sum(token >= 0 for token in tokens) >= keeps and chance(tokens) > 0.4

    def tokens_of(mask, draw):
        return [i if kept else -draw for i, kept in enumerate(mask)]

    def value(mask, draw):
        tokens = tokens_of(mask, draw)
        return [0.0, chance(tokens), float(holds(tokens)), 0.0, chance(tokens[::-1]), 0.0]

    whole = list(range(features))
    units = ("logit", "probability", "among the top") * 2
    game = game_of([0.0, chance(whole), 1.0, 0.0, chance(whole[::-1]), 0.0], features, 7, units)
    found, asked = played(method, game, value)
    tried = {draw: mask for mask, draw in asked if draw % 2}
    expected, stopped = [], 0
    for run in range(method.runs):
        numbers = [1 + 2 * (run * (method.steps + 1) + step) for step in range(method.steps)]
        start = np.random.default_rng([7, run]).random(features)
        draws = [(~tried[n], [-n] * features, [-(n + 3)] * features) for n in numbers]
        one, _, ended = reagent.run(chance, holds, whole, start, draws, 2)
        other, _, _ = reagent.run(lambda t: chance(t[::-1]), lambda t: False, whole, start, draws, 2)
        expected.append([one, one, one, other, other, other])
        stopped += ended
    np.testing.assert_allclose(found.scores, np.mean(expected, axis=0), atol=1e-12)
    assert found.resolved["stopped"] == stopped
    assert (stopped > 0) == (keeps == 2)


def test_random_scores_are_uniform_in_minus_one_to_one():
    subject = whence.FakeSubject({"a": 1.0})
    drawn = whence.explain(subject, "a " * 4000, method="random").scores[0]
    counts, _ = np.histogram(drawn, bins=10, range=(-1, 1))
    assert counts.sum() == 4000
    assert (np.abs(counts - 400) < 5 * np.sqrt(400)).all()


@pytest.mark.parametrize("shifted", [False, True])
def test_atman(name, shifted):
    subject = whence.load(MAKERS[name]())
    inputs = subject.encode(TEXT)
    literal = whence.load(MAKERS[name](attn_implementation=suppressed_attention.NAME))
    if shifted and subject.model.config.model_type != "bert":
        pytest.skip("the authors' minimum is over the keys that a causal mask hides too")
    ids = torch.tensor(inputs.ids)[None]
    values = []
    for suppressed in (None, *range(len(inputs))):
        factors = np.zeros(len(inputs)) if suppressed is None else atman_twin.factors(len(inputs), suppressed, 0.8)
        with torch.no_grad(), suppressed_attention.suppressing(factors, shifted):
            values.append(float(value(literal.model(input_ids=ids).logits)))
    method = whence.methods.AtMan(strategy=whence.Suppress(0.8, shifted=shifted))
    assert_twin(scores(method, subject, inputs), values[0] - np.array(values[1:]))


def test_every_method_has_a_twin_here():
    """Or among the games, where a method sees a model only through the values of masks."""
    both = [*globals(), *vars(test_perturbation_equals_twins)]
    tested = {name.removeprefix("test_") for name in both if name.startswith("test_")}
    assert {key for key in available("methods") if key != "random"} <= tested


CAPTUM_RULES = {
    "gauss_legendre": "gausslegendre",
    "midpoint": "riemann_middle",
    "left": "riemann_left",
    "right": "riemann_right",
}


@pytest.mark.parametrize("rule", CAPTUM_RULES)
def test_integrated_gradients_equal_captum(name, subject, inputs, rule):
    """Captum's Gauss–Legendre nodes carry float32 rounding, so that rule is compared at 1e-6, the others at 1e-9."""

    def forward(embeds):
        logits = subject.model(inputs_embeds=embeds).logits
        return logits[:, OUTPUT] if logits.ndim == 2 else logits[:, -1, OUTPUT]

    embeds = subject.embed(torch.tensor(inputs.ids)[None])
    captum_ig = captum.attr.IntegratedGradients(forward, multiply_by_inputs=True)
    batch = {"internal_batch_size": 1} if name == "gpt2-classifier" else {}
    expected = captum_ig.attribute(
        embeds, baselines=torch.zeros_like(embeds), n_steps=16, method=CAPTUM_RULES[rule], **batch
    )
    found = scores(whence.methods.IntegratedGradients(steps=16, quadrature=rule), subject, inputs)
    assert_twin(found, expected[0].sum(-1).detach().numpy(), 1e-6 if rule == "gauss_legendre" else EXACT)


def test_input_x_gradient_equals_captum(subject, inputs):
    def forward(embeds):
        logits = subject.model(inputs_embeds=embeds).logits
        return logits[:, OUTPUT] if logits.ndim == 2 else logits[:, -1, OUTPUT]

    embeds = subject.embed(torch.tensor(inputs.ids)[None]).requires_grad_()
    expected = captum.attr.InputXGradient(forward).attribute(embeds)[0].sum(-1).detach().numpy()
    assert_twin(scores(whence.methods.InputXGradient(), subject, inputs), expected)


@pytest.mark.parametrize("rule", Quadrature.__args__)
def test_quadrature_equals_its_twin(rule):
    points, weights = quadrature_points(rule, 6)
    expected = getattr(ig_twin, rule)(5 if rule == "trapezoid" else 6)
    np.testing.assert_allclose(points, expected[0], atol=1e-12)
    np.testing.assert_allclose(weights, expected[1], atol=1e-12)
