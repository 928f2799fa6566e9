"""Scores and verdicts for the views to show."""

from typing import Any

import numpy as np

from whence.records import (
    Attribution,
    Curve,
    Finding,
    Maximizer,
    Maximizers,
    Profile,
    Profiles,
    Reference,
    Score,
    Scores,
    TargetValue,
    Token,
    TokenScore,
    Unit,
    UnitScore,
    Verdict,
    VocabularyProjection,
)

REMOVAL = "Masked inputs are off the data manifold."
CURVES = (
    Curve("least relevant first", (0.0, 0.5, 1.0), (-0.5, -1.0, -6.0)),
    Curve("most relevant first", (0.0, 0.5, 1.0), (-0.5, -8.25, -6.0)),
)
CHANCE = Reference("units in random order", 2.0, 1.5, 2.5, 10, "95 % confidence for the mean")


def score(metric: str = "morf_lerf", value: float | None = 3.625, **changes: Any) -> Score:
    fields = {
        "unit": "log-probability",
        "direction": "higher",
        "strategy": "pad",
        "random": CHANCE,
        "beaten": 0.8,
        "curves": (CURVES,),
        "forwards": 4,
        "caveat": REMOVAL,
    }
    return Score(metric, value, changes.pop("values", (value,)), **(fields | changes))


def unmeasured(metric: str = "decision_flip", reason: str | None = "the output is not predicted") -> Score:
    return score(metric, None, direction="lower", random=None, beaten=None, curves=(), reason=reason)


def scores(*entries: Score, targets: tuple[str, ...] = (" Paris",), **provenance: Any) -> Scores:
    made = {"model": "smollm2", "forwards": 96, "seconds": 6.5, "explanations": 1} | provenance
    return Scores("attnlrp", {"gamma": 0.0}, targets, entries or (score(),), made)


def finding(check: str = "parameter_randomization", status: str = "passed", **changes: Any) -> Finding:
    fields = {
        "sentence": "The ranks change.",
        "statistic": "rank correlation",
        "value": None if status == "not applicable" else 0.04,
        "reference": None if status == "not applicable" else Reference("another seed", 0.9, 0.85, 0.93, 10),
    }
    return Finding(check, status, **(fields | changes))


def verdict(*findings: Finding, **changes: Any) -> Verdict:
    fields = {
        "method": "attnlrp",
        "params": {"gamma": 0.0},
        "findings": findings or (finding(), finding("completeness", "failed"), finding("roar", "not applicable")),
        "untested": (("label_randomization", "it trains models"),),
        "inputs": 3,
        "provenance": {"model": "smollm2", "seconds": 0.5},
    }
    return Verdict(**(fields | changes))


def profiles(text: str = " city") -> Profiles:
    """A neuron with tokens and texts, and a head that has no tokens and is against the prediction."""
    tokens = (Token("The", 1, 0, 3), Token(text, 2, 3, 3 + len(text)), Token(" of", 3, 3 + len(text), 6 + len(text)))
    neuron, head = Unit("neuron", 3, 17), Unit("head", 1, 2)
    projection = VocabularyProjection(
        neuron,
        (TokenScore(" Paris", 7, 1.25), TokenScore(text, 2, 0.5)),
        (TokenScore(" the", 4, -0.75), TokenScore(",", 5, -0.25)),
        {"model": "smollm2"},
    )
    explained = Attribution.build(
        tokens,
        [TargetValue(neuron.name, 2, 4.5, 0.0, "activation")],
        np.array([[-0.5, 4.0, 0.0]]),
        complete=True,
        method="attnlrp",
        params={},
        provenance={"model": "smollm2", "text": "".join(token.text for token in tokens)},
    )
    driving = Maximizers(neuron, "activation", 12, (Maximizer(4, 4.5, 1, explained),), {"model": "smollm2"})
    return Profiles(
        "neuron",
        TargetValue(" Paris", 3, 12.84, 0.0, "logit"),
        (
            Profile(UnitScore(neuron, 3.02, 1, tokens[1], 2.5), projection, None, driving),
            Profile(UnitScore(head, -0.4, 2, tokens[2], -0.5), None, f"{text} writes no one direction.", None),
        ),
        46080,
        "attnlrp",
        {"gamma": 0.0},
        {"model": "smollm2", "seconds": 2.5, "forwards": 13, "backwards": 1, "target": "predicted", "caveat": text},
    )
