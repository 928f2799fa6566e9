"""What is masked together: the features of an input, each some of its tokens."""

from collections.abc import Sequence
from typing import Literal, get_args

from whence.errors import InputError
from whence.records.grouping import paragraph_groups, role_groups, sentence_groups, span_groups, word_groups
from whence.subjects.inputs import Inputs

Named = Literal["token", "word", "sentence", "paragraph", "role"]
Features = Named | Sequence[tuple[int, int]]
"""Kinds of features, or character spans `(start, end)` of the text, end exclusive.

"token" is every token, control tokens too. The others are of the text alone, control tokens are always kept: words,
sentences, paragraphs (what blank lines separate, such as the examples of a prompt), and roles, the runs of tokens that
have one role (the turns of a chat, the texts of a pair, source and target).
"""


def check_features(features: Features) -> None:
    """An `InputError` for features there are not."""
    if isinstance(features, str):
        if features not in get_args(Named):
            raise InputError(
                f"Unknown features {features!r}. Known: {', '.join(get_args(Named))}, or a list of (start, end) "
                f"character offsets."
            )
        return
    try:
        spans = [(int(start), int(end)) for start, end in features]
    except (TypeError, ValueError) as error:
        raise InputError(
            f"features= wants a name or a list of (start, end) character offsets, got {features!r}."
        ) from error
    if not spans:
        raise InputError("features= is an empty list: there is nothing to mask.")


def feature_groups(inputs: Inputs, features: Features) -> list[list[int]]:
    """The token indices of each feature, in the order of the text; tokens of no feature are never masked."""
    tokens = inputs.tokens
    if features == "token":
        return [[i] for i in range(len(tokens))]
    if inputs.grid is not None:
        raise InputError(
            f"features={features!r} groups the tokens of a text, and this is an image. Leave it out; units= chooses "
            f"what gets a score."
        )
    if not isinstance(features, str):
        return sorted(span_groups(tokens, [(int(start), int(end)) for start, end in features]))
    groups = {
        "word": lambda: word_groups(tokens),
        "sentence": lambda: sentence_groups(tokens, inputs.text),
        "paragraph": lambda: paragraph_groups(tokens, inputs.text),
        "role": lambda: role_groups(tokens),
    }[features]()
    found = [group for group in groups if not all(tokens[i].special for i in group)]
    if not found:
        raise InputError(f"There is no {features} to mask: every token is a control token. Use features='token'.")
    return found
