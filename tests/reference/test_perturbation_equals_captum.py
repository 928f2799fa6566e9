"""The perturbation methods beside captum's, on games given as functions of a batch of masks."""

import captum.attr
import numpy as np
import pytest
import torch
from captum._utils.models.linear_model import SkLearnRidge

from perturbation.playing import played
from reference.games import random_game
from whence.methods import ExactShapley, KernelShap, LeaveOneOut, Lime, Occlusion, PermutationShapley

FEATURES = 5
V = random_game(FEATURES, seed=4)


def forward(masks):
    """The values of a batch of masks, as captum asks for them."""
    return torch.tensor([V(mask) for mask in masks.numpy() > 0.5], dtype=torch.float64)


def of_captum(method, **options):
    torch.manual_seed(0)
    whole = torch.ones(1, FEATURES, dtype=torch.float64)
    return method(forward).attribute(whole, baselines=0.0, **options)[0].numpy()


def of_whence(method):
    return played(method, V, FEATURES)[0].scores[0]


def test_leave_one_out_is_feature_ablation():
    np.testing.assert_allclose(of_whence(LeaveOneOut()), of_captum(captum.attr.FeatureAblation), atol=1e-6)


@pytest.mark.parametrize(("window", "stride"), [(2, 1), (3, 2)])
def test_occlusion(window, stride):
    expected = of_captum(captum.attr.Occlusion, sliding_window_shapes=(window,), strides=(stride,))
    np.testing.assert_allclose(of_whence(Occlusion(window=window, stride=stride)), expected, atol=1e-6)


def test_exact_shapley():
    np.testing.assert_allclose(of_whence(ExactShapley()), of_captum(captum.attr.ShapleyValues), atol=1e-6)


def test_sampled_orders_come_to_the_same():
    expected = of_captum(captum.attr.ShapleyValueSampling, n_samples=400)
    np.testing.assert_allclose(of_whence(PermutationShapley(samples=1600)), expected, atol=0.2)


def test_kernel_shap_comes_to_the_same():
    expected = of_captum(captum.attr.KernelShap, n_samples=4000, perturbations_per_eval=500)
    np.testing.assert_allclose(of_whence(KernelShap(samples=64)), expected, atol=0.1)


def test_limes_regression_is_captums_on_the_same_masks():
    found, asked = played(Lime(samples=60, alpha=0.5), V, FEATURES)
    masks = torch.tensor(np.concatenate([np.ones((1, FEATURES), bool), asked]), dtype=torch.float64)
    drawn = iter(masks)
    lime = captum.attr.LimeBase(
        forward,
        SkLearnRidge(alpha=0.5),
        similarity_func=lambda original, perturbed, mask, **_: torch.exp(
            -((1 - mask.mean().sqrt()) ** 2) / (2 * 0.25**2)
        ),
        perturb_func=lambda original, **_: next(drawn)[None],
        perturb_interpretable_space=True,
        from_interp_rep_transform=lambda mask, original, **_: mask,
        to_interp_rep_transform=None,
    )
    expected = lime.attribute(torch.ones(1, FEATURES, dtype=torch.float64), n_samples=len(masks))
    np.testing.assert_allclose(found.scores[0], expected[0].numpy(), atol=1e-5)
