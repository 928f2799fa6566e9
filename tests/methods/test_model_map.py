"""The map says where neurons and heads are, on any architecture, and what is not there."""

import pytest
import torch

import whence
from tiny_architectures import CAUSAL, CLASSIFIERS, IMAGES, tiny_model
from whence.errors import InputError, UnsupportedError
from whence.internals.taps import readings
from whence.methods.model_map import _stack_names, map_of
from whence.records import Unit

PLACES = {
    "llama": ("self_attn.o_proj", "mlp.down_proj"),
    "gpt2": ("attn.c_proj", "mlp.c_proj"),
    "gpt_neox": ("attention.dense", "mlp.dense_4h_to_h"),
    "opt": ("self_attn.out_proj", "fc2"),
    "bloom": ("self_attention.dense", "mlp.dense_4h_to_h"),
    "falcon": ("self_attention.dense", "mlp.dense_4h_to_h"),
    "phi": ("self_attn.dense", "mlp.fc2"),
    "gptj": ("attn.out_proj", "mlp.fc_out"),
    "gemma2": ("self_attn.o_proj", "mlp.down_proj"),
    "gemma3_text": ("self_attn.o_proj", "mlp.down_proj"),
    "qwen3": ("self_attn.o_proj", "mlp.down_proj"),
    "mixtral": ("self_attn.o_proj", None),
    "bert": ("attention.output.dense", "output.dense"),
    "distilbert": ("attention.out_lin", "ffn.lin2"),
    "modernbert": ("attn.Wo", "mlp.Wo"),
    "roberta": ("attention.output.dense", "output.dense"),
    "deberta-v2": ("attention.output.dense", "output.dense"),
    "vit": ("attention.o_proj", "mlp.fc2"),
    "dinov2": ("attention.o_proj", "mlp.fc2"),
}
"""Architecture -> where, by its own source, attention's output projection and the MLP's down projection are."""


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", [*CAUSAL, *CLASSIFIERS, *IMAGES])
def test_each_block_has_its_projections(name):
    heads, neurons = PLACES[name]
    blocks = map_of(tiny_model(name)).blocks
    assert [(block.stack, block.layer) for block in blocks] == [("", 0), ("", 1)]
    for block in blocks:
        assert block.projections["head"].name == heads
        assert block.projections["head"].parts == 4
        found = block.projections.get("neuron")
        assert (found and found.name) == neurons
        assert found is None or found.module is block.module.get_submodule(neurons)
        assert "cross_head" in block.lacks


@pytest.mark.parametrize(
    ("name", "own", "cross", "last"),
    [
        ("t5", "layer.0.SelfAttention.o", "layer.1.EncDecAttention.o", "layer.{}.DenseReluDense.wo"),
        ("bart", "self_attn.out_proj", "encoder_attn.out_proj", "fc2"),
    ],
)
def test_an_encoder_decoder_has_two_stacks_and_cross_attention(name, own, cross, last):
    blocks = map_of(tiny_model(name)).blocks
    assert [(b.stack, b.layer) for b in blocks] == [("encoder", 0), ("encoder", 1), ("decoder", 0), ("decoder", 1)]
    for block in blocks:
        assert block.projections["head"].name == own
        assert block.projections["neuron"].name == last.format(1 if block.stack == "encoder" else 2)
        assert ("cross_head" in block.projections) == (block.stack == "decoder")
    assert blocks[-1].projections["cross_head"].name == cross


@pytest.mark.parametrize("name", ["llama", "gpt2", "opt", "t5"])
def test_units_are_numbered_as_they_run(name):
    found = map_of(tiny_model(name))
    units = [unit for place in readings(found, "neuron", found.blocks) for unit in place.units]
    assert len(units) == len(set(units)) == 24 * len(found.blocks)
    assert [u for u in units if u.stack == units[0].stack] == [
        Unit("neuron", layer, index, units[0].stack) for layer in range(2) for index in range(24)
    ]
    residuals = [place.units[0] for place in readings(found, "residual", found.blocks)]
    stacks = dict.fromkeys(block.stack for block in found.blocks)
    assert residuals == [Unit("residual", layer, None, stack) for stack in stacks for layer in range(3)]


def test_heads_are_counted_where_their_width_is_not_the_hidden_size_over_their_number():
    projection = map_of(tiny_model("qwen3")).blocks[0].projections["head"]
    assert (projection.width, projection.parts) == (32, 4)


def test_a_mixture_says_why_it_has_no_neurons_and_what_it_has():
    found = map_of(tiny_model("mixtral"))
    with pytest.raises(UnsupportedError, match=r"layer 0, 1: .*mixture of experts.*'head', 'layer', 'residual'"):
        readings(found, "neuron", found.blocks)
    assert len(readings(found, "head", found.blocks)) == 2


def test_a_model_of_other_layers_is_refused_with_what_was_looked_for():
    from transformers import AlbertConfig, AlbertForSequenceClassification

    config = AlbertConfig(
        vocab_size=40,
        hidden_size=16,
        embedding_size=8,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=24,
    )
    with pytest.raises(UnsupportedError, match="several times in one pass, with shared weights"):
        map_of(AlbertForSequenceClassification(config))
    with pytest.raises(UnsupportedError, match="no transformers model"):
        map_of(whence.FakeSubject({"good": 1.0}).model)
    broken = tiny_model("llama")
    broken.model.norm = torch.nn.Linear(3, 3)
    with pytest.raises(UnsupportedError, match=r"could not be run on a few tokens.*RuntimeError"):
        map_of(broken)


def test_the_map_follows_a_change_of_modules():
    model = tiny_model("llama")
    before = map_of(model)
    assert map_of(model) is before
    model.model.layers = model.model.layers[:1]
    model.config.num_hidden_layers = 1
    assert len(map_of(model).blocks) == 1


def test_looking_leaves_the_model_as_it_was():
    model = tiny_model("gpt2").train()
    parameter = next(model.parameters())
    parameter.requires_grad_(False)
    hooks = [name for name in vars(torch.nn.Module()) if name.endswith("hooks")]
    map_of(model)
    assert all(module.training for module in model.modules())
    assert not parameter.requires_grad
    assert sum(p.requires_grad for p in model.parameters()) == len(list(model.parameters())) - 1
    assert not any(getattr(module, name) for module in model.modules() for name in hooks)


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        (Unit("neuron", 2, 0), r"no layer 2 neuron 0: .* layers 0 to 1"),
        (Unit("neuron", 1, 24), r"no layer 1 neuron 24: .* 0 to 23"),
        (Unit("head", 0, 4), r"no layer 0 head 4: .* 0 to 3"),
        (Unit("residual", 3), r"no residual 3: .* layers 0 to 2"),
        (Unit("neuron", 0, 0, "decoder"), r"has the stacks ''"),
    ],
)
def test_a_unit_that_is_not_there_is_refused_with_what_is(unit, said):
    found = map_of(tiny_model("llama"))
    with pytest.raises(InputError, match=said):
        found.projection_of(unit) if unit.kind != "residual" else found.block_of(unit)


@pytest.mark.parametrize(
    ("paths", "stacks"),
    [
        (["bert.encoder.layer"], [""]),
        (["model.encoder.layers", "model.decoder.layers"], ["encoder", "decoder"]),
        (["encoder.bert.encoder.layer", "decoder.bert.encoder.layer"], ["encoder", "decoder"]),
        (["text_decoder.layers", "text_encoder.layers"], ["decoder", "encoder"]),
        (["swin.layers.0.blocks", "swin.layers.1.blocks"], ["swin.layers.0.blocks", "swin.layers.1.blocks"]),
        (["first.encoder.layer", "encoder.layer"], ["first.encoder.layer", "encoder.layer"]),
    ],
)
def test_stacks_are_named_by_side_where_the_paths_tell(paths, stacks):
    assert list(_stack_names(paths).values()) == stacks


@pytest.mark.parametrize(
    ("name", "down", "attends"),
    [("rwkv", "feed_forward.value", None), ("nemotron_h", "mixer.down_proj", "mixer.o_proj"), ("jetmoe", None, None)],
)
def test_blocks_of_other_builds_are_not_taken_for_what_they_are_not(name, down, attends):
    """A receptance gate is called last; a mixer may be attention, state-space or MLP; experts may attend."""
    blocks = map_of(tiny_model(name)).blocks
    found = {kind: {b.projections[kind].name for b in blocks if kind in b.projections} for kind in ("neuron", "head")}
    assert found == {"neuron": {down} - {None}, "head": {attends} - {None}}


def test_cross_attention_is_asked_for_where_there_is_none():
    with pytest.raises(UnsupportedError, match="no cross-attention"):
        map_of(tiny_model("llama")).projection_of(Unit("cross_head", 0, 0))
