"""Every metric on a linear model, where its value is a sum on paper."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import auc, average_precision_score, precision_recall_curve

import whence
from metrics.measuring import EXACT, TEXT, explained, linear, logistic, measured
from whence import metrics

REVERSED = [0.0, 0.5, -1.0, 2.0]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


@pytest.mark.parametrize(
    ("metric", "scores", "value"),
    [
        (metrics.Comprehensiveness(k=(1, 2)), EXACT, (2 + 2.5) / 2),
        (metrics.Comprehensiveness(k=(0.5,)), EXACT, 2.5),
        (metrics.Sufficiency(k=(1, 2)), EXACT, (-0.5 - 1) / 2),
        (metrics.Deletion(), EXACT, (1.5 / 2 - 0.5 - 1 - 1 + 0 / 2) / 4),
        (metrics.Deletion(points=2), EXACT, (1.5 / 2 - 1 + 0 / 2) / 2),
        (metrics.Insertion(), EXACT, (0 / 2 + 2 + 2.5 + 2.5 + 1.5 / 2) / 4),
        (metrics.MorfLerf(), EXACT, (1.5 / 2 + 2.5 + 2.5 + 2 + 0 / 2) / 4 - (1.5 / 2 - 0.5 - 1 - 1 + 0 / 2) / 4),
        (metrics.AUAC(), EXACT, (0 / 2 + 2 * 2 + 5 * 2.5 + 2 * 1.5 + 1.5 / 2) / 10),
        (metrics.Infidelity(), EXACT, 0.0),
        (metrics.Infidelity(share=1.0, scaled=False), [1.0, 0.0, 0.0, 0.0], (1 - 1.5) ** 2),
        (metrics.Infidelity(share=1.0), [1.0, 0.0, 0.0, 0.0], 0.0),
        (metrics.Infidelity(share=1.0), [-1.0, 0.0, 0.0, 0.0], 1.5**2),
        (metrics.Infidelity(share=1.0), [0.0] * 4, 1.5**2),
        (metrics.LooCorrelation(), EXACT, 1.0),
        (metrics.LooCorrelation(), [-score for score in EXACT], -1.0),
        (metrics.LooCorrelation(), [2.0, 1.0, 0.5, 0.0], (4 - 2) / 6),
        (metrics.SoftSufficiency(), [1.0, 0.0, 0.0, 0.0], 1.0),
        (metrics.SoftSufficiency(), [0.0, 1.0, 1.0, 1.0], 1 - 2 / 1.5),
        (metrics.SoftComprehensiveness(), [1.0, 0.0, 0.0, 0.0], 2 / 1.5),
        (metrics.SoftComprehensiveness(), [0.0, 0.0, 3.0, 0.0], 0.5 / 1.5),
        (metrics.Gini(), EXACT, 1 - 2 * (0.5 * 2.5 + 1 * 1.5 + 2 * 0.5) / 4 / 3.5),
        (metrics.Gini(), [1.0, -1.0, 1.0, 1.0], 0.0),
        (metrics.Gini(), [0.0, 7.0, 0.0, 0.0], 1 - 1 / 4),
        (metrics.Entropy(), [1.0, -1.0, 1.0, 1.0], math.log(4)),
        (metrics.Entropy(), [0.0, -7.0, 0.0, 0.0], 0.0),
        (metrics.Entropy(), [3.0, -1.0, 0.0, 0.0], -0.75 * math.log(0.75) - 0.25 * math.log(0.25)),
    ],
    ids=lambda value: value.key if isinstance(value, metrics.Metric) else None,
)
def test_of_a_sum(metric, scores, value):
    assert measured(metric, scores).value == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "scores", "value"),
    [
        (metrics.LogOddsChange(k=(1,)), EXACT, math.log(sigmoid(-0.5)) - math.log(sigmoid(1.5))),
        (metrics.Comprehensiveness(k=(1,)), EXACT, sigmoid(1.5) - sigmoid(-0.5)),
        (metrics.Comprehensiveness(k=(1,), unit="log-odds"), EXACT, 2.0),
        (metrics.Comprehensiveness(k=(1,), unit="logit"), EXACT, 2.0),
        (metrics.DecisionFlip(), EXACT, 1 / 4),
        (metrics.DecisionFlip(), REVERSED, 4 / 4),
        (metrics.SoftSufficiency(), [0, 0, 1, 0], 1 - (sigmoid(1.5) - sigmoid(0.5)) / (sigmoid(1.5) - sigmoid(0))),
    ],
    ids=lambda value: value.key if isinstance(value, metrics.Metric) else None,
)
def test_of_a_probability(metric, scores, value):
    assert measured(metric, scores, logistic()).value == pytest.approx(value, abs=1e-12)


def test_the_curve_is_what_the_value_is_the_area_of():
    score = measured(metrics.Deletion(), random_orders=0)
    ((curve,),) = score.curves
    assert curve.x == (0, 0.25, 0.5, 0.75, 1)
    assert curve.y == pytest.approx((1.5, -0.5, -1, -1, 0), abs=1e-12)
    assert float(np.trapezoid(curve.y, curve.x)) == pytest.approx(score.value)


@pytest.mark.parametrize("metric", [metrics.Deletion(), metrics.MorfLerf(), metrics.Comprehensiveness()])
def test_behind_the_curves_is_the_mean_of_random_orders_with_its_band(metric):
    (*own, chance) = measured(metric, random_orders=6).curves[0]
    assert [curve.low for curve in own] == [()] * len(own)
    assert (chance.name, chance.band) == ("random orders", "lowest to highest of 6")
    assert chance.x == own[0].x
    assert all(low <= y <= high for low, y, high in zip(chance.low, chance.y, chance.high, strict=True))
    assert chance.low < chance.high


def test_the_random_curve_of_deletion_is_what_the_random_value_is_the_area_of():
    score = measured(metrics.Deletion(), random_orders=4)
    _, chance = score.curves[0]
    assert float(np.trapezoid(chance.y, chance.x)) == pytest.approx(score.random.mean)
    assert (chance.low[0], chance.y[0], chance.high[0]) == pytest.approx((1.5, 1.5, 1.5))
    assert (chance.low[-1], chance.y[-1], chance.high[-1]) == pytest.approx((0, 0, 0))
    # of an order and its reverse the first unit of one is the last of the other
    assert chance.y[1] + chance.y[3] == pytest.approx(1.5)


def test_of_many_random_orders_the_band_leaves_out_the_outermost():
    chances = [measured(metrics.Deletion(), random_orders=orders).curves[0][1] for orders in (38, 40)]
    assert [chance.band for chance in chances] == ["lowest to highest of 38", "95 % of 40"]
    assert chances[0].low[1] == pytest.approx(-0.5)


def test_random_curves_cost_no_forwards():
    score = measured(metrics.Deletion(), random_orders=4)
    assert score.forwards == metrics.Deletion().cost(4)


def test_soft_metrics_say_what_they_are_shares_of():
    for name in ("soft_sufficiency", "soft_comprehensiveness"):
        assert measured(name).parts == pytest.approx({"whole": 1.5})


def test_plausibility_and_its_parts():
    score = measured(metrics.Plausibility(), rationale=[True, False, False, True])
    # precision 1, 1, 1/2, 2/3, 1/2 at recall 0, 1/2, 1/2, 1, 1
    assert score.value == pytest.approx(1 / 2 * (1 + 1) / 2 + 1 / 2 * (1 / 2 + 2 / 3) / 2)
    expected = {"average_precision": 1 / 2 * 1 + 1 / 2 * 2 / 3}
    expected |= {"token_f1": 0.5, "iou": 1 / 3, "iou_f1": 0.5, "mass": 0.8, "rank": 0.5, "first": 1.0, "base_rate": 0.5}
    assert score.parts == pytest.approx(expected)


def test_spans_that_overlap_by_half_agree():
    # the top three are good, fine and film: spans {0} and {2, 3}; of the rationale {1, 2, 3}
    score = measured(metrics.Plausibility(k=3), rationale=[(5, 18)])
    assert score.parts["iou_f1"] == pytest.approx(2 * 1 / (2 + 1))
    assert score.parts["token_f1"] == pytest.approx(2 * 2 / (3 + 3))
    less = measured(metrics.Plausibility(k=1), [0.0, 1.0, 0.0, 0.0], rationale=[(5, 18)])
    assert less.parts["iou_f1"] == 0


def test_without_positive_relevance_there_is_no_mass():
    score = measured("plausibility", [-2.0, -1.0, -3.0, -4.0], rationale=[(0, 4)])
    assert "mass" not in score.parts
    assert score.parts["first"] == 0


@pytest.mark.parametrize("seed", range(20))
def test_plausibility_is_what_scikit_learn_computes(seed):
    generator = np.random.default_rng(seed)
    scores = generator.integers(-3, 4, 4) / 2.0
    marked = generator.random(4) < 0.4
    marked[seed % 4] = True
    found = measured("plausibility", scores, rationale=marked)
    precision, recall, _ = precision_recall_curve(marked, scores)
    assert found.value == pytest.approx(auc(recall, precision), abs=1e-12)
    assert found.parts["average_precision"] == pytest.approx(average_precision_score(marked, scores), abs=1e-12)


def test_equal_scores_have_the_base_rate_by_steps_and_more_by_trapezoids():
    score = measured("plausibility", [1.0] * 4, rationale=[True, False, False, False])
    assert score.parts["average_precision"] == score.parts["base_rate"] == 1 / 4
    assert score.value == (1 + 1 / 4) / 2


def test_consistency_of_the_words_two_texts_share():
    subject = linear()
    other = explained(subject, [9.0, 2.0, -1.0, 0.0], "A good, bad “film”!")
    score = measured("consistency", paraphrase=other)
    assert score.value == pytest.approx(1.0)
    assert score.parts["shared"] == pytest.approx(2 * 3 / 8)
    assert score.parts["value_difference"] == pytest.approx(1.5 - -1.0)  # to the model, “good,” is another word
    turned = explained(subject, [9.0, -2.0, 1.0, 0.0], "A good, bad “film”!")
    assert measured("consistency", paraphrase=turned).value == pytest.approx(-1.0)


def test_completeness_is_the_share_left():
    subject = linear()
    record = whence.explain(subject, TEXT, method="integrated_gradients")
    assert whence.evaluate(subject, record, metrics=["completeness"])[0].value == pytest.approx(0, abs=1e-6)
    less = replace(record, residual=np.array([-0.3], np.float32))
    assert whence.evaluate(subject, less, metrics=["completeness"])[0].value == pytest.approx(0.3 / 1.5)


def test_sensitivity_of_scores_that_are_the_embeddings_is_the_nudge():
    subject = linear()
    record = whence.explain(subject, TEXT, method="input_x_gradient")
    score = whence.evaluate(subject, record, metrics=[metrics.MaxSensitivity(samples=200, radius=0.1)])[0]
    assert 0.08 < score.value <= 0.1 * (1 + 1e-6)
    assert 0 < score.parts["mean"] < score.value


def test_sensitivity_of_what_does_not_look_is_zero():
    subject = linear()
    record = whence.explain(subject, TEXT, method="random")
    assert whence.evaluate(subject, record, metrics=["max_sensitivity"])[0].value == 0
