"""What is taken apart gives what torch gives, however it is called."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from whence.relevance import attribute, rules


def draw(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.fixture(autouse=True)
def seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


MASK = torch.ones(5, 5, dtype=torch.bool).triu(1)
PADDING = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
BUILT = {
    "plain": {},
    "batch first": {"batch_first": True},
    "no bias": {"bias": False},
    "row of biases": {"add_bias_kv": True},
    "row of zeros": {"add_zero_attn": True},
    "other widths": {"kdim": 6, "vdim": 10},
}
CALLED = {
    "plain": {},
    "boolean mask": {"attn_mask": MASK},
    "mask of numbers": {"attn_mask": torch.sin(torch.arange(25.0, dtype=torch.float64)).reshape(5, 5)},
    "a mask for each head": {"attn_mask": MASK.expand(4, 5, 5)},
    "padding": {"key_padding_mask": PADDING},
    "both": {"attn_mask": MASK, "key_padding_mask": PADDING},
    "no weights": {"need_weights": False},
    "weights of heads": {"average_attn_weights": False},
    "causal": {"attn_mask": MASK, "is_causal": True, "need_weights": False},
}


@pytest.mark.parametrize("called", CALLED)
@pytest.mark.parametrize("built", BUILT)
def test_multi_head_attention(built, called):
    module = nn.MultiheadAttention(8, 2, **BUILT[built]).double().eval()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    widths = (8, BUILT[built].get("kdim", 8), BUILT[built].get("vdim", 8))
    shape = (2, 5) if BUILT[built].get("batch_first") else (5, 2)
    q, k, v = (draw(*shape, width) for width in widths)
    expected, weights = module(q, k, v, **CALLED[called])
    with rules("cp_lrp", strict=True):
        found, shown = module(q, k, v, **CALLED[called])
    torch.testing.assert_close(found, expected)
    assert (shown is None) == (weights is None)
    if weights is not None:
        torch.testing.assert_close(shown, weights)


def test_multi_head_attention_without_a_batch():
    module, x = nn.MultiheadAttention(8, 2).double().eval(), draw(5, 8)
    expected, weights = module(x, x, x)
    with rules("attnlrp"):
        found, shown = module(x, x, x)
    torch.testing.assert_close((found, shown), (expected, weights))


def test_multi_head_attention_conserves_with_weights_held():
    module, x = nn.MultiheadAttention(8, 2, bias=False, batch_first=True).double().eval(), draw(2, 5, 8)
    with rules("cp_lrp", strict=True):
        y = module(x, x, x, key_padding_mask=PADDING)[0].sum()
    assert attribute(y, x).sum().item() == pytest.approx(y.item())


def test_torchs_own_encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True, activation="gelu")
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).double().eval()
    for parameter in encoder.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter)
    for name, parameter in encoder.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
    x = draw(2, 5, 8)
    expected = encoder(x)
    with rules("cp_lrp", strict=True):
        found = encoder(x)
    torch.testing.assert_close(found, expected)
    y = found[0, 0, 0]
    assert attribute(y, x).sum().item() == pytest.approx(y.item())


CALLS = {
    "glu": lambda x: F.glu(x),
    "glu along another dimension": lambda x: F.glu(x, dim=0),
    "addcmul": lambda x: torch.addcmul(x, x, x.roll(1), value=0.5),
    "addcmul method": lambda x: x.addcmul(x, x.roll(1)),
    "addmm": lambda x: torch.addmm(x[:, :4], x, x.T[:, :4], beta=0.5, alpha=2),
    "baddbmm": lambda x: torch.baddbmm(x[None, :, :4], x[None], x.T[None, :, :4], alpha=0.3),
    "addbmm": lambda x: torch.addbmm(x[:, :4], x[None], x.T[None, :, :4]),
    "instance norm": lambda x: F.instance_norm(x[None]),
    "group norm": lambda x: F.group_norm(x[None], 2),
    "batch norm": lambda x: F.batch_norm(x, MEAN, MEAN.exp(), MEAN.cos(), MEAN.sin()),
    "batch norm of images": lambda x: F.batch_norm(x.reshape(1, 6, 2, 2), MEAN, MEAN.exp(), bias=MEAN),
}
MEAN = torch.linspace(-1, 1, 6, dtype=torch.float64)


@pytest.mark.parametrize("rule_set", ["attnlrp", "cp_lrp", "lrp_epsilon"])
@pytest.mark.parametrize("name", CALLS)
def test_the_value_is_torchs_own(name, rule_set):
    x = draw(4, 6)
    with rules(rule_set):
        found = CALLS[name](x)
    torch.testing.assert_close(found, CALLS[name](x))


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm_holds_its_divisors(groups):
    x, weights = draw(2, 6, 3), torch.randn(2, 6, 3, dtype=torch.float64)
    with rules("attnlrp", strict=True):
        y = F.group_norm(x, groups)
    parts = x.detach().unflatten(1, (groups, -1))
    centred = parts - parts.mean(dim=(2, 3), keepdim=True)
    scale = (centred.square().mean(dim=(2, 3), keepdim=True) + 1e-5).rsqrt()
    share = weights.unflatten(1, (groups, -1)) * scale
    expected = (parts * (share - share.mean(dim=(2, 3), keepdim=True))).flatten(1, 2)
    torch.testing.assert_close(attribute((y * weights).sum(), x), expected)
