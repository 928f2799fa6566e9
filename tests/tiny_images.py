"""Tiny random image classifiers and their processors, as `tiny` makes them for text, and small pictures.

Every maker returns ``(model, processor)``; the Vision Transformer itself is `tiny.vit_classifier`.
"""

import numpy as np
import torch
from transformers import (
    BeitConfig,
    BeitForImageClassification,
    ConvNextConfig,
    ConvNextForImageClassification,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersForImageClassification,
    ResNetConfig,
    ResNetForImageClassification,
    SwinConfig,
    SwinForImageClassification,
)
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from tiny import LABELS, _make

_NAMED = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
_SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4}


def picture(seed, height=20, width=24):
    """Smooth colours and a bright square, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width] / max(height, width)
    waves = [np.sin(6 * (a * rows + b * columns) + c) for a, b, c in rng.uniform(-1, 1, (3, 3))]
    image = (127 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)
    top, left = rng.integers(0, height - 6), rng.integers(0, width - 6)
    image[top : top + 6, left : left + 6] = rng.integers(150, 256, 3)
    return image


def dinov2_images(attn_implementation="sdpa", dtype=torch.float64, height=12, width=16):
    """DINOv2 with two registers: a cls token, patches of 4 × 4 pixels, positions for images of any size."""
    config = Dinov2WithRegistersConfig(
        image_size=12, patch_size=4, mlp_ratio=2, num_register_tokens=2, apply_layernorm=True, **_SMALL, **_NAMED
    )
    model = _make(Dinov2WithRegistersForImageClassification, config, 21, attn_implementation, dtype)
    return model, processor(height, width)


def beit_images(attn_implementation="sdpa", dtype=torch.float64):
    """BEiT, which averages over its patches and reads no cls token."""
    config = BeitConfig(image_size=12, patch_size=4, intermediate_size=32, use_mean_pooling=True, **_SMALL, **_NAMED)
    return _make(BeitForImageClassification, config, 22, attn_implementation, dtype), processor(12, 12)


def swin_images(attn_implementation="sdpa", dtype=torch.float64):
    """Swin: patches of 2 × 2 pixels that attend within windows of 4 × 4 patches, merged once."""
    config = SwinConfig(
        image_size=16, patch_size=2, embed_dim=8, depths=[2, 1], num_heads=[2, 2], window_size=4, mlp_ratio=2, **_NAMED
    )
    return _make(SwinForImageClassification, config, 23, attn_implementation, dtype), processor(16, 16)


def resnet_images(dtype=torch.float64):
    """ResNet: convolutions only, which take images of any size and cut none into patches."""
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", **_NAMED)
    return _make(ResNetForImageClassification, config, 24, None, dtype), processor(40, 24)


def convnext_images(dtype=torch.float64):
    """ConvNeXt: convolutions only, whose stem steps over squares of 4 × 4 pixels."""
    config = ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, **_NAMED)
    return _make(ConvNextForImageClassification, config, 25, None, dtype), processor(32, 32)


def processor(height, width):
    """Resizes to `height` by `width` pixels and normalises to −1 … 1."""
    return ViTImageProcessorPil(
        size={"height": height, "width": width}, image_mean=[0.5, 0.4, 0.3], image_std=[0.5, 0.25, 0.2]
    )
