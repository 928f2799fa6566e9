"""ReAGent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Int

from whence.methods.base import Cost, Explanation
from whence.methods.checks import check_number, check_whole
from whence.methods.run import Run
from whence.perturbation.chances import AmongTop, Chance, every
from whence.perturbation.engine import Drawn, Estimate, Game, Masks, PerturbationMethod, Play, Values
from whence.perturbation.proposals import proposes
from whence.perturbation.sampling import warn_of_breaking_off
from whence.perturbation.strategies import Strategy
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target

_TARGETS = 3
"""Rows for each target: the target, its output's probability, and whether that is among the likeliest."""
_MOST_CHANGE = 1 - 1e-9
"""A change of probability by 1 would be an infinite step."""


@dataclass(frozen=True)
class ReAGent(PerturbationMethod):
    """A distribution of importance, updated step by step by what replacing random tokens does to the probability.

    Formula: the distribution is softmax(s), s starting uniform in 0 to 1. In a step each token is replaced with
    probability `ratio`, and s_i ← s_i + g where token i was replaced, s_i − g where not, g = logit(1/2 + Δp/2),
    Δp = p(y|x) − p(y|x̂). A run stops when, with all but the `keep` tokens of largest s replaced, y is among the
    model's `top` likeliest outputs, or after `steps`. The score is the mean over `runs`.
    Source: Zhao and Shan 2024, "ReAGent: A Model-agnostic Feature Attribution Method for Generative Language Models",
    section 3 and algorithm 1; g as in the authors' code. There only runs that stopped are averaged, here all: the
    scores are defined also when none did. Theirs are up to 5,000 steps in 5 to 8 runs, `keep` 3 to 8, `top` 3, `ratio`
    0.1 to 0.3.
    Shapes and units: one score a feature and target, a share of importance: never negative, 1 in all. y is the output
    that the target is about, whatever number of it; of a `Contrast` p is the probability of a against b, and a target
    of no one output (a function, a regression) counts its change relative to its size, |f(x)| + |f(x̂)|, and never
    stops a run. Standard errors: σ/√runs over the runs.
    Cost: at most 1 + 2 · `runs` · `steps` forward passes for each row, one a step for the replacement and one for the
    stop; `provenance["proposals"]` counts those that proposed tokens.
    Errors: `InputError` for a ratio outside 0 to 1 and counts below 1 (`runs`: 2).
    Does not claim: a direction: a token that speaks for y and one whose replacement happens to help it differ in rank
    only. How peaked the scores are depends on how many steps it took to stop.

    `keep` is at most half of the features and `top` at most half of the outputs, so that there is something to show.
    With `strategy="auto"` a language model proposes the replacements itself, as with "sample"; elsewhere it is what
    it is in other methods, the first of mask, pad, unk and eos token, or a zero embedding. `features` as in every
    perturbation method.

    >>> ReAGent().cost(tokens=10, rows=1)
    Cost(forwards=501, backwards=0)
    """

    runs: int = 5
    steps: int = 50
    ratio: float = 0.3
    keep: int = 5
    top: int = 3

    key: ClassVar[str] = "reagent"
    caveat: ClassVar[str] = (
        "ReAGent's scores are shares of an importance that has no sign, from random replacements: read them with their "
        "standard errors. How peaked they are depends on when its runs stopped."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("runs", 2), ("steps", 1), ("keep", 1), ("top", 1)):
            check_whole(name, getattr(self, name), least)
        check_number("ratio", self.ratio, above=0, at_most=1)

    @property
    def scores_unit(self) -> str:
        """A share, whatever the target's unit."""
        return "share of importance"

    @property
    def signed(self) -> bool:
        """A distribution is never negative."""
        return False

    @property
    def bounded(self) -> bool:
        """Runs stop early, and equal masks are run once."""
        return True

    def cost(self, tokens: int, rows: int) -> Cost:
        """The input, and two masked inputs a step for each row and run."""
        return Cost(1 + 2 * rows * self.runs * self.steps, 0)

    def _strategy(self, subject: Subject) -> Strategy:
        return "sample" if self.strategy == "auto" and proposes(subject) else self.strategy

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        asked = [row for target in targets for row in (target, Chance(target), AmongTop(target, self.top))]
        return [every(_TARGETS, found) for found in super()._explain(subject, inputs, asked, run)]

    def _play(self, game: Game) -> Play:
        runs = _Runs(self, game)
        for step in range(self.steps + 1):
            tried, kept = runs.trials(step), runs.rationales(step)
            try:
                values = yield Drawn(np.concatenate([tried.masks, kept.masks]), np.append(tried.draws, kept.draws))
            except KeyboardInterrupt:
                if step == 0:
                    raise
                warn_of_breaking_off(step, self.steps, "steps")
                return runs.estimate({"broken_off": True})
            runs.stop(values[len(tried.masks) :])
            runs.update(tried.masks, values[: len(tried.masks)])
            if not runs.going.any():
                break
        return runs.estimate({})


class _Runs:
    """The runs of all rows of one game: rows share what is tried, and stop each at its own time.

    What is tried depends on seed, run and step alone, so a row's runs are the same whatever rows there are besides.
    """

    def __init__(self, method: ReAGent, game: Game) -> None:
        self.method, self.game = method, game
        rows, features = len(game.rows) // _TARGETS, game.features
        starts = [np.random.default_rng([game.seed, run]).random(features) for run in range(method.runs)]
        self.logistic = np.repeat(np.stack(starts)[:, None], rows, axis=1)
        self.going = np.ones((method.runs, rows), dtype=bool)
        self._stopped = 0
        self._tried = np.empty(0, dtype=int)
        self._pairs = np.empty((0, 2), dtype=int)

    def trials(self, step: int) -> Drawn:
        """What step number `step` replaces in every run that goes on; nothing behind the last step."""
        going = self.going.any(axis=1) if step < self.method.steps else np.zeros(len(self.going), dtype=bool)
        self._tried = np.flatnonzero(going)
        masks = np.ones((len(self._tried), self.game.features), dtype=bool)
        for row, run in enumerate(self._tried):
            chances = np.random.default_rng([self.game.seed, int(run), step]).random(self.game.features)
            masks[row] = chances >= self.method.ratio
        return Drawn(masks, self._draws(self._tried, step, 1))

    def rationales(self, step: int) -> Drawn:
        """What is kept to see whether a run stops after the step before this one, for each row."""
        self._pairs = np.argwhere(self.going) if step else np.empty((0, 2), dtype=int)
        size = min(self.method.keep, max(1, self.game.features // 2))
        masks = np.zeros((len(self._pairs), self.game.features), dtype=bool)
        for number, (run, row) in enumerate(self._pairs):
            masks[number, np.argsort(-self.logistic[run, row], kind="stable")[:size]] = True
        return Drawn(masks, self._draws(self._pairs[:, 0], step, 2))

    def _draws(self, runs: Int[np.ndarray, " _"], step: int, which: int) -> Int[np.ndarray, " _"]:
        """A number for the replacements of each run, step and purpose."""
        numbers: Int[np.ndarray, " _"] = which + 2 * (runs * (self.method.steps + 1) + step)
        return numbers

    def stop(self, values: Values) -> None:
        """End the runs of those rows whose output is still among the likeliest, given the values of the rationales."""
        for (run, row), value in zip(self._pairs, values, strict=True):
            if value[_TARGETS * row + 2] > 0:
                self.going[run, row] = False
                self._stopped += 1

    def update(self, masks: Masks, values: Values) -> None:
        """One step of the runs tried, for the rows that go on."""
        for run, mask, value in zip(self._tried, masks, values, strict=True):
            step = 2 * np.arctanh(np.clip(self._change(value[1::_TARGETS]), -_MOST_CHANGE, _MOST_CHANGE))
            signed = np.where(mask, -1.0, 1.0) * step[:, None]
            self.logistic[run] += np.where(self.going[run][:, None], signed, 0.0)

    def _change(self, values: Float[np.ndarray, " row"]) -> Float[np.ndarray, " row"]:
        """How much less the values are than those of the input: of no probability, relative to their size."""
        whole = self.game.whole[1::_TARGETS]
        size = np.abs(whole) + np.abs(values)
        relative: Bool[np.ndarray, " row"] = np.array([unit != "probability" for unit in self.game.units[1::_TARGETS]])
        change: Float[np.ndarray, " row"] = (whole - values) / np.where(relative & (size > 0), size, 1.0)
        return change

    def estimate(self, resolved: dict[str, bool]) -> Estimate:
        """The mean distribution of the runs, and its standard error."""
        raised = np.exp(self.logistic - self.logistic.max(axis=2, keepdims=True))
        found = np.repeat(raised / raised.sum(axis=2, keepdims=True), _TARGETS, axis=1)
        errors = found.std(axis=0, ddof=1) / np.sqrt(len(found))
        return Estimate(found.mean(axis=0), errors, None, resolved | {"stopped": self._stopped})
