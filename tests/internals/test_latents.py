"""Relevance inside the model: laws of conservation, and equality with what is computed by hand."""

import copy
import threading

import numpy as np
import pytest
import torch

import tiny
import whence
from reference import messages as twin
from reference.forward import llama_forward
from reference.primitives import join_heads, split_heads, weights
from tiny_architectures import tiny_model
from whence.errors import InputError, UnsupportedError
from whence.internals.latents import _chosen
from whence.methods.model_map import map_of
from whence.targets import as_targets

TEXT = "Paris is in France."


@pytest.fixture(scope="module")
def llama():
    """Without biases, so that conserving rules lose nothing."""
    return whence.load(tiny.llama_lm())


@pytest.fixture(scope="module")
def subjects(llama):
    return {"llama": llama, "gpt2": whence.load(tiny.gpt2_lm()), "bert": whence.load(tiny.bert_classifier())}


def close(a, b):
    return np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6 * np.abs(b).max())


# ---------------------------------------------------------------------- conservation


def test_residuals_of_every_layer_add_up_to_the_value(llama):
    found = whence.latents(llama, TEXT, kind="residual", method="cp_lrp")
    assert [unit.name for unit in found.units] == ["residual 0", "residual 1", "residual 2"]
    close(found.total[0], np.full(3, found.targets[0].value))


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp", "input_x_gradient"])
def test_the_first_residual_is_the_relevance_of_the_input(llama, method):
    found = whence.latents(llama, TEXT, kind="residual", method=method, continuation=" Paris is")
    close(found.of("residual 0").scores, whence.explain(llama, TEXT, method=method, continuation=" Paris is").scores)


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp"])
def test_the_last_residual_is_at_the_predicting_token_alone(llama, method):
    last = whence.latents(llama, TEXT, kind="residual", method=method).of("residual 2").scores[0]
    assert (last[:-1] == 0).all()
    assert last[-1] != 0


def written_and_gradients(subject, method, modules, target):
    """Outputs of these modules and the gradient at them under the method's rules, by retain_grad."""
    kept = {}

    def keep(name):
        def hook(module, args, output):
            output = output[0] if isinstance(output, tuple) else output
            kept[name] = output.view_as(output)
            kept[name].retain_grad()
            return kept[name]

        return hook

    model = copy.deepcopy(subject.model)
    handles = [model.get_submodule(name).register_forward_hook(keep(name)) for name in modules]
    ids = torch.tensor(subject.encode(TEXT).ids)[None]
    embeds = model.get_input_embeddings()(ids).detach().requires_grad_()
    with whence.relevance.rules(method):
        logits = model(inputs_embeds=embeds).logits
    logits[0, -1, target].backward()
    for handle in handles:
        handle.remove()
    return embeds, {name: (kept[name].detach()[0].numpy(), kept[name].grad[0].numpy()) for name in modules}


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp"])
def test_neurons_add_up_to_what_the_mlp_writes(llama, method):
    found = whence.latents(llama, TEXT, kind="neuron", method=method, target=7)
    names = [f"model.layers.{i}.mlp" for i in range(2)]
    _, written = written_and_gradients(llama, method, names, 7)
    for layer, name in enumerate(names):
        output, gradient = written[name]
        mine = [i for i, unit in enumerate(found.units) if unit.layer == layer]
        close(found.scores[0][:, mine].sum(axis=-1), (output * gradient).sum(axis=-1))


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp"])
def test_heads_add_up_to_what_attention_writes(llama, method):
    found = whence.latents(llama, TEXT, kind="head", method=method, target=7)
    names = [f"model.layers.{i}.self_attn.o_proj" for i in range(2)]
    _, written = written_and_gradients(llama, method, names, 7)
    for layer, name in enumerate(names):
        output, gradient = written[name]
        assert [u.index for u in found.units if u.layer == layer] == [0, 1, 2, 3]
        close(found.scores[0][:, 4 * layer : 4 * layer + 4].sum(axis=-1), (output * gradient).sum(axis=-1))


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp"])
@pytest.mark.parametrize("case", ["llama", "gpt2", "bert"])
def test_a_residual_is_the_layer_before_it_and_the_part_that_passes_by(subjects, case, method):
    subject = subjects[case]
    stem = {"llama": "model.layers", "gpt2": "transformer.h", "bert": "bert.encoder.layer"}[case]
    target = subject.labels[1] if case == "bert" else 7
    layers = whence.latents(subject, TEXT, kind="layer", method=method, target=target)
    stream = whence.latents(subject, TEXT, kind="residual", method=method, target=target)
    passing = _passing(subject, stem, method, 1 if case == "bert" else 7)
    for layer in (0, 1):
        after = stream.of(f"residual {layer + 1}").scores[0]
        close(after, layers.of(f"layer {layer}").scores[0] + passing[layer])


def _passing(subject, stem, method, target):
    """x_in ⊙ the gradient at x_out, by token, for both layers."""
    model, states = copy.deepcopy(subject.model), []

    def keep(module, args, output):
        out = output[0] if isinstance(output, tuple) else output
        tap = out.view_as(out)
        tap.retain_grad()
        states.append((args[0].detach(), tap))
        return (tap, *output[1:]) if isinstance(output, tuple) else tap

    for layer in (0, 1):
        model.get_submodule(f"{stem}.{layer}").register_forward_hook(keep)
    batch = subject.collate([subject.encode(TEXT)])
    with whence.relevance.rules(method):
        logits = model(inputs_embeds=batch.embeds.clone().requires_grad_()).logits
    (logits[0, target] if logits.ndim == 2 else logits[0, -1, target]).backward()
    return [(given * out.grad).sum(dim=-1)[0].numpy() for given, out in states]


# ---------------------------------------------------------------------- by hand


def test_attnlrp_of_neurons_and_heads_equals_explicit_messages(llama):
    """Relevance carried by the rules' own messages, without gradients, through a Llama written out."""
    inputs, target = llama.encode(TEXT), 7
    model, absorbed = llama.model, {}
    trace = llama_forward(model, inputs.ids.tolist())
    r = np.zeros_like(trace["logits"])
    r[-1, target] = trace["logits"][-1, target]
    r = twin.linear_rule(trace["normed"], *weights(trace["head"]), r, absorbed)
    neurons, heads, residuals = [], [], [r.sum(axis=1)]
    for t, block in reversed(list(zip(trace["layers"], model.model.layers, strict=True))):
        r_middle, r_mlp = twin.add_rule(t["middle"], t["mlp"], r)
        r_product = twin.linear_rule(t["product"], *weights(block.mlp.down_proj), r_mlp, absorbed)
        neurons.insert(0, r_product)
        for weight in (block.mlp.gate_proj, block.mlp.up_proj):
            r_middle = r_middle + twin.linear_rule(t["norm2"], *weights(weight), r_product / 2, absorbed)
        r_x, r_attended = twin.add_rule(t["x"], t["attended"], r_middle)
        r_mixed = twin.linear_rule(t["mixed"], *weights(block.self_attn.o_proj), r_attended, absorbed)
        heads.insert(0, split_heads(r_mixed, 4).sum(axis=-1).T)
        if len(neurons) == 1:
            r = _through_attention(t, block, r_x, r_mixed, absorbed)
            residuals.insert(0, r.sum(axis=1))
    found = {kind: whence.latents(llama, TEXT, kind=kind, target=target) for kind in ("neuron", "head", "residual")}
    close(found["neuron"].scores[0], np.concatenate(neurons, axis=1))
    close(found["head"].scores[0], np.concatenate(heads, axis=1))
    close(found["residual"].scores[0][:, 1:], np.stack(residuals, axis=1))


def _through_attention(t, block, r_x, r_mixed, absorbed):
    attention = block.self_attn
    r_q, r_k, r_v = twin.attention_rule(t, split_heads(r_mixed, len(t["q"])), twin.RULES["attnlrp"], absorbed)
    r_q = join_heads(twin.rotation_rule(t["q_straight"], t["q"], t["cos"], t["sin"], r_q))
    r_k = join_heads(twin.rotation_rule(t["k_straight"], t["k"], t["cos"], t["sin"], r_k))
    for module, r in ((attention.q_proj, r_q), (attention.k_proj, r_k), (attention.v_proj, join_heads(r_v))):
        r_x = r_x + twin.linear_rule(t["norm1"], *weights(module), r, absorbed)
    return r_x


def test_input_x_gradient_of_neurons_is_that_of_a_model_with_retained_gradients(llama):
    model, kept = copy.deepcopy(llama.model), []

    def keep(module, args):
        args[0].retain_grad()
        kept.append(args[0])

    for block in model.model.layers:
        block.mlp.down_proj.register_forward_pre_hook(keep)
    ids = torch.tensor(llama.encode(TEXT).ids)[None]
    model(inputs_embeds=model.get_input_embeddings()(ids)).logits[0, -1, 7].backward()
    found = whence.latents(llama, TEXT, method="input_x_gradient", target=7)
    close(found.scores[0], torch.cat([(h * h.grad)[0] for h in kept], dim=-1).detach().numpy())
    assert found.targets[0].baseline_value is None


# ---------------------------------------------------------------------- rows, layers, batches


def test_rows_of_a_continuation_equal_single_targets(llama):
    many = whence.latents(llama, TEXT, continuation=" London is", kind="neuron")
    ids = [int(slot.actual) for slot in llama.encode(TEXT, continuation=" London is").slots]
    assert len(many.targets) == len(ids) > 2
    one = whence.latents(llama, TEXT, target=ids[0])
    close(many.scores[0, : len(one.tokens)], one.scores[0])
    assert (many.scores[0, len(one.tokens) :] == 0).all()
    assert [t.label for t in many.targets] == [llama.output_label(i) for i in ids]


def test_rows_one_at_a_time_equal_rows_at_once(llama, monkeypatch):
    from whence.methods import rows

    at_once = whence.latents(llama, TEXT, target=[3, 4, 5], kind="head")
    monkeypatch.setattr(rows, "_TOKENS_AT_ONCE", 1)
    close(whence.latents(llama, TEXT, target=[3, 4, 5], kind="head").scores, at_once.scores)


@pytest.mark.parametrize("kind", ["neuron", "head", "layer"])
def test_chosen_layers_are_those_of_all(llama, kind):
    every = whence.latents(llama, TEXT, kind=kind)
    last = whence.latents(llama, TEXT, kind=kind, layers=[1])
    chosen = [i for i, unit in enumerate(every.units) if unit.layer == 1]
    assert last.units == tuple(every.units[i] for i in chosen)
    close(last.scores, every.scores[:, :, chosen])


@pytest.mark.parametrize("case", ["llama", "gpt2", "bert"])
@pytest.mark.parametrize("kind", ["neuron", "head", "layer", "residual"])
def test_a_batch_of_different_lengths_gives_what_each_gives_alone(subjects, case, kind):
    from whence.internals.measure import relevance_of_units
    from whence.internals.taps import readings
    from whence.relevance.attnlrp import AttnLRP

    subject, texts = subjects[case], [TEXT, "The film was good and I liked it.", "Good"]
    found = map_of(subject.model)
    items = [subject.encode(text) for text in texts]
    with subject.session():
        together = relevance_of_units(subject, items, as_targets(None), readings(found, kind, found.blocks), AttnLRP())
    for text, measured in zip(texts, together, strict=True):
        close(measured.scores, whence.latents(subject, text, kind=kind).scores)


def test_long_inputs_are_computed_again_instead_of_kept_with_the_same_result(llama, monkeypatch):
    from whence.internals import measure

    kept = whence.latents(llama, TEXT, kind="neuron")
    monkeypatch.setattr(measure, "LONG", 1)
    again = whence.latents(llama, TEXT, kind="neuron")
    close(again.scores, kept.scores)
    with whence.intervene(llama, {(0, 3): whence.Scale(2.0)}):
        edited = whence.latents(llama, TEXT, kind="neuron").scores
        monkeypatch.setattr(measure, "LONG", 1024)
        close(edited, whence.latents(llama, TEXT, kind="neuron").scores)


def test_flattened_hidden_states_are_told_apart_by_token():
    """OPT runs its MLP on tokens of all items in one row."""
    model = tiny_model("opt")
    from whence.internals.taps import Taps, readings

    found = map_of(model)
    places = readings(found, "neuron", found.blocks)
    ids = torch.tensor([[3, 4, 5], [6, 7, 8]])
    embeds = model.get_input_embeddings()(ids).detach().requires_grad_()
    with Taps([site for place in places for site in place.sites]) as taps:
        model(inputs_embeds=embeds)
    (taken,) = taps.taken(places[0], 2)
    with Taps(places[0].sites) as alone:
        model(inputs_embeds=embeds[1:])
    assert taken.shape == (2, 3, 24)
    assert torch.allclose(taken[1], alone.taken(places[0], 1)[0][0])


# ---------------------------------------------------------------------- surroundings


def test_the_methods_own_settings_are_followed(llama):
    method = whence.methods.AttnLRP(gamma=0.25)
    found = whence.latents(llama, TEXT, kind="residual", method=method)
    close(found.of("residual 0").scores, whence.explain(llama, TEXT, method=method).scores)
    assert found.params == method.params


def test_an_operation_without_a_rule_is_told_of(llama):
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, gradient):
            return 2 * gradient

    def target(logits):
        return Doubled.apply(logits)[0]

    with pytest.warns(whence.WhenceWarning, match="Doubled"):
        whence.latents(llama, TEXT, target=target)
    with pytest.raises(UnsupportedError, match="Doubled"):
        whence.latents(llama, TEXT, target=target, method=whence.methods.AttnLRP(strict=True))


def test_a_tap_is_the_way_through_its_module_alone():
    from whence.internals.taps import Reading, Site, Taps
    from whence.records import Unit

    class Twice(torch.nn.Module):
        def forward(self, x):
            return 2 * x

    module, x = Twice(), torch.ones(1, 1, 3, requires_grad=True)
    for side, way in (("in", 2.0), ("out", 1.0)):
        place = Reading((Unit("residual", 0),), (Site(module, side),))
        with Taps(place.sites) as taps:
            y = x * 1.0
            total = (module(y) + 5 * y).sum()
        (gradient,) = torch.autograd.grad(total, taps.tensors(place))
        assert (gradient == way).all()


def test_a_module_that_runs_twice_cannot_be_read():
    from whence.internals.taps import Reading, Site, Taps
    from whence.records import Unit

    module = torch.nn.Linear(3, 3)
    place = Reading((Unit("residual", 0),), (Site(module, "in"),))
    with Taps(place.sites) as taps:
        module(module(torch.ones(1, 1, 3)))
    with pytest.raises(UnsupportedError, match="Linear, where residual 0 is read, ran 2 times"):
        taps.tensors(place)


def test_it_is_told_how_it_was_made(llama):
    found = whence.latents(llama, TEXT, continuation=" Paris is", kind="layer", method="cp_lrp")
    assert found.method == "cp_lrp"
    assert found.provenance["forwards"] == 1
    assert found.provenance["backwards"] == len(found.targets)
    assert found.provenance["target"] == "continuation"
    assert found.provenance["text"] == TEXT + " Paris is"
    assert found.provenance["weights"] == whence.explain(llama, TEXT).provenance["weights"]
    assert found.unit == "logit"
    assert {t.baseline_value for t in found.targets} == {0.0}


@pytest.mark.parametrize("method", ["leave_one_out", "attention_rollout", "integrated_gradients"])
def test_a_method_that_is_no_one_gradient_is_refused(llama, method):
    with pytest.raises(UnsupportedError, match=rf"{method} gives no relevance .*attnlrp.*input_x_gradient"):
        whence.latents(llama, TEXT, method=method)


def test_bad_questions_are_refused(llama):
    with pytest.raises(InputError, match=r"Unknown kind 'neurons'.*neuron, head"):
        whence.latents(llama, TEXT, kind="neurons")
    with pytest.raises(InputError, match="one input at a time"):
        whence.latents(llama, [TEXT])
    with pytest.raises(InputError, match=r"no layer 5: .* 0 to 1"):
        whence.latents(llama, TEXT, layers=[0, 5])
    with pytest.raises(InputError, match="layers= is empty"):
        whence.latents(llama, TEXT, layers=[])
    with pytest.raises(InputError, match="no layer True"):
        whence.latents(llama, TEXT, layers=[True])


@pytest.mark.parametrize("layers", [1, "1", 1.0])
def test_layers_are_a_list_of_numbers(llama, layers):
    with pytest.raises(InputError, match=rf"wants a list of layer numbers, got {layers!r}\. Write layers=\[3\]"):
        _chosen(map_of(llama.model), layers)


def hooks(model):
    names = [name for name in vars(torch.nn.Module()) if name.endswith("hooks")]
    return {(path, name): len(getattr(m, name)) for path, m in model.named_modules() for name in names}


@pytest.mark.parametrize("kind", ["neuron", "head", "layer", "residual"])
def test_the_model_is_untouched_also_after_an_exception(kind):
    subject = whence.load(tiny.gpt2_lm())
    subject.model.train()
    before = hooks(subject.model), [p.requires_grad for p in subject.model.parameters()]

    def fails(logits):
        raise RuntimeError("stop")

    whence.latents(subject, TEXT, kind=kind)
    with pytest.raises(whence.TargetError, match="stop"):
        whence.latents(subject, TEXT, kind=kind, target=fails)
    assert (hooks(subject.model), [p.requires_grad for p in subject.model.parameters()]) == before
    assert all(module.training for module in subject.model.modules())


def test_another_thread_that_runs_the_model_meanwhile_changes_nothing(llama):
    expected, done = whence.latents(llama, TEXT).scores, threading.Event()

    def run_on():
        while not done.is_set():
            with torch.no_grad():
                llama.model(input_ids=torch.tensor([[5, 6, 7]]))

    thread = threading.Thread(target=run_on)
    thread.start()
    try:
        for _ in range(5):
            assert np.array_equal(whence.latents(llama, TEXT).scores, expected)
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("kind", ["neuron", "head", "layer", "residual"])
def test_other_precisions_are_near(llama, dtype, kind):
    subject = whence.load(tiny.llama_lm(dtype=dtype))
    exact = whence.latents(llama, TEXT, kind=kind, target=7, method="cp_lrp").scores
    found = whence.latents(subject, TEXT, kind=kind, target=7, method="cp_lrp").scores
    tolerance = 0.1 if dtype == torch.bfloat16 else 1e-4
    assert np.abs(found - exact).max() < tolerance * np.abs(exact).max()


def test_every_relevance_method_serves(llama):
    for key in whence.available("methods"):
        if whence.registry.resolve("methods", key).family == "relevance":
            found = whence.latents(llama, TEXT, kind="head", method=key)
            assert found.method == key
            assert np.abs(found.scores).max() > 0
