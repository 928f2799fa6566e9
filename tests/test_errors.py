"""One tree of errors."""

import inspect

import pytest

import whence
from whence import errors


def test_every_error_is_a_whence_error_and_named_in_the_tree():
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)]
    for cls in classes:
        assert cls.__name__ in errors.__doc__
        assert getattr(whence, cls.__name__) is cls
        assert issubclass(cls, whence.WhenceError) or cls is whence.WhenceWarning
    assert len(classes) == 10


@pytest.mark.parametrize("standard", [ValueError, TypeError, KeyError, RuntimeError, OSError, Warning])
def test_an_error_is_none_of_pythons_own(standard):
    assert not issubclass(whence.WhenceError, standard)


def test_a_warning_can_be_silenced_by_its_category():
    assert issubclass(whence.WhenceWarning, UserWarning)


def test_a_missing_extra_names_the_command():
    error = whence.MissingExtraError("pandas", "pandas", "Attribution.to_pandas")
    assert str(error) == (
        "Attribution.to_pandas needs the package 'pandas', which is not installed. "
        "Install it with: pip install pandas (it is what whence's extra 'pandas' stands for)."
    )


def test_pandas_that_is_missing_is_asked_for_by_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    record = whence.explain(whence.FakeSubject({"good": 1.0}), "good")
    with pytest.raises(whence.MissingExtraError, match=r"pip install pandas"):
        record.to_pandas()
