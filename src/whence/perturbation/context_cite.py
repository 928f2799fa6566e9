"""ContextCite."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from whence.errors import MissingExtraError
from whence.methods.base import Explanation
from whence.methods.checks import check_number
from whence.methods.run import Run
from whence.perturbation.chances import LogOdds, every
from whence.perturbation.engine import Game, Masks, Values
from whence.perturbation.features import Features, feature_groups
from whence.perturbation.sampling import Plan, SamplingMethod, Scores, jackknife
from whence.subjects.inputs import Inputs
from whence.subjects.subject import Subject
from whence.targets import Target

_EXACT = 1e-12
"""The duality gap, relative to the variance, at which a fit is done."""
_MOST_SWEEPS = 1_000_000
_TARGETS = 2
"""Rows for each target: the target, and what is fitted for it."""


@dataclass(frozen=True)
class ContextCite(SamplingMethod):
    """The weights of a sparse linear model of the prediction's log-odds, given which parts of the context are kept.

    Formula: w, c = argmin 1/(2M) Σ_m (g(z_m) − c − Σ_i w_i z_mi)² + α Σ_i s_i |w_i|, over M masks z that keep each part
    with probability 1/2, s_i the standard deviation of column i (the LASSO of standardised columns). g is log p/(1 − p)
    where the target is a model's probability or its logarithm, and the target itself where it is not.
    Source: Cohen-Wang et al. 2024, "ContextCite: Attributing Model Generation to Context", sections 3 and 4.1; the
    scales of columns as in the authors' code. There one model explains the log-odds of a whole response; here each
    token of a continuation has its own, and α is for one token, as theirs is after their division by the length.
    Shapes and units: one weight a feature and target: in log-odds for `LogProb` and `Prob`, which
    provenance["scores_unit"] says, else in the target's unit. Many are exactly 0. Standard errors: a jackknife over
    the masks.
    Cost: at most 1 + `samples` forward passes for each reach of the rows.
    Errors: `MissingExtraError` without scikit-learn; `InputError` for fewer `samples` than 10 or a negative `alpha`.
    Does not claim: that a weight of 0 means no effect, which may be smaller than the penalty or go to a feature that
    says the same; weights are drawn towards 0 by up to α/s_i, and standard errors do not know of that.

    `alpha` is the penalty; what masks together are `features`, by default sentences: for a context in front of a
    question give its parts as character spans, what is in none of them is always kept. The authors leave parts out
    (`strategy="delete"`). The paper's target is `target=whence.LogProb()`. `samples`, `tolerance` as in every sampling
    method.

    >>> ContextCite().cost(tokens=10, rows=1)
    Cost(forwards=65, backwards=0)
    """

    features: Features = "sentence"
    samples: int = 64
    alpha: float = 0.01

    key: ClassVar[str] = "context_cite"
    caveat: ClassVar[str] = (
        "These are weights of a sparse linear model fitted to random maskings: small effects are set to 0, what "
        "features do only together is not in it, and masked texts may be unlike anything the model was trained on."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("alpha", self.alpha, above=0, or_equal=True)

    def _groups(self, inputs: Inputs) -> list[list[int]]:
        """By default sentences, and of an image its units."""
        whole = inputs.grid is not None and self.features == "sentence"
        return feature_groups(inputs, "token" if whole else self.features)

    def _explain(
        self, subject: Subject, inputs: Sequence[Inputs], targets: Sequence[Target], run: Run
    ) -> list[Explanation]:
        _refuse_without_solver()
        both = [row for target in targets for row in (target, LogOdds(target))]
        return [_in_own_units(found) for found in super()._explain(subject, inputs, both, run)]

    def _plan(self, game: Game) -> Plan:
        return _Surrogate(game, self.alpha)


class _Surrogate(Plan):
    """Masks that keep each feature with probability 1/2, and the sparse linear model of their values."""

    least = 10

    def __init__(self, game: Game, alpha: float) -> None:
        super().__init__(game)
        self._alpha = alpha
        self._masks = np.empty((0, game.features), dtype=bool)
        self._values = np.empty((0, len(game.rows) // _TARGETS))

    def draw(self, generator: np.random.Generator, count: int) -> Masks:
        drawn = generator.random((count, self.game.features)) < 0.5
        self._masks = np.concatenate([self._masks, drawn])
        return drawn

    def receive(self, values: Values) -> None:
        self._values = np.concatenate([self._values, values[:, 1::_TARGETS]])

    def estimate(self) -> tuple[Scores, Scores]:
        def fit(kept: Int[np.ndarray, " kept"]) -> Scores:
            return np.repeat(sparse_weights(self._masks[kept], self._values[kept], self._alpha), _TARGETS, axis=0)

        draws = len(self._values)
        self._masks = self._masks[:draws]
        return fit(np.arange(draws)), jackknife(fit, draws)


def sparse_weights(masks: Masks, values: Values, alpha: float) -> Float[np.ndarray, "row feature"]:
    """The weights of the LASSO of values on standardised masks, per feature kept or not; 0 for a constant column."""
    from sklearn.linear_model import Lasso, LinearRegression

    kept = masks.astype(np.float64)
    scale = kept.std(axis=0)
    scale[scale == 0] = 1.0
    sparse = Lasso(alpha=alpha, tol=_EXACT, max_iter=_MOST_SWEEPS, random_state=0)
    solver = sparse if alpha else LinearRegression()
    weights: Scores = solver.fit((kept - kept.mean(axis=0)) / scale, values).coef_.reshape(values.shape[1], -1) / scale
    return weights


def _in_own_units(found: Explanation) -> Explanation:
    """The explanation of the targets asked for, with the unit that the numbers fitted for them have."""
    fitted = [readout.unit for readout in found.readouts[1::_TARGETS]]
    asked = [readout.unit for readout in found.readouts[::_TARGETS]]
    return replace(every(_TARGETS, found), scores_units=None if fitted == asked else fitted)


def _refuse_without_solver() -> None:
    try:
        import sklearn.linear_model  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "stats", "context_cite") from error
