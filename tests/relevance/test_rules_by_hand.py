"""Relevance of plain torch modules, beside the rules worked out by hand in float64."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from whence.relevance import attribute, rules


@pytest.fixture(autouse=True)
def seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def frozen(module):
    """The module in float64, every parameter drawn, none with a gradient."""
    for parameter in module.double().parameters():
        nn.init.normal_(parameter)
    return module.requires_grad_(False)


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


def relevance(function, x, weights=None):
    """Relevance of x for the weighted sum of what the function gives, and the outputs' own share of that sum."""
    with rules("attnlrp"):
        y = function(x)
    weights = torch.ones_like(y) if weights is None else weights
    return attribute((y * weights).sum(), x).detach(), (y * weights).detach()


def through_linear(x, weight, share):
    """R_i = Σ_j x_i w_ji / z_j · R_j with z_j = Σ_i x_i w_ji + b_j; `share` is R_j / z_j."""
    return x * (share @ weight)


def test_linear_gives_each_input_its_part_of_the_sum():
    layer, x = frozen(nn.Linear(3, 4)), draw(2, 3)
    found, y = relevance(layer, x)
    expected = torch.zeros_like(x)
    for n in range(2):
        for j in range(4):
            for i in range(3):
                expected[n, i] += x[n, i] * layer.weight[j, i] / y[n, j] * y[n, j]
    torch.testing.assert_close(found, expected.detach())


def test_a_bias_absorbs_its_share():
    layer, x = frozen(nn.Linear(3, 4)), draw(1, 3)
    found, y = relevance(layer, x)
    assert found.sum().item() == pytest.approx((y.sum() - layer.bias.sum()).item())


ACTIVATIONS = {"silu": F.silu, "gelu": F.gelu, "relu": F.relu, "tanh": torch.tanh}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_mlp(name):
    first, second, x = frozen(nn.Linear(3, 5)), frozen(nn.Linear(5, 2)), draw(4, 3)
    found, y = relevance(lambda x: second(ACTIVATIONS[name](first(x))), x)
    z = first(x).detach()
    h = ACTIVATIONS[name](z)
    of_hidden = through_linear(h, second.weight, torch.ones_like(y))
    expected = through_linear(x.detach(), first.weight, of_hidden / z)
    torch.testing.assert_close(found, expected)


def test_gated_mlp():
    gate, up, down, x = frozen(nn.Linear(3, 5)), frozen(nn.Linear(3, 5)), frozen(nn.Linear(5, 2)), draw(4, 3)
    found, y = relevance(lambda x: down(F.silu(gate(x)) * up(x)), x)
    g, u = gate(x).detach(), up(x).detach()
    of_product = through_linear(F.silu(g) * u, down.weight, torch.ones_like(y))
    expected = through_linear(x.detach(), gate.weight, of_product / 2 / g)
    expected += through_linear(x.detach(), up.weight, of_product / 2 / u)
    torch.testing.assert_close(found, expected)


def test_layer_norm_is_affine_with_its_divisor_held():
    norm, x, weights = frozen(nn.LayerNorm(6)), draw(2, 6), torch.randn(2, 6, dtype=torch.float64)
    found, _ = relevance(norm, x, weights)
    scale = norm.weight / (x.detach().var(dim=-1, correction=0, keepdim=True) + norm.eps).sqrt() * weights
    expected = x.detach() * (scale - scale.mean(dim=-1, keepdim=True))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("eps", [1e-6, None])
def test_rms_norm_passes_relevance_unchanged(eps):
    norm, x, weights = frozen(nn.RMSNorm(6, eps=eps)), draw(2, 6), torch.randn(2, 6, dtype=torch.float64)
    found, y = relevance(norm, x, weights)
    torch.testing.assert_close(found, y)


WRITTEN_OUT = {
    "rsqrt": lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6),
    "division": lambda x: x / torch.sqrt(x.square().mean(-1, keepdim=True) + 1e-6),
    "norm": lambda x: x / x.norm(dim=-1, keepdim=True),
    "power": lambda x: x * torch.pow(x.pow(2).mean(-1, keepdim=True) + 1e-6, -0.5),
    "reciprocal of a root": lambda x: x * (1 / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)),
    "normalize": lambda x: F.normalize(x, dim=-1),
}


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_a_norm_written_out_passes_relevance_unchanged(name):
    x, weights = draw(2, 6), torch.randn(2, 6, dtype=torch.float64)
    found, y = relevance(WRITTEN_OUT[name], x, weights)
    torch.testing.assert_close(found, y, rtol=1e-6, atol=1e-8)


def test_a_product_of_two_live_tensors_gives_each_half():
    a, b = draw(5), draw(5)
    with rules("attnlrp"):
        y = a * b
    for x in (a, b):
        (gradient,) = torch.autograd.grad(y.sum(), x, retain_graph=True)
        torch.testing.assert_close(x * gradient, y / 2)


def test_a_product_with_a_constant_is_linear():
    x, constant = draw(5), torch.randn(5, dtype=torch.float64)
    found, y = relevance(lambda x: x * constant, x)
    torch.testing.assert_close(found, y)


MATMULS = {
    "operator": lambda a, b: a @ b,
    "matmul": torch.matmul,
    "method": lambda a, b: a.matmul(b),
    "bmm": lambda a, b: torch.bmm(a[None], b[None])[0],
    "einsum": lambda a, b: torch.einsum("ij,jk->ik", a, b),
    "einsum of a list": lambda a, b: torch.einsum("ij,jk->ik", [a, b]),
    "mm": torch.mm,
    "baddbmm": lambda a, b: torch.baddbmm(a.new_zeros(1, 1, 1), a[None], b[None])[0],
    "keywords": lambda a, b: torch.matmul(input=a, other=b),
}


@pytest.mark.parametrize("name", MATMULS)
def test_a_matrix_product_of_two_live_tensors_gives_each_half(name):
    a, b = draw(2, 3), draw(3, 4)
    with rules("attnlrp"):
        y = MATMULS[name](a, b)
    of_a, of_b = (x * g for x, g in zip((a, b), torch.autograd.grad(y.sum(), (a, b)), strict=True))
    for j in range(2):
        for i in range(3):
            assert of_a[j, i].item() == pytest.approx(sum((a[j, i] * b[i, p]).item() / 2 for p in range(4)))
    assert (of_a.sum() + of_b.sum()).item() == pytest.approx(y.sum().item())


def heads(*shape):
    return [draw(*shape) for _ in range(3)]


def by_three_steps(q, k, v, weights, mask=None):
    """AttnLRP of softmax(q kᵀ/√d + mask) v: matmul rule, softmax's Taylor rule, matmul rule, on explicit relevances."""
    q, k, v = (t.detach() for t in (q, k, v))
    groups = q.shape[-3] // k.shape[-3]
    keys, values = k.repeat_interleave(groups, dim=-3), v.repeat_interleave(groups, dim=-3)
    scale = q.shape[-1] ** -0.5
    x = scale * q @ keys.mT
    s = torch.softmax(x if mask is None else x + mask, dim=-1)
    r_s = s * (weights @ values.mT) / 2
    r_v = values * (s.mT @ weights) / 2
    r_x = x * (r_s - s * r_s.sum(dim=-1, keepdim=True))
    ratio = r_x / x / 2
    r_q, r_k = q * (scale * ratio @ keys), keys * (scale * ratio.mT @ q)
    return r_q, r_k.unflatten(-3, (-1, groups)).sum(-3), r_v.unflatten(-3, (-1, groups)).sum(-3)


MASKS = {
    "none": (None, {}),
    "boolean": (torch.ones(5, 5).tril().log().double(), {"attn_mask": torch.ones(5, 5).tril().bool()}),
    "additive": (
        torch.arange(25.0).reshape(5, 5).double().sin(),
        {"attn_mask": torch.arange(25.0).reshape(5, 5).double().sin()},
    ),
    "causal": (torch.ones(5, 5).tril().log().double(), {"is_causal": True}),
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("groups", [1, 2])
def test_fused_attention_is_its_three_steps(mask, groups):
    added, options = MASKS[mask]
    q, k, v = draw(2, 4, 5, 3), draw(2, 4 // groups, 5, 3), draw(2, 4 // groups, 5, 3)
    weights = torch.randn(2, 4, 5, 3, dtype=torch.float64)
    with rules("attnlrp"):
        y = F.scaled_dot_product_attention(q, k, v, enable_gqa=groups > 1, **options)
    gradients = torch.autograd.grad((y * weights).sum(), (q, k, v))
    for x, gradient, expected in zip((q, k, v), gradients, by_three_steps(q, k, v, weights, added), strict=True):
        torch.testing.assert_close((x * gradient).detach(), expected)


def test_fused_attention_equals_attention_written_out():
    q, k, v = heads(2, 3, 5, 4)
    with rules("attnlrp"):
        fused = F.scaled_dot_product_attention(q, k, v)
        written = torch.softmax(q @ k.transpose(-2, -1) / 2, dim=-1) @ v
    of_fused, of_written = (torch.autograd.grad(y.sin().sum(), (q, k, v)) for y in (fused, written))
    for one, other in zip(of_fused, of_written, strict=True):
        torch.testing.assert_close(one, other)


def test_fused_attention_takes_keywords():
    q, k, v = heads(1, 2, 5, 4)
    with rules("attnlrp"):
        one = F.scaled_dot_product_attention(q, k, v)
        other = F.scaled_dot_product_attention(query=q, key=k, value=v)
    for a, b in zip(*(torch.autograd.grad(y.sin().sum(), (q, k, v)) for y in (one, other)), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("live", ["query", "value"])
def test_attention_over_constants_is_halved_only_where_two_tensors_are_live(live):
    """With one live factor a matrix product is linear: nothing is halved, neither for a live query nor a live value."""
    q, k, v = heads(1, 2, 5, 4)
    given = {"query": q.detach(), "key": k.detach(), "value": v.detach()} | {live: {"query": q, "value": v}[live]}
    with rules("attnlrp"):
        y = F.scaled_dot_product_attention(**given)
    plain = F.scaled_dot_product_attention(**given)
    gradients = [torch.autograd.grad(out.sin().sum(), given[live])[0] for out in (y, plain)]
    torch.testing.assert_close(*gradients)


class Attention(nn.Module):
    """What nn.MultiheadAttention computes, as models of the transformers library write it."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        m = self.module
        parts = F.linear(x, m.in_proj_weight, m.in_proj_bias).chunk(3, dim=-1)
        q, k, v = (p.unflatten(-1, (m.num_heads, -1)).transpose(1, 2) for p in parts)
        return m.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def test_torchs_own_multihead_attention_follows_the_rules():
    module, x = frozen(nn.MultiheadAttention(8, 2, batch_first=True)), draw(2, 5, 8)
    torch.testing.assert_close(module(x, x, x, need_weights=False)[0], Attention(module)(x))
    found, _ = relevance(lambda x: module(x, x, x, need_weights=False)[0], x)
    expected, _ = relevance(Attention(module), x)
    torch.testing.assert_close(found, expected)


def test_residual_branches_add_up():
    first, second, x = frozen(nn.Linear(4, 4, bias=False)), frozen(nn.Linear(4, 4, bias=False)), draw(3, 4)
    found, y = relevance(lambda x: x + second(F.gelu(first(F.rms_norm(x, (4,))))), x)
    torch.testing.assert_close(found.sum(dim=-1), y.sum(dim=-1))


class Block(nn.Module):
    """A transformer's block without biases, on plain torch: only the softmax can absorb relevance."""

    def __init__(self, width=8):
        super().__init__()
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-6) for _ in range(2))
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 16, bias=False), nn.Linear(16, width, bias=False)

    def forward(self, x, mask=None):
        q, k, v = (p.unflatten(-1, (2, -1)).transpose(1, 2) for p in self.qkv(self.norms[0](x)).chunk(3, dim=-1))
        x = x + self.out(F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2))
        return x + self.down(F.silu(self.up(self.norms[1](x))))


def test_rows_of_a_batch_equal_single_rows():
    block, x = frozen(Block()), draw(3, 5, 8)
    lengths = torch.tensor([5, 3, 1])
    mask = (torch.arange(5) < lengths[:, None])[:, None, None, :]
    with rules("attnlrp"):
        y = block(x, mask)
    together = attribute((y[:, 0] ** 2).sum(), x)
    for row, length in enumerate(lengths.tolist()):
        alone = x[row : row + 1, :length].detach().requires_grad_()
        with rules("attnlrp"):
            y = block(alone)
        single = attribute((y[:, 0] ** 2).sum(), alone)
        torch.testing.assert_close(together[row, :length], single[0])
        assert not together[row, length:].any()


def test_several_outputs_at_once_equal_one_by_one():
    """Gradients of many outputs batched by vmap, as the engine takes them."""
    block, x = frozen(Block()), draw(1, 4, 8)
    with rules("attnlrp"):
        y = block(x)[0, -1]
    unit = torch.eye(8, dtype=torch.float64)
    (batched,) = torch.autograd.grad(y, x, unit, retain_graph=True, is_grads_batched=True)
    for i in range(8):
        torch.testing.assert_close(x * batched[i], attribute_again(y[i], x))


def attribute_again(output, x):
    return x.detach() * torch.autograd.grad(output, x, retain_graph=True)[0]


BY_NAME = {
    "bmm": (lambda a, b: torch.bmm(a[None], mat2=b[None])[0], torch.matmul),
    "mm": (lambda a, b: a.mm(mat2=b), torch.matmul),
    "baddbmm": (
        lambda a, b: torch.baddbmm(a.new_zeros(1, 1, 1), batch1=a[None], batch2=b[None])[0],
        torch.matmul,
    ),
    "addmm": (lambda a, b: torch.addmm(a.new_zeros(1), mat1=a, mat2=b), torch.matmul),
    "addcmul": (lambda a, b: torch.addcmul(a.new_zeros(1), tensor1=a, tensor2=b.mT[:2]), lambda a, b: a * b.mT[:2]),
    "outer": (lambda a, b: torch.outer(a[0], b[0]), lambda a, b: a[0][:, None] * b[0]),
    "tensordot": (lambda a, b: torch.tensordot(a, b, dims=1), torch.matmul),
}


@pytest.mark.parametrize("name", BY_NAME)
def test_a_product_is_halved_whatever_it_is_called_and_however(name):
    called, plain = BY_NAME[name]
    a, b = draw(2, 3), draw(3, 4)
    with rules("attnlrp"):
        y = called(a, b)
    torch.testing.assert_close(y, plain(a, b))
    of_a, of_b = (x * g for x, g in zip((a, b), torch.autograd.grad(y.sum(), (a, b)), strict=True))
    torch.testing.assert_close(of_a.sum() + of_b.sum(), y.sum())


SYSTEMS = {
    "solve": lambda a, b: torch.linalg.solve(a, b),
    "triangular": lambda a, b: torch.linalg.solve_triangular(a.tril(), b, upper=False),
    "inverse": lambda a, b: torch.linalg.inv(a) @ b,
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_of_equations_is_linear_in_its_right_side(name):
    a, b = draw(3, 3), draw(3, 2)
    with rules("attnlrp"):
        y = SYSTEMS[name](a + 3 * torch.eye(3, dtype=a.dtype), b)
    found = torch.autograd.grad(y.sum(), (a, b), allow_unused=True)
    assert found[0] is None or not found[0].any()
    assert (found[1] * b).sum().item() == pytest.approx(y.sum().item())


@pytest.mark.parametrize("given", ["by name", "by position"])
def test_held_attention_holds_a_mask_made_of_the_input(given):
    q, k, v, mask = draw(1, 2, 5, 4), draw(1, 2, 5, 4), draw(1, 2, 5, 4), draw(1, 2, 5, 5)
    with rules("cp_lrp"):
        if given == "by name":
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask * 2)
        else:
            y = F.scaled_dot_product_attention(q, k, v, mask * 2)
    of_q, of_k, of_v, of_mask = torch.autograd.grad(y.sum(), (q, k, v, mask), allow_unused=True)
    assert of_q is of_k is of_mask is None
    assert (of_v * v).sum().item() == pytest.approx(y.sum().item())
