"""One token of the input, as the model saw it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Token:
    """One input unit: a token; a word, sentence or segment made of tokens; a patch or pixel of an image.

    `text` is the part of the input it covers, `input[start:end]`, and the token's own string where it covers none
    (a `[CLS]` the tokenizer added); a patch is named by its row and column, from 0. Byte tokens that together spell
    one character overlap: each covers all of it. `id` is the vocabulary id, None where several tokens were merged or
    there is none. `special` marks control tokens.

    `role` says which part of the input it belongs to: "text" (and "text_pair", the second of two), "prompt" and
    "continuation", a chat role or "template", "question" and "context", "source" (what an encoder reads) and "target"
    (what its decoder has read), or the kind of an image's unit.
    """

    text: str
    id: int | None
    start: int | None = None
    end: int | None = None
    role: str = "text"
    special: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}
