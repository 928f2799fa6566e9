"""The mode: what it leaves behind (nothing), what it may be given, and what it must refuse."""

import threading

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

import whence
from whence.relevance import RuleMode, RuleSet, attribute, operation_rules, rules
from whence.relevance.operations import OPERATIONS


def gated(x):
    return F.silu(x[..., :3]) * x[..., 3:]


def draw(dtype=torch.float64):
    return torch.linspace(-2, 2.5, 6, dtype=dtype).requires_grad_()


def gradient(function, x):
    return torch.autograd.grad(function(x).sum(), x)[0]


def test_rules_are_at_work_inside_only():
    x = draw()
    plain = gradient(gated, x)
    with rules("attnlrp"):
        ruled = gradient(gated, x)
    assert not torch.allclose(ruled, plain)
    assert torch.equal(gradient(gated, x), plain)


def test_nothing_stays_patched_after_an_exception():
    x, functions = draw(), {f: getattr(F, f) for f in dir(F)} | {f: getattr(torch.Tensor, f) for f in dir(torch.Tensor)}
    plain = gradient(gated, x)
    with pytest.raises(ZeroDivisionError), rules("attnlrp"):
        gated(x) / (1 // 0)
    assert torch.equal(gradient(gated, x), plain)
    assert functions == {f: getattr(F, f) for f in dir(F)} | {f: getattr(torch.Tensor, f) for f in dir(torch.Tensor)}
    assert not torch.overrides._get_current_function_mode_stack()


def test_an_operation_that_fails_inside_fails_as_without():
    x = draw()
    with pytest.raises(RuntimeError, match="size of tensor"), rules("attnlrp"):
        x[:2] * x[:3]
    assert not torch.overrides._get_current_function_mode_stack()


def test_other_threads_are_not_ruled():
    x = draw()
    plain, found = gradient(gated, x), []
    thread = threading.Thread(target=lambda: found.append(gradient(gated, x.detach().requires_grad_())))
    with rules("attnlrp"):
        thread.start()
        thread.join()
    assert torch.equal(found[0], plain)


def test_no_gradient_no_change():
    x = draw().detach()
    with rules("attnlrp"):
        assert torch.equal(gated(x), x[:3] * torch.sigmoid(x[:3]) * x[3:])


def test_the_backward_pass_may_run_outside():
    x = draw()
    with rules("attnlrp"):
        y = gated(x).sum()
        inside = torch.autograd.grad(y, x, retain_graph=True)[0]
    assert torch.equal(torch.autograd.grad(y, x)[0], inside)


def test_of_nested_modes_the_inner_one_rules():
    x = draw()
    with rules("attnlrp"):
        once = gradient(gated, x)
        with rules("attnlrp"):
            twice = gradient(gated, x)
        again = gradient(gated, x)
    assert torch.equal(again, once)
    torch.testing.assert_close(twice, once)


def test_a_mode_may_be_opened_again():
    x, mode = draw(), rules("attnlrp")
    with mode:
        first = gradient(gated, x)
    with mode:
        assert torch.equal(gradient(gated, x), first)


def test_a_rule_set_of_ones_own():
    seen = []

    def stops(call):
        seen.append(call.function)
        return call.run().detach()

    x = draw()
    with rules(RuleSet("mine", {"activation": stops, "product": operation_rules.gradient})) as mode:
        y = gated(x)
    assert isinstance(mode, RuleMode)
    assert seen == [F.silu]
    assert torch.autograd.grad(y.sum(), x)[0][:3].tolist() == [0, 0, 0]


def test_an_operation_without_rule_keeps_its_gradient_and_is_warned_of():
    x = draw()
    with rules(RuleSet("none", {})), pytest.warns(whence.WhenceWarning, match="has no rule in 'none'") as told:
        found = gradient(gated, x)
    assert torch.equal(found, gradient(gated, x))
    assert sorted(str(w.message).split()[0] for w in told) == ["torch.mul", "torch.nn.functional.silu"]


def test_a_rule_for_no_operation_is_refused():
    with pytest.raises(whence.WhenceError, match="activations"):
        rules(RuleSet("mine", {"activations": lambda call: call.run()}))


def test_an_unknown_rule_set_is_refused_with_the_nearest():
    with pytest.raises(whence.WhenceError, match=r"Unknown rule 'atnlrp'. Did you mean 'attnlrp'"):
        rules("atnlrp")


def test_registered_rule_sets_rule_operations_that_there_are():
    for name in whence.available("rules"):
        assert set(rules(name).rule_set.table) <= set(OPERATIONS.values())


def test_attribute_wants_inputs_that_take_a_gradient():
    x = draw()
    with pytest.raises(whence.InputError, match="requires_grad_"):
        attribute((x * 2).sum(), torch.ones(3))
    with pytest.raises(whence.InputError, match="does not depend"):
        attribute(torch.tensor(1.0), x)


def test_attribute_refuses_inputs_that_the_output_does_not_depend_on():
    x, other = draw(), draw()
    with pytest.raises(whence.InputError, match="does not depend"):
        attribute((x * 2).sum(), other)


def test_attribute_wants_one_number():
    unchecked = getattr(attribute, "__wrapped__", attribute)
    with pytest.raises(whence.InputError, match=r"one number.*\(6,\)"):
        unchecked(draw() * 2, draw())


def test_attribute_leaves_no_gradient_behind():
    x, layer = draw(), nn.Linear(6, 2).double()
    with rules("attnlrp"):
        y = layer(x).sum()
    found = attribute(y, x)
    assert not found.requires_grad
    assert x.grad is None
    assert all(p.grad is None for p in layer.parameters())


class Layer(nn.Module):
    """A layer as many are written: its weight is transposed, its scale stored as a difference from one."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.sin(torch.arange(36.0, dtype=torch.float64)).reshape(6, 6))
        self.scale = nn.Parameter(torch.cos(torch.arange(6.0, dtype=torch.float64)))

    def forward(self, x):
        return (x @ self.weight.t()) * (1 + self.scale)


def of_layer(layer, x):
    with rules("attnlrp"):
        y = layer(x)
    return attribute(y.sum(), x)


def test_parameters_that_take_gradients_change_nothing():
    layer, x = Layer(), draw()
    found = of_layer(layer, x)
    torch.testing.assert_close(found, of_layer(layer.requires_grad_(False), x))


def test_parameters_themselves_are_constants_also_where_they_take_gradients():
    layer, x = Layer(), draw()

    def written_out(x):
        return (x @ layer.weight) * layer.scale

    with rules("attnlrp"):
        y = written_out(x).sum()
    torch.testing.assert_close(attribute(y, x).sum(), y.detach())


def test_frozen_parameters_are_constants():
    layer, x = Layer().requires_grad_(False), draw()
    torch.testing.assert_close(of_layer(layer, x).sum(), layer(x).sum())


NORMS = {
    "layer_norm": lambda d: nn.LayerNorm(64, dtype=d),
    "rms_norm": lambda d: nn.RMSNorm(64, eps=1e-6, dtype=d),
    "rms_norm, eps of the dtype": lambda d: nn.RMSNorm(64, dtype=d),
}


def norm_cases():
    for name in NORMS:
        for dtype in (torch.float64, torch.float32, torch.bfloat16, torch.float16):
            for size in (1.0, 1e-3):
                yield pytest.param(name, dtype, size, id=f"{name}-{dtype}-{size}")


@pytest.mark.parametrize(("name", "dtype", "size"), list(norm_cases()))
def test_a_norms_value_is_torchs_own(name, dtype, size):
    """Within four units in the last place of the largest output: more would be another computation."""
    norm = NORMS[name](dtype).requires_grad_(False)
    for i, parameter in enumerate(norm.parameters()):
        parameter.copy_(torch.cos(torch.arange(64.0) + i))
    x = (size * torch.sin(torch.arange(512.0)).reshape(8, 64)).to(dtype).requires_grad_()
    with rules("attnlrp"):
        y = norm(x)
    plain = norm(x)
    assert y.dtype == plain.dtype == dtype
    largest = plain.abs().max().item()
    assert (y - plain).abs().max().item() <= 4 * torch.finfo(dtype).eps * largest


def test_embeddings_looked_up_in_a_trainable_table_are_explained():
    """A table that takes gradients is no constant once tokens are looked up in it: they are what is explained."""
    table = nn.Parameter(torch.sin(torch.arange(30.0, dtype=torch.float64)).reshape(5, 6))
    left, right = (torch.cos(torch.arange(36.0, dtype=torch.float64) + k).reshape(6, 6) for k in (0, 1))
    with rules("attnlrp"):
        looked_up = torch.nn.functional.embedding(torch.tensor([1, 3]), table)
        y = ((looked_up @ left) * (looked_up @ right)).sum()
    torch.testing.assert_close(attribute(y, looked_up).sum(), y.detach())


def test_two_threads_with_different_rule_sets_do_not_mix():
    def relevance(rule_set, barrier, found):
        x = draw()
        with rules(rule_set):
            y = x
            for _ in range(20):
                barrier.wait()
                y = F.silu(y.roll(1)) * (x.roll(2) + 0.1)
        found[rule_set] = torch.autograd.grad(y.sum(), x)[0]

    class Alone:
        def wait(self):
            pass

    names, alone, together = ["attnlrp", "cp_lrp", "lrp_epsilon"], {}, {}
    for name in names:
        relevance(name, Alone(), alone)
    barrier = threading.Barrier(len(names))
    threads = [threading.Thread(target=relevance, args=(name, barrier, together)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torch.equal(alone["attnlrp"], alone["cp_lrp"])
    for name in names:
        assert torch.equal(together[name], alone[name])


def test_another_model_of_the_same_class_is_not_changed():
    first, second = (nn.TransformerEncoderLayer(6, 1, 8, batch_first=True).double().eval() for _ in range(2))
    x = torch.randn(1, 3, 6, dtype=torch.float64, requires_grad=True)
    plain = gradient(second, x)
    found = []
    thread = threading.Thread(target=lambda: found.append(gradient(second, x)))
    with rules("attnlrp"):
        first(x)
        thread.start()
        thread.join()
    assert torch.equal(found[0], plain)
    assert torch.equal(gradient(second, x), plain)


def test_attribute_takes_several_inputs_at_once():
    a, b = draw(), draw()
    with rules("attnlrp"):
        y = (F.silu(a) * (2 * b)).sum()
    of_a, of_b = attribute(y, [a, b])
    torch.testing.assert_close(of_a, of_b)
    assert (of_a.sum() + of_b.sum()).item() == pytest.approx(y.item())


def test_a_linear_map_with_computed_weights_gives_each_half():
    a, b = draw().reshape(2, 3).detach().requires_grad_(), draw().reshape(2, 3).detach().requires_grad_()
    with rules("attnlrp"):
        y = F.linear(a, b * 2).sum()
    of_a, of_b = attribute(y, (a, b))
    assert of_a.sum().item() == pytest.approx(y.item() / 2) == of_b.sum().item()
