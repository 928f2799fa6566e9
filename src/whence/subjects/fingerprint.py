"""Which weights and which tokenizer, exactly: hashes for the provenance."""

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

_PACKAGES = ("whence", "torch", "transformers", "tokenizers", "numpy")


class WeightsHash:
    """SHA-256 of a model's parameters and buffers, computed once and again only after they changed.

    A change is noticed by torch's version counter of each tensor and by the sum of a sample of its numbers: fused
    optimisers and writes through `tensor.data` bypass the counter, and are not seen where they miss the sample.
    """

    def __init__(self) -> None:
        self._state: tuple[Any, ...] | None = None
        self._hash: str | None = None

    def of(self, model: torch.nn.Module) -> str | None:
        """The hash, None where some tensors are not in memory (offloaded by a device map)."""
        tensors = dict(model.named_parameters()) | dict(model.named_buffers())
        if any(t.is_meta for t in tensors.values()):
            return None
        state = tuple((id(t), _version(t)) for t in tensors.values()), _samples(list(tensors.values()))
        if state != self._state:
            self._hash, self._state = _sha256(tensors), state
        return self._hash


def tokenizer_hash(tokenizer: Any) -> str:
    """SHA-256 of everything a tokenizer computes ids from: its serialised pipeline, or its vocabulary."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content = backend.to_str() if backend is not None else json.dumps(sorted(tokenizer.get_vocab().items()))
    return "sha256:" + hashlib.sha256(content.encode()).hexdigest()


def library_versions() -> dict[str, str]:
    """The versions that a score can depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _version(tensor: torch.Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _samples(tensors: list[torch.Tensor]) -> tuple[float, ...]:
    """The sum of up to 64 numbers spread over each tensor, read from each device at once."""
    by_device: dict[torch.device, list[torch.Tensor]] = {}
    for tensor in tensors:
        flat = tensor.detach().reshape(-1)
        by_device.setdefault(tensor.device, []).append(flat[:: max(1, len(flat) // 64)].float().sum())
    return tuple(value for sums in by_device.values() for value in torch.stack(sums).tolist())


def _sha256(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        flat = tensor.detach().to("cpu").contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return "sha256:" + digest.hexdigest()
