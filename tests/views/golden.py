"""Text that a view printed once and was found good: the same is wanted again. `WHENCE_GOLDEN=write` writes it anew."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def same_as_golden(name: str, text: str) -> None:
    """The text is what `golden/<name>.txt` holds, line by line."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("WHENCE_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text.splitlines() == file.read_text(encoding="utf-8").splitlines()
