"""Playing one game by hand: what a method asks for is answered by a function of one mask."""

import numpy as np

from whence.perturbation.engine import Drawn, Game
from whence.subjects.inputs import Inputs


def game_of(whole, features, seed=0, units=("logit",)):
    """A game of rows that can depend on all features, without a model."""
    groups = [[i] for i in range(features)]
    return Game(0, range(len(whole)), groups, np.array(whole, float), units, Inputs((), (), ""), seed)


def played(method, game, value):
    """The estimate, and each mask asked for with its draw: `value(mask, draw)` gives the values of the rows."""
    asked, play = [], method._play(game)
    wanted = next(play)
    while True:
        drawn = wanted if isinstance(wanted, Drawn) else Drawn(wanted, np.zeros(len(wanted), int))
        asked += list(zip(drawn.masks, drawn.draws.tolist(), strict=True))
        values = [value(mask, draw) for mask, draw in zip(drawn.masks, drawn.draws.tolist(), strict=True)]
        try:
            wanted = play.send(np.array(values, float).reshape(len(values), len(game.whole)))
        except StopIteration as end:
            return end.value, asked
