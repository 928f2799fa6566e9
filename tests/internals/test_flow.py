"""The flow of relevance: laws that tie nodes, edges and heads together, and to what is measured otherwise."""

import copy

import numpy as np
import pytest
import torch
from PIL import Image

import tiny
import whence
from tiny_architectures import tiny_model
from whence.errors import InputError, UnsupportedError
from whence.internals.flow import measured, moved, refuse_unlike
from whence.internals.measure import traced
from whence.internals.taps import readings
from whence.methods.model_map import map_of
from whence.registry import resolve
from whence.targets import as_targets

TEXT = "Paris is in France."
MAKERS = {"llama": tiny.llama_lm, "gpt2": tiny.gpt2_lm, "bert": tiny.bert_classifier, "mixtral": tiny.mixtral_lm}


@pytest.fixture(scope="module")
def subjects():
    return {
        (name, attention): whence.load(make(attention))
        for name, make in MAKERS.items()
        for attention in ("sdpa", "eager")
    }


@pytest.fixture(scope="module")
def llama(subjects):
    """Without biases, so that conserving rules lose nothing."""
    return subjects["llama", "sdpa"]


def close(a, b, precision=2e-6):
    return np.testing.assert_allclose(a, b, rtol=precision, atol=precision * np.abs(b).max())


# ---------------------------------------------------------------------- laws


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp", "input_x_gradient"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("case", ["llama", "gpt2", "bert", "mixtral"])
def test_a_heads_edges_add_up_to_its_relevance_at_every_query(subjects, case, attention, method):
    """In double precision, and head by head: the other heads' gradients are put to zero."""
    subject = subjects[case, attention]
    inputs = subject.encode(TEXT)
    found = map_of(subject.model)
    heads = readings(found, "head", found.blocks)
    with subject.session(), torch.enable_grad():
        places = [*readings(found, "residual", found.blocks), *heads]
        trace = traced(subject, [inputs], as_targets(None), places, resolve("methods", method)())
        _, _, gradients = measured(trace, 3)
        written = [numbers[-1][0].detach() for numbers in trace.taken[3:]]
        for head in range(4):
            alone = [gradient * (torch.arange(4) == head)[:, None] for gradient in gradients]
            edges = moved(subject, inputs, written, alone)[0]
            parts = [z.unflatten(-1, (4, -1))[:, head] for z in written]
            wanted = torch.stack([(z * g[0, :, head]).sum(-1) for z, g in zip(parts, gradients, strict=True)])
            assert wanted.dtype == torch.float64
            close(edges.sum(dim=-1).numpy(), wanted.numpy(), precision=1e-12)


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp", "ah_ln", "input_x_gradient"])
@pytest.mark.parametrize("case", ["llama", "gpt2", "bert"])
def test_nodes_and_heads_are_those_of_latents(subjects, case, method):
    subject = subjects[case, "sdpa"]
    found = whence.flow(subject, TEXT, method=method)
    stream = whence.latents(subject, TEXT, kind="residual", method=method)
    heads = whence.latents(subject, TEXT, kind="head", method=method)
    assert np.array_equal(found.nodes, stream.scores.swapaxes(1, 2))
    close(found.heads, heads.total.reshape(1, 2, 4))
    at_query = heads.scores.reshape(1, -1, 2, 4).sum(axis=-1).swapaxes(1, 2)
    close(found.edges.sum(axis=-1), found.by_values * at_query)


@pytest.mark.parametrize("method", ["cp_lrp", "attnlrp", "lrp_epsilon"])
def test_edges_to_a_token_add_up_to_the_relevance_of_its_values(llama, method):
    """The values' own gradient under the rules, of which flow() takes nothing."""
    found = whence.flow(llama, TEXT, method=method, target=7)
    model, kept = copy.deepcopy(llama.model), []

    def keep(module, args, output):
        kept.append(output.view_as(output))
        kept[-1].retain_grad()
        return kept[-1]

    for layer in model.model.layers:
        layer.self_attn.v_proj.register_forward_hook(keep)
    embeds = llama.collate([llama.encode(TEXT)]).embeds.clone().requires_grad_()
    with whence.relevance.rules(method):
        logits = model(inputs_embeds=embeds).logits
    logits[0, -1, 7].backward()
    values = np.stack([(v * v.grad).sum(dim=-1)[0].detach().numpy() for v in kept])
    close(found.edges[0].sum(axis=1), values)


def test_where_rules_conserve_nothing_is_lost_between_the_layers(llama):
    """What stands in front of a layer is what stood behind it, less what heads took, and what values brought."""
    found = whence.flow(llama, TEXT, method="cp_lrp")
    taken = whence.latents(llama, TEXT, kind="head", method="cp_lrp").scores.reshape(-1, 2, 4).sum(axis=-1).T
    close(found.nodes[0, :-1], found.nodes[0, 1:] - taken + found.edges[0].sum(axis=1))
    close(found.nodes[0].sum(axis=-1), np.full(3, found.targets[0].value))


def test_the_rest_and_what_comes_from_others_are_the_nodes(llama):
    found = whence.flow(llama, TEXT, continuation=" Paris is")
    others = found.edges * ~np.eye(len(found.tokens), dtype=bool)
    close(found.rest + others.sum(axis=2), found.nodes[:, :-1])
    assert len(found.targets) > 1


@pytest.mark.parametrize(("method", "share"), [("cp_lrp", 1.0), ("attnlrp", 0.5), ("input_x_gradient", 1.0)])
def test_the_share_of_values_is_that_of_the_rules(llama, method, share):
    assert whence.flow(llama, TEXT, method=method).by_values == share


def test_edges_go_only_where_attention_may_look(llama):
    edges = whence.flow(llama, TEXT).edges[0]
    assert (np.triu(np.abs(edges), k=1) == 0).all()
    assert (np.abs(edges[0, -1]) > 0).all()


def test_rows_are_what_each_would_be_alone(llama):
    both = whence.flow(llama, TEXT, target=[7, 9])
    for row, target in enumerate((7, 9)):
        alone = whence.flow(llama, TEXT, target=target)
        for name in ("nodes", "edges", "heads"):
            close(getattr(both, name)[row], getattr(alone, name)[0])


def test_an_images_own_states_come_in_front(subjects):
    subject = whence.load(tiny.vit_classifier())
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 12, 3), dtype=np.uint8))
    found = whence.flow(subject, picture, method="cp_lrp")
    assert [token.role for token in found.tokens[:2]] == ["model", "patch"]
    heads = whence.latents(subject, picture, kind="head", method="cp_lrp").scores.reshape(-1, 2, 4).sum(axis=-1).T
    close(found.edges[0].sum(axis=-1), heads)
    assert (found.nodes[0, -1, 1:] == 0).all()


@pytest.mark.parametrize(
    "name", ["bloom", "falcon", "gemma2", "gpt_neox", "gptj", "opt", "deberta-v2", "distilbert", "modernbert"]
)
def test_other_architectures_have_the_same_laws(name):
    """Queries, keys and values in one map or three, attention beside the MLP, shared keys, positions of every kind."""
    tokenizer = tiny.llama_tokenizer()
    subject = whence.load((tiny_model(name, vocab_size=len(tokenizer)), tokenizer))
    found = whence.flow(subject, TEXT, method="cp_lrp")
    heads = whence.latents(subject, TEXT, method="cp_lrp", kind="head")
    close(found.edges[0].sum(axis=-1), heads.scores[0].reshape(len(found.tokens), found.layers, -1).sum(axis=-1).T)


def test_half_precision_is_near(llama):
    exact = whence.flow(llama, TEXT, target=7, method="cp_lrp")
    found = whence.flow(whence.load(tiny.llama_lm(dtype=torch.bfloat16)), TEXT, target=7, method="cp_lrp")
    assert np.abs(found.edges - exact.edges).max() < 0.1 * np.abs(exact.edges).max()


# ---------------------------------------------------------------------- account and refusals


def test_it_is_told_how_it_was_made(llama):
    found = whence.flow(llama, TEXT, method="cp_lrp")
    assert (found.method, found.unit, found.layers) == ("cp_lrp", "logit", 2)
    assert (found.provenance["forwards"], found.provenance["backwards"]) == (2, 1)
    assert found.provenance["target"] == "predicted"
    assert found.tokens == llama.encode(TEXT).tokens


def test_what_has_no_such_flow_is_refused_with_what_serves(llama):
    with pytest.raises(UnsupportedError, match=r"one stack of layers; .* encoder and decoder.*latents\(kind='residual"):
        whence.flow(whence.load(tiny.t5_seq2seq()), TEXT)
    with pytest.raises(UnsupportedError, match="leave_one_out gives no relevance"):
        whence.flow(llama, TEXT, method="leave_one_out")
    with pytest.raises(InputError, match="one input at a time"):
        whence.flow(llama, [TEXT])


def test_layers_without_attention_are_refused_by_number():
    with pytest.raises(UnsupportedError, match=r"layer 0.* has no heads to be told apart"):
        refuse_unlike(map_of(tiny_model("nemotron_h")))


def test_heads_that_write_something_else_than_weights_times_values_are_refused(llama):
    model = copy.deepcopy(llama.model)
    gate = torch.nn.Sigmoid()
    model.model.layers[1].self_attn.o_proj.register_forward_pre_hook(lambda module, args: (gate(args[0]) * args[0],))
    subject = whence.load((model, llama.tokenizer))
    with pytest.raises(UnsupportedError, match=r"heads of layer 1 .* is not their weights times"):
        whence.flow(subject, TEXT)


def test_the_model_is_untouched(llama):
    before = {name: value.clone() for name, value in llama.model.state_dict().items()}
    whence.flow(llama, TEXT)
    names = [name for name in vars(torch.nn.Module()) if name.endswith("hooks")]
    assert not any(len(getattr(m, name)) for m in llama.model.modules() for name in names)
    assert all(torch.equal(value, before[name]) for name, value in llama.model.state_dict().items())
