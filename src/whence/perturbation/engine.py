"""What the perturbation methods share: features to mask, a strategy to mask them by, and games to be played.

A method is a sampler of masks and an estimator. It plays a game for each input: it asks for the values of some masks,
is given them, asks again or ends with an estimate. All games of a call are played at the same time, so that the masked
inputs of all of them share batches.
"""

from abc import abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from whence.methods.base import Cost, Explanation, Method
from whence.methods.run import Run
from whence.perturbation.evaluator import Evaluator
from whence.perturbation.features import Features, check_features, feature_groups
from whence.perturbation.proposals import Sample
from whence.perturbation.strategies import Strategy, check_strategy
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target


@dataclass(frozen=True, eq=False)
class Game:
    """One input's features as players, and what some of the rows of its values make of them.

    The rows of a game can depend on all of its `features`, whose token indices `groups` has. `whole` are the rows'
    values with nothing masked, `seed` is the run's, `inputs` what is explained.
    """

    item: int
    rows: Sequence[int]
    groups: Sequence[Sequence[int]]
    whole: Float[np.ndarray, " row"]
    inputs: Inputs
    seed: int

    @property
    def features(self) -> int:
        """How many players there are, which is how many entries a mask has."""
        return len(self.groups)


@dataclass(frozen=True, eq=False)
class Estimate:
    """What a game came to: a score for each row and feature, standard errors where it was sampled, v(∅) where scores
    add up to v(all) − v(∅), what `resolved` is to say, and what the provenance is to say of each row, by name.
    """

    scores: Float[np.ndarray, "row feature"]
    standard_errors: Float[np.ndarray, "row feature"] | None = None
    baseline: Float[np.ndarray, " row"] | None = None
    resolved: dict[str, Any] = field(default_factory=dict)
    by_row: dict[str, Float[np.ndarray, " row"]] = field(default_factory=dict)


Masks = Bool[np.ndarray, "_ feature"]
Values = Float[np.ndarray, "_ row"]
Play = Generator[Masks, Values, Estimate]
"""A game being played: it yields masks, is sent their values, and returns its estimate. A `KeyboardInterrupt` is thrown
into it when the user breaks off: it ends with what it knows, or lets it pass where it knows too little."""


@dataclass(frozen=True)
class PerturbationMethod(Method):
    """A method that only looks at what the model makes of masked inputs.

    `features` is what is masked together, see `whence.perturbation.features`; where it is not "token", the record has a
    unit for each feature. `strategy` is what masked tokens become, see `whence.perturbation.strategies`.

    Rows that can depend on different tokens (those of a continuation, in a causal model) are games of their own, over
    the features in front of each; equal masks are run once all the same.
    """

    strategy: Strategy = "auto"
    features: Features = "token"

    family: ClassVar[str] = "perturbation"

    def __post_init__(self) -> None:
        check_strategy(self.strategy)
        check_features(self.features)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters as plain values, a model that replacements are sampled from by its name."""
        sampled = self.strategy.name if isinstance(self.strategy, Sample) else None
        return super().params | ({} if sampled is None else {"strategy": sampled})

    @property
    def bounded(self) -> bool:
        """Features of several tokens are fewer than the tokens."""
        return self.features != "token"

    @abstractmethod
    def _play(self, game: Game) -> Play:
        """Ask for values of masks of the game's features until there is an estimate."""

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        evaluator = Evaluator(
            subject, inputs, targets, run, self.strategy, [feature_groups(item, self.features) for item in inputs]
        )
        games = [game for i in range(len(inputs)) for game in _games(evaluator, i)]
        estimates = play(evaluator, games, [self._play(game) for game in games], self.key)
        found = []
        for i in range(len(inputs)):
            mine = [(game, estimate) for game, estimate in zip(games, estimates, strict=True) if game.item == i]
            found.append(self._explanation(evaluator, i, mine))
        return found

    def _explanation(self, evaluator: Evaluator, item: int, played: Sequence[tuple[Game, Estimate]]) -> Explanation:
        values, groups = evaluator.values[item], evaluator.features[item]
        scores, errors = np.zeros((len(values), len(groups))), np.zeros((len(values), len(groups)))
        baseline = np.zeros(len(values))
        resolved: dict[str, Any] = {"strategy": _name(evaluator.strategy)}
        by_row = {name: np.zeros(len(values)) for name in played[0][1].by_row}
        for game, estimate in played:
            scores[game.rows, : game.features] = estimate.scores
            if estimate.standard_errors is not None:
                errors[game.rows, : game.features] = estimate.standard_errors
            if estimate.baseline is not None:
                baseline[game.rows] = estimate.baseline
            resolved |= estimate.resolved
            for name, numbers in estimate.by_row.items():
                by_row[name][game.rows] = numbers
        last = played[-1][1]
        return Explanation(
            readouts=evaluator.readouts[item],
            scores=scores,
            values=values,
            baseline_values=None if last.baseline is None else baseline,
            cost=Cost(evaluator.forwards[item], 0),
            groups=None if self.features == "token" else groups,
            standard_errors=None if last.standard_errors is None else errors,
            resolved=resolved,
            notes={name: numbers.tolist() for name, numbers in by_row.items()},
        )


def play(evaluator: Evaluator, games: Sequence[Game], plays: Sequence[Play], label: str) -> list[Estimate]:
    """Play games to their ends, in rounds: the masks that all of them ask for are evaluated together."""
    estimates: dict[int, Estimate] = {}
    asked: dict[int, Masks] = {}

    def ask(number: int, values: Values | None) -> None:
        try:
            asked[number] = next(plays[number]) if values is None else plays[number].send(values)
        except StopIteration as end:
            estimates[number] = end.value

    for number in range(len(plays)):
        ask(number, None)
    while asked:
        waiting, asked = asked, {}
        try:
            answers = _evaluated(evaluator, games, waiting, label)
        except KeyboardInterrupt as broken_off:
            _break_off(plays, waiting, estimates, broken_off)
            break
        for number, values in answers.items():
            ask(number, values)
    return [estimates[number] for number in range(len(plays))]


def _evaluated(evaluator: Evaluator, games: Sequence[Game], asked: dict[int, Masks], label: str) -> dict[int, Values]:
    """The values of each game's rows under the masks it asked for; features beyond its own are kept."""
    whole = [np.ones((0, len(groups)), dtype=bool) for groups in evaluator.features]
    masks: list[list[Masks]] = [[rows] for rows in whole]
    for number, rows in asked.items():
        beyond = len(evaluator.features[games[number].item]) - games[number].features
        masks[games[number].item].append(np.pad(rows, ((0, 0), (0, beyond)), constant_values=True))
    values = evaluator.evaluate([np.concatenate(parts) for parts in masks], label)
    answers, taken = {}, [0] * len(evaluator.inputs)
    for number, rows in asked.items():
        game, start = games[number], taken[games[number].item]
        taken[game.item] += len(rows)
        answers[number] = values[game.item][start : start + len(rows)][:, list(game.rows)]
    return answers


def _break_off(
    plays: Sequence[Play], waiting: dict[int, Masks], estimates: dict[int, Estimate], broken_off: KeyboardInterrupt
) -> None:
    """Have every game that is not over end with what it knows; where one cannot, the interruption goes on."""
    for number in waiting:
        try:
            plays[number].throw(broken_off)
        except StopIteration as end:
            estimates[number] = end.value


def _games(evaluator: Evaluator, item: int) -> list[Game]:
    """A game for the rows of an input that can depend on the same features."""
    inputs, groups, values = evaluator.inputs[item], evaluator.features[item], evaluator.values[item]
    by_reach: dict[int, list[int]] = {}
    for row, readout in enumerate(evaluator.readouts[item]):
        visible = inputs.slots[readout.slot].visible
        reach = len(groups) if visible is None else sum(group[0] < visible for group in groups)
        by_reach.setdefault(reach, []).append(row)
    return [
        Game(item, rows, groups[:reach], values[rows], inputs, evaluator.run.seed)
        for reach, rows in sorted(by_reach.items())
    ]


def _name(strategy: Strategy) -> str:
    return strategy.name if isinstance(strategy, Sample) else strategy
