"""An edit of units is what the same edit of the weights would be, and nothing is left of it afterwards."""

import copy
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.pytorch_utils import Conv1D

import tiny
import whence
from tiny_architectures import CAUSAL, CLASSIFIERS, IMAGES, MIXTURES, SEQ2SEQ, tiny_model
from whence import Scale, Unit
from whence.errors import InputError
from whence.internals.intervene import Intervention, _hooked, _hooked_update
from whence.internals.taps import Reading, Site
from whence.methods.model_map import map_of
from whence.methods.probe import few_tokens

TEXT = "The film was good"


def run(model):
    with torch.no_grad():
        return model(**few_tokens(model)).logits


def columns(model, unit):
    """The weights that read one unit: columns of its projection, as a view."""
    projection = map_of(model).projection_of(unit)
    weight = projection.module.weight.data
    weight = weight.T if isinstance(projection.module, Conv1D) else weight
    width = 1 if unit.kind == "neuron" else projection.width // projection.parts
    return weight[:, unit.index * width : (unit.index + 1) * width]


def same(a, b):
    return torch.allclose(a, b, rtol=1e-9, atol=1e-12) if a.dtype == torch.float64 else torch.allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("kind", ["neuron", "head"])
@pytest.mark.parametrize("name", [*CAUSAL, *CLASSIFIERS, *SEQ2SEQ, *IMAGES])
def test_scaled_units_are_scaled_weights(name, kind):
    """On every architecture: which also says that the map found the unit's weights."""
    if name in MIXTURES and kind == "neuron":
        pytest.skip("has none")
    model = tiny_model(name)
    stack = "decoder" if name in SEQ2SEQ else ""
    for layer, factor in ((0, 0.0), (1, 0.1)):
        units = [Unit(kind, layer, index, stack) for index in ((1, 2) if kind == "head" else range(3, 13))]
        changed = copy.deepcopy(model)
        for unit in units:
            columns(changed, unit).mul_(factor)
        with Intervention(model, dict.fromkeys(units, Scale(factor))):
            assert same(run(model), run(changed))
        assert not same(run(model), run(changed))


@pytest.mark.parametrize("name", [*CAUSAL, *CLASSIFIERS, *SEQ2SEQ, *IMAGES])
def test_what_enters_a_layer_set_to_nothing_comes_out_of_it(name):
    model = tiny_model(name)
    stack = "decoder" if name in SEQ2SEQ else ""
    first, second = (b.module for b in map_of(model).blocks if b.stack == stack)
    states = []

    def keep(module, args, kwargs):
        states.append(args[0] if args else kwargs["hidden_states"])

    handles = [block.register_forward_pre_hook(keep, with_kwargs=True) for block in (first, second)]
    with Intervention(model, {Unit("layer", 0, None, stack): 0.0}):
        run(model)
    run(model)
    for handle in handles:
        handle.remove()
    assert same(states[0], states[1])
    assert not same(states[2], states[3])


def test_cross_attention_heads_are_edited():
    model = tiny_model("t5")
    unit = Unit("cross_head", 1, 2, "decoder")
    changed = copy.deepcopy(model)
    columns(changed, unit).zero_()
    with Intervention(model, {unit: 0.0}):
        assert same(run(model), run(changed))


@pytest.fixture
def llama():
    return whence.load(tiny.llama_lm(bias=True))


def logits(subject):
    batch = subject.collate([subject.encode(TEXT)])
    with torch.no_grad():
        return subject.logits(batch)


def test_a_number_sets_the_activation_at_every_token(llama):
    unit, value = Unit("neuron", 0, 7), 1.7
    changed = copy.deepcopy(llama.model)
    down = changed.model.layers[0].mlp.down_proj
    down.bias.data += value * down.weight.data[:, 7]
    down.weight.data[:, 7] = 0.0
    with whence.intervene(llama, {unit: value}):
        found = logits(llama)
    assert torch.allclose(found, logits(whence.load((changed, llama.tokenizer))), rtol=1e-12)


@pytest.mark.parametrize("edit", [0, Scale(0.0)])
def test_a_layer_set_to_nothing_is_skipped(llama, edit):
    changed = copy.deepcopy(llama.model)
    del changed.model.layers[0]
    changed.config.num_hidden_layers = 1
    with whence.intervene(llama, {"layer 0": edit}):
        assert torch.allclose(logits(llama), logits(whence.load((changed, llama.tokenizer))), rtol=1e-12)


def test_a_layer_is_scaled_by_what_it_adds(llama):
    kept = []
    hook = llama.model.model.layers[1].register_forward_hook(lambda m, args, out: kept.append((args[0], out)))
    logits(llama)
    with whence.intervene(llama, {"layer 1": Scale(0.25)}):
        norm = llama.model.model.norm.register_forward_pre_hook(lambda m, args: kept.append(args[0]))
        logits(llama)
    hook.remove()
    norm.remove()
    given, out = kept[0]
    assert torch.allclose(kept[-1], given + 0.25 * (out - given), rtol=1e-12)


@pytest.mark.parametrize(
    ("unit", "module"), [("residual 0", "layers.0"), ("residual 1", "layers.1"), ("residual 2", "norm")]
)
def test_a_residual_is_scaled_where_it_enters(llama, unit, module):
    seen = []
    place = llama.model.model.get_submodule(module)
    hook = place.register_forward_pre_hook(lambda m, args: seen.append(args[0]))
    logits(llama)
    hook.remove()
    with whence.intervene(llama, {unit: Scale(0.5)}):
        hook = place.register_forward_pre_hook(lambda m, args: seen.append(args[0]))
        logits(llama)
    hook.remove()
    assert torch.allclose(seen[1], 0.5 * seen[0], rtol=1e-12)


def test_several_units_of_several_kinds_at_once(llama):
    units = {(0, 3): 0, (0, 9): Scale(2.0), (1, 3): 0.5, "layer 1 head 2": 0}
    with whence.intervene(llama, units):
        together = logits(llama)
    one, two, three = {(1, 3): 0.5}, {"layer 1 head 2": 0}, {(0, 3): 0, (0, 9): Scale(2.0)}
    with whence.intervene(llama, one), whence.intervene(llama, two), whence.intervene(llama, three):
        nested = logits(llama)
    assert torch.equal(together, nested)


def test_nested_edits_of_one_unit_compose_from_the_outside_in(llama):
    with whence.intervene(llama, {(0, 3): Scale(-3.0)}):
        once = logits(llama)
    with whence.intervene(llama, {(0, 3): Scale(6.0)}), whence.intervene(llama, {(0, 3): Scale(-0.5)}):
        assert torch.allclose(logits(llama), once, rtol=1e-12)
    with whence.intervene(llama, {(0, 3): 4.0}), whence.intervene(llama, {(0, 3): Scale(0.5)}):
        halved = logits(llama)
    with whence.intervene(llama, {(0, 3): 2.0}):
        assert torch.allclose(logits(llama), halved, rtol=1e-12)


def test_all_that_runs_the_model_is_under_the_edit(llama):
    inputs = llama.tokenizer(TEXT, return_tensors="pt")
    plain = llama.model.generate(input_ids=inputs["input_ids"], max_new_tokens=4, do_sample=False)
    before = whence.explain(llama, TEXT, target=5)
    with whence.intervene(llama, {"layer 0": 0}):
        assert not torch.equal(
            llama.model.generate(input_ids=inputs["input_ids"], max_new_tokens=4, do_sample=False), plain
        )
        changed = whence.explain(llama, TEXT, target=5)
        assert changed.targets[0].value == pytest.approx(float(logits(llama)[0, 0, 5]), rel=1e-12)
        written = whence.explain(llama, TEXT, max_new_tokens=4)
        assert np.isclose(whence.latents(llama, TEXT, kind="layer", target=5).of("layer 0").scores, 0).all()
    assert changed.targets[0].value != before.targets[0].value
    assert changed.provenance["edits"] == ["layer 0 = 0"]
    assert written.provenance["edits"] == ["layer 0 = 0"]
    assert "edits" not in before.provenance
    assert whence.explain(llama, TEXT, target=5).scores.tolist() == before.scores.tolist()


def test_no_relevance_flows_through_a_unit_that_is_set_and_all_of_a_unit_that_is_scaled_does(llama):
    with whence.intervene(llama, {(1, 3): 0.7, (1, 4): Scale(3.0)}):
        found = whence.latents(llama, TEXT, method="input_x_gradient")
        activation = whence.maximizers(llama, (1, 3), [TEXT], k=1).entries[0]
    assert activation.value == 0.7
    assert (activation.attribution.scores == 0).all()
    assert np.abs(found.of((1, 4)).scores).max() > 0


class Steep(torch.nn.Module):
    """The number 0, whose gradient is infinite."""

    def forward(self, hidden):
        return (hidden - hidden.detach()).sqrt()


def test_what_is_set_sends_nothing_back_where_its_gradient_overflows():
    module, units = torch.nn.Identity(), (Unit("neuron", 0, 0), Unit("neuron", 0, 1), Unit("neuron", 0, 2))
    numbers = torch.tensor([0.0, 0.0, 3.0]), torch.tensor([0.0, 5.0, 0.0])
    _hooked(Reading(units, (Site(module, "out"),)), *numbers)
    leaf = torch.ones(1, 4, 3, requires_grad=True)
    found = module(leaf)
    found.backward(torch.tensor([torch.inf, torch.inf, 1.0]).expand(1, 4, 3))
    assert found[0].tolist() == [[0.0, 5.0, 3.0]] * 4
    assert leaf.grad[0].tolist() == [[0.0, 0.0, 3.0]] * 4


def test_a_layer_set_to_nothing_sends_back_only_what_passes_it_by():
    module = Steep()
    _hooked_update(Site(module, "out"), 0.0)
    leaf = torch.ones(1, 4, 3, requires_grad=True)
    module(leaf).sum().backward()
    assert (leaf.grad == 1).all()


def hooks(model):
    names = [name for name in vars(torch.nn.Module()) if name.endswith("hooks")]
    return {(path, name): len(getattr(m, name)) for path, m in model.named_modules() for name in names}


def test_nothing_is_left_also_after_an_exception(llama):
    before, numbers = hooks(llama.model), logits(llama)
    weights = copy.deepcopy(llama.model.state_dict())
    with (
        pytest.raises(RuntimeError, match="stop"),
        whence.intervene(llama, {(0, 3): 1.0, "layer 1": 0, "residual 0": 0}),
    ):
        raise RuntimeError("stop")
    assert hooks(llama.model) == before
    assert torch.equal(logits(llama), numbers)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in llama.model.state_dict().items())
    assert "edits" not in whence.explain(llama, TEXT).provenance


def test_no_other_model_is_edited_and_other_threads_of_this_one_are(llama):
    other = whence.load((copy.deepcopy(llama.model), llama.tokenizer))
    expected, found = logits(other), {}
    with whence.intervene(llama, {"layer 0": 0}):
        edited = logits(llama)
        threads = [threading.Thread(target=lambda s=s: found.update({s: logits(s)})) for s in (llama, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert torch.equal(found[other], expected)
    assert torch.equal(found[llama], edited)
    assert not torch.equal(edited, expected)


def test_an_intervention_can_be_opened_again_but_not_twice_at_once(llama):
    edit = whence.intervene(llama, {(0, 3): 0})
    with edit:
        once = logits(llama)
        with pytest.raises(InputError, match="open already"), edit:
            pass
        assert torch.equal(logits(llama), once)
    with edit:
        assert torch.equal(logits(llama), once)


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        ({}, "at least one unit"),
        ([((0, 3), 0)], "wants a dict"),
        ({"neuron 3": 0}, "names no unit.*layer 3 neuron 1021"),
        ({3: 0}, "is no unit"),
        ({(0, -1): 0}, "is no unit"),
        ({(0, 99): 0}, "no layer 0 neuron 99: .* 0 to 31"),
        ({(7, 0): 0}, "no layer 7 neuron 0: .* 0 to 1"),
        ({(0, 3): "off"}, "layer 0 neuron 3 wants a finite number"),
        ({(0, 3): float("nan")}, "wants a finite number"),
        ({(0, 3): True}, "wants a finite number"),
        ({"layer 0 head 1": 2.0}, "is a vector"),
        ({(0, 3): 1.0, "layer 0 neuron 3": 2.0}, "edited twice"),
    ],
)
def test_a_senseless_edit_is_refused_with_what_is_wanted(llama, edits, said):
    with pytest.raises(InputError, match=said):
        whence.intervene(llama, edits)


def test_a_senseless_scale_is_refused():
    with pytest.raises(InputError, match="finite number"):
        Scale(float("inf"))


@pytest.mark.parametrize("name", ["smollm2", Path("folder")])
def test_a_model_that_nobody_else_has_is_not_edited(name):
    with pytest.raises(InputError, match="Load it once"):
        whence.intervene(name, {"layer 1": 0})
