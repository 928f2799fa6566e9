"""Real models and data, where they are at hand."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT.parent / "shared" / "assets", ROOT / ".assets"]
"""Where they are looked for: `$WHENCE_ASSETS` may name other folders, separated as in `$PATH`."""


def asset(name: str) -> Path:
    """The folder or file of a real model or data set; a test that needs it is skipped where there is none."""
    told = os.environ.get("WHENCE_ASSETS")
    folders = [Path(folder) for folder in told.split(os.pathsep)] if told else FOLDERS
    found = next((folder / name for folder in folders if (folder / name).exists()), None)
    if found is None:
        pytest.skip(f"no asset {name!r}: set WHENCE_ASSETS to the folder that holds it")
    return found
