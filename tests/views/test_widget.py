"""A record as a notebook's widget, as far as Python goes."""

import sys

import pytest

from views.examples import EXAMPLES
from whence.errors import InputError, MissingExtraError, UnknownNameError
from whence.records import Report
from whence.views import widget
from whence.views.colors import PUOR, RDBU
from whence.views.live import live
from whence.views.page_script import script, static_style, style


@pytest.fixture
def record():
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    return EXAMPLES["attribution"]()


def test_it_holds_the_data_of_each_view_and_nothing_is_selected(record) -> None:
    shown = Report((record, record)).widget()
    assert shown.views == [live(record, RDBU)] * 2
    assert shown.selected is None
    assert record.widget(palette="PuOr").views == [live(record, PUOR)]


def test_what_is_selected_can_be_heard_of(record) -> None:
    heard: list[object] = []
    shown = record.widget()
    shown.observe(lambda change: heard.append(change["new"]), "selected")
    shown.selected = {"view": 0, "row": 0, "token": 4}
    assert heard == [{"view": 0, "row": 0, "token": 4}]


def test_it_has_the_script_and_styles_of_a_page(record) -> None:
    shown = record.widget()
    assert shown._esm == script()
    assert static_style() in shown._css
    assert style() in shown._css


def test_its_class_is_made_once(record) -> None:
    assert isinstance(record.widget(), widget._widget())
    assert widget._widget() is widget._widget()


def test_without_a_view_there_is_no_widget(record) -> None:
    with pytest.raises(InputError, match="got: no records"):
        Report(()).widget()


def test_a_palette_there_is_not_is_an_error(record) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown palette 'viridis'\. Palettes are: RdBu, PuOr"):
        record.widget(palette="viridis")


def test_without_anywidget_the_error_names_the_extra(monkeypatch) -> None:
    widget._widget.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(MissingExtraError, match=r"pip install anywidget"):
        EXAMPLES["attribution"]().widget()
