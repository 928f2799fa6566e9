"""What an input becomes when tokens are taken away or replaced."""

import numpy as np

from whence.records import Token
from whence.subjects.inputs import Inputs, Slot, next_token_slot

TOKENS = tuple(Token(letter, number) for number, letter in enumerate("abcdef"))


def texts(inputs):
    return "".join(token.text for token in inputs.tokens)


def test_everything_moves_with_the_tokens_that_are_left():
    whole = Inputs(
        TOKENS, (next_token_slot(3), next_token_slot(5, 9), Slot()), "", token_types=(0, 0, 1, 1, 0, 1), source=3
    )
    left = whole.without(np.array([True, False, True, True, False, True]))
    assert texts(left) == "acdf"
    assert left.slots == (Slot(2, None, 3, 3), Slot(3, 9, 4, 4), Slot())
    assert left.token_types == (0, 1, 1, 1)
    assert left.source == 2


def test_a_prediction_with_nothing_left_in_front_of_it_is_seen():
    whole = Inputs(TOKENS, (next_token_slot(3),), "", source=3)
    assert whole.without(np.array([True] * 3 + [False] * 3)).slots[0].index < 3
    assert Inputs(TOKENS, (next_token_slot(1),), "").without(np.array([False] * 2 + [True] * 4)).slots[0].index < 0


def test_other_ids_in_the_same_places():
    whole = Inputs(TOKENS, (Slot(),), "abcdef")
    other = whole.with_ids([5, 4, 3, 2, 1, 0])
    assert other.ids.tolist() == [5, 4, 3, 2, 1, 0]
    assert texts(other) == texts(whole)
    assert whole.ids.tolist() == [0, 1, 2, 3, 4, 5]
