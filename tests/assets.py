"""Real models and data, where they are at hand."""

import os
from pathlib import Path

import pytest

ASSETS = Path(os.environ.get("WHENCE_ASSETS", Path(__file__).parents[2] / "shared" / "assets"))


def asset(name: str) -> Path:
    """The folder of a real model or data set; a test that needs it is skipped where there is none."""
    if not (ASSETS / name).exists():
        pytest.skip(f"no asset {name!r}: set WHENCE_ASSETS to the folder that holds it")
    return ASSETS / name
