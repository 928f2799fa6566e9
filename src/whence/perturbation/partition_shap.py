"""Owen values over a hierarchy of the text."""

import heapq
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float

from whence.methods.base import Cost
from whence.methods.checks import check_whole
from whence.perturbation.engine import Estimate, Game, Masks, PerturbationMethod, Play
from whence.perturbation.hierarchy import Tree, hierarchy, leaves
from whence.perturbation.masks import nothing_kept
from whence.perturbation.sampling import warn_of_breaking_off

_TOGETHER = 32
"""Branches of a row opened at a time, whose masks share batches."""


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
        check_whole("samples", self.samples, 3)

    @property
    def bounded(self) -> bool:
        """Equal masks are run once, and a small tree is opened with fewer."""
        return True

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input, and the budget for each row that can depend on other features."""
        return Cost(1 + rows * self.samples, 0)

    def _play(self, game: Game) -> Play:
        tree, nothing = hierarchy(game), nothing_kept(game.features)
        (empty,) = yield nothing
        credits = [_Credit(game.features, self.samples - 1) for _ in game.rows]
        for credit, without, whole in zip(credits, empty.tolist(), game.whole.tolist(), strict=True):
            credit.add(_Branch(tree, nothing[0], without, whole, 1.0))
        broken_off = {}
        while any(opened := [credit.largest() for credit in credits]):
            masks = [branch.asked() for branches in opened for branch in branches]
            try:
                values = yield np.concatenate(masks)
            except KeyboardInterrupt:
                for credit, branches in zip(credits, opened, strict=True):
                    credit.put_back(branches)
                warn_of_breaking_off(credits[0].spent, self.samples, "samples")
                broken_off = {"broken_off": True}
                break
            pairs = iter(values.reshape(len(masks), 2, -1))
            for row, (credit, branches) in enumerate(zip(credits, opened, strict=True)):
                for branch in branches:
                    credit.open(branch, *next(pairs)[:, row].tolist())
        resolved = {
            "samples": 1 + sum(credit.spent for credit in credits),
            "unopened": sum(credit.unopened for credit in credits),
        }
        scores = np.stack([credit.shared_out() for credit in credits])
        return Estimate(scores, baseline=empty, resolved=resolved | broken_off)


@dataclass(frozen=True, eq=False)
class _Branch:
    """A part of the tree, the features kept beside it, a row's values without and with it, and its weight."""

    tree: Tree
    kept: Bool[np.ndarray, " feature"]
    without: float
    whole: float
    weight: float

    def asked(self) -> Masks:
        """What is kept with the left one of its two branches, and with the right one."""
        assert not isinstance(self.tree, int)
        masks = np.stack([self.kept, self.kept])
        for mask, branch in zip(masks, self.tree, strict=True):
            mask[leaves(branch)] = True
        return masks


class _Credit:
    """One row's scores so far, and the branches whose credit has not been divided."""

    def __init__(self, features: int, budget: int) -> None:
        self.spent = 0
        self._budget = budget
        self._scores = np.zeros(features)
        self._waiting: list[tuple[float, int, _Branch]] = []
        self._number = count()

    def add(self, branch: _Branch) -> None:
        """Give a feature its credit, or have a branch wait to be opened."""
        change = branch.weight * (branch.whole - branch.without)
        if isinstance(branch.tree, int):
            self._scores[branch.tree] += change
        else:
            heapq.heappush(self._waiting, (-abs(change), next(self._number), branch))

    def largest(self) -> list[_Branch]:
        """The branches of the largest credit that the budget allows to open, taken out."""
        together = min(_TOGETHER, len(self._waiting), (self._budget - self.spent) // 2)
        self.spent += 2 * together
        return [heapq.heappop(self._waiting)[2] for _ in range(together)]

    def put_back(self, branches: list[_Branch]) -> None:
        """Have branches wait that were taken out and not opened."""
        self.spent -= 2 * len(branches)
        for branch in branches:
            self.add(branch)

    def open(self, branch: _Branch, left_kept: float, right_kept: float) -> None:
        """Divide a branch's credit between its two: each with and without the other, half the weight each."""
        assert not isinstance(branch.tree, int)
        left, right = branch.tree
        with_left, with_right = branch.asked()
        half = branch.weight / 2
        self.add(_Branch(left, branch.kept, branch.without, left_kept, half))
        self.add(_Branch(left, with_right, right_kept, branch.whole, half))
        self.add(_Branch(right, branch.kept, branch.without, right_kept, half))
        self.add(_Branch(right, with_left, left_kept, branch.whole, half))

    @property
    def unopened(self) -> int:
        """How many branches wait."""
        return len(self._waiting)

    def shared_out(self) -> Float[np.ndarray, " feature"]:
        """The scores, the credit of branches that wait divided equally among their features."""
        scores = self._scores.copy()
        for _, _, branch in self._waiting:
            members = leaves(branch.tree)
            scores[members] += branch.weight * (branch.whole - branch.without) / len(members)
        return scores
