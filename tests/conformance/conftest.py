"""Runs every law over all registered methods and all subjects that they serve."""

from typing import Any

import pytest

from cases import CASES, IMAGES, serves, stated, subject_of, texts_of
from whence.methods.base import Method
from whence.registry import available, resolve
from whence.subjects.subject import Subject

QUICK: dict[str, dict[str, Any]] = {
    "integrated_gradients": {"steps": 8},
    "occlusion": {"window": 2},
    "lime": {"samples": 12},
    "kernel_shap": {"samples": 90},
    "permutation_shapley": {"samples": 170},
    "partition_shap": {"samples": 9},
    "exact_shapley": {"features": "sentence"},
    "sobol": {"samples": 260},
    "context_cite": {"features": "token", "samples": 24},
    "reagent": {"runs": 2, "steps": 3},
    "smoothgrad": {"samples": 2},
    "vargrad": {"samples": 2},
    "squaregrad": {"samples": 2},
    "gradient_shap": {"samples": 3},
    "sequential_ig": {"steps": 1},
    "discretized_ig": {"steps": 2, "neighbours": 8},
    "udig": {"steps": 2, "neighbours": 8},
}
"""Parameters that make a method cheap to run a thousand times; no law depends on them."""
OF_IMAGES = {"exact_shapley": {"features": "token"}}
"""Other parameters for images, which have no sentences."""


def quick(key: str, case: str | None = None) -> Method:
    """The method with cheap parameters."""
    return resolve("methods", key)(**QUICK.get(key, {}) | (OF_IMAGES.get(key, {}) if case in IMAGES else {}))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`method` and `case` arguments run over all registered methods and all (or the named kind of) subjects."""
    methods = [quick(key) for key in available("methods")]
    marker = metafunc.definition.get_closest_marker("cases")
    cases = marker.args[0] if marker else list(CASES)
    if {"method", "case"} <= set(metafunc.fixturenames):
        both = [(quick(method.key, case), case) for method in methods for case in cases]
        pairs = [pair for pair in both if serves(*pair) and stated(*pair)]
        metafunc.parametrize(("method", "case"), pairs, ids=[f"{method.key}-{case}" for method, case in pairs])
    elif "method" in metafunc.fixturenames:
        metafunc.parametrize("method", methods, ids=lambda m: m.key)
    elif "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases)


@pytest.fixture
def subject(case: str) -> Subject:
    return subject_of(case)


@pytest.fixture
def texts(case: str) -> list[Any]:
    """The texts as the subject reads them."""
    return texts_of(case)


@pytest.fixture
def tolerance(request: pytest.FixtureRequest, case: str) -> float:
    """What the case allows; LRP-ε doubles and cancels relevance on the way, and rounding with it."""
    method = request.node.callspec.params.get("method")
    naive = method is not None and method.key == "lrp_epsilon"
    return CASES[case].tolerance * (10 if naive else 1)
