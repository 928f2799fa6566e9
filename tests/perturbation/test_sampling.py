"""Budgets, tolerances, standard errors and interruption; and what each estimator does with games it knows."""

import sys

import numpy as np
import pytest

import tiny
import whence
from reference import games, shapley
from reference import sobol as sobol_twin
from reference.estimators import game_of, played
from whence import InputError, MissingExtraError, WhenceWarning
from whence.methods import ContextCite, PermutationShapley, ReAGent, Sobol

WORDS = "a b c d e f g h i j"
EFFECTS = {word: float(i) for i, word in enumerate(WORDS.split())} | {"odd": 0.0}
SAMPLING = {
    "permutation_shapley": PermutationShapley(samples=8 * 2 * 18),
    "sobol": Sobol(samples=8 * 4 * 11),
    "context_cite": ContextCite(samples=8 * 10, features="token"),
}
ESTIMATORS = SAMPLING | {"reagent": ReAGent(runs=3, steps=30)}


@pytest.fixture
def fake():
    return whence.FakeSubject(EFFECTS)


def breaks_off(monkeypatch, subject, call):
    """Have the user break off in this call of the model."""
    calls, logits = [], subject.logits

    def counted(batch):
        calls.append(batch)
        if len(calls) == call:
            raise KeyboardInterrupt
        return logits(batch)

    monkeypatch.setattr(subject, "logits", counted)


@pytest.mark.parametrize("key", ESTIMATORS)
def test_breaking_off_returns_what_is_known(key, fake, monkeypatch):
    breaks_off(monkeypatch, fake, 60)
    with pytest.warns(WhenceWarning, match=r"Broken off: .* from \d+ of \d+ (samples|steps)"):
        record = whence.explain(fake, WORDS, method=ESTIMATORS[key], batch_size=1)
    assert record.provenance["resolved"]["broken_off"] is True
    assert record.provenance["forwards"] == 59
    assert record.scores.any()
    assert np.isfinite(record.standard_error).all()


@pytest.mark.parametrize("key", [*ESTIMATORS, "exact_shapley", "leave_one_out", "occlusion"])
@pytest.mark.parametrize("call", [1, 2, 4])
def test_breaking_off_passes_on_where_nothing_is_known(key, call, fake, monkeypatch):
    breaks_off(monkeypatch, fake, call)
    with pytest.raises(KeyboardInterrupt):
        whence.explain(fake, WORDS, method=ESTIMATORS.get(key, key), batch_size=1)


def game(features, seed=0, rows=1):
    """A random game of some rows, and its values by mask."""
    tables = [games.random_game(features, seed + row) for row in range(rows)]
    whole = [v(np.ones(features, bool)) for v in tables]
    return game_of(whole, features, seed), lambda mask, draw: [v(mask) for v in tables]


@pytest.mark.parametrize("samples", [44, 50, 97, 300])
@pytest.mark.parametrize("make", [PermutationShapley, Sobol, ContextCite])
def test_no_more_is_asked_for_than_the_budget(make, samples):
    estimate, asked = played(make(samples=samples), *game(6, rows=2))
    assert estimate.resolved["samples"] == len(asked) <= samples
    assert samples - len(asked) < 2 * 6


@pytest.mark.parametrize(("make", "least"), [(PermutationShapley, 1 + 2 * 10), (Sobol, 4 * 7), (ContextCite, 10)])
def test_too_small_a_budget_is_refused_with_the_least_that_does(make, least):
    with pytest.raises(InputError, match=rf"too few for 6 features: .* needs at least {least}\b"):
        played(make(samples=least - 1), *game(6, rows=2))
    assert len(played(make(samples=least), *game(6, rows=2))[1]) == least


@pytest.mark.parametrize("key", ESTIMATORS)
def test_forwards_are_at_most_what_the_cost_says(key, fake):
    record = whence.explain(fake, WORDS, method=ESTIMATORS[key])
    assert record.provenance["forwards"] <= ESTIMATORS[key].cost(10, 1).forwards


def test_a_tolerance_ends_early():
    """In an additive game every order says the same, so that the first round is enough."""
    value = games.additive([1.0, -2.0, 0.5, 3.0])
    made = game_of([value(np.ones(4, bool))], 4)
    budget = PermutationShapley(samples=200)
    sure, asked = played(PermutationShapley(samples=200, tolerance=0.01), made, lambda mask, draw: [value(mask)])
    assert len(asked) < len(played(budget, made, lambda mask, draw: [value(mask)])[1]) / 4
    np.testing.assert_allclose(sure.scores, [[1.0, -2.0, 0.5, 3.0]], atol=1e-12)


def test_an_early_end_is_within_its_tolerance():
    made, value = game(5)
    found, asked = played(PermutationShapley(samples=100_000, tolerance=0.05), made, value)
    assert len(asked) < 100_000
    assert found.standard_errors.max() <= 0.05 * np.abs(found.scores).max()


@pytest.mark.parametrize("tolerance", [0, 1.5, "often"])
def test_what_is_no_tolerance_is_refused(tolerance):
    with pytest.raises(InputError, match="tolerance must be a number above 0 and at most 1"):
        PermutationShapley(tolerance=tolerance)


@pytest.mark.parametrize("key", ["permutation_shapley", "sobol"])
def test_errors_are_as_large_as_standard_errors_say(key):
    """Over 200 seeds: error over standard error has mean 0 and a spread of 1; Sobol' points do better than they say."""
    table = games.random_game(5, 3)
    truth = shapley.exact_by_subsets(table, 5) if key == "permutation_shapley" else sobol_twin.exact(table, 5)[1]
    method = PermutationShapley(samples=1 + 16 * 8) if key == "permutation_shapley" else Sobol(samples=32 * 6)
    ratios = []
    for seed in range(200):
        made = game_of([table(np.ones(5, bool))], 5, seed)
        found, _ = played(method, made, lambda mask, draw: [table(mask)])
        ratios.append((found.scores[0] - truth) / found.standard_errors[0])
    assert abs(np.mean(ratios)) < 0.25
    assert 0.7 < np.std(ratios) < 1.4 or (key == "sobol" and 0.3 < np.std(ratios) < 1.4)


# ---------------------------------------------------------------------- sobol


@pytest.mark.parametrize("whole", [0.0, 3.5, -1e6])
def test_sobol_of_what_does_not_vary_is_zero(whole):
    """Also where it varies by rounding alone."""
    noise = np.random.default_rng(0)
    found, _ = played(
        Sobol(samples=40), game_of([whole], 4), lambda mask, draw: [whole * (1 + 1e-16 * noise.integers(-2, 3))]
    )
    assert found.scores.tolist() == found.standard_errors.tolist() == [[0.0] * 4]


def test_sobol_shares_of_an_additive_game_are_those_of_its_variance(fake):
    record = whence.explain(fake, "d e odd", method=Sobol(samples=4 * 256))
    assert record.unit == "share of variance"
    assert record.scores[0] == pytest.approx([9 / 25, 16 / 25, 0.0], abs=0.03)
    assert (record.scores >= 0).all()


def test_sobol_of_more_features_than_it_can_tell_apart_is_refused():
    with pytest.raises(InputError, match=r"at most 10,600 features apart, got 10,601"):
        Sobol()._plan(game_of([0.0], 10_601))


# ---------------------------------------------------------------------- context_cite


def test_context_cite_explains_probabilities_in_log_odds():
    """Of two labels the log-odds are the difference of their logits, which is additive here."""
    fake = whence.FakeSubject({"a": [1.0, 3.0], "b": [0.0, -1.0], "c": [5.0, 0.0]}, labels=("no", "yes"))
    method = ContextCite(features="token", alpha=0.0)
    for target in (whence.Prob("yes"), whence.LogProb("yes")):
        record = whence.explain(fake, "a b c", target=target, method=method)
        assert record.scores[0] == pytest.approx([2.0, -1.0, -5.0], abs=1e-6)
        assert record.unit == "log-odds"
        assert record.targets == whence.explain(fake, "a b c", target=target, method="leave_one_out").targets
    both = whence.explain(fake, "a b c", target=[whence.Logit("yes"), whence.LogProb("yes")], method=method)
    assert both.scores == pytest.approx(np.array([[3.0, -1.0, 0.0], [2.0, -1.0, -5.0]]), abs=1e-6)
    assert [both.unit_of(row) for row in (0, 1)] == ["logit", "log-odds"]
    assert whence.explain(fake, "a b c", method=method).provenance["scores_unit"] is None


def test_context_cite_of_certainty_is_finite():
    fake = whence.FakeSubject({"a": [0.0, 800.0], "b": [0.0, 1.0]}, labels=("no", "yes"))
    record = whence.explain(fake, "a b", target=whence.LogProb("yes"), method=ContextCite(features="token", alpha=0.0))
    assert record.targets[0].value == 0.0
    assert record.scores[0] == pytest.approx([800.0, 1.0], abs=1e-3)


def test_context_cite_has_a_unit_for_each_sentence():
    subject = whence.load(tiny.llama_lm())
    method = ContextCite(samples=16)
    record = whence.explain(subject, "Paris is in France. Rome is in Italy. London", method=method)
    assert [token.text for token in record.tokens] == ["Paris is in France.", "Rome is in Italy.", "London"]
    assert record.scores.shape == record.standard_error.shape == (1, 3)


def test_a_large_penalty_leaves_no_weight(fake):
    assert not whence.explain(fake, WORDS, method=ContextCite(features="token", alpha=100.0)).scores.any()


@pytest.mark.parametrize("alpha", [-1.0, float("nan"), float("inf"), True, "a"])
def test_what_is_no_penalty_is_refused(alpha):
    with pytest.raises(InputError, match="alpha must be a number of at least 0"):
        ContextCite(alpha=alpha)


def test_without_scikit_learn_the_extra_is_named(fake, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtraError, match=r"context_cite needs the package 'scikit-learn'.*extra 'stats'"):
        whence.explain(fake, "a b", method="context_cite")


# ---------------------------------------------------------------------- reagent


@pytest.mark.parametrize("target", [None, whence.Prob(), whence.Contrast(0, 1), lambda logits: logits[0] ** 2])
def test_reagent_gives_shares_of_importance(target):
    subject = whence.load(tiny.bert_classifier())
    record = whence.explain(subject, "Paris is good", target=target, method=ReAGent(runs=2, steps=3))
    assert record.unit == "share of importance"
    assert record.scores.sum() == pytest.approx(1.0)
    assert (record.scores >= 0).all()
    assert record.provenance["resolved"]["strategy"] == "mask"


def test_reagent_of_a_regression(fake):
    record = whence.explain(fake, "j odd odd odd", method=ReAGent())
    assert record.scores[0].argmax() == 0
    assert record.provenance["resolved"]["stopped"] == 0
    assert whence.explain(fake, "j", method=ReAGent()).scores.tolist() == [[1.0]]


def test_reagent_finds_the_word_that_decides():
    fake = whence.FakeSubject({"good": [-2.0, 2.0], "a": [0.1, 0.0]}, labels=("no", "yes"))
    record = whence.explain(fake, "a a good a a a a", method=ReAGent(steps=200, keep=1))
    assert record.scores[0].argmax() == 2
    assert record.provenance["resolved"]["stopped"] == 5
    assert record.provenance["forwards"] < ReAGent(steps=200).cost(7, 1).forwards / 4


def test_reagent_replaces_by_what_a_language_model_proposes_itself():
    subject = whence.load(tiny.gpt2_lm())
    quick = {"runs": 2, "steps": 2}
    drawn = whence.explain(subject, "Paris is in", method=ReAGent(**quick))
    assert drawn.provenance["resolved"]["strategy"].startswith("sample from")
    assert drawn.provenance["proposals"] >= 2
    fixed = whence.explain(subject, "Paris is in", method=ReAGent(**quick, strategy="eos"))
    assert fixed.provenance["resolved"]["strategy"] == "eos"
    assert not np.array_equal(fixed.scores, drawn.scores)


def test_a_change_from_certain_to_impossible_is_finite():
    found, _ = played(
        ReAGent(steps=2),
        game_of([0.0, 1.0, 0.0], 3, units=("logit", "probability", "among the top")),
        lambda mask, draw: [0.0, 0.0, 0.0],
    )
    assert np.isfinite(found.scores).all()


@pytest.mark.parametrize("wrong", [{"runs": 1}, {"steps": 0}, {"keep": 0}, {"top": True}, {"ratio": 1.5}, {"ratio": 0}])
def test_what_reagent_cannot_do_is_refused(wrong):
    with pytest.raises(InputError, match=f"{next(iter(wrong))} must be"):
        ReAGent(**wrong)
