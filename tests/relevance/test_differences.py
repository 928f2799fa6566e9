"""Every operation hands back exactly the change of its result, and no number is ever NaN."""

import captum.attr
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

import whence
from whence.relevance.differences.mode import DifferenceMode
from whence.relevance.differences.record import Record
from whence.relevance.operations import ACTIVATIONS, POWERS
from whence.relevance.passing import Unruled

TAKES_MORE = {
    F.prelu: lambda x: F.prelu(x, torch.tensor([0.3], dtype=x.dtype)),
    torch.prelu: lambda x: torch.prelu(x, torch.tensor([0.3], dtype=x.dtype)),
    Tensor.prelu: lambda x: x.prelu(torch.tensor([0.3], dtype=x.dtype)),
    F.threshold: lambda x: F.threshold(x, 0.5, 0.25),
    torch.threshold: lambda x: torch.threshold(x, 0.5, 0.25),
    **{f: lambda x, f=f: f(x, 0.7, 1.3) for f in (torch.clamp, torch.clip, Tensor.clamp, Tensor.clip)},
    **{f: lambda x, f=f: f(x, 0.7) for f in (torch.clamp_min, torch.clamp_max, Tensor.clamp_min, Tensor.clamp_max)},
    **{f: lambda x, f=f: f(x, -1.5) for f in POWERS},
}
WEIGHT = torch.tensor([0.5, 2.0, -1.0, 0.25], dtype=torch.float64)


def compare(function, x, other, strict=True):
    """``f(x)``, ``f(x')`` and the multipliers of the sum of f, of the shape of x."""
    record = Record()
    mode = DifferenceMode(record, Unruled("deeplift", strict))
    leaf = x.clone().requires_grad_()
    with mode:
        here = function(leaf)
    record.writing = False
    leaf = other.clone().requires_grad_()
    with mode:
        there = function(leaf)
    record.close()
    (multipliers,) = torch.autograd.grad(there.sum(), leaf)
    return here.detach(), there.detach(), multipliers


def cube(x):
    """Three copies of a tensor, each scaled differently, as queries, keys and values."""
    return x[None] * 0.5, x[None].flip(-1), x[None] - 0.3


def masked_attention(x):
    mask = torch.ones(3, 3, dtype=torch.bool).tril(-1)
    return F.scaled_dot_product_attention(*cube(x), attn_mask=mask)


def grouped_attention(x):
    q, k, v = (y.reshape(1, 2, 3, 2) for y in cube(x))
    return F.scaled_dot_product_attention(q, k[:, :1], v[:, :1], enable_gqa=True, scale=0.3)


def gelu_written_out(x):
    return 0.5 * x * (1 + torch.tanh(0.8 * (x + 0.044715 * x**3)))


def rms_norm_written_out(x):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def in_place(x):
    y = x * 2
    y /= y.sum(-1, keepdim=True)
    z = y.clone().exp_()
    y[0] = z[1]
    return F.relu(y - 0.2, inplace=True)


OPERATIONS = {
    "product": lambda x: x * x.flip(0) * x.sum(),
    "quotient": lambda x: x / (x.flip(0) + 4),
    "number over": lambda x: 3 / (x + 4),
    "power of a number": lambda x: 2.0**x,
    "matmul": lambda x: x @ x.T,
    "einsum": lambda x: torch.einsum("ij,kj->ik", x, x.sin()),
    "bilinear": lambda x: F.bilinear(x, x.cos(), WEIGHT.repeat(2, 4, 1)),
    "convolution of two": lambda x: F.conv1d(x[None], x[:, None, :2].repeat(1, 3, 1)),
    "softmax": lambda x: torch.softmax(3 * x, dim=-1).square(),
    "softmax of masked": lambda x: torch.softmax(x.masked_fill(x.detach() * 0 > 1, -1e9) - 1e4, dim=0).square(),
    "log_softmax": lambda x: F.log_softmax(x, dim=-1),
    "log_softmax as a method": lambda x: x.log_softmax(dim=0)[0],
    "logsumexp": lambda x: torch.logsumexp(x, dim=-1),
    "cross entropy by hand": lambda x: x.logsumexp(-1) - x[..., 0],
    "layer_norm": lambda x: F.layer_norm(x, (4,), WEIGHT, WEIGHT + 1),
    "rms_norm": lambda x: F.rms_norm(x, (4,), WEIGHT),
    "rms_norm written out": rms_norm_written_out,
    "group_norm": lambda x: F.group_norm(x[None, :].transpose(1, 2), 2, WEIGHT, WEIGHT),
    "normalize": lambda x: F.normalize(x, dim=-1),
    "norm": lambda x: x.norm(dim=-1) + torch.norm(x),
    "variance": lambda x: torch.var(x, dim=-1) + x.std(),
    "variance and mean": lambda x: sum(torch.var_mean(x, dim=-1, correction=0)),
    "gelu written out": gelu_written_out,
    "attention": lambda x: F.scaled_dot_product_attention(*cube(x), is_causal=True),
    "attention, one query masked": masked_attention,
    "attention, keys shared": grouped_attention,
    "maximum": lambda x: torch.maximum(x, x.flip(0)) + torch.minimum(x, x.flip(1)),
    "largest": lambda x: x.amax(dim=-1) + x.amin(dim=-1) + x.max() - x.min(),
    "glu": lambda x: F.glu(x),
    "in place": in_place,
}


def draw(seed, shape=(3, 4)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def assert_complete(function, x, other):
    here, there, multipliers = compare(function, x, other)
    assert torch.allclose(here, function(x), rtol=1e-12, atol=1e-12)
    assert torch.allclose(there, function(other), rtol=1e-12, atol=1e-12)
    assert multipliers.isfinite().all()
    change = (here - there).sum()
    assert float(((x - other) * multipliers).sum() - change) == pytest.approx(0, abs=1e-11 * max(1, float(abs(change))))


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_multipliers_add_up_to_the_change(name):
    assert_complete(OPERATIONS[name], draw(1), draw(2))


@pytest.mark.parametrize("name", OPERATIONS)
def test_they_are_the_gradient_where_nothing_changes(name):
    x = draw(1)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(OPERATIONS[name](leaf).sum(), leaf)
    _, _, multipliers = compare(OPERATIONS[name], x, x)
    torch.testing.assert_close(multipliers, expected)


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"in place", "maximum", "largest"}))
@pytest.mark.parametrize("size", [1e-15, 1e-12, 1e-9])
def test_they_near_the_gradient_where_next_to_nothing_changes(name, size):
    """A quotient of two roundings is nowhere near it."""
    x = draw(1)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(OPERATIONS[name](leaf).sum(), leaf)
    _, _, multipliers = compare(OPERATIONS[name], x, x + size * draw(3))
    torch.testing.assert_close(multipliers, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"quotient", "norm", "normalize", "in place"}))
def test_a_baseline_of_zeros_is_no_exception(name):
    assert_complete(OPERATIONS[name], draw(1), torch.zeros(3, 4, dtype=torch.float64))


@pytest.mark.parametrize("function", sorted(ACTIVATIONS, key=repr), ids=lambda f: getattr(f, "__qualname__", "f"))
def test_an_activation_is_rescaled(function):
    """On both sides of kinks, at them, and where the one pass equals the other."""
    apply = TAKES_MORE.get(function, function)
    x = torch.tensor([0.5, 0.9, 2.0, 0.7, 1.0, 3.5], dtype=torch.float64)
    other = torch.tensor([1.5, 0.4, 0.1, 0.7, 1.0 + 1e-13, 0.5], dtype=torch.float64)
    assert_complete(apply, x, other)
    _, _, multipliers = compare(apply, x, other)
    ratio = (apply(x) - apply(other)) / (x - other)
    torch.testing.assert_close(multipliers[[0, 1, 2, 5]], ratio[[0, 1, 2, 5]])


def test_relu_by_hand():
    """From −1 to 3 the slope is 3/4, not the 1 of the gradient, and from −2 to −1 nothing passes."""
    _, _, multipliers = compare(torch.relu, torch.tensor([3.0, -1.0]), torch.tensor([-1.0, -2.0]))
    assert multipliers.tolist() == [0.75, 0.0]


def test_a_product_by_hand():
    """Δ(ab) from (1, 2) to (3, 5) is 13: to a 2 · (2 + 5)/2 = 7, to b 3 · (1 + 3)/2 = 6."""
    _, _, multipliers = compare(lambda x: x[0] * x[1], torch.tensor([3.0, 5.0]), torch.tensor([1.0, 2.0]))
    assert multipliers.tolist() == [3.5, 2.0]


def test_a_maximum_by_hand():
    """From (0, 1) to (5, 2) the largest rises by 4: of Δ = (5, 1) three quarters of the first, one of the second."""
    _, _, multipliers = compare(lambda x: x.amax(0), torch.tensor([5.0, 2.0]), torch.tensor([0.0, 1.0]))
    assert multipliers.tolist() == [0.75, 0.25]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_softmax_ignores_what_is_common_to_all(scale):
    """All raised alike, or by as much as they are large: nothing changes but what was changed between them."""
    x, other, shift = draw(1, (5,)), draw(2, (5,)), scale * draw(3, (1,))
    read = draw(4, (5,))
    expected = compare(lambda z: torch.softmax(z, dim=0) * read, x, other)[2]
    found = compare(lambda z: torch.softmax(z, dim=0) * read, x + shift, other)[2]
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_softmax_far_apart_has_no_large_multipliers():
    """Scores of 0 in one pass and of 200 in the other: exp apart from its maximum would be 10⁸⁶."""
    x = torch.tensor([0.0, 200.0, 30.0], dtype=torch.float64)
    _, _, multipliers = compare(lambda z: torch.softmax(z, dim=0)[0], x, torch.zeros_like(x))
    assert multipliers.abs().max() < 1


def test_masked_scores_get_nothing():
    mask = torch.tensor([0.0, float("-inf"), 0.0], dtype=torch.float64)
    _, _, multipliers = compare(lambda z: torch.softmax(z + mask, dim=0)[0], draw(1, (3,)), draw(2, (3,)))
    assert multipliers.isfinite().all()
    assert multipliers[1] == 0


def test_a_normalisation_from_zero_is_not_blown_up():
    """1/√ε is a million here, and would be a multiplier of that size to either factor."""
    for norm in (rms_norm_written_out, lambda x: F.rms_norm(x, (4,), eps=1e-12), lambda x: F.layer_norm(x, (4,))):
        _, _, multipliers = compare(norm, draw(1), torch.zeros(3, 4, dtype=torch.float64))
        assert multipliers.abs().max() < 10


def test_equal_to_captum_where_captum_has_the_rules():
    """Linear maps, activations and their sums; captum rescales softmax element by element, so it is left out."""
    torch.manual_seed(0)
    for make in (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.ELU, nn.LeakyReLU):
        model = nn.Sequential(nn.Linear(6, 8), make(), nn.Linear(8, 5), make(), nn.Linear(5, 3)).double()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        x, other = draw(1, (4, 6)), draw(2, (4, 6))
        for target in range(3):
            with pytest.warns(UserWarning, match="hooks"):
                expected = captum.attr.DeepLift(model).attribute(x.requires_grad_(), other, target=target)
            _, _, multipliers = compare(lambda z, model=model, target=target: model(z)[:, target], x, other)
            torch.testing.assert_close((x - other) * multipliers, expected, rtol=1e-6, atol=1e-8)


def test_brackets_matter():
    """Three factors, two ways to bracket them: equal outputs, other multipliers. What is not claimed does not hold."""
    x, other = torch.tensor([3.0, 5.0, 7.0]), torch.tensor([1.0, 2.0, 2.0])
    first = compare(lambda z: (z[0] * z[1]) * z[2], x, other)[2]
    second = compare(lambda z: z[0] * (z[1] * z[2]), x, other)[2]
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("function", [lambda x: x.cumprod(0), torch.linalg.det, lambda x: x ** x.abs()])
def test_an_operation_without_a_rule_is_told_of(function):
    x, other = draw(1, (3, 3)), draw(2, (3, 3))
    with pytest.warns(whence.WhenceWarning, match="has no rule in 'deeplift'"):
        compare(function, x, other, strict=False)
    with pytest.raises(whence.UnsupportedError, match="has no rule"):
        compare(function, x, other, strict=True)


@pytest.mark.parametrize(
    ("function", "match"),
    [
        (lambda x: x.exp().sin() if x[0].item() > 0 else x.exp().cos(), "sin became cos"),
        (lambda x: x.exp().sin() if x[0].item() > 0 else x.exp(), "sin was left out"),
        (lambda x: x.exp() if x[0].item() > 0 else x.exp().sin(), "sin was added"),
        (lambda x: x.exp() if x[0].item() > 0 else x[:1].exp(), "exp of"),
    ],
)
def test_other_operations_on_the_baseline_are_refused(function, match):
    """The branch is taken by a Python number, which nothing holds."""
    with pytest.raises(whence.UnsupportedError, match=match):
        compare(function, torch.tensor([1.0, 2.0]), torch.tensor([-1.0, 2.0]))


def test_what_is_overwritten_is_refused():
    def overwriting(x):
        y = x * 2
        z = y.exp()
        y.add_(1)
        return z + y

    with pytest.raises(whence.UnsupportedError, match="overwrites"):
        compare(overwriting, draw(1), draw(2))


@pytest.mark.parametrize(
    "choose",
    [
        lambda x: x.topk(2).values,
        lambda x: x.sort().values[:, 1:],
        lambda x: x.max(dim=-1).values,
        lambda x: x.max(-1, keepdim=True)[0],
        lambda x: torch.where(x > 0, x, 0 * x),
        lambda x: x.gather(-1, x.argmax(-1, keepdim=True)),
    ],
)
def test_choices_are_held_as_the_input_makes_them(choose):
    """The baseline is read at the places the input chooses: there the multipliers are 1, elsewhere 0, and add up."""
    x, other = draw(1), draw(2)
    here, there, multipliers = compare(choose, x, other)
    assert torch.equal(here, choose(x))
    assert set(multipliers.flatten().tolist()) == {0.0, 1.0}
    assert float(((x - other) * multipliers).sum()) == pytest.approx(float((here - there).sum()))


def test_float32_and_bfloat16_add_up_to_their_precision():
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.1)):
        x, other = draw(1).to(dtype), draw(2).to(dtype)
        here, there, multipliers = compare(lambda z: F.layer_norm(F.gelu(z), (4,)) @ z.T.softmax(0), x, other)
        change = (here - there).double().sum()
        assert float(((x - other).double() * multipliers.double()).sum()) == pytest.approx(float(change), abs=tolerance)
