"""The features of an input as a binary tree: sentences, words, tokens of a word; of an image, halves of halves."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from whence.perturbation.engine import Game
from whence.records.grouping import sentence_groups, word_groups

Tree = int | tuple["Tree", "Tree"]
"""A feature, or two branches."""


def hierarchy(game: Game) -> Tree:
    """The tree of a game's features.

    Sentences are halved until each is alone, then the words of a sentence, then the tokens of a word; an image is
    halved across its longer side until its units are alone.
    """
    if game.inputs.grid is not None:
        rows, columns = game.inputs.grid
        return _of_grid([[row * columns + column for column in range(columns)] for row in range(rows)])
    tokens = game.inputs.tokens
    of_sentence = _numbers(sentence_groups(tokens, game.inputs.text))
    of_word = _numbers(word_groups(tokens))
    firsts = [group[0] for group in game.groups]
    sentences = _split(list(range(game.features)), [of_sentence[first] for first in firsts])
    return _halved([_halved([_halved(word) for word in _split(s, [of_word[firsts[i]] for i in s])]) for s in sentences])


def leaves(tree: Tree) -> list[int]:
    """The features of a tree, from left to right."""
    return [tree] if isinstance(tree, int) else leaves(tree[0]) + leaves(tree[1])


def _numbers(groups: Sequence[Sequence[int]]) -> dict[int, int]:
    """Token index -> which group it is in."""
    return {i: number for number, group in enumerate(groups) for i in group}


def _split(features: Sequence[int], numbers: Sequence[int]) -> list[list[int]]:
    """Neighbouring features of one number together."""
    pairs = groupby(zip(features, numbers, strict=True), key=lambda pair: pair[1])
    return [[feature for feature, _ in members] for _, members in pairs]


def _halved(parts: Sequence[Any]) -> Tree:
    """A list of trees as one tree, halved in the middle again and again."""
    if len(parts) == 1:
        return parts[0]
    middle = (len(parts) + 1) // 2
    return _halved(parts[:middle]), _halved(parts[middle:])


def _of_grid(cells: Sequence[Sequence[int]]) -> Tree:
    rows, columns = len(cells), len(cells[0])
    if rows == columns == 1:
        return cells[0][0]
    if rows >= columns:
        middle = (rows + 1) // 2
        return _of_grid(cells[:middle]), _of_grid(cells[middle:])
    middle = (columns + 1) // 2
    return _of_grid([row[:middle] for row in cells]), _of_grid([row[middle:] for row in cells])
