"""What a record gives a notebook to choose from."""

import pytest

from views.examples import EXAMPLES
from views.page import Page
from whence.views import html, notebook


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_notebook_is_offered_text_and_html(kind) -> None:
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not installed")
    record = EXAMPLES[kind]()
    offered, _ = formatters.DisplayFormatter().format(record)
    assert set(offered) == {"text/plain", "text/html"}
    assert offered["text/plain"] == notebook.text([record])
    assert offered["text/html"] == record._repr_html_() == notebook.render([record])


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_text_is_what_a_terminal_of_80_columns_shows_without_colours(kind, printed) -> None:
    text = notebook.text([EXAMPLES[kind]()])
    assert text == printed(EXAMPLES[kind]()).rstrip("\n")
    assert "\x1b" not in text


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_cell_is_static_html_and_a_frame_that_may_run_scripts_and_nothing_else(kind) -> None:
    record = EXAMPLES[kind]()
    cell = Page(notebook.render([record]))
    assert cell.roots == ["div"]
    assert cell.scripts == []
    assert not [attrs for _, attrs in cell.elements if "id" in attrs]
    (frame,) = cell.of("iframe")
    assert set(frame) == {"title", "sandbox", "srcdoc", "style"}
    assert frame["sandbox"] == "allow-scripts"
    assert frame["srcdoc"] == html.render([record], frame=True)
    assert html.render([record], fragment=True) in notebook.render([record])


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_page_in_a_frame_is_as_closed_as_any_and_starts_with_the_record(kind) -> None:
    record = EXAMPLES[kind]()
    source = html.render([record], frame=True)
    inside, whole = Page(source), Page(html.render([record]))
    assert inside.policies == whole.policies
    assert inside.modules == whole.modules
    assert inside.data == whole.data
    assert source.index('<section class="whence-part"') < source.index('<aside class="whence-guide"')


def test_the_frame_grows_with_the_records_up_to_a_screen() -> None:
    def height(count: int) -> int:
        style = Page(notebook.render([EXAMPLES["attribution"]()] * count)).of("iframe")[0]["style"]
        return int(style.split("height:")[1].split("px")[0])

    assert height(1) < height(2) < height(3) == height(9)
