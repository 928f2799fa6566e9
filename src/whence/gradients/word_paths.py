"""Monotonic paths from an input to its baseline whose points are at, or near, embeddings of other tokens."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.errors import InputError
from whence.gradients.engine import Point, weighted_gradients
from whence.gradients.method import GradientMethod, groups, places_of
from whence.gradients.neighbours import Neighbours
from whence.gradients.paths import Way, ends_of, warn_of_residual
from whence.methods.base import Cost, Explanation
from whence.methods.baselines import Baseline, baseline_embeddings, check_baseline, resolved_baseline
from whence.methods.checks import check_whole
from whence.methods.run import Run
from whence.methods.values import Embeds, Place
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target

Strategy = Literal["greedy", "maxcount"]
Rows = Float[Tensor, "token hidden"]
_NUMBERS_AT_ONCE = 2**22
"""Numbers of candidates' embeddings compared at a time."""


@dataclass(frozen=True)
class WordPathMethod(GradientMethod):
    """Integrated gradients along a path through the neighbourhood of real tokens.

    A kind of path says which tokens are candidates for the next anchor; choosing among them, moving the anchor so that
    the path stays monotonic, and adding up are the same for all.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"embeddings", "vocabulary"})
    complete: ClassVar[bool] = True

    steps: int
    strategy: Strategy
    neighbours: int
    upscale: int
    baseline: Baseline
    baseline_text: Any

    def __post_init__(self) -> None:
        check_whole("steps", self.steps, 1)
        check_whole("neighbours", self.neighbours, 1)
        check_whole("upscale", self.upscale, 0)
        check_baseline(self.baseline, self.baseline_text)
        if self.strategy not in get_args(Strategy):
            raise InputError(f"Unknown strategy {self.strategy!r}. Known: {', '.join(get_args(Strategy))}.")

    @property
    def _parts(self) -> int:
        """The parts of a path: between input, anchors and baseline, each halved `upscale` times."""
        return (self.steps + 1) * 2**self.upscale

    def cost(self, tokens: int, rows: int) -> Cost:
        """Both ends of the path once, and its points."""
        return Cost(2 + self._parts, self._parts * rows)

    def points_cost(self, tokens: int, rows: int) -> Cost:
        """The beginning of each part, with a backward a row."""
        return Cost(self._parts, self._parts * rows)

    @abstractmethod
    def _candidates(
        self, near: Neighbours, step: int, words: Int[Tensor, " token"], start: Rows, end: Rows
    ) -> Int[Tensor, "token candidate"]:
        """Tokens that may be the anchor of this step: `words` are the last anchors, `start` and `end` the whole way."""

    def points(self, subject: Subject, places: Sequence[Place], run: Run) -> list[Point]:
        """Where each part begins, and the part as the weight of its gradient."""
        starts = baseline_embeddings(subject, places, self.baseline, self.baseline_text, run.seed)
        ways = [Way(place.inputs, start, place.embeds) for place, start in zip(places, starts, strict=True)]
        return self._on(subject, ways)

    def _on(self, subject: Subject, ways: Sequence[Way]) -> list[Point]:
        near = [Neighbours(subject, n, t, self.neighbours) for n, (_, t) in enumerate(subject.tables(ways[0].inputs))]
        points = []
        for i, way in enumerate(ways):
            path = self._path(subject, way, near).to(way.end.dtype)
            points += [
                Point(i, Way(way.inputs, path[k], path[k + 1]).times(1.0), partial(torch.clone, path[k]))
                for k in range(self._parts)
            ]
        return points

    def _path(self, subject: Subject, way: Way, near: Sequence[Neighbours]) -> Float[Tensor, "point token hidden"]:
        """The points from the baseline to the input, token by token."""
        parts = [
            self._part_path(table, torch.as_tensor(way.inputs.ids[part], device=way.end.device), way, part)
            for table, (part, _) in zip(near, subject.tables(way.inputs), strict=True)
        ]
        path = torch.cat(parts, dim=1)
        for _ in range(self.upscale):
            halved = torch.stack([path[:-1], (path[:-1] + path[1:]) / 2], dim=1).flatten(0, 1)
            path = torch.cat([halved, path[-1:]])
        return path

    def _part_path(
        self, near: Neighbours, ids: Int[Tensor, " token"], way: Way, part: slice
    ) -> Float[Tensor, "point token hidden"]:
        """The path of tokens of one table, from the input back to the baseline, then turned round."""
        wide = torch.promote_types(way.end.dtype, torch.float32)
        start, end = way.start[part].to(wide), way.end[part].to(wide)
        words, at, used, path = ids, end, ids[:, None], [end]
        for step in range(self.steps):
            candidates = self._candidates(near, step, words, start, end)
            words, anchors = self._chosen(near, candidates, words, used, start, at)
            used, at = torch.cat([used, words[:, None]], dim=1), anchors
            path.append(monotonic(start, path[-1], anchors, self.steps))
        return torch.stack([*path, start]).flip(0)

    def _chosen(
        self,
        near: Neighbours,
        candidates: Int[Tensor, "token candidate"],
        words: Int[Tensor, " token"],
        used: Int[Tensor, "token before"],
        start: Rows,
        at: Rows,
    ) -> tuple[Int[Tensor, " token"], Rows]:
        """Each token's anchor and its embedding: the best candidate not used before, or where none is left, the end."""
        chosen, anchors = words.clone(), start.clone()
        block = max(1, _NUMBERS_AT_ONCE // (candidates.shape[1] * start.shape[1]))
        for some in torch.arange(len(words), device=words.device).split(block):
            embeds = near.embeddings(candidates[some])
            open_ = self._open(candidates[some], embeds, used[some], start[some])
            costs = self._costs(embeds, start[some], at[some]).masked_fill(~open_, torch.inf)
            order = torch.arange(costs.shape[1], device=costs.device)
            least = torch.where(costs == costs.amin(dim=1, keepdim=True), order, costs.shape[1]).amin(dim=1)
            rows, left = torch.arange(len(some), device=some.device), open_.any(dim=1)
            chosen[some] = torch.where(left, candidates[some][rows, least], words[some])
            anchors[some] = torch.where(left[:, None], embeds[rows, least], start[some])
        return chosen, anchors

    @staticmethod
    def _open(
        candidates: Int[Tensor, "token candidate"], embeds: Tensor, used: Tensor, start: Rows
    ) -> Bool[Tensor, "token candidate"]:
        """Which candidates are neither in the path yet nor the baseline."""
        fresh = (candidates[:, :, None] != used[:, None, :]).all(dim=-1)
        return fresh & (embeds != start[:, None]).any(dim=-1)

    def _costs(self, embeds: Tensor, start: Rows, at: Rows) -> Float[Tensor, "token candidate"]:
        """How bad each candidate is: how far from its monotonic form, or in how many dimensions it is not monotonic."""
        start, at = start[:, None], at[:, None]
        if self.strategy == "greedy":
            return (embeds - monotonic(start, at, embeds, self.steps)).norm(dim=-1)
        return (~between(start, at, embeds)).sum(dim=-1).to(embeds.dtype)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        found: dict[int, Explanation] = {}
        for chosen in groups(subject, inputs, self._parts, run):
            found |= dict(zip(chosen, self._some(subject, [inputs[i] for i in chosen], targets, run), strict=True))
        explanations = [found[i] for i in range(len(inputs))]
        warn_of_residual(f"The sums of {self.key}", explanations, "More steps or upscale= can help.")
        return explanations

    def _some(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        """Some of the inputs, whose paths are held at the same time."""
        places = places_of(subject, inputs)
        starts = baseline_embeddings(subject, places, self.baseline, self.baseline_text, run.seed)
        ends = ends_of(subject, inputs, starts, targets, run)
        ways = [Way(place.inputs, start, place.embeds) for place, start in zip(places, starts, strict=True)]
        readouts = [end.readouts for end in ends]
        sums = weighted_gradients(subject, inputs, self._on(subject, ways), run, readouts=readouts, label=self.key)
        return [
            Explanation(
                readouts=end.readouts,
                scores=self.reduced(one.total).cpu().double().numpy(),
                values=end.values,
                baseline_values=end.baseline_values,
                cost=Cost(one.cost.forwards + 2, one.cost.backwards),
                resolved={"baseline": resolved_baseline(subject, self.baseline)},
            )
            for one, end in zip(sums, ends, strict=True)
        ]


def between(start: Tensor, end: Tensor, point: Tensor) -> Bool[Tensor, "..."]:
    """In which dimensions a point lies between two others, or on one of them."""
    return (point >= torch.minimum(start, end)) & (point <= torch.maximum(start, end))


def monotonic(start: Tensor, end: Tensor, anchor: Embeds, steps: int) -> Tensor:
    """The anchor, moved in dimensions that are not between start and end to a step from the end towards the start."""
    return torch.where(between(start, end, anchor), anchor, end - (end - start) / steps)
