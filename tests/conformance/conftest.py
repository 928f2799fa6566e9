"""Runs every law over all registered methods and all subjects."""

import pytest

from cases import CASES, subject_of
from whence.registry import available, resolve
from whence.subjects.subject import Subject


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`method` and `case` arguments run over all registered methods and all (or the named kind of) subjects."""
    if "method" in metafunc.fixturenames:
        metafunc.parametrize("method", [resolve("methods", key)() for key in available("methods")], ids=lambda m: m.key)
    marker = metafunc.definition.get_closest_marker("cases")
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", marker.args[0] if marker else list(CASES))


@pytest.fixture
def subject(case: str) -> Subject:
    return subject_of(case)


@pytest.fixture
def tolerance(case: str) -> float:
    return CASES[case].tolerance
