"""Owen values over a hierarchy of the text."""

import heapq
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from whence.errors import InputError
from whence.methods.base import Cost
from whence.perturbation.engine import Estimate, Game, Masks, PerturbationMethod, Play, Values
from whence.perturbation.hierarchy import Tree, hierarchy, leaves
from whence.perturbation.masks import nothing_kept
from whence.perturbation.sampling import warn_of_breaking_off

_TOGETHER = 32
"""Nodes opened at a time, whose masks share batches."""


@dataclass(frozen=True)
class PartitionShap(PerturbationMethod):
    """Each feature's Owen value: its Shapley value where only whole sentences, words and halves of these join or leave.

    Formula: φ_i = Σ_C Π_levels ½ · (v(C ∪ {i}) − v(C)), C the union, over all levels of the tree from the root down to
    i, of the branch beside i's or nothing: the mean of what i adds over all orders that keep every branch together.
    The tree is binary: sentences halved until alone, then words in a sentence, then tokens in a word.
    Source: Owen 1977, "Values of Games with a Priori Unions", on several levels as in Winter 1989, "A Value for
    Cooperative Games with Levels Structure of Cooperation"; opened in the order of weighted differences as SHAP's
    Partition explainer does, 32 nodes at a time.
    Shapes and units: one score a feature and target, in the target's unit; scores of a row add up to v(N) − v(∅).
    Cost: at most 1 + `samples` forward passes for each reach of the rows; about ⅔ n² open the tree of n features fully.
    Errors: `InputError` for fewer than 3 samples.
    Does not claim: to be the Shapley value: features of one word or sentence share what that adds. Where the samples do
    not suffice, `provenance["resolved"]` counts the groups left unopened, whose features share their score equally.

    `features` and `strategy` as in every perturbation method. When the user breaks off (Ctrl-C), groups not opened by
    then share their score equally.

    >>> PartitionShap(samples=100).cost(tokens=10, rows=1)
    Cost(forwards=101, backwards=0)
    """

    samples: int = 512

    key: ClassVar[str] = "partition_shap"
    complete: ClassVar[bool] = True
    caveat: ClassVar[str] = (
        "Owen values depend on how the text is divided into sentences and words; masked texts may be unlike anything "
        "the model was trained on."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.samples, bool) or not isinstance(self.samples, int) or self.samples < 3:
            raise InputError(f"samples must be a whole number of at least 3, got {self.samples!r}.")

    @property
    def bounded(self) -> bool:
        """Equal masks are run once, and a small tree is opened with fewer."""
        return True

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input, and the budget for each row that can depend on other features."""
        return Cost(1 + rows * self.samples, 0)

    def _play(self, game: Game) -> Play:
        tree = hierarchy(game)
        (empty,) = yield nothing_kept(game.features)
        credit = _Credit(game.features, len(game.rows))
        credit.add(tree, nothing_kept(game.features)[0], empty, game.whole, 1.0)
        spent, broken_off = 1, {}
        while nodes := credit.largest(min(_TOGETHER, (self.samples - spent) // 2)):
            masks = np.concatenate([node.asked() for node in nodes])
            try:
                values = yield masks
            except KeyboardInterrupt:
                warn_of_breaking_off(spent, self.samples)
                credit.put_back(nodes)
                broken_off = {"broken_off": True}
                break
            spent += len(masks)
            for node, pair in zip(nodes, values.reshape(len(nodes), 2, -1), strict=True):
                credit.open(node, pair)
        resolved = {"samples": spent, "unopened": credit.unopened} | broken_off
        return Estimate(credit.shared_out(), baseline=empty, resolved=resolved)


@dataclass(frozen=True, eq=False)
class _Node:
    """A branch of two, the features kept beside it, the values without and with it, and its weight."""

    tree: tuple[Tree, Tree]
    kept: Bool[np.ndarray, " feature"]
    without: Float[np.ndarray, " row"]
    whole: Float[np.ndarray, " row"]
    weight: float

    def asked(self) -> Masks:
        """What is kept with the left branch, and with the right one."""
        masks = np.stack([self.kept, self.kept])
        for mask, branch in zip(masks, self.tree, strict=True):
            mask[leaves(branch)] = True
        return masks


class _Credit:
    """The scores given to features so far, and the nodes whose credit has not been divided."""

    def __init__(self, features: int, rows: int) -> None:
        self._scores = np.zeros((rows, features))
        self._waiting: list[tuple[float, int, _Node]] = []
        self._number = count()

    def add(
        self, tree: Tree, kept: Bool[np.ndarray, " feature"], without: np.ndarray, whole: np.ndarray, weight: float
    ) -> None:
        """Give a feature its credit, or have a branch wait to be opened, the largest credit in any row first."""
        if isinstance(tree, int):
            self._scores[:, tree] += weight * (whole - without)
            return
        node = _Node(tree, kept, without, whole, weight)
        size = float(np.abs(whole - without).max() * weight)
        heapq.heappush(self._waiting, (-size, next(self._number), node))

    def largest(self, at_most: int) -> list[_Node]:
        """The nodes of the largest credit, taken out."""
        return [heapq.heappop(self._waiting)[2] for _ in range(min(at_most, len(self._waiting)))]

    def put_back(self, nodes: list[_Node]) -> None:
        """Have nodes wait that were taken out and not opened."""
        for node in nodes:
            self.add(node.tree, node.kept, node.without, node.whole, node.weight)

    def open(self, node: _Node, values: Values) -> None:
        """Divide a node's credit between its branches: each with and without the other, half the weight each."""
        left, right = node.tree
        with_left, with_right = node.asked()
        half = node.weight / 2
        self.add(left, node.kept, node.without, values[0], half)
        self.add(left, with_right, values[1], node.whole, half)
        self.add(right, node.kept, node.without, values[1], half)
        self.add(right, with_left, values[0], node.whole, half)

    @property
    def unopened(self) -> int:
        """How many nodes wait."""
        return len(self._waiting)

    def shared_out(self) -> Float[np.ndarray, "row feature"]:
        """The scores, the credit of nodes that wait divided equally among their features."""
        scores = self._scores.copy()
        for _, _, node in self._waiting:
            members = leaves(node.tree)
            scores[:, members] += (node.weight * (node.whole - node.without) / len(members))[:, None]
        return scores
