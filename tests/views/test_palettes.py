"""The colours that are asked for are those of every format, and of no other."""

import re

import pytest

from views.examples import EXAMPLES
from views.page import Page
from whence.errors import UnknownNameError
from whence.records import Report
from whence.views import html
from whence.views.colors import PALETTES, RGB

PICTURES = ["attribution", "attribution_of_rows", "attribution_of_an_image", "comparison"]
MAPS = [*PICTURES, "maximizers"]
COLORED = {"force_terminal": True, "color_system": "truecolor", "no_color": False}


def hues(colors: list[RGB]) -> set[RGB]:
    """Those that are no grey: a scale's centre is that of every palette."""
    return {color for color in colors if max(color) - min(color) > 20}


def of_terminal(text: str) -> set[RGB]:
    codes = re.findall(r"[34]8;2;(\d+);(\d+);(\d+)", text)
    return hues([(int(red), int(green), int(blue)) for red, green, blue in codes])


def of_page(page: Page) -> set[RGB]:
    styled = " ".join(str(attrs.get("style", "")) + str(attrs.get("fill", "")) for _, attrs in page.elements)
    return hues([tuple(bytes.fromhex(code)) for code in re.findall(r"#([0-9a-f]{6})", styled)])


@pytest.mark.parametrize("name", MAPS)
def test_a_terminal_has_the_colours_asked_for(printed, name) -> None:
    found = {palette: of_terminal(printed(EXAMPLES[name](), palette=palette, **COLORED)) for palette in PALETTES}
    assert all(found.values())
    assert not found["RdBu"] & found["PuOr"]


@pytest.mark.parametrize("fragment", [False, True])
@pytest.mark.parametrize("name", MAPS)
def test_a_page_has_the_colours_asked_for(name, fragment) -> None:
    pages = {one: Page(html.render([EXAMPLES[name]()], palette=one, fragment=fragment)) for one in PALETTES}
    found = {palette: of_page(page) for palette, page in pages.items()}
    assert all(found.values())
    assert not found["RdBu"] & found["PuOr"]
    for palette, page in pages.items():
        assert page.with_class(f"whence-{palette}")
        assert all(data["palette"]["name"] == palette for data in page.data)
        assert f"{PALETTES[palette].below}, underlined" in page.text
        assert f"{PALETTES[palette].above.capitalize()} tokens" in page.text


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_has_the_colours_asked_for(name) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    for palette, colors in PALETTES.items():
        maps = [
            image.get_cmap().name
            for axes in EXAMPLES[name]().plot(palette=palette).axes
            for image in axes.images
            if image.get_array().ndim == 2
        ]
        assert maps
        assert set(maps) == {colors.colormap}


@pytest.mark.parametrize("name", EXAMPLES)
def test_colours_change_no_word(name, printed) -> None:
    record = EXAMPLES[name]()
    assert printed(record, palette="PuOr") == printed(record)
    words = [Page(html.render([record], palette=palette)).text for palette in PALETTES]
    colors = re.compile("|".join(word for one in PALETTES.values() for word in (one.below, one.above)), re.IGNORECASE)
    assert colors.sub("", words[0]) == colors.sub("", words[1])


@pytest.mark.parametrize("show", ["show", "to_html", "plot", "widget"])
def test_a_palette_there_is_not_is_an_error_that_names_those_there_are(show) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown palette 'puor'\. Palettes are: RdBu, PuOr"):
        getattr(EXAMPLES["attribution"](), show)(palette="puor")


def test_the_environment_names_the_palette_of_every_view(monkeypatch, printed, tmp_path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    record = EXAMPLES["attribution"]()
    orange = {"html": record.to_html(palette="PuOr"), "shown": printed(record, palette="PuOr", **COLORED)}
    cell, red = record._repr_html_(), record.to_html(palette="RdBu")
    monkeypatch.setenv("WHENCE_PALETTE", "PuOr")
    assert record.to_html() == orange["html"]
    assert Page(Report((record,)).save(tmp_path / "a.html").read_text(encoding="utf-8")).with_class("whence-PuOr")
    assert printed(record, palette=None, **COLORED) == orange["shown"]
    assert record.plot().axes[0].images[0].get_cmap().name == "PuOr_r"
    assert not Page(cell).with_class("whence-PuOr")
    assert Page(record._repr_html_()).with_class("whence-PuOr")
    assert record.to_html(palette="RdBu") == red


def test_a_palette_of_the_environment_that_there_is_not_is_an_error(monkeypatch) -> None:
    monkeypatch.setenv("WHENCE_PALETTE", "rdgn")
    with pytest.raises(
        UnknownNameError, match=r"palette 'rdgn' in the environment's WHENCE_PALETTE\. Palettes are: RdBu"
    ):
        EXAMPLES["attribution"]()._repr_html_()
    monkeypatch.setenv("WHENCE_PALETTE", "")
    assert Page(EXAMPLES["attribution"]()._repr_html_()).with_class("whence-RdBu")


def test_nothing_is_written_in_a_palette_there_is_not(tmp_path) -> None:
    with pytest.raises(UnknownNameError, match="Unknown palette"):
        Report((EXAMPLES["attribution"](),)).save(tmp_path / "page.html", palette="viridis")
    assert not list(tmp_path.iterdir())
