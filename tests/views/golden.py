"""Text that a view printed once and was found good: the same is wanted again. `WHENCE_GOLDEN=write` writes it anew."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def same_as_golden(name: str, text: str) -> None:
    """The text is what `golden/<name>.txt` holds, line by line; blanks at the end of a line are not looked at."""
    file = FOLDER / f"{name}.txt"
    lines = [line.rstrip() for line in text.splitlines()]
    if os.environ.get("WHENCE_GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == file.read_text(encoding="utf-8").splitlines()
