"""Games without a model: a method's `_play` fed by a value function, as the engine feeds it by a model."""

import numpy as np

from whence.perturbation.engine import Game
from whence.records import Token
from whence.subjects.inputs import Inputs, Slot


def game_of(v, features, seed=0, words=None, grid=None):
    """A game of one row; each feature is a token, a word of its own unless `words` are given."""
    words = [f"w{i}" for i in range(features)] if words is None else words
    tokens, place = [], 0
    for word in words:
        tokens.append(Token(word, 0, place, place + len(word)))
        place += len(word) + 1
    inputs = Inputs(tuple(tokens), (Slot(),), " ".join(words), grid=grid)
    whole = np.array([v(np.ones(features, dtype=bool))])
    return Game(0, [0], [[i] for i in range(features)], whole, inputs, seed)


def played(method, v, features, **about):
    """What the method makes of v, and the masks it asked for."""
    game = game_of(v, features, **about)
    play = method._play(game)
    asked = [next(play)]
    while True:
        values = np.array([[v(mask)] for mask in asked[-1]]).reshape(-1, 1)
        try:
            asked.append(play.send(values))
        except StopIteration as end:
            return end.value, np.concatenate(asked)
